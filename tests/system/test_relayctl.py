# SPDX-License-Identifier: MIT
"""relayctl and the control socket: what operators say to a running relay, and what it answers."""

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import threading

import pytest
from conftest import make_pair
from relay import BUILD, MASTER, Pair, WORKER, curl, default_settings, wait_until

RELAYCTL = BUILD / "tools/relayctl"


@pytest.fixture
def start(start_relay, api, tmp_path):
    """start(name, **settings): a relay with a control socket, whose path is .control."""
    def start_one(name, **settings):
        path = str(tmp_path / f"{name}.sock")
        relay = start_relay(name, UPSTREAM=f"http://127.0.0.1:{api.port}",
                            **{"CONTROL_SOCKET": path, **settings})
        relay.control = relay.settings["CONTROL_SOCKET"]
        return relay
    return start_one


def ctl(relay, *words, seconds=60):
    return subprocess.run([RELAYCTL, "--socket", relay.control, *words], capture_output=True,
                          text=True, timeout=seconds, check=False)


def good(relay, *words):
    result = ctl(relay, *words)
    assert (result.returncode, result.stderr) == (0, ""), result
    return result.stdout


def status_of(relay):
    return json.loads(good(relay, "--json", "status"))


def say(relay, line, shut=False):
    """Bytes to the socket itself; all that comes back."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(relay.control)
        client.sendall(line)
        if shut:
            client.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while data := client.recv(65536):
                answer += data
        return answer


# ---- what it shows

def test_status_shows_relay_workers_and_peers(start_relay, api, tmp_path):
    pair = make_pair(start_relay, api)
    outbound = start_relay("shown", UPSTREAM=f"http://127.0.0.1:{api.port}",
                           CONTROL_SOCKET=str(tmp_path / "sock"))
    outbound.control = str(tmp_path / "sock")
    pair.outbound = outbound
    assert pair.request("/status/200").status == 200
    wait_until(lambda: status_of(outbound)["peers"], what="a peer on the board")
    text = good(outbound, "status")
    for words in ("relay        serving", f"pid {outbound.process.pid}", "generation 1",
                  "1 outbound", "1 with peers", "2 wanted", f"http://127.0.0.1:{pair.inbound.port}"):
        assert words in text, text
    for worker in outbound.workers():
        assert str(worker) in text
    assert "ready       yes" in good(outbound, "pairs")


def test_status_is_what_the_admin_listener_says(start):
    relay = start("same", ADMIN_LISTEN="127.0.0.1:0")
    over_http = json.loads(curl(relay.admin_url("/status")).body)
    over_socket = status_of(relay)
    assert over_http.keys() == over_socket.keys()
    assert over_http["workers"][0]["pid"] == over_socket["workers"][0]["pid"]


def test_pairs_says_where_there_are_none(start):
    assert good(start("lonely"), "pairs") == "no worker has sent to a peer yet\n"


# ---- what it does

def test_reload_waits_until_the_new_settings_are_in_force(start):
    relay = start("renewed")
    before = relay.workers()
    relay.config_path().write_text('mte_routes = [ "/only" ];\n')
    assert "generation 2, 2 workers" in good(relay, "reload")
    assert status_of(relay)["generation"] == 2
    answer = curl(relay.url("/x"))
    assert answer.status in (403, 404)  # an old worker may still have taken it
    wait_until(lambda: not set(before) & set(relay.workers()), what="the old ones' end")
    assert curl(relay.url("/x")).refusal == "route_not_found"


def test_a_reload_that_fails_says_why(start):
    relay = start("steady")
    before = relay.workers()
    relay.config_path().write_text("workerz = 3;\nportz = 1;\n")
    result = ctl(relay, "reload")
    assert result.returncode == 1 and result.stdout == ""
    assert ":1: workerz: is not a setting; the nearest is workers" in result.stderr
    assert ":2: portz: is not a setting; the nearest is port" in result.stderr
    said = json.loads(ctl(relay, "--json", "reload").stdout)
    assert said["ok"] is False and len(said["reasons"]) == 2
    relay.config_path().write_text('claim_pages = 99;\n')
    assert "CLAIM_PAGES cannot change" in ctl(relay, "reload").stderr
    assert relay.workers() == before and curl(relay.url("/api/mte-echo")).status == 200


def test_several_who_ask_for_a_reload_are_all_answered(start):
    relay = start("popular")
    results = []
    threads = [threading.Thread(target=lambda: results.append(ctl(relay, "reload").returncode))
               for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [0] * 12 and status_of(relay)["generation"] <= 5


def test_the_log_level_changes_at_once_also_for_workers_to_come(start):
    relay = start("talkative", LOG_LEVEL="info")
    good(relay, "log-level", "ERROR")
    begin = relay.log_end()
    for _ in range(10):
        assert curl(relay.url("/nothing")).status == 403
    assert "refused" not in relay.log(begin)
    assert "2 workers were told" in good(relay, "log-level", "debug")
    begin = relay.log_end()
    os.kill(relay.workers()[0], signal.SIGKILL)
    relay.wait_for_log("worker ready", begin)

    def refused_lines():
        curl(relay.url("/nothing"))
        return relay.log(begin).count("refused code=encoding_required") > 20
    wait_until(refused_lines, what="lines of both workers")
    who = {line.split("[")[0].split()[-1] for line in relay.log(begin).splitlines()
           if "refused code=encoding_required" in line}
    assert who == {"0", "1"}
    result = ctl(relay, "log-level", "loud")
    assert result.returncode == 1 and "a level is trace" in result.stderr


def test_a_forgotten_pair_is_made_anew_for_the_next_request(start, start_relay, api):
    inbound = start_relay("inbound", UPSTREAM=f"http://127.0.0.1:{api.port}")
    relay = start("forgetful", WORKERS="1", ADMIN_LISTEN="127.0.0.1:0")
    pair = Pair(relay, inbound)

    def pairings():
        assert pair.request("/status/200").status == 200
        metrics = curl(relay.admin_url("/metrics")).body.decode()
        return int(re.search(r"^mte_relay_pairings_made_total (\d+)$", metrics, re.M)[1])
    first = pairings()
    assert pairings() == first
    assert "1 workers were told" in good(relay, "forget", inbound.url())
    relay.wait_for_log("the pair is forgotten, as asked")
    assert pairings() == first + 1
    good(relay, "forget", "http://nobody.example")  # whom no worker knows
    assert pairings() == first + 1
    assert ctl(relay, "forget", "nobody").returncode == 1


@pytest.mark.parametrize("words", [["drain"], ["stop"]])
def test_drain_and_stop_finish_what_is_in_flight(start, api, words):
    relay = start("leaving", PASS_THROUGH_ROUTES="/slow/*")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(curl(relay.url("/slow/1500"))))
    thread.start()
    wait_until(lambda: any("/slow/1500" in str(seen) for seen in api.requests), what="the request")
    assert good(relay, *words) == "the relay stops\n"
    if words == ["stop"]:
        assert not os.path.exists(relay.control)
    thread.join()
    assert answers[0].status == 200
    assert relay.process.wait(20) == 0 and not os.path.exists(relay.control)


def test_stop_now_waits_for_nobody(start, api):
    relay = start("quick", PASS_THROUGH_ROUTES="/slow/*", DRAIN_TIMEOUT="1h")
    thread = threading.Thread(target=lambda: curl(relay.url("/slow/30000"), check=False))
    thread.start()
    wait_until(lambda: any("/slow/30000" in str(seen) for seen in api.requests), what="the request")
    good(relay, "stop", "--now")
    assert relay.process.wait(10) == 0
    thread.join()


# ---- the socket

def test_only_its_owner_may_use_it_and_it_goes_with_the_relay(start):
    relay = start("private")
    mode = os.stat(relay.control).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    relay.stop()
    assert not os.path.exists(relay.control)


def test_the_socket_of_a_master_that_was_killed_is_replaced(start):
    relay = start("killed")
    relay.kill()
    assert os.path.exists(relay.control) and ctl(relay, "status").returncode == 69
    relay.start()
    assert status_of(relay)["pid"] == relay.process.pid


@pytest.mark.slow
def test_it_stays_over_an_upgrade(start):
    relay = start("upgraded")
    before = relay.workers()
    begin = relay.log_end()
    relay.process.send_signal(signal.SIGUSR2)
    relay.wait_for_log("serving generation=2", begin, seconds=60)
    wait_until(lambda: not set(before) & set(relay.workers()), what="the old ones' end")
    status = status_of(relay)
    assert status["generation"] == 2 and status["state"] == "serving"
    assert "generation 3" in good(relay, "reload")


def refused_start(**settings):
    merged = {**default_settings("refused"), "UPSTREAM": "http://127.0.0.1:9", **settings}
    return subprocess.run([MASTER, "--worker", WORKER, "-c", "/dev/null"], capture_output=True,
                          text=True, timeout=60, check=False,
                          env={k: v for k, v in merged.items() if v is not None})


def test_where_it_was_asked_for_and_cannot_be_the_relay_refuses_to_start(start, tmp_path):
    relay = start("first")
    (tmp_path / "file").touch()
    for path in (relay.control, str(tmp_path / "file"), str(tmp_path / "no/such/folder/sock"),
                 str(tmp_path / ("x" * 120))):
        result = refused_start(CONTROL_SOCKET=path)
        assert result.returncode == 70 and "for CONTROL_SOCKET" in result.stderr
    assert (tmp_path / "file").read_bytes() == b"" and status_of(relay)["state"] == "serving"


def test_where_nobody_asked_for_it_and_it_cannot_be_the_relay_warns_and_serves(start, api):
    relay = start("modest", CONTROL_SOCKET=None)
    log = relay.log()
    assert "for=control" in log or log.count("no control socket") == 1
    assert curl(relay.url("/api/mte-echo")).status == 200


def test_a_folder_that_is_missing_is_made(start, tmp_path):
    relay = start("folder", CONTROL_SOCKET=str(tmp_path / "made" / "sock"))
    assert status_of(relay)["state"] == "serving"


# ---- who is rude

NONSENSE = [
    (b"\n", "no such command"), (b"dance\n", "no such command"), (b"status now\n", "stands alone"),
    (b"forget\n", "one word more"), (b"log-level \n", "a level is"), (b"\0\xff\n", "no such command"),
    (b"forget " + b"x" * 4000 + b"\n", "not the URL"), (b"x" * 5000, "too long"),
    (b"forget http://a/\"\\\x01\n", "not the URL"),
]


def test_what_makes_no_sense_is_refused_in_json(start):
    relay = start("asked")
    for line, words in NONSENSE:
        answer = json.loads(say(relay, line))
        assert answer["ok"] is False and words in answer["error"], line


def test_who_says_nothing_or_half_of_it_gets_nothing(start):
    relay = start("patient")
    assert say(relay, b"", shut=True) == b""
    assert say(relay, b"status", shut=True) == b""


@pytest.mark.slow
def test_who_is_slow_keeps_neither_the_relay_nor_others_waiting(start, api):
    """Eight who hold all places, with half a line: others are served when their time is over."""
    relay = start("besieged", PASS_THROUGH_ROUTES="/status/*")
    slow = []
    for _ in range(8):
        client = socket.socket(socket.AF_UNIX)
        client.connect(relay.control)
        client.sendall(b"sta")
        slow.append(client)
    assert curl(relay.url("/status/200")).status == 200
    os.kill(relay.workers()[0], signal.SIGKILL)
    relay.wait_for_log("worker died")
    assert status_of(relay)["state"] == "serving"
    for client in slow:
        client.close()


# ---- the program

def test_wrong_usage_is_told_with_the_usage():
    for words in ([], ["dance"], ["status", "more"], ["log-level"], ["forget"], ["drain", "--now"],
                  ["--no-such"], ["forget", "a\nb"]):
        result = subprocess.run([RELAYCTL, *words], capture_output=True, text=True, check=False,
                                timeout=20)
        assert result.returncode == 64 and result.stderr, words
    assert subprocess.run([RELAYCTL, "--help"], capture_output=True, check=True,
                          timeout=20).stdout.startswith(b"usage: relayctl")


def test_where_no_relay_answers_that_is_told(tmp_path):
    result = subprocess.run([RELAYCTL, "--socket", tmp_path / "none", "status"], text=True,
                            capture_output=True, check=False, timeout=20)
    assert result.returncode == 69 and "no relay answers at" in result.stderr


def test_the_environment_says_where_the_socket_is(start):
    relay = start("found")
    result = subprocess.run([RELAYCTL, "status"], capture_output=True, text=True, timeout=20,
                            check=False, env={**os.environ, "CONTROL_SOCKET": relay.control})
    assert result.returncode == 0 and "serving" in result.stdout
