# SPDX-License-Identifier: MIT
"""Pairs, nonces and claims in a real Redis, asked for by several instances' clients."""

import re
import signal
import time

# pylint: disable=unused-import,redefined-outer-name
from redis_servers import client_of, cluster, cluster_of, server_of, until  # fixtures, too

FAR = 2000000000  # when pairs expire, in seconds


def name_of(pair):
    return f"mar1:pair:{{{f'{pair:02x}' * 16}}}"


def page_of(pair, number):
    return f"mar1:seen:{{{f'{pair:02x}' * 16}}}:{number}"


def two(client_of, server):
    clients = [client_of(f"redis://{server.place}") for _ in range(2)]
    for client in clients:
        client.until_up()
    return clients


def test_a_pair_is_found_by_every_instance_and_unused_for_six_minutes(server_of, client_of):
    server = server_of()
    one, other = two(client_of, server)
    assert other.question("get", 3) == "ERR_UNKNOWN"
    assert one.question("put", 3, FAR) == "ok"
    assert other.question("get", 3) == "ok"
    assert other.question("get", 4) == "ERR_UNKNOWN"
    assert server.ask().keys() == [name_of(3).encode()]
    assert 300000 < server.ask().pttl(name_of(3)) <= 360000
    assert one.question("put", 3, FAR) == "ERR_BUSY"  # of the same id there is no second


def test_a_first_claim_lets_a_pair_live_as_long_as_it_may(server_of, client_of):
    server = server_of()
    one, other = two(client_of, server)
    expires = int(time.time()) + 3600
    assert one.question("put", 3, expires) == "ok"
    assert other.question("get", 3) == "ok"
    assert other.question("claim", 3, 5) == "ok"
    assert server.ask().execute_command("PEXPIRETIME", name_of(3)) == expires * 1000
    assert 1700 < server.ask().ttl(page_of(3, 0)) <= 1800


def test_a_counter_has_its_bit_in_its_page(server_of, client_of):
    server = server_of()
    one, _ = two(client_of, server)
    assert one.question("put", 3, FAR) == "ok"
    for counter in (0, 7, 32767, 32768, (1 << 24) - 1):
        assert one.question("claim", 3, counter) == "ok"
        assert server.ask().getbit(page_of(3, counter >> 15), counter & 32767) == 1
        assert one.question("claim", 3, counter) == "ERR_REPLAY"
    assert sum(server.ask().bitcount(page_of(3, number)) for number in (0, 1, 511)) == 5


def test_a_claim_is_won_once_whoever_asks_at_the_same_time(server_of, client_of):
    server = server_of()
    clients = two(client_of, server) + two(client_of, server)
    assert clients[0].question("put", 3, FAR) == "ok"
    for client in clients:
        assert client.question("get", 3) == "ok"
    names = [(client, counter, client.begin_question("claim", 3, counter))
             for counter in range(200) for client in clients]
    results = [(counter, client.wait(name)[0]) for client, counter, name in names]
    assert sorted(counter for counter, result in results if result == "ok") == list(range(200))
    assert {result for _, result in results} == {"ok", "ERR_REPLAY"}


def test_without_its_pair_a_claim_writes_nothing(server_of, client_of):
    server = server_of()
    one, other = two(client_of, server)
    assert one.question("put", 3, FAR) == "ok"
    assert other.question("get", 3) == "ok"
    server.ask().delete(name_of(3))
    assert one.question("claim", 3, 5) == other.question("claim", 3, 5) == "ERR_UNKNOWN"
    assert server.ask().dbsize() == 0


def test_an_again_is_claimed_without_its_pair_and_by_the_same_bits(server_of, client_of):
    server = server_of()
    one, other = two(client_of, server)
    assert one.question("again", 9, 5) == "ok"
    assert one.question("again", 9, 5) == "ERR_REPLAY"
    assert 1700 < server.ask().ttl(page_of(9, 0)) <= 1800
    assert one.question("put", 3, FAR) == "ok"
    assert one.question("claim", 3, 5) == "ok"
    assert other.question("again", 3, 5) == "ERR_REPLAY"
    assert other.question("again", 3, 6) == "ok"
    assert one.question("claim", 3, 6) == "ERR_REPLAY"


def test_a_nonce_is_new_once(server_of, client_of):
    server = server_of()
    one, other = two(client_of, server)
    assert one.question("nonce", 7) == "ok"
    assert other.question("nonce", 7) == "ERR_REPLAY"
    assert other.question("nonce", 8) == "ok"
    assert 250000 < server.ask().pttl("mar1:nonce:" + "07" * 32) <= 300000


def script_calls(server):
    stats = server.ask().info("commandstats")
    return [(stats.get(f"cmdstat_{name}") or {"calls": 0})["calls"] for name in ("evalsha", "eval")]


