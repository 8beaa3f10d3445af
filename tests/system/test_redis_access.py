# SPDX-License-Identifier: MIT
"""A Redis behind TLS, with a user that may do no more than docs/operations.md says."""

import re

import pytest
from certificates import Authority
# pylint: disable=unused-import,redefined-outer-name
from fleets import INBOUND, fleet_of  # a fixture
from redis_servers import cluster_of, server_of  # fixtures
from relay import TOP


def documented_user():
    """The words behind ACL SETUSER, with the password s3cr@t."""
    text = (TOP / "docs/operations.md").read_text()
    words = re.search(r"^ +ACL SETUSER (.*)$", text, re.M)[1]
    return words.replace("PASSWORD", "s3cr@t").split()


def allow_only_that(server):
    server.ask().execute_command("ACL SETUSER", *documented_user())


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path, "Redis CA")


def tls_of(authority):
    return (*authority.issue("redis", "IP:127.0.0.1"), authority.path)


def check(fleet_of, place, authority):
    """Every instance serves, and all of them the same pairs."""
    own = {"REDIS_URL": f"rediss://relay:s3cr%40t@{place}", "REDIS_CA_FILE": str(authority.path)}
    fleet = fleet_of(1, 2, own={INBOUND: own, "outbound": {"WORKERS": "1"}})
    for relay in fleet.inbound.instances:
        relay.wait_for_log("redis is there")
    assert [fleet.pair.request("/x", fields=[f"x-request-id: {i}"]).status
            for i in range(8)] == [200] * 8
    assert fleet.inbound.log().count("paired with a peer") == 1
    assert not re.search("redis cannot|redis is away|does not say|s3cr", fleet.inbound.log())


def test_the_documented_user_is_enough_and_may_do_nothing_else(fleet_of, server_of, authority):
    server = server_of(tls=tls_of(authority))
    allow_only_that(server)
    check(fleet_of, server.place, authority)
    log = [entry["reason"] for entry in server.ask().acl_log()]
    assert not log
    for words in (["KEYS", "*"], ["FLUSHALL"], ["CONFIG", "GET", "*"], ["SET", "other", "1"]):
        answer = server.ask().execute_command("ACL DRYRUN", "relay", *words)
        assert b"no permissions" in answer or b"no perm" in answer, (words, answer)


@pytest.mark.slow
def test_the_documented_user_is_enough_in_a_cluster(fleet_of, cluster_of, authority):
    cluster = cluster_of(tls=tls_of(authority), password="hunter2")
    for server in cluster.servers:
        allow_only_that(server)
    check(fleet_of, cluster.servers[0].place, authority)
