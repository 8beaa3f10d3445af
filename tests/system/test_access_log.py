# SPDX-License-Identifier: MIT
"""The access log: one line for each exchange, at its end, with what became of it and why."""

import json
import os
import re
import signal
import socket
import subprocess

import pytest
from evil import Server, head, say
from relay import SECRET, TOKEN, Pair, curl, wait_until

TIMES = ["request_us", "outbound_proxy_us", "upstream_proxy_us", "request_encode_us",
         "request_decode_us", "response_encode_us", "response_decode_us"]
MEMBERS = ["time", "kind", "id", "direction", "route", "peer", "method", "status", "refusal",
           "bytes_in", "bytes_out", *TIMES, "why"]


class AccessLog:
    def __init__(self, path):
        self.path = path

    def lines(self):
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def of(self, request_id):
        """The one line of an exchange, once it is there."""
        found = wait_until(lambda: [x for x in self.lines() if x["id"] == request_id],
                           what=f"the line of {request_id}")
        assert len(found) == 1, found
        line = found[0]
        assert list(line) == [name for name in MEMBERS if name in line]  # no other, in this order
        assert line["kind"] == "access" and line["request_us"] >= 0
        return line


@pytest.fixture
def logged_pair(start_relay, api, tmp_path):
    """A pair with access logs; and both of these, the outbound one's first."""
    logs = [AccessLog(tmp_path / name) for name in ("outbound", "inbound")]
    outbound, inbound = [
        start_relay(log.path.name, UPSTREAM=f"http://127.0.0.1:{api.port}", LOG_FORMAT="json",
                    ACCESS_LOG=str(log.path), PASS_THROUGH_ROUTES="/status/*")
        for log in logs]
    return Pair(outbound, inbound), *logs


def test_each_kind_of_exchange_leaves_one_line_with_its_times(logged_pair):
    pair, outbound, inbound = logged_pair
    body = b"a body of 25 bytes, say it"
    assert pair.request("/echo?query=marker", fields=["x-request-id: through"],
                        data=body).body == body
    line = outbound.of("through")
    assert (line["direction"], line["route"], line["method"]) == ("outbound", "outbound", "POST")
    assert line["status"] == 200 and "refusal" not in line and "why" not in line
    assert line["peer"].startswith(f"http://127.0.0.1:{pair.inbound.port}")
    assert line["bytes_in"] == line["bytes_out"] == len(body)
    assert all(line[time] > 0 for time in ("request_us", "outbound_proxy_us"))
    assert [time for time in TIMES if time in line] == [
        "request_us", "outbound_proxy_us", "request_encode_us", "response_decode_us"]

    line = inbound.of("through")
    assert (line["direction"], line["route"], line["method"]) == ("inbound", "inbound", "POST")
    assert line["status"] == 200 and line["peer"] == "127.0.0.1"
    assert line["bytes_in"] > len(body) and line["bytes_out"] > len(body)  # sealed
    assert [time for time in TIMES if time in line] == [
        "request_us", "upstream_proxy_us", "request_decode_us", "response_encode_us"]

    assert curl(pair.outbound.url("/status/404"), fields=["x-request-id: plain"]).status == 404
    line = outbound.of("plain")
    assert (line["direction"], line["route"], line["status"]) == ("plain", "plain", 404)
    assert [time for time in TIMES if time in line] == ["request_us", "upstream_proxy_us"]

    assert curl(pair.outbound.url("/api/mte-echo"), fields=["x-request-id: own"]).status == 200
    line = outbound.of("own")
    assert (line["direction"], line["route"], line["method"]) == ("own", "echo", "GET")
    assert [time for time in TIMES if time in line] == ["request_us"]
    assert [x for x in inbound.lines() if x["route"] == "pair" and x["method"] == "POST"]


def test_what_is_refused_is_logged_with_its_code(logged_pair):
    pair, outbound, _ = logged_pair
    assert pair.request("/x", token="wrong", fields=["x-request-id: token"]).status == 401
    line = outbound.of("token")
    assert (line["direction"], line["status"], line["refusal"]) == (
        "own", 401, "invalid_outbound_token")
    assert curl(pair.outbound.url("/x"), fields=["x-request-id: plain"]).status == 403
    assert outbound.of("plain")["refusal"] == "encoding_required"


