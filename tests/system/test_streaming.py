# SPDX-License-Identifier: MIT
"""Answers stream: at once, with back-pressure, and to an end that everybody sees."""

import hashlib
import queue
import socket
import subprocess
import threading
import time

import httpx
import pytest
from between import Wire
from conftest import make_pair
from evil import Server, head, whole
from relay import TOKEN, wait_until

HTTP = ["--http1.1", "--http2-prior-knowledge"]
SECONDS = 10  # within which what is to come at once must have come, however busy the machine is


@pytest.fixture
def streaming():
    """An API; each test says how it answers."""
    server = Server()
    yield server
    server.stop()


def stream_with_curl(pair, path, *arguments):
    """A running curl; its output is a pipe."""
    return subprocess.Popen(
        ["curl", "--silent", "--no-buffer", *arguments, pair.outbound.url(path),
         "-H", f"x-mte-outbound-token: {TOKEN}", "-H", f"x-mte-upstream: {pair.peer}"],
        stdout=subprocess.PIPE, bufsize=0)


def lines_of(process):
    lines = queue.Queue()

    def read():
        for line in process.stdout:
            lines.put(line)
        process.stdout.close()
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


@pytest.mark.parametrize("http", HTTP)
@pytest.mark.parametrize("framing", ["chunked", "until the end"])
def test_each_event_arrives_before_the_next_is_sent(start_relay, streaming, http, framing):
    seen = queue.Queue()
    chunked = framing == "chunked"

    def play(stream):
        stream.send(head(200, "Content-Type: text/event-stream",
                         *["Transfer-Encoding: chunked"] * chunked))
        for i in range(50):
            event = b"data: %d\n" % i
            stream.send(b"%x\r\n%s\r\n" % (len(event), event) if chunked else event)
            if seen.get(timeout=SECONDS) != event:
                stream.reset()
        if chunked:
            stream.send(b"0\r\n\r\n")
        return chunked

    streaming.play = play
    client = stream_with_curl(make_pair(start_relay, streaming), "/events", http)
    lines = lines_of(client)
    for i in range(50):
        line = lines.get(timeout=SECONDS)
        assert line == b"data: %d\n" % i
        seen.put(line)
    assert lines.get(timeout=SECONDS) is None
    assert client.wait(SECONDS) == 0


@pytest.mark.parametrize("http2", [False, True], ids=["h1", "h2"])
def test_the_head_of_an_answer_arrives_before_its_body_begins(start_relay, streaming, http2):
    go = threading.Event()

    def play(stream):
        stream.send(head(200, "Transfer-Encoding: chunked", "X-Early: yes"))
        go.wait(3 * SECONDS)
        stream.send(b"0\r\n\r\n")
        return True

    streaming.play = play
    pair = make_pair(start_relay, streaming)
    # Not curl: it holds fields back until there is a body.
    with httpx.Client(http1=not http2, http2=http2, timeout=SECONDS) as client:
        with client.stream("GET", pair.outbound.url("/x"), headers={
                "x-mte-outbound-token": TOKEN, "x-mte-upstream": pair.peer}) as answer:
            assert answer.headers["x-early"] == "yes"
            go.set()
            assert answer.read() == b""


@pytest.mark.parametrize("http", HTTP)
@pytest.mark.parametrize("begun", [True, False], ids=["within an answer", "before an answer"])
def test_the_api_sees_the_application_leave(start_relay, streaming, http, begun):
    came, left = threading.Event(), threading.Event()

    def play(stream):
        if begun:
            stream.send(head(200, "Transfer-Encoding: chunked") + b"6\r\nhello\n\r\n")
        came.set()
        stream.wait_for_departure()
        left.set()

    streaming.play = play
    client = stream_with_curl(make_pair(start_relay, streaming), "/events", http)
    assert came.wait(SECONDS)
    if begun:
        assert lines_of(client).get(timeout=SECONDS) == b"hello\n"
    client.kill()
    client.wait()
    assert left.wait(SECONDS)
    assert streaming.n_requests == 1


@pytest.mark.parametrize("http, framing, status", [
    ("--http1.1", "chunked", 18), ("--http1.1", "length", 18), ("--http1.0", "chunked", 56),
    ("--http1.0", "length", 18), ("--http2-prior-knowledge", "chunked", 92),
    ("--http2-prior-knowledge", "length", 92)])
@pytest.mark.parametrize("where", ["API", "inbound worker", "outbound worker"])
def test_an_answer_that_breaks_off_is_visibly_broken(start_relay, streaming, http, framing, status,
                                                     where):
    """And has not a byte that the API did not send."""
    broken = threading.Event()

    def play(stream):
        if framing == "chunked":
            stream.send(head(200, "Transfer-Encoding: chunked") + b"6\r\nhello\n\r\n")
        else:
            stream.send(head(200, "Content-Length: 60") + b"hello\n")
        broken.wait(3 * SECONDS)
        if where != "API":
            stream.wait_for_departure()

    streaming.play = play
    pair = make_pair(start_relay, streaming, WORKERS="1")
    client = stream_with_curl(pair, "/x", http)
    lines = lines_of(client)
    assert lines.get(timeout=SECONDS) == b"hello\n"
    if where != "API":
        relay = pair.inbound if where == "inbound worker" else pair.outbound
        subprocess.run(["kill", "-9", *map(str, relay.workers())], check=True)
    broken.set()
    assert lines.get(timeout=SECONDS) is None
    ended = client.wait(SECONDS)
    # A kernel that closes a killed worker's socket says FIN, not RST: HTTP/1.0 has no more to see.
    assert ended != 0 or (where == "outbound worker" and status == 56)
    assert where != "API" or ended in (status, 56)


