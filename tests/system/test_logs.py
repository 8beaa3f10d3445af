# SPDX-License-Identifier: MIT
"""The log: as JSON and as text, where it goes, what becomes of it when that place fails."""

import itertools
import json
import os
import re
import signal
import socket
import stat
import subprocess
import threading

import pytest
from relay import MASTER, WORKER, curl, default_settings, wait_until


def once(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), pairs
    return dict(pairs)


def objects_of(text):
    """Every line of it is one JSON object; fails where one is not, or has a name twice."""
    return [json.loads(line, object_pairs_hook=once) for line in text.splitlines()]


def find(lines, message, **members):
    return [line for line in lines if line.get("message", "").startswith(message)
            and all(line.get(name) == value for name, value in members.items())]


def test_a_log_of_json_has_one_object_a_line(start_relay, api):
    relay = start_relay("json", UPSTREAM=f"http://127.0.0.1:{api.port}", SECRET="short",
                        LOG_FORMAT=None)  # the default
    assert curl(relay.url('/?a="b\\'), fields=['x-request-id: "{}\\']).refusal == "encoding_required"
    assert curl(relay.url("/"), fields=["x-request-id: well-formed.1"]).status == 403
    worker = relay.workers()[0]
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: find(objects_of(relay.log()), "worker died"), what="its obituary")
    assert relay.stop() == 0
    lines = objects_of(relay.log())
    for line in lines:
        assert list(line)[:5] == ["time", "level", "process", "pid", "message"]
    died, = find(lines, "worker died", worker_pid=worker)
    assert died["level"] == "error" and died["process"] == "master"
    assert died["pid"] == relay.process.pid and died["cause"].startswith("signal SIGKILL")
    assert find(lines, "refused", code="encoding_required", kind="unknown", id="well-formed.1")
    assert find(lines, "SECRET: is only 5 characters long", level="warning")
    assert find(lines, "setting SECRET = set (5 characters)")
    assert find(lines[:1], "starting") and lines[0]["version"]
    ran, = find(lines, "what workers run with", process="check", version=lines[0]["version"])
    assert ran["kem"] and ran["store"] == "memory"
    assert find(lines, "listening")[0]["address"] == f"127.0.0.1:{relay.port}"
    assert find(lines, "serving", generation=1, workers=2)
    assert find(lines, "stopped", level="info")


# ---- where it goes ----

def start_with_file(start, name, api, **settings):
    """Its log in a file that is opened by the master alone; its workers may not be able to."""
    relay = start(name, UPSTREAM=f"http://127.0.0.1:{api.port}", **settings)
    relay.stop()
    relay.log_path = relay.folder / "relay.log"
    relay.settings["LOG_OUTPUT"] = str(relay.log_path)
    return relay.start()


class Refusals:
    """Requests that each leave a line with their id in the log, one after the other."""

    def __init__(self, relay):
        self.relay, self.ids, self.over = relay, [], threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        for n in itertools.count():
            if self.over.is_set():
                return
            answer = curl(self.relay.url("/"), fields=[f"x-request-id: line-{n}"])
            assert answer.refusal == "encoding_required"
            self.ids.append(f"line-{n}")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \w+ +[a-z0-9 ]+\[\d+\]: [ -~]+")


def rotate(relay, number):
    """As logrotate does: rename, then SIGUSR1. The old file, when nobody writes to it any more."""
    old = relay.log_path.with_suffix(f".{number}")
    relay.log_path.rename(old)
    relay.process.send_signal(signal.SIGUSR1)
    relay.wait_for_log("logs opened anew")
    paths = [f"/proc/{pid}/fd" for pid in [relay.process.pid, *relay.workers()]]
    wait_until(lambda: not any(holds(path, old) for path in paths), what="the old file's last line")
    return old


def holds(folder, path):
    try:
        return any(os.path.realpath(f"{folder}/{fd}") == str(path) for fd in os.listdir(folder))
    except FileNotFoundError:
        return False


