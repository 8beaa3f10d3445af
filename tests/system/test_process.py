# SPDX-License-Identifier: MIT
"""The processes: what workers are allowed, how settings are reloaded, who has the port."""

import os
import pathlib
import shutil
import signal
import subprocess
import threading

import pytest
import relay as programs
from relay import MASTER, TOKEN, WORKER, Relay, curl, default_settings, wait_until

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


@needs_root
def test_workers_have_neither_root_nor_a_way_back(pair):
    for pid in pair.inbound.workers():
        status = status_of(pid)
        assert set(status["Uid"]) == {"65534"} and "0" not in status["Gid"]
        assert status["Groups"] == [] and status["NoNewPrivs"] == ["1"]
        assert {status[name][0] for name in ("CapEff", "CapPrm", "CapInh")} == {"0" * 16}
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        assert "Max core file size        0                    0" in limits


@pytest.mark.skipif("define HAVE_SECCOMP 1" not in (programs.BUILD / "config.h").read_text(),
                    reason="built without libseccomp")
def test_the_system_calls_of_workers_are_filtered(pair):
    for pid in pair.inbound.workers():
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            assert "Seccomp:\t2\n" in (task / "status").read_text()
    assert "not filtered" not in pair.inbound.log()


@needs_root
def test_a_worker_runs_as_a_user_that_cannot_read_its_program(start_relay, api, tmp_path,
                                                              monkeypatch):
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    shutil.copy2(WORKER, hidden)
    monkeypatch.setattr(programs, "WORKER", hidden / WORKER.name)
    relay = start_relay("hidden", UPSTREAM=f"http://127.0.0.1:{api.port}")
    assert curl(relay.url("/api/mte-echo")).status == 200
    assert {status_of(pid)["Uid"][0] for pid in relay.workers()} == {"65534"}


@needs_root
def test_root_without_a_user_to_become_refuses_to_start():
    settings = {**default_settings("root"), "UPSTREAM": "http://127.0.0.1:9"}
    for user, words in (("", "there is no user \"mte-api-relay\""), ("root", "never run as root")):
        if user == "" and "mte-api-relay:" in pathlib.Path("/etc/passwd").read_text():
            continue
        result = subprocess.run([MASTER, "--worker", WORKER, "-t"], capture_output=True, text=True,
                                env={**settings, "RUN_USER": user}, check=False, timeout=60)
        assert result.returncode == 78
        assert words in result.stderr


def test_a_worker_is_not_started_by_hand():
    for arguments in ([], ["slot=0"], ["--help"]):
        result = subprocess.run([WORKER, *arguments], capture_output=True, text=True, check=False,
                                timeout=60)
        assert result.returncode == 64
        assert "started by mte-api-relayd" in result.stderr


def test_a_worker_that_is_not_there_is_no_mistake_of_the_settings():
    settings = {**default_settings("none"), "UPSTREAM": "http://127.0.0.1:9"}
    result = subprocess.run([MASTER, "--worker", "/nowhere/worker", "-t"], capture_output=True,
                            text=True, check=False, timeout=60,
                            env={k: v for k, v in settings.items() if v is not None})
    assert result.returncode not in (0, 78)
    assert "/nowhere/worker" in result.stderr


def test_a_reload_rotates_the_token_and_fails_no_request(start_relay, api, tmp_path):
    token = tmp_path / "token"
    token.write_text(TOKEN)
    relay = start_relay("rotated", UPSTREAM=f"http://127.0.0.1:{api.port}", OUTBOUND_TOKEN=None,
                        OUTBOUND_TOKEN_FILE=str(token), PASS_THROUGH_ROUTES="/status/*",
                        DRAIN_TIMEOUT="5s")
    before, stop, statuses = relay.workers(), threading.Event(), []

    def load():
        while not stop.is_set():
            statuses.append(curl(relay.url("/status/200"), check=False).status)
    thread = threading.Thread(target=load)
    thread.start()
    token.write_text("another token, long enough")
    relay.process.send_signal(signal.SIGHUP)
    relay.wait_for_log("serving generation=2")
    wait_until(lambda: not set(before) & set(relay.workers()), what="the old workers' end")
    stop.set()
    thread.join()
    assert set(statuses) == {200}
    for value, refusal in ((TOKEN, "invalid_outbound_token"),
                           ("another token, long enough", "missing_upstream")):
        answer = curl(relay.url("/x"), fields=[f"x-mte-outbound-token: {value}"])
        assert answer.refusal == refusal


def test_a_bad_reload_is_told_and_the_relay_serves_on(start_relay, api):
    relay = start_relay("steady", UPSTREAM=f"http://127.0.0.1:{api.port}")
    before = relay.workers()
    relay.config_path().write_text("workerz = 3;\n")
    relay.process.send_signal(signal.SIGHUP)
    relay.wait_for_log("workerz.*\n(.*\n)*.*settings not reloaded")
    assert relay.workers() == before
    assert curl(relay.url("/api/mte-echo")).status == 200


def test_a_new_master_has_the_port_while_the_old_workers_finish(start_relay, api):
    settings = {"UPSTREAM": f"http://127.0.0.1:{api.port}", "PASS_THROUGH_ROUTES": "/slow/*"}
    relay = start_relay("heir", **settings)
    old, answers = relay.workers(), []
    thread = threading.Thread(target=lambda: answers.append(curl(relay.url("/slow/4000"))))
    thread.start()
    wait_until(lambda: any("/slow/4000" in str(seen) for seen in api.requests), what="the request")
    os.kill(relay.process.pid, signal.SIGKILL)
    relay.process.wait()
    relay.start()
    assert curl(relay.url("/api/mte-echo")).status == 200
    assert not answers
    thread.join()
    assert answers[0].status == 200
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in old),
               what="the old workers' end")
