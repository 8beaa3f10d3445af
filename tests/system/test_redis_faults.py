# SPDX-License-Identifier: MIT
"""Things happen to the Redis that instances share: redis_fault_table.py says what must hold."""

import pytest
from fault_table import assert_at_most_once
# pylint: disable=unused-import,redefined-outer-name
from fleets import shared_fleet_of  # a fixture
from redis_fault_table import CLUSTER_ROWS, MODES, ROWS, Redis, RedisProxy
from redis_servers import Cluster, RedisServer
from relay import wait_until

N_APPLICATIONS = 12


class Outage:
    """Two instances that share a Redis, a balancer that spreads requests over them, and load."""

    def __init__(self, fleet, redis):
        self.fleet, self.redis, self.api = fleet, redis, fleet.api
        self.instances = fleet.inbound.instances
        self.workers = self.all_workers()
        self.api.counts[:] = bytes(len(self.api.counts))
        self.load = fleet.load(N_APPLICATIONS, pause=0.01)

    def all_workers(self):
        return [relay.workers() for relay in self.fleet.relays()]

    def log_ends(self):
        return [relay.log_end() for relay in self.instances]

    def wait_for_log(self, pattern, begins):
        for relay, begin in zip(self.instances, begins):
            relay.wait_for_log(pattern, begin, 30)

    def n_ended(self):
        return sum(self.load.succeeded) + len(self.load.failures)

    def wait_for_outcomes(self):
        """A few of each application, on average: nothing hangs. How many were executed."""
        before, executed = self.n_ended(), sum(self.api.counts)
        wait_until(lambda: self.n_ended() >= before + 4 * N_APPLICATIONS, 20, "outcomes of requests")
        return sum(self.api.counts) - executed

    def begin(self, row):
        begins = self.log_ends()
        row.begin(self.redis)
        if row.why:
            self.wait_for_log(row.why, begins)
            self.wait_for_log("redis is away", begins)
        self.wait_for_outcomes()

    def end(self, row):
        begins = self.log_ends()
        if row.end:
            row.end(self.redis)
        if row.why:
            self.wait_for_log("redis is relied on again", begins)
        self.load.wait_until_healed(30)

    def run(self, row, mode):
        try:
            self.begin(row)
            n_executed = self.wait_for_outcomes()
            self.end(row)
            n_failed = len(self.load.failures)
            self.load.wait_until_healed()
        finally:
            self.load.stop()
        print(f"{mode}, {row}: {sum(self.load.succeeded)} requests succeeded, failed: "
              f"{dict(self.load.verdicts())}; {n_executed} executed in the outage")
        assert_at_most_once(self.api, self.load)
        assert set(self.load.verdicts()) <= row.verdicts
        assert len(self.load.failures) == n_failed
        assert self.all_workers() == self.workers
        if mode in row.idle:
            assert n_executed == 0


def deploy(fleet_of, place, mode):
    own = {"REDIS_URL": f"redis://{place}", "REDIS_FAILURE": mode, "REDIS_TIMEOUT": "500ms"}
    return fleet_of(1, 2, own={"inbound": own, "outbound": {"WORKERS": "1"}})


@pytest.fixture(scope="module", params=MODES)
def alone(request, shared_fleet_of, shared_counting_api, tmp_path_factory):
    """A fleet, its Redis, the mode."""
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    redis = Redis(server, RedisProxy(shared_counting_api.background, server.port))
    yield deploy(shared_fleet_of, redis.proxy.place, request.param), redis, request.param
    server.kill()


@pytest.fixture(scope="module", params=MODES)
def clustered(request, shared_fleet_of, tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster")).start()
    yield deploy(shared_fleet_of, cluster.servers[0].place, request.param), cluster, request.param
    cluster.kill()


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_whatever_happens_to_redis_nothing_runs_twice_and_all_heals(alone, row):
    fleet, redis, mode = alone
    Outage(fleet, redis).run(row, mode)


@pytest.mark.slow
@pytest.mark.parametrize("row", CLUSTER_ROWS, ids=str)
def test_whatever_happens_in_a_cluster_nothing_runs_twice_and_all_heals(clustered, row):
    fleet, cluster, mode = clustered
    Outage(fleet, cluster).run(row, mode)