def test_a_log_that_is_rotated_loses_no_line_and_tears_none(start_relay, api):
    relay = start_with_file(start_relay, "rotated", api, WORKERS="4")
    assert stat.S_IMODE(relay.log_path.stat().st_mode) == 0o640
    begin = relay.output_path.stat().st_size
    with Refusals(relay) as refusals:
        old = []
        for number in range(5):
            n = len(refusals.ids)
            wait_until(lambda least=n + 5: len(refusals.ids) > least, what="some lines")
            old.append(rotate(relay, number))
        n = len(refusals.ids)
        wait_until(lambda: len(refusals.ids) > n + 20, what="some lines")
    text = "".join(path.read_text() for path in old) + relay.log()
    assert all(LINE.fullmatch(line) for line in text.splitlines())
    assert re.findall(r"refused code=encoding_required kind=unknown id=(line-\d+) ", text) \
        == refusals.ids
    assert set(refusals.ids[-15:]) <= set(re.findall(r"line-\d+", relay.log()))
    assert relay.output_path.stat().st_size == begin


def test_a_log_stays_in_its_file_over_an_upgrade(start_relay, api):
    relay = start_with_file(start_relay, "upgraded", api)
    relay.process.send_signal(signal.SIGUSR2)
    relay.wait_for_log("took over generation=1")
    relay.wait_for_log("serving generation=2")
    rotate(relay, 1)
    curl(relay.url("/"), fields=["x-request-id: afterwards"])
    relay.wait_for_log("id=afterwards")
    assert relay.stop() == 0
    assert "stopped" in relay.log()


def test_a_reload_takes_another_format_and_place(start_relay, api):
    relay = start_relay("changed", UPSTREAM=f"http://127.0.0.1:{api.port}")
    relay.stop()
    relay.settings["LOG_FORMAT"] = relay.settings["LOG_OUTPUT"] = None
    text = relay.folder / "text"
    relay.config_path().write_text(f'log_format = "text"; log_output = "{text}";\n')
    relay.log_path = text
    relay.start()
    other = relay.folder / "json"
    relay.config_path().write_text(f'log_output = "{other}";\n')
    relay.process.send_signal(signal.SIGHUP)
    wait_until(lambda: other.exists() and find(objects_of(other.read_text()), "serving",
                                               generation=2), what="the new place")

    def a_new_worker_refuses():
        curl(relay.url("/"), fields=["x-request-id: of-a-new-worker"])
        return find(objects_of(other.read_text()), "refused", id="of-a-new-worker")
    wait_until(a_new_worker_refuses, what="a worker's line")
    relay.config_path().write_text('log_output = "/nowhere/log";\n')
    relay.process.send_signal(signal.SIGHUP)
    wait_until(lambda: find(objects_of(other.read_text()), "settings not reloaded"),
               what="a refusal to reload")
    assert find(objects_of(other.read_text()), 'LOG_OUTPUT: cannot open "/nowhere/log"')
    assert curl(relay.url("/api/mte-echo")).status == 200


@pytest.mark.parametrize("settings, words", [
    ({"LOG_OUTPUT": "/nowhere/log"}, 'LOG_OUTPUT: cannot open "/nowhere/log": No such file'),
    ({"LOG_OUTPUT": "syslog", "SYSLOG_SOCKET": "/" * 200}, "LOG_OUTPUT: cannot open"),
    ({"LOG_OUTPUT": "off"}, "environment: LOG_OUTPUT"),
    ({"LOG_OUTPUT": "log/relative"}, "a path that begins with /"),
    ({"LOG_FORMAT": "xml"}, "json or text"),
], ids=["nowhere", "long", "off", "relative", "xml"])
@pytest.mark.parametrize("arguments", [["-t"], []], ids=["test", "start"])
def test_a_place_that_cannot_be_is_told(settings, words, arguments):
    merged = default_settings("bad") | {"UPSTREAM": "http://127.0.0.1:9"} | settings
    result = subprocess.run(
        [MASTER, "--worker", WORKER, "-c", "/dev/null", *arguments], capture_output=True, text=True,
        env={k: v for k, v in merged.items() if v is not None} | {"PATH": os.environ["PATH"]},
        timeout=60, check=False)
    assert result.returncode == 78 and words in result.stderr, result.stderr


