# SPDX-License-Identifier: MIT
"""The admin listener: what it answers, to whom, and who answers when workers come and go."""

import json
import os
import re
import signal
import socket
import subprocess
import threading

import pytest
import relay as programs
from conftest import make_pair
from redis_servers import server_of  # a fixture
from relay import MASTER, WORKER, curl, default_settings, wait_until

ADMIN = {"ADMIN_LISTEN": "127.0.0.1:0"}
PAGES = ["/healthz", "/readyz", "/metrics", "/status"]


@pytest.fixture(scope="module")
def relay(shared_start_relay, shared_api):
    return shared_start_relay("watched", UPSTREAM=f"http://127.0.0.1:{shared_api.port}", **ADMIN)


def json_of(relay, path):
    answer = curl(relay.admin_url(path))
    assert answer.field("content-type") == "application/json"
    return answer.status, json.loads(answer.body)


def metric_of(relay, name):
    for line in curl(relay.admin_url("/metrics")).body.decode().splitlines():
        if line.split(" ")[0] == name:
            return float(line.split(" ")[1])
    raise AssertionError(f"there is no {name}")


def test_a_relay_that_serves_is_live_and_ready(relay):
    assert json_of(relay, "/healthz") == (200, {"live": True})
    assert json_of(relay, "/readyz") == (
        200, {"ready": True, "reasons": [], "secret_strength": "good"})


@pytest.mark.parametrize("secret, strength", [(None, "none"), ("short", "short")])
def test_readiness_says_how_strong_the_secret_is(start_relay, api, secret, strength):
    relay = start_relay("weak", UPSTREAM=f"http://127.0.0.1:{api.port}", SECRET=secret, **ADMIN)
    assert json_of(relay, "/readyz")[1]["secret_strength"] == strength


def test_metrics_are_prometheus_text(relay):
    answer = curl(relay.admin_url("/metrics"))
    assert answer.status == 200
    assert answer.field("content-type").startswith("text/plain; version=0.0.4")
    assert b"# TYPE mte_relay_connections gauge\n" in answer.body


@pytest.mark.parametrize("page", PAGES)
def test_head_is_get_without_the_body(relay, page):
    answer = curl(relay.admin_url(page), "--head")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.field("content-length")) > 0


@pytest.mark.parametrize("page", PAGES)
def test_each_answer_ends_its_connection_and_is_not_kept_anywhere(relay, page):
    answer = curl(relay.admin_url(page + "?with=a-query"))
    assert answer.status == 200
    assert answer.field("connection") == "close" and answer.field("cache-control") == "no-store"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_get_and_head_are_allowed(relay, method):
    answer = curl(relay.admin_url("/readyz"), "--request", method, data=b"{}")
    assert answer.status == 405 and answer.field("allow") == "GET, HEAD"
    assert answer.field("content-type") == "application/problem+json"


@pytest.mark.parametrize("path", ["/", "/metrics/", "/readyz/../metrics", "/api/mte-echo",
                                  "/api/mte-relay", "/api/mte-pair", "/status/200", "/METRICS"])
def test_nothing_else_is_there(relay, path):
    answer = curl(relay.admin_url(path))
    assert answer.status == 404 and answer.field("content-type") == "application/problem+json"


