# SPDX-License-Identifier: MIT
"""The door, with raw sockets and real clients: strict, bounded, and nobody waits for ever."""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import pytest
from relay import curl, parse_answer, wait_until

HOST = b"Host: relay\r\n"
GET = b"GET /plain/%s HTTP/1.1\r\n" + HOST
CHUNKED = b"POST /plain/evil HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"

EVIL = {
    "two lengths": (400, GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    "one length twice": (400, GET + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na"),
    "length and chunks": (400, GET + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                                     b"0\r\n\r\n"),
    "no Host": (400, b"GET /plain/evil HTTP/1.1\r\n\r\n"),
    "two Hosts": (400, GET + HOST + b"\r\n"),
    "a folded line": (400, GET + b"A: b\r\n c\r\n\r\n"),
    "a bare LF": (400, GET + b"A: b\n\r\n"),
    "a bad method": (400, b"G{T /plain/evil HTTP/1.1\r\n" + HOST + b"\r\n"),
    "HTTP/1.9": (400, b"GET /plain/evil HTTP/1.9\r\n" + HOST + b"\r\n"),
    "an empty path": (400, b"GET  HTTP/1.1\r\n" + HOST + b"\r\n"),
    "blanks in the path": (400, b"GET /plain/evil x HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a blank before the colon": (400, GET + b"A : b\r\n\r\n"),
    "a junk chunk extension": (400, CHUNKED + b"1 junk\r\na\r\n0\r\n\r\n"),
    "a junk chunk size": (400, CHUNKED + b"0x1\r\na\r\n0\r\n\r\n"),
    "a chunk longer than its size": (400, CHUNKED + b"1\r\nab\r\n0\r\n\r\n"),
    "a long head": (431, GET + b"A: " + b"x" * 66000 + b"\r\n\r\n"),
    "many fields": (431, GET + b"A: b\r\n" * 101 + b"\r\n"),
    "a huge length": (413, GET + b"Content-Length: 99999999999\r\n\r\n"),
    "a huge chunk": (413, CHUNKED + b"fffffffffff\r\n"),
}
EVIL = {name: (status, data.replace(b"%s", b"evil")) for name, (status, data) in EVIL.items()}


@pytest.fixture(name="relay", scope="module")
def relay_fixture(shared_start_relay, shared_api):
    return start(shared_start_relay, shared_api)


def start(start_relay, server, **settings):
    return start_relay("door", UPSTREAM=f"http://127.0.0.1:{server.port}",
                       PASS_THROUGH_ROUTES="/*", **settings)


@contextlib.contextmanager
def connected(relay, seconds=10):
    with socket.create_connection(("127.0.0.1", relay.port), timeout=seconds) as sock:
        yield sock


def receive(sock, until=None):
    """All until the other side closes, or until that is in it."""
    got = b""
    while until is None or until not in got:
        try:
            piece = sock.recv(65536)
        except ConnectionResetError:
            return got
        if not piece:
            return got
        got += piece
    return got


def assert_refused(data, status):
    answer = parse_answer(data, 0)
    assert answer.status == status, data[:500]
    assert answer.field("connection") == "close"
    assert answer.field("content-type") == "application/problem+json"
    assert json.loads(answer.body)["code"] == answer.refusal


def paths(server):
    return [request["path"] for request in server.requests]


@pytest.mark.parametrize("name", EVIL)
def test_an_evil_request_is_refused_and_runs_nowhere(relay, shared_api, name):
    status, data = EVIL[name]
    with connected(relay) as sock:
        sock.sendall(data)
        assert_refused(receive(sock), status)
    assert not [path for path in paths(shared_api) if "evil" in path]


@pytest.mark.parametrize("name", EVIL)
def test_a_good_request_before_an_evil_one_is_answered(relay, shared_api, name):
    status, data = EVIL[name]
    with connected(relay) as sock:
        sock.sendall(b"GET /status/204 HTTP/1.1\r\n" + HOST + b"\r\n" + data)
        got = receive(sock)
    first, _, rest = got.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 204 ")
    assert_refused(rest, status)
    assert not [path for path in paths(shared_api) if "evil" in path]


def test_an_evil_request_in_single_bytes(relay):
    with connected(relay) as sock:
        for byte in EVIL["two lengths"][1]:
            sock.sendall(bytes([byte]))
        assert_refused(receive(sock), 400)


def test_pipelined_requests_are_answered_in_order(relay):
    one = b"POST /echo HTTP/1.1\r\n" + HOST
    with connected(relay) as sock:
        sock.sendall(one + b"Content-Length: 3\r\n\r\nabc"
                     + one + b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\ndef\r\n0\r\n\r\n"
                     + one + b"Connection: close\r\nContent-Length: 3\r\n\r\nghi")
        got = receive(sock)
    assert [got.count(b"HTTP/1.1 200 "), got.find(b"abc") < got.find(b"def") < got.find(b"ghi")] \
        == [3, True]


def test_a_target_in_absolute_form(relay, shared_api):
    with connected(relay) as sock:
        sock.sendall(b"GET http://other/status/200?absolute HTTP/1.1\r\n" + HOST
                     + b"Connection: close\r\n\r\n")
        assert receive(sock).startswith(b"HTTP/1.1 200 ")
    assert "/status/200?absolute" in paths(shared_api)


@pytest.mark.parametrize("how", ["--http2", "--http2-prior-knowledge"])
def test_http_2_in_the_clear_with_a_body(relay, how):
    body = bytes(range(256)) * 256
    answer = curl(relay.url("/seen"), how, "--write-out", "\n%{http_version}", data=body)
    seen, _, version = answer.body.rpartition(b"\n")
    assert (answer.status, version) == (200, b"2")
    assert json.loads(seen)["sha256"] == hashlib.sha256(body).hexdigest()


def metric_closes(relay, what, since, seconds):
    assert relay.wait_for_log(f"closed: it waited .* for its {what}")
    assert seconds * 0.9 <= time.monotonic() - since <= seconds * 1.6 + 2


@pytest.mark.parametrize("setting,what,data", [
    ("HEADER_TIMEOUT", "request head", b""),
    ("HEADER_TIMEOUT", "request head", b"GET / HTTP/1.1\r\nHost: h\r\n"),
    ("BODY_TIMEOUT", "request body", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx"),
    ("IDLE_TIMEOUT", "next request", b"GET /status/204 HTTP/1.1\r\nHost: h\r\n\r\n"),
])
def test_who_is_silent_is_closed_in_time(start_relay, api, setting, what, data):
    relay = start(start_relay, api, **{setting: "1s"})
    with connected(relay) as sock:
        begin = time.monotonic()
        sock.sendall(data)
        receive(sock)
        metric_closes(relay, what, begin, 1)


def test_a_slow_head_is_closed_though_bytes_come(start_relay, api):
    relay = start(start_relay, api, HEADER_TIMEOUT="1s")
    with connected(relay) as sock, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        begin = time.monotonic()
        while time.monotonic() < begin + 10:
            sock.sendall(b"G")
            time.sleep(0.1)
    metric_closes(relay, "request head", begin, 1)


@pytest.mark.parametrize("how", ["h1", "h2"])
def test_a_stopped_reader_is_closed(start_relay, api, how):
    relay = start(start_relay, api, SEND_TIMEOUT="1s")
    begin = time.monotonic()
    if how == "h1":
        with connected(relay) as sock:
            sock.sendall(b"GET /bytes/100000000 HTTP/1.1\r\nHost: h\r\n\r\n")
            metric_closes(relay, "answer's reader", begin, 1)
        return
    # A reader of HTTP/2 whose windows are used up and never opened again.
    with connected(relay) as sock:
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
                     + h2_get(b"/bytes/100000000"))
        metric_closes(relay, "answer's reader", begin, 1)


def h2_get(path):
    block = b"\x82\x86\x04" + bytes([len(path)]) + path + b"\x01\x01h"
    return len(block).to_bytes(3, "big") + b"\1\5\0\0\0\1" + block


def test_max_connections(start_relay, api):
    relay = start(start_relay, api, MAX_CONNECTIONS="3")
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            sock = stack.enter_context(connected(relay))
            sock.sendall(b"GET /status/204 HTTP/1.1\r\nHost: h\r\n\r\n")
            assert receive(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 204 ")
            time.sleep(0.05)  # what the workers know of each other is at most so old
        with connected(relay) as sock:
            assert_refused(receive(sock), 503)
    wait_until(lambda: curl(relay.url("/status/204"), check=False).status == 204)


def n_sockets(pid):
    def is_socket(path):
        with contextlib.suppress(FileNotFoundError):
            return os.readlink(path).startswith("socket:")
        return False
    return sum(is_socket(path) for path in pathlib.Path(f"/proc/{pid}/fd").iterdir())


def test_who_has_more_than_his_share_lets_others_accept(start_relay, api):
    relay = start(start_relay, api)
    first, second = relay.workers()
    before = {pid: n_sockets(pid) for pid in (first, second)}
    with contextlib.ExitStack() as stack:
        def connect_forty():
            for _ in range(40):
                stack.enter_context(connected(relay))
        os.kill(first, signal.SIGSTOP)
        try:
            connect_forty()
            wait_until(lambda: n_sockets(second) - before[second] == 40)
        finally:
            os.kill(first, signal.SIGCONT)
        connect_forty()
        wait_until(lambda: sum(n_sockets(pid) - before[pid] for pid in before) == 80)
        assert n_sockets(first) - before[first] > 20


def test_max_buffered(start_relay, api):
    relay = start(start_relay, api, MAX_BUFFERED="100000")
    head = b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 80000\r\n\r\n"
    with connected(relay) as first:
        first.sendall(head + bytes(79999))
        def refused():
            with connected(relay) as second:
                second.sendall(head)
                second.settimeout(0.3)
                with contextlib.suppress(TimeoutError):
                    return receive(second, b"}")
            return None
        assert_refused(wait_until(refused), 503)
        assert curl(relay.url("/status/204")).status == 204
        first.sendall(b"\0")
        assert receive(first, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    wait_until(lambda: curl(relay.url("/echo"), data=bytes(80000)).status == 200)


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_an_early_413_reaches_who_still_sends(relay, framing):
    size = 40 << 20
    head = b"POST /echo HTTP/1.1\r\n" + HOST
    body = bytes(1 << 16)
    with connected(relay) as sock:
        if framing == "length":
            sock.sendall(head + b"Content-Length: %d\r\n\r\n" % size)
        else:
            sock.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
            body = b"%x\r\n" % len(body) + body + b"\r\n"
        for _ in range(size >> 16):  # reads nothing until all is sent
            sock.sendall(body)
        assert_refused(receive(sock), 413)


def test_curl_sees_an_early_413(relay, tmp_path):
    upload = tmp_path / "upload"
    with upload.open("wb") as file:
        file.truncate(40 << 20)
    answer = curl(relay.url("/echo"), "--upload-file", str(upload), "--header", "Expect:")
    assert (answer.status, answer.refusal) == (413, "body_too_large")


def test_http_2_prior_knowledge_with_nghttp(relay):
    shown = subprocess.run(["nghttp", "--no-verify-peer", relay.url("/status/204"), "-v"],
                           capture_output=True, timeout=20, check=True).stdout.decode()
    assert re.search(r":status: 204", shown)