# ---- back-pressure ----

GROWTH = 2 << 20  # bytes that a stopped reader may cost a relay
READERS = 10
BLOCK = b"".join(i.to_bytes(4, "big") for i in range(16384))


def memory(relay):
    """Bytes that the relay's workers have to themselves."""
    total = 0
    for pid in relay.workers():
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            total += sum(int(line.split()[1]) << 10 for line in rollup
                         if line.startswith(("Private_Dirty", "Swap:")))
    return total


def begin_reading(pair):
    """An application that has asked for everything and reads nothing."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    sock.connect(("127.0.0.1", pair.outbound.port))
    sock.sendall(f"GET /huge HTTP/1.1\r\nHost: h\r\nx-mte-outbound-token: {TOKEN}\r\n"
                 f"x-mte-upstream: {pair.peer}\r\n\r\n".encode())
    return sock


def read_answer(sock, length):
    """The first bytes of an answer's body."""
    with sock.makefile("rb") as file:
        while file.readline() != b"\r\n":
            pass
        return file.read(length)


@pytest.mark.slow
def test_a_stopped_reader_costs_neither_relay_much(start_relay, streaming):
    sent = [0]

    def play(stream):
        stream.send(head(200, f"Content-Length: {1 << 30}"))
        for _ in range((1 << 30) // len(BLOCK)):
            stream.send(BLOCK)
            sent[0] += len(BLOCK)
        return True

    streaming.play = lambda stream: stream.send(whole(b"warm")) or True
    # With a sanitizer, freed memory is to be free, so that what is measured is what is held.
    pair = make_pair(start_relay, streaming, ASAN_OPTIONS="quarantine_size_mb=0:" +
                     "thread_local_quarantine_size_kb=0:detect_leaks=0", UPSTREAM_TIMEOUT="5m")
    for _ in range(20):
        assert pair.request("/warm").status == 200
    before = [memory(relay) for relay in (pair.inbound, pair.outbound)]

    streaming.play = play
    readers = [begin_reading(pair) for _ in range(READERS)]

    def stands_still():
        was = sent[0]
        time.sleep(1)
        return sent[0] == was and was > 0

    wait_until(stands_still, 60, "a stop of all that is sent")
    assert sent[0] < READERS * (1 << 30) / 2
    after = [memory(relay) for relay in (pair.inbound, pair.outbound)]
    growth = [(b - a) / READERS / (1 << 20) for a, b in zip(before, after)]
    print(f"MiB a stopped reader: inbound {growth[0]:.2f}, outbound {growth[1]:.2f}")
    assert max(growth) <= GROWTH / (1 << 20)

    # Those who read on get what was sent, and others are served meanwhile.
    assert hashlib.sha256(read_answer(readers[0], 160 * len(BLOCK))).digest() == \
        hashlib.sha256(BLOCK * 160).digest()
    streaming.play = lambda stream: stream.send(whole(b"warm")) or True
    assert pair.request("/warm").status == 200
    for sock in readers:
        sock.close()


# ---- silence ----

@pytest.mark.slow
def test_padding_keeps_a_silent_answer_alive_between_the_relays(start_relay, streaming):
    """The application's relay would give up after 22 s of silence; the API is silent for longer,
    once before the head and once within the body."""
    padded = threading.Event()

    def play(stream):
        begun = stream.path() == "/body"
        if begun:
            stream.send(head(200, "Content-Length: 10") + b"hello")
        padded.wait(60)
        time.sleep(4)
        stream.send(b"world" if begun else head(200, "Content-Length: 10") + b"helloworld")
        return True

    streaming.play = play
    inbound = start_relay("inbound", UPSTREAM=streaming.url)
    outbound = start_relay("outbound", UPSTREAM=streaming.url, UPSTREAM_TIMEOUT="22s")
    wires = [Wire(inbound.port) for _ in range(2)]
    try:
        clients = [subprocess.Popen(
            ["curl", "--silent", outbound.url(path), "-H", f"x-mte-outbound-token: {TOKEN}", "-H",
             f"x-mte-upstream: {wire.url}"], stdout=subprocess.PIPE)
            for path, wire in zip(("/head", "/body"), wires)]
        wait_until(lambda: streaming.n_requests == 2, what="the requests at the API")
        time.sleep(2)
        crossed = [len(wire.answers()) for wire in wires]
        wait_until(lambda: all(len(wire.answers()) > n for wire, n in zip(wires, crossed)), 30,
                   "padding between the relays")
        padded.set()
        for client in clients:
            assert client.communicate(timeout=30)[0] == b"helloworld"
            assert client.returncode == 0
    finally:
        for wire in wires:
            wire.stop()
