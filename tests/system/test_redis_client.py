# SPDX-License-Identifier: MIT
"""Our client of Redis: real servers, to which things happen, and one that is no Redis."""

import signal
import socket
import threading

import pytest

from certificates import Authority
# pylint: disable=unused-import,redefined-outer-name
from redis_servers import (client_of, cluster, cluster_of, free_port, server_of,  # fixtures, too
                           until)

CANNOT = "redis cannot be used: "


@pytest.fixture(name="fake")
def fake_fixture():
    """fake(reply): the port of somebody who says that, once, to whoever connects."""
    listeners = []

    def start(reply):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve():
            kept = []
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                kept.append(connection)
                if reply is None:
                    connection.close()
                else:
                    connection.sendall(reply)

        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[1]

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture(name="authority", scope="module")
def authority_fixture(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"), "Redis CA")


# ---- one server ----

def test_commands_are_answered_in_their_order_by_who_says_its_run_id(server_of, client_of):
    server = server_of()
    client = client_of(f"redis://{server.place}")
    names = [client.begin("k", "INCR", "k") for _ in range(50)]
    assert [client.wait(name)[2] for name in names] == [str(i + 1) for i in range(50)]
    run_id = server.ask().info("server")["run_id"]
    assert {client.wait(name)[1] for name in names} == {run_id}
    assert client.other("run_id", "k") == f"run_id {run_id}"
    assert client.states == ["up"]


def written_calls(client):
    with open(f"/proc/{client.process.pid}/io", encoding="ascii") as io:
        return int(next(line for line in io if line.startswith("syscw")).split()[1])


def test_what_is_asked_in_one_turn_leaves_in_one_write(server_of, client_of):
    server = server_of()
    client = client_of(f"redis://{server.place}", ping_ms=60000)
    client.until_up()
    before = written_calls(client)
    assert client.other("burst", 500, "k", "INCR", "k") == "burst 500"
    assert written_calls(client) - before == 2  # and the line "burst"
    assert server.ask().get("k") == b"500"


def test_calls_before_the_connection_wait_for_it(server_of, client_of):
    server = server_of()
    client = client_of(f"redis://localhost:{server.port}")
    assert client.ask("k", "SET", "k", "v")[0] == "ok"


def test_calls_under_way_have_a_bound(server_of, client_of):
    client = client_of(f"redis://{server_of().place}", max_calls=10)
    client.until_up()
    assert client.other("burst", 30, "k", "INCR", "k") == "burst 10"
    assert client.ok("k", "GET", "k") == "10"


def test_a_cancelled_call_is_not_answered(server_of, client_of):
    server = server_of()
    client = client_of(f"redis://{server.place}", answer_ms=20000)
    client.until_up()
    server.kill(signal.SIGSTOP)
    client.say("call", "gone", "k", "GET", "k")
    assert client.other("cancel") == "cancelled"
    server.kill(signal.SIGCONT)
    assert client.ok("k", "PING") == "PONG"
    assert "gone" not in client.answers


def test_a_unix_socket_will_do(server_of, client_of, tmp_path):
    server_of(unixsocket=tmp_path / "socket", requirepass="p@ss/word")
    client = client_of(f"unix://:p%40ss%2fword@{tmp_path}/socket")
    assert client.ok("k", "SET", "k", "v") == "OK"
    client = client_of(f"unix:{tmp_path}/nothing")
    client.until_log("it takes no connection")


def test_user_password_and_database_are_used(server_of, client_of):
    server = server_of()
    server.ask().acl_setuser("relay", enabled=True, passwords=["+s ecr@t"], keys="*",
                             categories=["+@all"])
    client = client_of(f"redis://relay:s%20ecr%40t@{server.place}/3")
    assert client.ok("k", "SET", "k", "three") == "OK"
    assert server.ask().dbsize() == 0
    assert client.ok("k", "ACL", "WHOAMI") == "relay"


def test_without_info_there_is_no_run_id_and_a_line_says_so(server_of, client_of):
    server = server_of()
    server.ask().acl_setuser("relay", enabled=True, passwords=["+p"], keys="*",
                             commands=["+set", "+get", "+ping"])
    client = client_of(f"redis://relay:p@{server.place}")
    assert client.ask("k", "SET", "k", "v")[1] == "0" * 40
    assert client.logged("does not say its run_id") == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_tls_is_verified_by_name_or_address(server_of, client_of, authority, host):
    names = "DNS:localhost,IP:127.0.0.1"
    certificate, key = authority.issue("redis", names)
    server = server_of(tls=(certificate, key, authority.path), requirepass="hunter2")
    client = client_of(f"rediss://:hunter2@{host}:{server.port}", authority=authority.path)
    assert client.ok("k", "SET", "k", "v") == "OK"
    assert client.other("burst", 900, "k", "APPEND", "k", "x" * 200) == "burst 900"


def test_tls_towards_another_or_by_another_is_refused(server_of, client_of, authority):
    certificate, key = authority.issue("other", "DNS:redis.example.com")
    server = server_of(tls=(certificate, key, authority.path))
    client = client_of(f"rediss://{server.place}", authority=authority.path)
    client.until_log(CANNOT + "TLS with it fails")
    assert client.ask("k", "GET", "k")[0] == "ERR_CLOSED"
    client = client_of(f"rediss://{server.place}")  # the system's store
    client.until_log(CANNOT + "TLS with it fails")


# ---- what is wrong, in the log ----

def test_each_mistake_is_named_once_and_no_password_is(server_of, client_of, authority):
    certificate, key = authority.issue("mistakes", "IP:127.0.0.1")
    secured = server_of(requirepass="hunter2")
    sealed = server_of(tls=(certificate, key, authority.path))
    replica = server_of(replicaof=f"127.0.0.1 {secured.port}", masterauth="hunter2")
    rows = [
        (f"redis://{secured.place}", "it wants a password"),
        (f"redis://:hunter3@{secured.place}", "it refuses user or password"),
        (f"redis://hunter4:hunter2@{secured.place}", "it refuses user or password"),
        (f"redis://:hunter2@{secured.place}/99", "it has no database of that number"),
        (f"redis://{replica.place}", "it is not a primary"),
        (f"redis://{sealed.place}", "it closed the connection before it said a word"),
        (f"rediss://:hunter2@{secured.place}", "no TLS connection came about in time"),
        (f"redis://127.0.0.1:{free_port()}", "it takes no connection"),
        ("redis://no-such-host.invalid", "its name has no address"),
    ]
    clients = [client_of(url, answer_ms=5000) for url, _ in rows]
    for client, (url, sentence) in zip(clients, rows):
        client.until_log(CANNOT + sentence)
        for _ in range(20):
            assert client.ask("k", "GET", "k")[0] != "ok", url
        assert client.logged(CANNOT) == 1, client.log_lines
        assert not any("hunter" in line for line in client.log_lines), client.log_lines
        assert not client.states


@pytest.mark.parametrize("reply, sentence", [
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what it says is not the protocol of Redis"),
    (b"\x15\x03\x03\x00\x02\x02\x46", "what it says is not the protocol of Redis"),
    (b"*2147483647\r\n", "what it says is not the protocol of Redis"),
    (b"+OK\r\n+OK\r\n", "what it says is not the protocol of Redis"),
    (b"$0\r\n\r\n-ERR\r\n+more\r\n", "what it says is not the protocol of Redis"),
    (b"-DENIED Redis is running in protected mode\r\n", "it is in protected mode"),
    (b"-LOADING\r\n", "it is still loading its data"),
    (b"$17\r\ncluster_enabled:1\r\n*0\r\n", "it is of a cluster"),
    (b"$", "it does not answer in time"),
    (None, "it closed the connection before it said a word"),
])
def test_who_is_no_redis_is_told_as_what_it_is(fake, client_of, reply, sentence):
    client = client_of(f"redis://127.0.0.1:{fake(reply)}", answer_ms=300)
    client.until_log(CANNOT + sentence)
    assert client.ask("k", "GET", "k")[0] != "ok"


# ---- what happens to it ----

def test_killed_and_started_again_is_found_again_with_another_run_id(server_of, client_of):
    server = server_of()
    client = client_of(f"redis://{server.place}")
    first = client.ask("k", "SET", "k", "v")[1]
    server.kill()
    client.until_down()
    assert client.ask("k", "GET", "k")[0] == "ERR_CLOSED"
    assert client.other("run_id", "k") == "run_id none"
    server.start()
    client.until_up(2)
    result, second, reply = client.ask("k", "GET", "k")
    assert (result, reply) == ("ok", "nil") and second != first
    assert client.logged("redis is back") == 1


def test_calls_under_way_when_it_dies_are_answered_once(server_of, client_of):
    server = server_of()
    client = client_of(f"redis://{server.place}", answer_ms=20000, ping_ms=60000)
    client.until_up()
    server.kill(signal.SIGSTOP)
    names = [client.begin("k", "INCR", "k") for _ in range(100)]
    server.kill()
    assert {client.wait(name)[0] for name in names} == {"ERR_CLOSED"}


def test_stopped_it_is_noticed_without_a_call_and_calls_end_in_time(server_of, client_of):
    server = server_of()
    client = client_of(f"redis://{server.place}", answer_ms=300, ping_ms=100)
    client.until_up()
    server.kill(signal.SIGSTOP)
    client.until_down()
    client.until_log("it does not answer in time")
    assert client.ask("k", "GET", "k")[0] in ("ERR_CLOSED", "ERR_TIMEOUT")
    server.kill(signal.SIGCONT)
    client.until_up(2)
    assert client.ok("k", "SET", "k", "v") == "OK"


def test_slow_it_times_calls_out_and_recovers(server_of, client_of):
    server = server_of(enable_debug_command="yes")
    client = client_of(f"redis://{server.place}", answer_ms=300)
    client.until_up()
    blocker = threading.Thread(target=lambda: server.ask().execute_command("DEBUG", "SLEEP", "1"))
    late = client.begin("k", "DEBUG", "SLEEP", "1")
    behind = client.begin("k", "INCR", "k")
    blocker.start()
    assert client.wait(late)[0] == client.wait(behind)[0] == "ERR_TIMEOUT"
    client.until_up(2)
    client.until_asks_well()
    blocker.join()


def test_full_it_says_so_and_stays_connected(server_of, client_of):
    server = server_of(maxmemory="1", maxmemory_policy="noeviction")
    client = client_of(f"redis://{server.place}")
    assert client.ask("k", "SET", "k", "v")[0] == "ERR_FULL"
    server.ask().config_set("maxmemory", "0")
    assert client.ok("k", "SET", "k", "v") == "OK"
    assert client.states == ["up"]


def test_an_unknown_script_is_told_from_other_errors(server_of, client_of):
    client = client_of(f"redis://{server_of().place}")
    assert client.ask("k", "EVALSHA", "0" * 40, "1", "k")[0] == "ERR_UNKNOWN"
    assert client.ask("k", "NONSENSE")[0] == "ERR_REFUSED"
    assert client.states == ["up"]


def test_a_primary_that_becomes_a_replica_is_left_until_it_is_one_again(server_of, client_of):
    server, other = server_of(), server_of()
    client = client_of(f"redis://{server.place}")
    client.until_up()
    server.ask().slaveof("127.0.0.1", other.port)
    assert client.ask("k", "SET", "k", "v")[0] == "ERR_BUSY"
    client.until_log(CANNOT + "it is not a primary")
    client.until_down()
    server.ask().slaveof()
    client.until_up(2)
    assert client.ok("k", "SET", "k", "v") == "OK"


# ---- a cluster ----

KEYS = [f"mar1:pair:{{{i:032x}}}" for i in range(60)]


def test_a_cluster_is_known_from_any_of_its_servers(cluster, client_of):
    for server in (cluster.servers[0], cluster.servers[5]):
        client = client_of(f"redis://{server.place}")
        client.until_up()
        names = {key: client.begin(key, "SET", key, "v") for key in KEYS}
        ids = {client.wait(name)[1] for name in names.values()}
        assert {client.wait(name)[0] for name in names.values()} == {"ok"}
        assert len(ids) == 3
        for key in KEYS[:6]:
            assert client.other("run_id", key) == f"run_id {client.wait(names[key])[1]}"


@pytest.mark.slow
def test_a_failover_that_is_asked_for_loses_no_write(cluster, client_of):
    client = client_of(f"redis://{cluster.servers[0].place}")
    client.until_up()
    key = KEYS[0]
    old = cluster.primary_of(key)
    new = cluster.replica_of(old)
    count = 0
    new.ask().cluster("failover")
    while cluster.primary_of(key) is old:
        result, _, reply = client.ask(key, "INCR", "n" + key)
        if result == "ok":
            assert int(reply) > count
            count = int(reply)
    until(lambda: client.ask(key, "SET", key, "v")[0] == "ok", "a write to the new primary")
    assert int(client.ok(key, "GET", "n" + key)) >= count
    assert client.ask(key, "GET", key)[1] == new.ask().info("server")["run_id"]
    client.until_up()


@pytest.mark.slow
@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGSTOP])
def test_a_primary_that_dies_is_replaced(cluster, client_of, sig):
    client = client_of(f"redis://{cluster.servers[0].place}", answer_ms=500)
    client.until_up()
    key = KEYS[0]
    old = cluster.primary_of(key)
    elsewhere = next(k for k in KEYS if cluster.primary_of(k) is not old)
    new = cluster.replica_of(old)
    old.kill(sig)
    client.until_down()
    client.until_asks_well(elsewhere)
    client.until_asks_well(key)
    assert client.ask(key, "GET", key)[1] == new.ask().info("server")["run_id"]
    client.until_up(2)
    if sig == signal.SIGSTOP:
        old.kill(signal.SIGCONT)
    else:
        old.start()
    client.until_asks_well(key)