def test_what_is_not_http_ends_no_worker(relay):
    workers = relay.workers()
    for garbage in (b"\0" * 100, b"GET\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                    b"GET /healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", b"\x16\x03\x01"):
        with socket.create_connection(("127.0.0.1", relay.admin_port), timeout=20) as client:
            client.sendall(garbage)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
    assert curl(relay.admin_url("/healthz")).status == 200 and relay.workers() == workers


def test_a_body_that_nobody_needs_is_refused(relay):
    answer = curl(relay.admin_url("/healthz"), "--request", "GET", data=b"x" * 100000)
    assert answer.status == 413


def test_nothing_is_relayed_over_the_admin_port_and_nothing_administered_over_the_other(
        start_relay, api):
    pair = make_pair(start_relay, api, PASS_THROUGH_ROUTES="/status/*", **ADMIN)
    for path in ("/echo", "/status/200"):
        fields = [f"{name}: {value}" for name, value in pair.fields().items()]
        assert curl(pair.outbound.admin_url(path), fields=fields).status == 404
    for path in PAGES:
        assert curl(pair.outbound.url(path)).refusal == "encoding_required"
    assert not api.requests


def test_probes_are_no_requests_and_no_connections_of_the_relay(relay):
    before = metric_of(relay, "mte_relay_requests_in_flight")
    for _ in range(20):
        curl(relay.admin_url("/healthz"))
    assert metric_of(relay, "mte_relay_connections") == 0
    assert metric_of(relay, "mte_relay_requests_in_flight") == before == 0


def test_many_who_say_nothing_keep_nobody_out_for_long(relay):
    silent = [socket.create_connection(("127.0.0.1", relay.admin_port)) for _ in range(200)]
    wait_until(lambda: curl(relay.admin_url("/healthz"), check=False).status == 200, 20, "a probe")
    for client in silent:
        client.close()
    wait_until(lambda: curl(relay.admin_url("/healthz"), check=False).status == 200, 20, "a probe")


# ---- coming and going

class Probes:
    """Asks without a pause until told to stop."""

    def __init__(self, relay, page):
        self.url, self.seen = relay.admin_url(page), []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.is_set():
            self.seen.append(curl(self.url, check=False, seconds=10).status)

    def stop(self):
        self.over.set()
        self.thread.join()


def test_a_reload_and_an_upgrade_fail_no_probe(start_relay, api):
    relay = start_relay("renewed", UPSTREAM=f"http://127.0.0.1:{api.port}", DRAIN_TIMEOUT="1s",
                        **ADMIN)
    probes = [Probes(relay, page) for page in ("/readyz", "/metrics")]
    for generation, signo in ((2, signal.SIGHUP), (3, signal.SIGUSR2), (4, signal.SIGHUP)):
        before = relay.workers()
        relay.process.send_signal(signo)
        relay.wait_for_log(f"serving generation={generation}", seconds=60)
        wait_until(lambda old=before: not set(old) & set(relay.workers()), what="the old ones' end")
    for probe in probes:
        probe.stop()
        assert set(probe.seen) == {200} and len(probe.seen) > 10


def test_a_relay_that_stops_says_so_as_long_as_it_can(start_relay, api):
    relay = start_relay("stopping", UPSTREAM=f"http://127.0.0.1:{api.port}", WORKERS="1",
                        PASS_THROUGH_ROUTES="/slow/*", **ADMIN)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(curl(relay.url("/slow/2000"))))
    thread.start()
    wait_until(lambda: any("/slow/2000" in str(seen) for seen in api.requests), what="the request")
    relay.process.terminate()
    relay.wait_for_log("told to leave")
    def says_so():
        answer = curl(relay.admin_url("/readyz"), check=False)
        return answer.status == 503 and json.loads(answer.body)["reasons"] == ["draining"]
    wait_until(says_so, what="an unready relay")
    assert curl(relay.admin_url("/healthz")).status == 200
    thread.join()
    assert answers[0].status == 200 and relay.process.wait(20) == 0


def test_workers_without_a_master_leave_the_admin_port_to_the_next_one(start_relay, api):
    relay = start_relay("heir", UPSTREAM=f"http://127.0.0.1:{api.port}",
                        PASS_THROUGH_ROUTES="/slow/*", **ADMIN)
    relay.settings["ADMIN_LISTEN"] = f"127.0.0.1:{relay.admin_port}"
    thread = threading.Thread(target=lambda: curl(relay.url("/slow/4000")))
    thread.start()
    wait_until(lambda: any("/slow/4000" in str(seen) for seen in api.requests), what="the request")
    relay.process.kill()
    relay.process.wait()
    relay.start()
    assert json_of(relay, "/readyz")[0] == 200
    thread.join()


# ---- the setting

def test_it_can_be_off(start_relay, api):
    relay = start_relay("closed", UPSTREAM=f"http://127.0.0.1:{api.port}", ADMIN_LISTEN="off")
    assert "for=admin" not in relay.log() and "for=data" in relay.log()


@pytest.mark.parametrize("value", ["on", "8081", "127.0.0.1", "localhost:8081", "::1:8081",
                                   "127.0.0.1:", "127.0.0.1:70000", ":8081", "[127.0.0.1]:1"])
def test_a_place_that_is_none_is_refused(value):
    settings = {**default_settings("wrong"), "UPSTREAM": "http://127.0.0.1:9",
                "ADMIN_LISTEN": value}
    result = subprocess.run([MASTER, "--worker", WORKER, "-t"], capture_output=True, text=True,
                            env={k: v for k, v in settings.items() if v is not None}, check=False,
                            timeout=60)
    assert result.returncode == 78 and "ADMIN_LISTEN" in result.stderr


def test_where_it_was_asked_for_and_is_taken_the_relay_refuses_to_start():
    with socket.create_server(("127.0.0.1", 0)) as other:
        place = f"127.0.0.1:{other.getsockname()[1]}"
        settings = {**default_settings("late"), "UPSTREAM": "http://127.0.0.1:9",
                    "ADMIN_LISTEN": place}
        result = subprocess.run([MASTER, "--worker", WORKER, "-c", "/dev/null"], text=True,
                                capture_output=True, check=False, timeout=60,
                                env={k: v for k, v in settings.items() if v is not None})
    assert result.returncode == 70 and "for ADMIN_LISTEN" in result.stderr


def test_where_nobody_asked_for_it_and_it_is_taken_the_relay_warns_and_serves(start_relay, api):
    try:
        other = socket.create_server(("127.0.0.1", 8081))
    except OSError:
        other = None  # somebody has it, which does as well
    relay = start_relay("modest", UPSTREAM=f"http://127.0.0.1:{api.port}", ADMIN_LISTEN=None)
    assert "no admin listener" in relay.log()
    assert curl(relay.url("/api/mte-echo")).status == 200
    if other:
        other.close()