def test_the_script_goes_whole_only_where_it_is_not_known(server_of, client_of):
    server = server_of()
    one, _ = two(client_of, server)
    assert [one.question("again", 9, counter) for counter in range(5)] == ["ok"] * 5
    assert script_calls(server) == [5, 1]
    server.ask().script_flush()
    assert [one.question("again", 9, counter) for counter in range(4, 8)] == \
        ["ERR_REPLAY", "ok", "ok", "ok"]
    assert script_calls(server) == [9, 2]


def test_a_server_that_came_back_knows_no_pair_even_if_it_kept_them(server_of, client_of):
    server = server_of()
    one, other = two(client_of, server)
    assert one.question("put", 3, FAR) == other.question("get", 3) == "ok"
    assert one.question("claim", 3, 1) == "ok"
    server.ask().save()
    server.kill()
    server.start()
    one.until_up(2)
    other.until_up(2)
    assert server.ask().exists(name_of(3)) == 1
    assert one.question("claim", 3, 2) == other.question("claim", 3, 1) == "ERR_UNKNOWN"
    assert one.question("get", 3) == "ERR_UNKNOWN"


def test_where_redis_does_not_say_who_it_is_pairs_are_found_all_the_same(server_of, client_of):
    server = server_of()
    server.ask().acl_setuser("relay", enabled=True, passwords=["+p"], keys="*",
                             categories=["+@all"], commands=["-info"])
    client = client_of(f"redis://relay:p@{server.place}")
    client.until_up()
    assert client.question("put", 3, FAR) == client.question("get", 3) == "ok"
    assert client.question("claim", 3, 1) == "ok"


def questions(client):
    return {client.question(*words)
            for words in (("put", 5, FAR), ("get", 3), ("claim", 3, 9), ("again", 3, 10),
                          ("nonce", 1))}


def test_a_question_that_is_not_answered_is_busy(server_of, client_of):
    server = server_of()
    client = client_of(f"redis://{server.place}", answer_ms=300)
    client.until_up()
    assert client.question("put", 3, FAR) == "ok"
    server.kill(signal.SIGSTOP)
    assert questions(client) == {"ERR_BUSY"}
    server.kill()
    client.until_down()
    assert questions(client) == {"ERR_BUSY"}


def test_full_it_is_busy_and_forgets_nothing(server_of, client_of):
    server = server_of(maxmemory_policy="noeviction")
    one, _ = two(client_of, server)
    assert one.question("put", 3, FAR) == one.question("claim", 3, 1) == "ok"
    server.ask().config_set("maxmemory", "1")
    assert one.question("claim", 3, 2) == one.question("put", 4, FAR) == "ERR_BUSY"
    assert one.question("nonce", 1) == "ERR_BUSY"
    server.ask().config_set("maxmemory", "0")
    assert one.question("claim", 3, 1) == "ERR_REPLAY"
    assert one.question("claim", 3, 2) in ("ok", "ERR_REPLAY")


def test_other_things_in_the_place_of_ours_are_no_answer(server_of, client_of):
    server = server_of()
    one, _ = two(client_of, server)
    server.ask().set(name_of(3), "no record")
    assert one.question("get", 3) == "ERR_UNKNOWN"
    server.ask().rpush(name_of(4), "a list")
    assert one.question("get", 4) == "ERR_BUSY"
    server.ask().rpush(page_of(5, 0), "a list")
    assert one.question("again", 5, 1) == "ERR_BUSY"


def test_a_dump_shows_no_key(server_of, client_of):
    server = server_of()
    one, _ = two(client_of, server)
    for pair in range(10):
        assert one.question("put", pair, FAR) == one.question("claim", pair, 1) == "ok"
    for name in server.ask().keys():
        value = server.ask().get(name)
        assert not any(bytes([pair + 100]) * 4 in value for pair in range(10)), name
        assert re.fullmatch(rb"mar1:(pair|seen):\{[0-9a-f]{32}\}(:\d+)?", name)


def test_in_a_cluster_a_pair_and_its_claims_are_together(cluster, client_of):
    clients = [client_of(f"redis://{cluster.servers[i].place}") for i in range(2)]
    for client in clients:
        client.until_up()
    for pair in range(10):
        assert clients[0].question("put", pair, FAR) == "ok"
        assert clients[1].question("get", pair) == "ok"
        results = [client.question("claim", pair, 40000) for client in clients]
        assert results == ["ok", "ERR_REPLAY"]
    old = cluster.primary_of(name_of(3))
    new = cluster.replica_of(old)
    new.ask().cluster("failover")
    until(lambda: cluster.primary_of(name_of(3)) is new, "a failover")
    for client in clients:
        for words in (("get", 3), ("claim", 3, 40001)):
            results = []
            until(lambda: results.append(client.question(*words)) or results[-1] != "ERR_BUSY",
                  "an answer of the new primary")
            assert results[-1] == "ERR_UNKNOWN"  # it may have lost what was written to the old one
