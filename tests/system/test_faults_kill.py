# SPDX-License-Identifier: MIT
"""Processes die or stand still at any moment under load: fault_table.py says what must hold."""

import os
import signal
import time

import pytest
from conftest import make_pair
from fault_table import KILLS, LOST, assert_at_most_once, roll
from relay import wait_until
from steady_load import SteadyLoad

N_APPLICATIONS = 24
N_WORKERS = 4
MEMORY = 10.5  # seconds, before a relay knows what ran before it was started


class Killer:
    """Does what a row of KILLS says, and starts again what an operator's init would start."""

    def __init__(self, pair, choice):
        self.pair, self.choice = pair, choice

    def do(self, row):
        """When it began, and when the last process of it was gone or served again."""
        began = time.monotonic()
        getattr(self, row.what.replace(" ", "_"))(getattr(self.pair, row.side))
        return began, time.monotonic()

    def one_worker(self, relay):
        victim = self.choice(wait_until(relay.workers, what="a worker"))
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in relay.workers(), what="the end of a worker")

    def the_master(self, relay):
        """Its workers leave by themselves."""
        workers = relay.workers()
        os.kill(relay.process.pid, signal.SIGKILL)
        self.start_again(relay, workers)

    def all_processes(self, relay):
        workers = relay.workers()
        relay.kill()
        self.start_again(relay, workers)

    def start_again(self, relay, workers):
        relay.process.wait()
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers),
                   what="the end of all workers")
        relay.start()


def explains(fault, outcome):
    """
    Was it in flight while the fault lasted, and is its end one that the fault may have? An outbound
    worker that had nothing to send meanwhile learns later that its pair is forgotten, by a request
    that is lost if the peer is too young to know that it had not run (test_healing.py).
    """
    row, began, ended = fault
    if row.forgets and outcome.verdict == LOST:
        ended += MEMORY
    return outcome.began < ended and outcome.ended > began and outcome.verdict in row.verdicts


@pytest.fixture
def pair(start_relay, counting_api):
    return make_pair(start_relay, counting_api, WORKERS=str(N_WORKERS), LOG_LEVEL="info")


@pytest.fixture
def load(counting_api, pair):
    running = SteadyLoad(counting_api.background, pair.outbound.port, pair.fields(), N_APPLICATIONS)
    running.wait_until_healed()
    yield running
    running.stop()


@pytest.mark.parametrize("n", [10, pytest.param(200, marks=pytest.mark.slow)])
def test_killing_any_process_at_any_moment_executes_nothing_twice_and_heals(
        pair, counting_api, load, n):
    dice = roll()
    killer, faults, healing = Killer(pair, dice.choice), [], []
    for row in dice.choices(KILLS, [row.weight for row in KILLS], k=n):
        time.sleep(dice.uniform(0, 0.1))  # the moment is the random part, nobody waits for it
        began, gone = killer.do(row)
        load.wait_until_healed()
        healing.append(time.monotonic() - began)
        others_go_on = row.what == "one worker"  # so only what it had itself may fail
        faults.append((row, began, gone if others_go_on else time.monotonic()))
    load.stop()
    print(f"{sum(load.succeeded)} requests succeeded, failed: {dict(load.verdicts())}; "
          f"healed after {max(healing):.2f} s at most, {sum(healing) / n:.2f} s on average")
    assert max(healing) < 15
    assert_at_most_once(counting_api, load)
    assert not [outcome for outcome in load.failures
                if not any(explains(fault, outcome) for fault in faults)]


@pytest.mark.slow
@pytest.mark.parametrize("side", ["outbound", "inbound"])
def test_a_worker_that_stands_still_fails_nothing(pair, counting_api, load, side):
    """Each in turn: who waits for it gets the answer when it goes on."""
    n_waited = 0
    for worker in getattr(pair, side).workers():
        os.kill(worker, signal.SIGSTOP)
        try:
            stopped = time.monotonic()
            time.sleep(2)  # how long it stands still, which nothing waits for
            n_waited += sum(began < stopped for began in load.last_good)
        finally:
            os.kill(worker, signal.SIGCONT)
        load.wait_until_healed()
    load.stop()
    assert n_waited
    assert_at_most_once(counting_api, load)
    assert not load.failures