def test_it_cannot_change_while_the_relay_runs(start_relay, api):
    relay = start_relay("fixed", UPSTREAM=f"http://127.0.0.1:{api.port}", ADMIN_LISTEN=None,
                        SECRET=None)
    relay.config_path().write_text('admin_listen = "off";\n')
    relay.process.send_signal(signal.SIGHUP)
    relay.wait_for_log("ADMIN_LISTEN cannot change while the relay runs(.*\n)*.*not reloaded")


# ---- /status

def test_status_has_each_worker_and_each_peer(start_relay, api):
    pair = make_pair(start_relay, api, **ADMIN)
    assert pair.request("/status/200").status == 200
    relay = pair.outbound

    def has_peer():
        status = json_of(relay, "/status")[1]
        return status if status["peers"] else None
    status = wait_until(has_peer, what="a peer on the board")
    assert status["state"] == "serving" and status["generation"] == 1
    assert status["pid"] == relay.process.pid and status["workers_wanted"] == 2
    assert sorted(worker["pid"] for worker in status["workers"]) == sorted(relay.workers())
    assert {worker["state"] for worker in status["workers"]} == {"up"}
    assert status["requests"]["outbound"] == 1 and status["pairs"]["with_peers"] == 1
    peer = status["peers"][0]
    assert peer["url"] == f"http://127.0.0.1:{pair.inbound.port}"
    assert peer["pair"] is True and peer["state"] == "ready" and "failure" not in peer


def test_status_shows_a_worker_that_was_killed_and_came_back(start_relay, api):
    relay = start_relay("killed", UPSTREAM=f"http://127.0.0.1:{api.port}", **ADMIN)
    victim = relay.workers()[0]
    os.kill(victim, signal.SIGKILL)

    def is_back():
        workers = json_of(relay, "/status")[1]["workers"]
        return [w["restarts"] for w in workers if w["state"] == "up"] in ([0, 1], [1, 0])
    wait_until(is_back, what="another worker")
    assert victim not in [w["pid"] for w in json_of(relay, "/status")[1]["workers"]]


def test_readiness_waits_until_all_workers_serve(tmp_path, monkeypatch, start_relay, api):
    """The second worker is held up: a relay of one of two is starting."""
    gate, worker = tmp_path / "gate", tmp_path / "worker"
    os.mkfifo(gate)
    tmp_path.chmod(0o755)
    worker.write_text('#!/bin/sh\ncase $1 in slot=1,*) read -r line < '
                      f'{gate};; esac\nexec {WORKER} "$@"\n')
    worker.chmod(0o755)
    monkeypatch.setattr(programs, "WORKER", worker)
    seen = []
    with open(gate, "r+b", buffering=0) as opened:
        def open_gate():
            try:
                log = wait_until(lambda: next(iter(tmp_path.parent.rglob("gated-*/log")), None), 20)
                port = wait_until(lambda: re.search(r"address=\S*:(\d+) for=admin",
                                                    log.read_text()), 20)[1]
                url = f"http://127.0.0.1:{port}/readyz"
                wait_until(lambda: curl(url, check=False).status == 503, 20)
                seen.append(json.loads(curl(url).body))
            finally:
                opened.write(b"go on\n")
        thread = threading.Thread(target=open_gate)
        thread.start()
        relay = start_relay("gated", UPSTREAM=f"http://127.0.0.1:{api.port}", **ADMIN)
        thread.join()
    assert seen[0]["ready"] is False and seen[0]["reasons"] == ["starting"]
    assert json_of(relay, "/readyz")[0] == 200


# ---- Redis

def test_without_its_redis_a_strict_relay_is_not_ready_and_a_local_one_is(start_relay, api,
                                                                          server_of):
    server = server_of()
    settings = {"UPSTREAM": f"http://127.0.0.1:{api.port}", "REDIS_URL": f"redis://127.0.0.1:{server.port}",
                **ADMIN}
    strict = start_relay("strict", REDIS_FAILURE="strict", **settings)
    local = start_relay("local", REDIS_FAILURE="local", **settings)
    wait_until(lambda: json_of(strict, "/status")[1]["redis"]["workers_up"] == 2, what="Redis")
    assert json_of(strict, "/readyz")[0] == 200
    assert json_of(strict, "/status")[1]["store"] == "redis, strict"
    server.kill()
    wait_until(lambda: json_of(strict, "/readyz")[0] == 503, 30, "an unready relay")
    assert json_of(strict, "/readyz")[1]["reasons"] == ["redis"]
    wait_until(lambda: json_of(local, "/status")[1]["redis"]["workers_up"] == 0, 30, "its loss")
    assert json_of(local, "/readyz")[0] == 200