def test_failures_say_why(logged_pair, api):
    pair, outbound, inbound = logged_pair
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nowhere = f"http://127.0.0.1:{probe.getsockname()[1]}"
    there, pair.peer = pair.peer, nowhere
    assert pair.request("/x", fields=["x-request-id: peer"]).refusal == "peer_unreachable"
    line = outbound.of("peer")
    assert (line["status"], line["refusal"]) == (502, "peer_unreachable")
    pair.peer = there

    pair.request("/slow/10000", fields=["x-request-id: gone"], seconds=1, check=False)
    assert outbound.of("gone")["why"] == "client_gone"
    assert inbound.of("gone")["why"] == "client_gone"
    assert outbound.of("gone")["status"] == inbound.of("gone")["status"] == 0

    api.stop()
    assert pair.request("/x", fields=["x-request-id: api"]).refusal == "upstream_unreachable"
    line = inbound.of("api")
    assert (line["status"], line["refusal"], line["why"]) == (
        502, "upstream_unreachable", "upstream_unreachable")
    assert outbound.of("api")["status"] == 502


PLAYS = {
    "upstream_reset": lambda stream: stream.reset(),
    "upstream_cut": say(head(200, "Content-Length: 100") + b"half"),
    "upstream_bad_answer": say(b"this is not HTTP\r\n\r\n"),
    "upstream_silent": lambda stream: stream.wait_for_departure(),
}


def test_an_api_that_fails_is_named_by_how_it_does(start_relay, tmp_path):
    log = AccessLog(tmp_path / "access")
    api = Server()
    relay = start_relay("plain", UPSTREAM=api.url, LOG_FORMAT="json", ACCESS_LOG=str(log.path),
                        PASS_THROUGH_ROUTES="/*", UPSTREAM_TIMEOUT="1s")
    for why, api.play in PLAYS.items():
        curl(relay.url("/x"), fields=[f"x-request-id: {why}"], check=False)
        assert log.of(why)["why"] == why
    assert log.of("upstream_cut")["status"] == 200
    api.stop()


def test_it_never_shows_a_path_a_query_a_token_or_a_body(logged_pair):
    pair, outbound, inbound = logged_pair
    pair.request("/echo/path-marker?query-marker", data=b"body-marker",
                 fields=["x-request-id: markers", "cookie: field-marker", "user-agent: field-marker",
                         "referer: http://x/?query-marker", "authorization: Bearer field-marker"])
    pair.request("/?query-marker", token="token-marker", fields=["x-request-id: bad query-marker"])
    curl(pair.outbound.url("/?query-marker"), "--request", "QUERY-X",
         fields=["x-request-id: plain-markers"])
    outbound.of("plain-markers")
    for log in (outbound, inbound):
        assert not re.search(rf"[a-z]+-marker\b|{re.escape(TOKEN)}|{re.escape(SECRET)}",
                             log.path.read_text())


def test_it_follows_a_rotation_and_may_be_text(start_relay, api, tmp_path):
    path = tmp_path / "access"
    relay = start_relay("rotated", UPSTREAM=f"http://127.0.0.1:{api.port}", ACCESS_LOG=str(path))
    curl(relay.url("/"), fields=["x-request-id: before"])
    wait_until(lambda: "id=before" in path.read_text(), what="its line")
    path.rename(tmp_path / "old")
    begin = relay.log_end()
    relay.process.send_signal(signal.SIGUSR1)
    relay.wait_for_log("logs opened anew", begin)

    def is_followed():
        curl(relay.url("/"), fields=["x-request-id: after"])
        return "id=after" in path.read_text()
    wait_until(is_followed, what="a line in the new file")
    assert re.fullmatch(
        r"\S+Z access id=before direction=own route=unknown peer=127\.0\.0\.1 method=GET status=403 "
        r"refusal=encoding_required bytes_in=0 bytes_out=\d+ request_us=\d+\n",
        (tmp_path / "old").read_text().split("\n", 1)[0] + "\n")


def test_a_reader_of_it_that_is_slow_holds_up_nobody(start_relay, api, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with subprocess.Popen(["sleep", "600"], stdin=os.open(path, os.O_RDONLY | os.O_NONBLOCK)) as idle:
        relay = start_relay("slow", UPSTREAM=f"http://127.0.0.1:{api.port}", ACCESS_LOG=str(path))
        statuses = subprocess.run(  # their lines are more than a pipe has room for
            ["curl", "-s", "-m", "60", "-H", f"x-request-id: {'x' * 100}", "-o", "/dev/null",
             "-w", "%{http_code} ", relay.url("/?[1-600]")], capture_output=True, check=True,
            timeout=90).stdout.split()
        assert statuses == 600 * [b"403"]
        assert curl(relay.url("/api/mte-echo"), seconds=5).status == 200
        idle.kill()
