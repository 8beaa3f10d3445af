# SPDX-License-Identifier: MIT
"""Several instances that share a real Redis are one relay."""

import collections
import concurrent.futures
import itertools
import os
import pathlib
import signal
import subprocess

import pytest
from between import Between, post
from certificates import Authority
# pylint: disable=unused-import,redefined-outer-name
from redis_servers import server_of  # a fixture
from relay import Pair
from sealed import BUSY, REPLAY, UNKNOWN_PAIR, error_code


class Deployment:
    """One outbound relay, and inbound instances that have everything in common."""

    def __init__(self, start_relay, api, redis_url, n=2, **settings):
        upstream = f"http://127.0.0.1:{api.port}"
        self.settings = {"UPSTREAM": upstream, "REDIS_URL": redis_url,
                         "REDIS_TIMEOUT": "500ms"} | settings
        self.instances = [start_relay("inbound", **self.settings) for _ in range(n)]
        self.outbound = start_relay("outbound", UPSTREAM=upstream, WORKERS="1")

    def log(self):
        return "".join(instance.log() for instance in self.instances)


@pytest.fixture
def deploy(start_relay, api):
    return lambda server, **settings: Deployment(start_relay, api, f"redis://{server.place}",
                                                 **settings)


class Balancer(Between):
    """Gives each message to the next instance, over a connection of its own."""

    def __init__(self, instances):
        super().__init__(None)
        self.only(*instances)

    def only(self, *instances):
        self.ports = itertools.cycle([instance.port for instance in instances])

    def forward(self, path, body):
        self.port = next(self.ports)
        return super().forward(path, body)


@pytest.fixture
def balance():
    started = []

    def start(deployment):
        started.append(Balancer(deployment.instances))
        pair = Pair(deployment.outbound, deployment.instances[0])
        pair.peer, pair.balancer = started[-1].url, started[-1]
        return pair

    yield start
    for balancer in started:
        balancer.stop()


def n_pairings(deployment):
    return deployment.log().count("paired with a peer")


def test_any_instance_answers_any_pair(server_of, deploy, balance):
    server = server_of()
    deployment = deploy(server)
    pair = balance(deployment)
    assert [pair.request("/x").status for _ in range(12)] == [200] * 12
    assert n_pairings(deployment) == 1
    assert len(server.ask().keys("mar1:pair:*")) == 1
    assert server.ask().exists("mar1:since") == 1
    for instance in deployment.instances:
        assert pair.request("/y").status == 200
        assert "redis is there" in instance.log()


def test_an_instance_that_starts_anew_knows_the_pairs(server_of, deploy, balance):
    deployment = deploy(server_of())
    pair = balance(deployment)
    assert pair.request("/x").status == 200
    for instance in deployment.instances:
        instance.stop()
        instance.start()
    assert [pair.request("/x").status for _ in range(8)] == [200] * 8
    assert n_pairings(deployment) == 1


def keep_away(pair, balancer):
    """A sealed request that never arrived, as its bytes."""
    balancer.evil = lambda path, body: (502, "text/plain", b"") if "mte-relay" in path else None
    assert pair.request("/once").status == 502
    balancer.evil = None
    return balancer.messages[-1]


def test_the_same_message_at_all_instances_at_once_runs_once(server_of, deploy, balance, api):
    deployment = deploy(server_of())
    pair = balance(deployment)
    assert pair.request("/x").status == 200
    for _ in range(10):
        message = keep_away(pair, pair.balancer)
        del api.requests[:]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = pool.map(lambda port: post(port, "/api/mte-relay", message),
                               [instance.port for instance in deployment.instances] * 8)
            codes = collections.Counter(map(error_code, answers))
        assert codes == {None: 1, REPLAY: 15}
        assert len(api.requests) == 1


def test_redis_that_lost_all_ends_the_pairs_and_runs_nothing_twice(server_of, deploy, balance, api):
    server = server_of()
    deployment = deploy(server)
    pair = balance(deployment)
    assert pair.request("/x").status == 200
    seen = pair.balancer.messages[-1]
    server.ask().flushall()
    for instance in deployment.instances:
        assert error_code(post(instance.port, "/api/mte-relay", seen)) == UNKNOWN_PAIR
    del api.requests[:]
    assert pair.request("/y").refusal in (None, "peer_lost_answer")
    assert len(api.requests) <= 1
    assert pair.request("/z").status == 200
    assert n_pairings(deployment) == 2


# ---- ways to Redis ----

@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "ca")


def test_over_tls_and_with_a_password_pairs_are_shared(server_of, start_relay, api, balance,
                                                       authority):
    tls = (*authority.issue("redis", "IP:127.0.0.1"), str(authority.path))
    server = server_of(tls=tls, requirepass="s ecr@t")
    deployment = Deployment(start_relay, api, f"rediss://:s%20ecr%40t@{server.place}",
                            REDIS_CA_FILE=str(authority.path))
    pair = balance(deployment)
    assert [pair.request("/x").status for _ in range(4)] == [200] * 4
    assert n_pairings(deployment) == 1
    assert "ecr" not in deployment.log()


