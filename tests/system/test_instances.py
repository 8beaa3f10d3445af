# SPDX-License-Identifier: MIT
"""Instances that share a Redis are one relay, whatever a balancer before them does."""

import asyncio
import collections
import re

import pytest
from client import Client
from deployment import CONNECTION, REQUEST
from fault_proxy import RELAY, Fault, FaultProxy
from fault_table import assert_at_most_once
# pylint: disable=unused-import,redefined-outer-name
from fleets import fleet_of, shared_by  # fixtures, too
from http_message import read_message
from load import load
from redis_servers import server_of  # a fixture
from relay import wait_until
from sealed import REPLAY, error_code

N_REQUESTS, CONCURRENCY = 20000, 64
N_CONNECTIONS = 64
N_MESSAGES = 1000


@pytest.mark.slow
@pytest.mark.parametrize("per", [CONNECTION, REQUEST])
def test_behind_a_balancer_no_request_of_thousands_fails_or_runs_twice(
        fleet_of, server_of, counting_api, per):
    fleet = fleet_of(1, 2, per=per, own=shared_by(server_of()))
    before = fleet.inbound.balancer.shares()
    result = load(fleet.outbound.port, fleet.fields(), N_REQUESTS, CONCURRENCY)
    shares = [n - m for n, m in zip(fleet.inbound.balancer.shares(), before)]
    print(f"{result.seconds} s; given to the instances: {shares} {per}s")
    assert (result.good, result.wrong) == (N_REQUESTS, [])
    assert counting_api.counts[:N_REQUESTS] == b"\1" * N_REQUESTS
    assert counting_api.n_strangers == 0
    assert min(shares) > 0.4 * sum(shares)
    assert sum(shares) >= (N_REQUESTS if per == REQUEST else 2)


# ---- the same bytes at the same moment ----

async def open_connections(port, n):
    return [await asyncio.open_connection("127.0.0.1", port) for _ in range(n)]


class Volley:
    """Connections to all instances, open beforehand, half of them to each of two. They are every
    other one of twice as many: up to 32 connections it is no matter to a relay which worker has them."""

    def __init__(self, background, instances):
        self.background = background
        self.all = [ends for relay in instances for ends in background.run(
            open_connections(relay.port, 2 * N_CONNECTIONS // len(instances)))]
        self.ends = self.all[::2]

    def send(self, message):
        """The same bytes on all of them, before any answer. Codes and how often."""
        return self.background.run(self.send_all(message))

    async def send_all(self, message):
        for _, writer in self.ends:
            writer.write(message)
        answers = [await read_message(reader) for reader, _ in self.ends]
        return collections.Counter(error_code((answer.status, answer.field("content-type"),
                                               answer.body)) for answer in answers)


    def close(self):
        for _, writer in self.all:
            self.background.loop.call_soon_threadsafe(writer.close)


def messages_that_never_arrived(fleet, n):
    """Sealed requests of an application, and its numbers, of which none was passed on."""
    background = fleet.api.background
    proxy = FaultProxy(background, fleet.inbound.instances[0].port)
    client = Client(fleet.outbound.port, fleet.fields() | {"x-mte-upstream": proxy.url})
    proxy.every = lambda _: Fault("request", "nothing", "close")
    messages = {}
    for number in range(n):
        background.run(client.ask(number, b"pay"))
        messages[number] = proxy.captured[-1].raw
    return messages


@pytest.mark.slow
def test_the_same_message_at_the_same_moment_to_all_instances_runs_once(
        fleet_of, server_of, counting_api):
    fleet = fleet_of(1, 2, own=shared_by(server_of(), WORKERS="2", LOG_LEVEL="debug"))
    messages = messages_that_never_arrived(fleet, N_MESSAGES)
    assert len(set(messages.values())) == N_MESSAGES
    assert not any(counting_api.counts)
    volley = Volley(counting_api.background, fleet.inbound.instances)
    for number, message in messages.items():
        assert volley.send(message) == {None: 1, REPLAY: N_CONNECTIONS - 1}, number
    assert counting_api.counts[:N_MESSAGES] == b"\1" * N_MESSAGES
    assert not any(counting_api.counts[N_MESSAGES:])
    volley.close()
    for relay in fleet.inbound.instances:  # each message went to all of their workers
        refused = collections.Counter(re.findall(r"worker \d+\[(\d+)\]: .*answer=REPLAY",
                                                 relay.log()))
        print(f"{relay.name}: refused by its workers {refused}")
        assert len(refused) == 2


# ---- instances come and go ----

@pytest.mark.slow
def test_all_instances_are_restarted_under_load_without_a_failed_request(
        fleet_of, server_of, counting_api):
    fleet = fleet_of(2, 2, own=shared_by(server_of()), DRAIN_TIMEOUT="4s")
    load = fleet.load(16, pause=0.01)
    try:
        for side in (fleet.inbound, fleet.outbound):
            side.restart()
            load.wait_until_healed()
    finally:
        load.stop()
    print(f"{sum(load.succeeded)} requests")
    assert_at_most_once(counting_api, load)
    assert not load.failures


def test_instances_that_share_nothing_are_told_of(fleet_of):
    fleet = fleet_of(1, 2, own={"outbound": {"WORKERS": "1"}})
    wait_until(lambda: fleet.pair.request("/x", check=False).status and
               "the peer's instances do not share pairs" in fleet.outbound.log(),
               what="the line that says so")
