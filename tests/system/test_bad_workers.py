# SPDX-License-Identifier: MIT
"""Workers that do not do as they should: the others serve, and what becomes of the bad one is seen."""

import json
import pathlib
import re
import signal
import sys

import pytest
import relay as programs
from certificates import Authority
from relay import TOP, WORKER, curl, wait_until

VERSION = re.search(r"MESSAGE_VERSION = (\d+)",
                    (TOP / "common/message.h").read_text(encoding="utf-8"))[1]
# Says READY of generation 1, then turns for ever, as an endless loop in a library does.
SPINNING = (f"exec {sys.executable} -c 'import os, struct\n"
            f"os.write(3, struct.pack(\">BBHQ\", {VERSION}, 0, 1, 1))\nwhile True: pass'")


@pytest.fixture
def start_with(start_relay, api, tmp_path, monkeypatch):
    """start_with(words): a relay of two workers, of which the second runs these words of sh."""
    def start(words):
        worker = tmp_path / "worker"
        tmp_path.chmod(0o755)
        worker.write_text(f"#!/bin/sh\ncase $1 in slot=1,*) {words};; esac\nexec {WORKER} \"$@\"\n")
        worker.chmod(0o755)
        monkeypatch.setattr(programs, "WORKER", worker)
        relay = programs.Relay(tmp_path, "relay", {
            **programs.default_settings("odd"), "UPSTREAM": f"http://127.0.0.1:{api.port}",
            "ADMIN_LISTEN": "127.0.0.1:0"})
        started.append(relay)
        return relay.start(serving="worker ready")
    started = []
    yield start
    for relay in started:
        assert relay.stop() == 0


def slot_1(relay):
    workers = json.loads(curl(relay.admin_url("/status")).body)["workers"]
    return next((worker for worker in workers if worker["slot"] == 1), {"state": None})


def test_one_that_dies_at_once_is_tried_ever_more_seldom_and_the_other_serves(start_with):
    relay = start_with("exit 3")
    for delay in (100, 200, 400, 800):
        relay.wait_for_log(f"worker died slot=1 .*restart_in_ms={delay}")
    assert curl(relay.url("/api/mte-echo")).status == 200
    assert curl(relay.admin_url("/readyz")).status == 200
    wait_until(lambda: slot_1(relay)["state"] == "backoff", what="a backoff to be seen")
    assert slot_1(relay)["restarts"] >= 4


def test_one_that_never_gets_ready_keeps_nobody_from_being_served(start_with):
    relay = start_with("exec sleep 300")
    assert curl(relay.url("/api/mte-echo")).status == 200
    wait_until(lambda: slot_1(relay)["state"] == "starting", what="the start to be seen")
    assert json.loads(curl(relay.admin_url("/readyz")).body)["reasons"] == ["starting"]


@pytest.mark.slow
def test_one_that_spins_is_killed_and_replaced(start_with):
    relay = start_with(SPINNING)
    relay.wait_for_log("worker killed slot=1 .*state=up because=hang", seconds=60)
    relay.wait_for_log("worker died slot=1 .*SIGKILL")
    assert curl(relay.url("/api/mte-echo")).status == 200


def test_a_reload_with_a_certificate_that_cannot_be_read_changes_nothing(start_relay, api, tmp_path):
    certificate, key = map(pathlib.Path,
                           Authority(tmp_path, "ca").issue("relay", "IP:127.0.0.1"))
    relay = start_relay("steady", UPSTREAM=f"http://127.0.0.1:{api.port}",
                        TLS_CERT_FILE=str(certificate), TLS_KEY_FILE=str(key))
    before = relay.workers()
    certificate.write_text("no certificate any more\n")
    relay.process.send_signal(signal.SIGHUP)
    relay.wait_for_log("TLS_CERT_FILE(.*\n)*.*settings not reloaded")
    certificate.unlink()
    begin = relay.log_end()
    relay.process.send_signal(signal.SIGHUP)
    relay.wait_for_log("TLS_CERT_FILE.*cannot be read(.*\n)*.*settings not reloaded", begin)
    assert relay.workers() == before
    assert curl(f"https://127.0.0.1:{relay.port}/api/mte-echo", "--insecure").status == 200