def test_a_ca_that_redis_is_not_of_is_refused(server_of, start_relay, api, authority,
                                              tmp_path_factory):
    tls = (*authority.issue("redis", "IP:127.0.0.1"), str(authority.path))
    other = Authority(tmp_path_factory.mktemp("other"), "other")
    deployment = Deployment(start_relay, api, f"rediss://{server_of(tls=tls).place}", n=1,
                            REDIS_CA_FILE=str(other.path))
    deployment.instances[0].wait_for_log("TLS with it fails")
    until_away(deployment)


# ---- while Redis is away ----

def until_away(deployment):
    for instance in deployment.instances:
        instance.wait_for_log("redis is away")


def until_back(deployment, begins):
    for instance, begin in zip(deployment.instances, begins):
        instance.wait_for_log("redis is relied on again", begin)


def log_ends(deployment):
    return [instance.log_end() for instance in deployment.instances]


def errors_at(instances, message):
    return [error_code(post(instance.port, "/api/mte-relay", message)) for instance in instances]


def test_redis_that_stands_still_makes_what_it_must_decide_busy(server_of, deploy, balance, api):
    server = server_of()
    deployment = deploy(server, n=1)
    pair = balance(deployment)
    assert pair.request("/x").status == 200
    message = keep_away(pair, pair.balancer)
    del api.requests[:]
    server.kill(signal.SIGSTOP)
    assert errors_at(deployment.instances, message) == [BUSY]
    assert not api.requests
    server.kill(signal.SIGCONT)
    pair.wait_until_healed()


def test_local_an_instance_serves_what_it_pairs_then_and_nothing_else(server_of, deploy, balance,
                                                                      api):
    server = server_of()
    deployment = deploy(server)
    pair = balance(deployment)
    assert pair.request("/x").status == 200
    before = keep_away(pair, pair.balancer)
    server.kill()
    until_away(deployment)
    pair.balancer.only(deployment.instances[0])
    pair.wait_until_healed()
    begin = len(api.requests)
    assert [pair.request("/y").status for _ in range(5)] == [200] * 5
    during = keep_away(pair, pair.balancer)
    assert errors_at(deployment.instances, before) == [UNKNOWN_PAIR] * 2
    assert errors_at(deployment.instances[1:], during) == [UNKNOWN_PAIR]
    assert len(api.requests) == begin + 5
    begins = log_ends(deployment)
    server.start()
    until_back(deployment, begins)
    assert errors_at(deployment.instances, during) == [UNKNOWN_PAIR] * 2
    assert len(api.requests) == begin + 5
    pair.balancer.only(*deployment.instances)
    pair.wait_until_healed()
    assert [pair.request("/z").status for _ in range(6)] == [200] * 6
    assert len(server.ask().keys("mar1:pair:*")) == 1
    for instance in deployment.instances:
        assert instance.log().count("redis is away") == 1


def test_strict_nothing_is_executed_until_redis_is_back(server_of, deploy, balance, api):
    server = server_of()
    deployment = deploy(server, REDIS_FAILURE="strict")
    pair = balance(deployment)
    assert pair.request("/x").status == 200
    message = keep_away(pair, pair.balancer)
    server.kill()
    until_away(deployment)
    del api.requests[:]
    assert [pair.request("/y").refusal for _ in range(2)] == ["peer_busy"] * 2
    assert errors_at(deployment.instances, message) == [BUSY] * 2
    assert not api.requests
    begins = log_ends(deployment)
    server.start()
    until_back(deployment, begins)
    assert errors_at(deployment.instances, message) == [UNKNOWN_PAIR] * 2  # it came back empty
    pair.wait_until_healed()


@pytest.mark.parametrize("mode, answer", [("local", None), ("strict", "peer_busy")])
def test_it_starts_without_redis_and_finds_it_later(server_of, deploy, balance, mode, answer):
    server = server_of()
    server.kill()
    deployment = deploy(server, n=1, REDIS_FAILURE=mode)
    pair = balance(deployment)
    until_away(deployment)
    assert pair.request("/x").refusal == answer
    server.start()
    until_back(deployment, [0])
    pair.wait_until_healed()
    assert pair.request("/x").status == 200
    assert len(server.ask().keys("mar1:pair:*")) == 1


# ---- an instance whose clock is wrong ----

@pytest.fixture
def clock_off(tmp_path):
    """clock_off(seconds): settings of a relay whose wall clock is off by so much."""
    library = tmp_path / "clock_off.so"
    source = pathlib.Path(__file__).with_name("clock_off.c")
    compiler = os.environ.get("CC", "cc").split()[-1]
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    tmp_path.chmod(0o755)
    return lambda seconds: {"LD_PRELOAD": str(library), "CLOCK_OFF": str(seconds),
                            "ASAN_OPTIONS": "verify_asan_link_order=0"}


@pytest.mark.parametrize("seconds", [300, -300])
def test_with_an_instance_whose_clock_is_five_minutes_off_all_is_served_once(
        server_of, start_relay, api, balance, clock_off, seconds):
    server = server_of()
    deployment = Deployment(start_relay, api, f"redis://{server.place}", n=1)
    off = deployment.settings | clock_off(seconds)
    deployment.instances.append(start_relay("inbound", **off))
    pair = balance(deployment)
    pair.balancer.only(*reversed(deployment.instances))  # first the one that is off
    n = 12
    assert [pair.request(f"/{i}").status for i in range(n)] == [200] * n
    assert len(api.requests) == n
    assert "CLOCK" in deployment.instances[1].log()
