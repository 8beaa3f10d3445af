# SPDX-License-Identifier: MIT
"""Bytes between the relays are cut, late, doubled or old: fault_table.py says what must hold."""

import itertools
import os

import pytest
from client import OK, Client
from conftest import make_pair
from fault_proxy import FaultProxy
from fault_table import BYTES, NOTHING_RAN, assert_at_most_once, roll
from relay import Pair, wait_until
from sealed import REPLAY, error_code
from steady_load import SteadyLoad

BODY_LEN = 40000  # three frames of DATA
N_APPLICATIONS, N_WORKERS = 24, 4
ONE_IN = 8  # messages under load meets a fault


@pytest.fixture(scope="module")
def pair(shared_start_relay, shared_counting_api):
    """One outbound worker: so it is known which connections there are."""
    upstream = shared_counting_api.url
    return Pair(shared_start_relay("outbound", UPSTREAM=upstream, WORKERS="1"),
                shared_start_relay("inbound", UPSTREAM=upstream))


class Application:
    """Asks one request at a time, through a proxy of its own, and so under a pair of its own."""

    numbers = itertools.count()

    def __init__(self, pair, api):
        self.api = api
        self.proxy = FaultProxy(api.background, pair.inbound.port)
        self.client = Client(pair.outbound.port, pair.fields() | {"x-mte-upstream": self.proxy.url})

    def ask(self):
        """Verdict, executions."""
        number = next(self.numbers)
        outcome = self.api.background.run(self.client.ask(number, os.urandom(BODY_LEN)))
        return outcome.verdict, self.api.counts[number]


@pytest.fixture
def application(pair, shared_counting_api):
    return Application(pair, shared_counting_api)


def codes_of(twins):
    return {error_code((twin.status, twin.field("content-type"), twin.body)) for twin in twins}


@pytest.mark.parametrize("row", BYTES, ids=str)
def test_a_message_that_meets_a_fault(application, row):
    proxy = application.proxy
    if not row.fault.of.startswith("pairing"):
        assert application.ask() == (OK, 1)
        if row.connection == "fresh":
            proxy.drop_kept()
    proxy.arm(row.fault)
    verdict, executions = application.ask()
    assert not proxy.faults  # it was met
    assert verdict in row.verdicts
    assert executions in row.executions
    assert executions == 0 or verdict not in NOTHING_RAN
    if row.fault.of == "request" and row.fault.what in ("duplicate first", "duplicate after"):
        wait_until(lambda: proxy.twins, what="the answer to the twin")
        assert codes_of(proxy.twins) == {REPLAY if verdict == OK else None}
    wait_until(lambda: application.ask() == (OK, 1), what="a success after the fault")


@pytest.mark.parametrize("n", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_faults_under_load_fail_only_what_they_meet(start_relay, counting_api, n):
    dice = roll()
    busy = make_pair(start_relay, counting_api, WORKERS=str(N_WORKERS), LOG_LEVEL="info")
    proxy = FaultProxy(counting_api.background, busy.inbound.port)
    rows = [row for row in BYTES if not row.fault.of.startswith("pairing")]
    load = SteadyLoad(counting_api.background, busy.outbound.port,
                      busy.fields() | {"x-mte-upstream": proxy.url}, N_APPLICATIONS)
    load.wait_until_healed()
    assert not load.failures
    proxy.every = lambda number: None if number % ONE_IN else dice.choice(rows).fault
    wait_until(lambda: proxy.n_met >= n, 120, "enough faults")
    proxy.every = None
    load.wait_until_healed()
    load.stop()
    print(f"{sum(load.succeeded)} requests succeeded, failed: {dict(load.verdicts())}; "
          f"{proxy.n_met} faults")
    assert_at_most_once(counting_api, load)
    assert len(load.failures) <= proxy.n_met
    assert set(load.verdicts()) <= set().union(*(row.verdicts for row in rows))