@pytest.mark.slow
def test_a_slot_is_followed_while_it_moves_and_after(cluster, client_of):
    client = client_of(f"redis://{cluster.servers[0].place}")
    client.until_up()
    key, beside = KEYS[0], KEYS[0].replace("pair", "seen")
    assert client.ok(key, "SET", key, "v") == "OK"
    slot = cluster.slot(key)
    source = cluster.primary_of(key)
    target = next(server for server in (cluster.primary_of(k) for k in KEYS)
                  if server is not source)
    nodes = cluster.nodes()
    source_id, target_id = nodes[source.place]["node_id"], nodes[target.place]["node_id"]
    target.ask().execute_command("CLUSTER SETSLOT", slot, "IMPORTING", source_id)
    source.ask().execute_command("CLUSTER SETSLOT", slot, "MIGRATING", target_id)

    def run_ids():
        return [client.ask(key, "GET", name)[1] for name in (key, beside)]

    there, here = (server.ask().info("server")["run_id"] for server in (target, source))
    assert run_ids() == [here, there]  # what is not there any more or not yet: ASK
    assert client.ok(key, "SETBIT", beside, "7", "1") == "0"
    assert client.ok(key, "SETBIT", beside, "7", "1") == "1"
    source.ask().migrate("127.0.0.1", target.port, [key], 0, 5000)
    assert run_ids() == [there, there]
    for server in (target, source):
        server.ask().execute_command("CLUSTER SETSLOT", slot, "NODE", target_id)
    assert run_ids() == [there, there]  # MOVED
    assert client.ok(key, "GET", key) == "v"
    until(lambda: client.other("run_id", key) == f"run_id {there}", "the new map")
    assert client.states == ["up"]


