# SPDX-License-Identifier: MIT
"""The door over HTTP/2, frame by frame: strict, bounded, and whoever behaves is served meanwhile."""

import contextlib
import json
import socket
import struct
import time

import hpack
import pytest
from relay import curl, wait_until

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, \
    CONTINUATION = range(10)
UNKNOWN = 0xbe
END_STREAM, END_HEADERS, ACK = 1, 4, 1
NO_ERROR, PROTOCOL_ERROR, FRAME_SIZE_ERROR, ENHANCE_YOUR_CALM = 0, 1, 6, 11


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def block(*fields, method="GET", path="/plain/h2", more=()):
    """A field block that leaves no trace in the dynamic table."""
    fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "relay"),
              *fields, *more]
    return b"".join(literal(name.encode(), value.encode()) for name, value in fields)


def literal(name, value):
    return b"\0" + length(name) + name + length(value) + value


def length(text):
    if len(text) < 127:
        return bytes([len(text)])
    rest, out = len(text) - 127, b"\x7f"
    while rest >= 128:
        out += bytes([rest % 128 + 128])
        rest //= 128
    return out + bytes([rest])


class Client:
    """A connection, and all that came on it: frames as (type, flags, stream, payload)."""

    def __init__(self, relay, settings=b""):
        self.sock = socket.create_connection(("127.0.0.1", relay.port), timeout=10)
        self.frames, self.data, self.closed = [], b"", False
        self.decoder = hpack.Decoder()
        self.heads = {}
        self.send(PREFACE, frame(SETTINGS, 0, 0, settings))

    def send(self, *frames):
        """What the other side no longer takes is no matter: what it says is."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, TimeoutError):
            self.sock.sendall(b"".join(frames))

    def ask(self, stream, *fields, flags=END_STREAM | END_HEADERS, **more):
        self.send(frame(HEADERS, flags, stream, block(*fields, **more)))

    def receive(self):
        """One more frame, or the end."""
        while not self.closed:
            size = 9 + int.from_bytes(self.data[:3], "big")
            if len(self.data) >= max(9, size):
                kind, flags, stream = struct.unpack(">BBI", self.data[3:9])
                self.note(kind, flags, stream & 0x7fffffff, self.data[9:size])
                self.data = self.data[size:]
                return
            try:
                piece = self.sock.recv(65536)
            except ConnectionResetError:
                piece = b""
            self.closed = not piece
            self.data += piece

    def note(self, kind, flags, stream, payload):
        self.frames.append((kind, flags, stream, payload))
        if kind == HEADERS:
            self.heads[stream] = dict(self.decoder.decode(payload))

    def until(self, question):
        while not question() and not self.closed:
            self.receive()
        return question()

    def of(self, kind, stream):
        return [x for x in self.frames if x[0] == kind and x[2] == stream]

    def answer(self, stream):
        """Its head; waits for the end of the answer."""
        assert self.until(lambda: any(
            x[1] & END_STREAM for kind in (HEADERS, DATA) for x in self.of(kind, stream))
            or self.of(RST_STREAM, stream)), self.frames
        return self.heads.get(stream)

    def refusal(self, stream):
        head = self.answer(stream)
        assert head, self.frames
        body = b"".join(x[3] for x in self.of(DATA, stream))
        assert json.loads(body)["code"] == head["x-mte-relay-error"]
        return head[":status"], head["x-mte-relay-error"]

    def goodbye(self):
        """The code of GOAWAY, behind which the connection ends; None if that was lost, as it may
        be where the other side closes while more comes."""
        self.until(lambda: False)
        last = self.of(GOAWAY, 0)[-1:]
        return int.from_bytes(last[0][3][4:8], "big") if last else None


@pytest.fixture(name="serve")
def serve_fixture(start_relay, api):
    def start(**settings):
        return start_relay("door", UPSTREAM=f"http://127.0.0.1:{api.port}",
                           PASS_THROUGH_ROUTES="/*", WORKERS="1", **settings)
    return start


@pytest.fixture(name="relay", scope="module")
def relay_fixture(shared_start_relay, shared_api):
    return shared_start_relay("door", UPSTREAM=f"http://127.0.0.1:{shared_api.port}",
                              PASS_THROUGH_ROUTES="/*", MAX_REQUEST_BODY="100000", WORKERS="1")


@pytest.fixture(name="client")
def client_fixture(relay):
    return Client(relay)


def assert_serves(relay):
    assert curl(relay.url("/status/200"), "--http2-prior-knowledge").status == 200


# ---- bodies ----

def test_a_body_that_announces_too_much_is_refused_at_once(client):
    client.ask(1, ("content-length", "99999999"), method="POST", flags=END_HEADERS)
    assert client.refusal(1) == ("413", "body_too_large")
    client.send(frame(DATA, END_STREAM, 1, b"x" * 100))
    client.ask(3, path="/status/200")
    assert client.answer(3)[":status"] == "200"


def test_a_body_that_grows_too_large_is_refused_while_it_comes(client):
    client.ask(1, method="POST", flags=END_HEADERS)
    for _ in range(64):  # a megabyte
        client.send(frame(DATA, 0, 1, bytes(16384)))
    assert client.refusal(1) == ("413", "body_too_large")
    client.ask(3, path="/status/200")
    assert client.answer(3)[":status"] == "200"


def test_who_goes_on_sending_a_refused_body_gets_no_more_than_an_error(client):
    client.ask(1, ("content-length", "99999999"), method="POST", flags=END_HEADERS)
    assert client.refusal(1) == ("413", "body_too_large")
    for _ in range(512):  # eight megabytes
        client.send(frame(DATA, 0, 1, bytes(16384)))
    assert client.until(lambda: client.of(RST_STREAM, 1))
    client.ask(3, path="/status/200")
    assert client.answer(3)[":status"] == "200"


def test_unfinished_bodies_are_bounded_together(serve):
    relay = serve(MAX_BUFFERED="1M")
    client = Client(relay)
    streams = range(1, 17, 2)
    for stream in streams:
        client.ask(stream, method="POST", flags=END_HEADERS)
        for _ in range(16):  # 256 KiB
            client.send(frame(DATA, 0, stream, bytes(16384)))
    assert client.until(lambda: client.heads)
    refused = next(iter(client.heads))
    assert client.refusal(refused) == ("503", "overloaded")
    for stream in streams:
        client.send(frame(RST_STREAM, 0, stream, struct.pack(">I", 8)))
    # What was held is given back: the same client may try again.
    client.ask(101, method="POST", path="/status/200", flags=END_HEADERS)
    for _ in range(16):
        client.send(frame(DATA, 0, 101, bytes(16384)))
    client.send(frame(DATA, END_STREAM, 101))
    assert client.answer(101)[":status"] == "200"


def test_trailers_of_a_request_are_refused(client):
    client.ask(1, method="POST", flags=END_HEADERS)
    client.send(frame(DATA, 0, 1, b"body"),
                frame(HEADERS, END_STREAM | END_HEADERS, 1, literal(b"x-trailer", b"1")))
    assert client.refusal(1) == ("400", "bad_request")


def test_a_body_of_another_length_than_announced_is_reset(client):
    client.ask(1, ("content-length", "5"), method="POST", flags=END_HEADERS)
    client.send(frame(DATA, END_STREAM, 1, b"four"))
    assert client.answer(1) is None
    assert client.of(RST_STREAM, 1)


# ---- heads ----

def in_frames(stream, fields, flags=END_STREAM):
    """HEADERS and CONTINUATIONs."""
    pieces = [fields[i:i + 16384] for i in range(0, len(fields), 16384)]
    kinds = [HEADERS] + [CONTINUATION] * (len(pieces) - 1)
    return b"".join(
        frame(kind, (flags if kind == HEADERS else 0) | (END_HEADERS if i == len(pieces) - 1 else 0),
              stream, piece) for i, (kind, piece) in enumerate(zip(kinds, pieces)))


@pytest.mark.parametrize("flags", [END_STREAM, 0], ids=["no body", "a body"])
@pytest.mark.parametrize("more", [
    [(f"x-{i}", "v" * 1000) for i in range(72)], [(f"x-{i}", "v") for i in range(300)],
], ids=["72 kB", "300 fields"])
def test_a_large_head_is_refused_and_the_connection_lives(client, more, flags):
    client.send(in_frames(1, block(more=more), flags))
    assert client.refusal(1) == ("431", "headers_too_large")
    client.ask(3, path="/status/200")
    assert client.answer(3)[":status"] == "200"


@pytest.mark.parametrize("fields", [
    {"path": "/plain x"}, {"path": "*"}, {"method": "G T"}, {"method": "CONNECT"},
    {"more": [("", "value")]}, {"more": [("x-a", "b\rc")]},
], ids=lambda fields: "-".join(fields))
def test_what_would_be_another_request_over_http_1_is_refused(client, fields):
    client.ask(1, **fields)
    assert client.until(lambda: 1 in client.heads or client.of(RST_STREAM, 1) or
                        client.of(GOAWAY, 0))
    assert 1 not in client.heads or client.heads[1][":status"] == "400"


def test_an_empty_path_is_a_malformed_request(client):
    client.ask(1, path="")
    assert client.answer(1) is None
    assert client.of(RST_STREAM, 1)[0][3] == struct.pack(">I", PROTOCOL_ERROR)
    client.ask(3, path="/status/200")
    assert client.answer(3)[":status"] == "200"


@pytest.mark.parametrize("interruption", [
    frame(PRIORITY, 0, 1, struct.pack(">IB", 0, 9)), frame(UNKNOWN, 0, 1, b"?"),
    frame(CONTINUATION, END_HEADERS, 3), frame(DATA, 0, 1), frame(PING, 0, 0, bytes(8)),
    frame(CONTINUATION, END_HEADERS, 3, bytes(100))[:9],
], ids=["priority", "unknown", "another stream", "data", "ping", "a header alone"])
def test_a_block_that_is_interrupted_ends_the_connection(client, interruption):
    """At once, also where what interrupts it has not come whole: libh2o would wait for it, and if
    it drained meanwhile never stop waiting."""
    client.send(frame(HEADERS, END_STREAM, 1, block()), interruption)
    assert client.goodbye() == PROTOCOL_ERROR


@pytest.mark.parametrize("stream, payload, code", [
    (0, struct.pack(">IB", 1, 9), PROTOCOL_ERROR), (5, struct.pack(">IB", 5, 9), PROTOCOL_ERROR),
    (5, bytes(4), FRAME_SIZE_ERROR), (5, bytes(6), FRAME_SIZE_ERROR),
], ids=["of no stream", "of itself", "too short", "too long"])
def test_a_malformed_priority_ends_the_connection(client, stream, payload, code):
    client.send(frame(PRIORITY, 0, stream, payload))
    assert client.goodbye() == code


# ---- nuisances ----

def rapid_reset(client):
    for stream in range(1, 40001, 2):
        yield frame(HEADERS, END_STREAM | END_HEADERS, stream, block()) + \
            frame(RST_STREAM, 0, stream, struct.pack(">I", 8))


def made_you_reset(client):
    for stream in range(1, 40001, 2):
        yield frame(HEADERS, END_HEADERS, stream, block(method="POST")) + \
            frame(WINDOW_UPDATE, 0, stream, bytes(4))


def continuations(client):
    yield frame(HEADERS, 0, 1, block())
    for _ in range(2000):
        yield frame(CONTINUATION, 0, 1)


def long_block(client):
    yield frame(HEADERS, 0, 1, block())
    for _ in range(100):
        yield frame(CONTINUATION, 0, 1, literal(b"x", b"v" * 16000))


def references(client):
    """Each byte is a field of 4,000 bytes (RFC 7541 6.1)."""
    entry = b"\x40" + length(b"x") + b"x" + length(b"v" * 3900) + b"v" * 3900
    yield in_frames(1, block() + entry + b"\xbe" * 100000)


def pings(client):
    for _ in range(5000):
        yield frame(PING, 0, 0, bytes(8))


def settings(client):
    for _ in range(5000):
        yield frame(SETTINGS, 0, 0)


def unknown_frames(client):
    for _ in range(5000):
        yield frame(UNKNOWN, 0, 0, b"?")


def empty_data(client):
    yield frame(HEADERS, END_HEADERS, 1, block(method="POST"))
    for _ in range(5000):
        yield frame(DATA, 0, 1)


@pytest.mark.parametrize("nuisance", [
    rapid_reset, made_you_reset, continuations, long_block, references, pings, settings,
    unknown_frames, empty_data], ids=lambda nuisance: nuisance.__name__)
def test_a_nuisance_is_told_to_calm_down(relay, shared_api, nuisance):
    n_before = len(shared_api.requests)
    client, log_end = Client(relay), relay.log_end()
    for frames in nuisance(client):
        client.send(frames)
    assert client.goodbye() in (ENHANCE_YOUR_CALM, None)
    relay.wait_for_log("ended a connection over HTTP/2", log_end)
    assert len(shared_api.requests) - n_before <= 300
    assert_serves(relay)


def test_who_cancels_now_and_then_is_served_on(client):
    for stream in range(1, 801, 2):
        client.ask(stream, path="/status/200")
        if stream % 8 == 1:
            client.send(frame(RST_STREAM, 0, stream, struct.pack(">I", 8)))
        else:
            assert client.answer(stream)[":status"] == "200"
    assert not client.of(GOAWAY, 0)


def test_what_is_not_known_and_what_is_no_longer_of_use_is_ignored(relay, client):
    log_end = relay.log_end()
    client.send(frame(UNKNOWN, 0xff, 5, b"?"), frame(PRIORITY, 0, 7, bytes(5)))
    client.ask(1, path="/status/200")
    assert client.answer(1)[":status"] == "200"
    assert "skipping frame" not in relay.log(log_end)


# ---- time ----

@pytest.fixture(name="hasty", scope="module")
def hasty_fixture(shared_start_relay, shared_api):
    return shared_start_relay(
        "door", UPSTREAM=f"http://127.0.0.1:{shared_api.port}", PASS_THROUGH_ROUTES="/*",
        WORKERS="1", HEADER_TIMEOUT="1s", BODY_TIMEOUT="1s", IDLE_TIMEOUT="2s")


def test_a_head_that_does_not_end_ends_the_connection(hasty):
    client = Client(hasty)
    client.send(frame(HEADERS, 0, 1, block()))
    assert client.goodbye() == ENHANCE_YOUR_CALM


def test_a_preface_that_does_not_end_ends_the_connection(hasty):
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=10) as sock:
        sock.sendall(PREFACE[:20])
        assert sock.recv(100) == b""


def test_a_body_that_stands_still_is_given_up_and_others_are_served(hasty):
    client = Client(hasty)
    client.ask(1, method="POST", flags=END_HEADERS)
    client.send(frame(DATA, 0, 1, b"some"))
    client.ask(3, path="/status/200")
    assert client.answer(3)[":status"] == "200"
    assert client.until(lambda: client.of(RST_STREAM, 1))
    client.ask(5, path="/status/200")
    assert client.answer(5)[":status"] == "200"


@pytest.mark.parametrize("pieces", [
    [frame(DATA, 0, 1, b"x")] * 15, [frame(DATA, 0, 1, bytes(15))[:9]] + [b"x"] * 15,
], ids=["frames", "bytes of a frame"])
def test_a_body_that_moves_has_time(hasty, pieces):
    client = Client(hasty)
    client.ask(1, method="POST", path="/echo", flags=END_HEADERS)
    for piece in pieces:
        client.send(piece)
        time.sleep(0.15)  # a slow client, not a wait
    client.send(frame(DATA, END_STREAM, 1))
    assert client.answer(1)[":status"] == "200"


def test_who_asks_for_nothing_is_told_goodbye(hasty):
    assert Client(hasty).goodbye() == NO_ERROR


def test_pings_keep_no_connection(hasty):
    client = Client(hasty)
    client.sock.settimeout(0.2)
    end = time.monotonic() + 15
    while not client.closed and time.monotonic() < end:
        client.send(frame(PING, 0, 0, bytes(8)))
        with contextlib.suppress(TimeoutError):
            client.receive()
    assert client.closed and client.goodbye() == ENHANCE_YOUR_CALM


def test_a_head_that_goes_on_behind_the_last_goaway_stops_nobody(serve):
    """libh2o alone would read that CONTINUATION for ever."""
    relay = serve()
    client = Client(relay)
    client.ask(1, path="/status/200")
    assert client.answer(1)[":status"] == "200"
    client.send(frame(HEADERS, 0, 3, block()))
    relay.process.terminate()
    assert client.until(lambda: len(client.of(GOAWAY, 0)) == 2)
    client.send(frame(CONTINUATION, END_HEADERS, 3, literal(b"x", b"y")))
    wait_until(lambda: relay.process.poll() is not None, 15, "the end of the relay")
    assert relay.process.returncode == 0
    assert "did not leave" not in relay.log()