def test_looking_at_settings_makes_no_log_and_speaks_text(tmp_path):
    merged = default_settings("looked-at") | {
        "UPSTREAM": "http://127.0.0.1:9", "LOG_OUTPUT": str(tmp_path / "log"), "LOG_FORMAT": "json"}
    result = subprocess.run(
        [MASTER, "--worker", WORKER, "-c", "/dev/null", "-t"], capture_output=True, text=True,
        env={k: v for k, v in merged.items() if v is not None} | {"PATH": os.environ["PATH"]},
        timeout=60, check=True)
    assert "the settings are good" in result.stderr and "{" not in result.stderr
    assert not (tmp_path / "log").exists()


# ---- syslog ----

SYSLOG = re.compile(rb"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d mte-api-relay\[(\d+)\]: (\{.*\})")


@pytest.fixture
def syslog(tmp_path):
    """A daemon's socket that a test may close and open again."""
    path = tmp_path / "syslog"
    yield path, lambda: bound(path)
    path.unlink(missing_ok=True)


def bound(path):
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(str(path))
    path.chmod(0o666)
    for folder in list(path.parents)[:3]:
        folder.chmod(folder.stat().st_mode | 0o011)
    server.settimeout(10)
    return server


def receive_until(server, message, **members):
    while True:
        datagram = server.recv(5000)
        match = SYSLOG.fullmatch(datagram)
        assert match, datagram
        line = json.loads(match[3])
        assert int(match[2]) == line["pid"]
        if find([line], message, **members):
            return int(match[1]), line


def test_a_syslog_daemon_gets_the_log(start_relay, api, syslog):
    path, bind = syslog
    relay = start_relay("syslog", UPSTREAM=f"http://127.0.0.1:{api.port}")
    relay.stop()
    relay.settings |= {"LOG_FORMAT": None, "LOG_OUTPUT": "syslog", "SYSLOG_SOCKET": str(path)}
    with bind() as daemon:
        relay.start(silent=True)
        assert receive_until(daemon, "serving")[0] == 30  # daemon.info
        curl(relay.url("/"), fields=["x-request-id: one"])
        assert receive_until(daemon, "refused", id="one")[1]["process"].startswith("worker")
        os.kill(relay.workers()[0], signal.SIGKILL)
        assert receive_until(daemon, "worker died")[0] == 27  # daemon.err
        receive_until(daemon, "worker ready")
    curl(relay.url("/"), fields=["x-request-id: two"])  # while there is no daemon
    with bind() as daemon:
        curl(relay.url("/"), fields=["x-request-id: three"])
        receive_until(daemon, "refused", id="three")
        for n in range(30):  # nobody reads now: its queue fills, and nothing waits for it
            assert curl(relay.url("/"), fields=[f"x-request-id: more-{n}"], seconds=10).status == 403


# ---- when that place fails ----

def test_a_full_disk_stops_nothing_and_is_counted(start_relay, api):
    relay = start_relay("full", UPSTREAM=f"http://127.0.0.1:{api.port}")
    relay.stop()
    relay.settings["LOG_OUTPUT"] = "/dev/full"
    relay.start(silent=True)
    for _ in range(20):
        assert curl(relay.url("/")).refusal == "encoding_required"
    before = relay.workers()
    relay.process.send_signal(signal.SIGUSR1)
    relay.process.send_signal(signal.SIGHUP)
    wait_until(lambda: relay.workers() and not set(before) & set(relay.workers()), what="a reload")
    assert curl(relay.url("/api/mte-echo")).status == 200


def test_what_anybody_can_cause_does_not_fill_the_log(start_relay, api):
    relay = start_relay("flooded", UPSTREAM=f"http://127.0.0.1:{api.port}", LOG_LEVEL="info",
                        WORKERS="1")
    statuses = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} ", relay.url("/?[1-300]")],
        capture_output=True, check=True, timeout=60).stdout.split()
    assert statuses == 300 * [b"403"]
    assert 10 <= relay.log().count("refused code=encoding_required") <= 40  # one more in 10 s