def test_a_cluster_behind_tls_and_a_password_is_verified_server_by_server(cluster_of, client_of,
                                                                          authority):
    tls = (*authority.issue("cluster", "IP:127.0.0.1"), authority.path)
    cluster = cluster_of(tls=tls, password="hunter2")
    client = client_of(f"rediss://:hunter2@{cluster.servers[0].place}", authority=authority.path)
    client.until_up()
    assert len({client.ask(key, "SET", key, "v")[1] for key in KEYS}) == 3


@pytest.mark.slow
def test_a_cluster_that_died_as_a_whole_is_found_again(cluster, client_of):
    place = cluster.servers[5].place  # a replica: not in the map
    client = client_of(f"redis://{place}", answer_ms=500)
    client.until_up()
    for server in cluster.servers:
        server.kill()
    client.until_down()
    assert {client.ask(key, "SET", key, "v")[0] for key in KEYS} <= {"ERR_CLOSED", "ERR_BUSY"}
    for server in cluster.servers:
        server.start()
    client.until_up(2)
    for key in KEYS:
        client.until_asks_well(key)


@pytest.mark.slow
def test_another_cluster_at_the_place_of_the_url_is_found(cluster_of, client_of):
    old = cluster_of()
    seed = old.servers[5]  # a replica: our client leaves it once it has the map
    client = client_of(f"redis://{seed.place}", answer_ms=500)
    client.until_up()
    old.kill()
    client.until_down()
    new = cluster_of(first_port=seed.port)
    client.until_up(2)
    for key in KEYS:
        client.until_asks_well(key)
        assert client.ask(key, "GET", key)[1] == \
            new.primary_of(key).ask().info("server")["run_id"]
