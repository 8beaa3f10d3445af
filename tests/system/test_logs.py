# SPDX-License-Identifier: MIT
"""The log: as JSON and as text, where it goes, what becomes of it when that place fails."""

import json
import os
import signal

from relay import curl, wait_until


def objects_of(text):
    """Every line of it is one JSON object; fails where one is not, or has a name twice."""
    def once(pairs):
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), pairs
        return dict(pairs)
    return [json.loads(line, object_pairs_hook=once) for line in text.splitlines()]


def find(lines, message, **members):
    return [line for line in lines if line.get("message", "").startswith(message)
            and all(line.get(name) == value for name, value in members.items())]


def start_json(start, name, api, **settings):
    """Relay.start() reads the log as text, so the port is ours to choose here."""
    relay = start(name, UPSTREAM=f"http://127.0.0.1:{api.port}", **settings)
    relay.stop()
    relay.settings["LOG_FORMAT"] = None  # the default
    begin = relay.log_end()
    relay.start(listening=r'"address":"\S*:(\d+)"', serving='"message":"serving"')
    return relay, begin


def test_a_log_of_json_has_one_object_a_line(start_relay, api):
    relay, begin = start_json(start_relay, "json", api, SECRET="short")
    assert curl(relay.url('/?a="b\\'), fields=['x-request-id: "{}\\']).refusal == "encoding_required"
    assert curl(relay.url("/"), fields=["x-request-id: well-formed.1"]).status == 403
    worker = relay.workers()[0]
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: find(objects_of(relay.log(begin)), "worker died"), what="its obituary")
    assert relay.stop() == 0
    lines = objects_of(relay.log(begin))
    for line in lines:
        assert list(line)[:5] == ["time", "level", "process", "pid", "message"]
    died, = find(lines, "worker died", worker_pid=worker)
    assert died["level"] == "error" and died["process"] == "master"
    assert died["pid"] == relay.process.pid and died["cause"].startswith("signal SIGKILL")
    assert find(lines, "refused", code="encoding_required", kind="unknown", id="well-formed.1")
    assert find(lines, "SECRET: is only 5 characters long", level="warning")
    assert find(lines, "setting SECRET = set (5 characters)")
    assert find(lines, "stopped", level="info")
