# SPDX-License-Identifier: MIT
"""What answers as the peer relay breaks every rule: a refusal or a visible break, never a hang,
never a wrong byte, never a second execution."""

import os
import time

import pytest
from between import post
from evil import Server, head, peer_of, say, whole
from relay import Pair

SILENCE = 2  # seconds that the peer may be silent
SEALED = "Content-Type: application/mte-relay"
ERROR = "Content-Type: application/mte-error"
PAIRING = "Content-Type: application/mte-pair"


@pytest.fixture(scope="module")
def pair(shared_start_relay, shared_api):
    upstream = f"http://127.0.0.1:{shared_api.port}"
    return Pair(shared_start_relay("outbound", UPSTREAM=upstream, UPSTREAM_TIMEOUT=f"{SILENCE}s"),
                shared_start_relay("inbound", UPSTREAM=upstream))


@pytest.fixture
def evil(pair):
    """Stands before the inbound relay; pairs truly unless a test has it otherwise."""
    server = Server()
    honest = pair.peer
    pair.peer = server.url
    yield server
    server.stop()
    pair.peer = honest
    answer = pair.request("/echo", data=b"still well")
    assert (answer.status, answer.body) == (200, b"still well")


def ask(pair, *arguments, path="/bytes/10", **more):
    """An answer or none, but within bounds."""
    began = time.monotonic()
    answer = pair.request(path, *arguments, check=False, seconds=30, **more)
    assert time.monotonic() - began < 20
    return answer


def is_refused(answer, code, status=502):
    return (answer.exit_status, answer.status, answer.refusal) == (0, status, code)


WRONG = {
    "garbage": b"\x16\x03\x01 this is not HTTP \r\n\r\n",
    "no type": whole(b"x"),
    "another type": whole(b"<html>", "Content-Type: text/html"),
    "the error page of a gateway": whole(b"<html>", "Content-Type: text/html", status=503),
    "garbage of the right type": whole(os.urandom(5000), SEALED),
    "zeros of the right type": whole(bytes(5000), SEALED),
    "an error frame of garbage": whole(os.urandom(76), ERROR),
    "an error frame with one byte more": whole(os.urandom(77), ERROR),
    "an error frame cut": whole(os.urandom(75), ERROR),
    "no error frame": whole(b"", ERROR),
    "an unsigned promise": whole(b"\1\x7f\2\0" + bytes(72), ERROR),
    "two lengths": head(200, SEALED, "Content-Length: 1", "Content-Length: 2") + b"xx",
    "length and chunks": head(200, SEALED, "Content-Length: 1", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "10,000 fields": head(200, SEALED, *(f"X-{i}: {i}" for i in range(10000)), "Content-Length: 0"),
    "a frame of the largest length": whole(b"\1\x11\1\0" + bytes(24) + b"\1\xff\xff\xff", SEALED),
    "an MTE token of garbage": whole(b"\1\x11\1\1" + bytes(24) + b"\x86\0\2\x10" + bytes(528), SEALED),
}


@pytest.mark.parametrize("http", ["--http1.1", "--http2-prior-knowledge"])
def test_an_answer_that_is_no_sealed_response_is_refused(evil, pair, http):
    wrong = {}
    for name, answer in WRONG.items():
        evil.play = peer_of(pair.inbound.port, say(answer))
        got = ask(pair, http)
        if not is_refused(got, "bad_peer_response"):
            wrong[name] = got
    assert not wrong


def test_a_sealed_answer_without_a_byte_is_lost(evil, pair):
    evil.play = peer_of(pair.inbound.port, say(whole(b"", SEALED)))
    assert is_refused(ask(pair), "peer_lost_answer")


def test_an_error_frame_without_an_end_is_refused(evil, pair):
    def play(stream):
        stream.read_body()
        stream.send(head(200, ERROR))
        while True:
            stream.send(bytes(1000))

    evil.play = peer_of(pair.inbound.port, play)
    assert is_refused(ask(pair), "bad_peer_response")


def relayed(pair, stream):
    """The true answer to a sealed request."""
    return post(pair.inbound.port, stream.path(), stream.read_body())[2]


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("framing", ["length", "chunked", "until the end"])
def test_a_true_answer_that_ends_early_anywhere_is_never_taken_for_whole(evil, pair, framing, end):
    fields = {"length": ["Content-Length: %d"], "chunked": ["Transfer-Encoding: chunked"],
              "until the end": []}[framing]
    cut = 0

    def play(stream):
        body = relayed(pair, stream)
        opening = head(200, SEALED, *(field.replace("%d", str(len(body))) for field in fields))
        if framing == "chunked":
            body = b"%x\r\n%s\r\n" % (len(body), body)
        stream.send(opening + body[:cut])
        if end == "reset":
            stream.reset()

    evil.play = peer_of(pair.inbound.port, play)
    for cut in [0, 1, 27, 28, 29, 31, 32, 60, 100, 130, -1]:
        got = ask(pair)
        assert got.exit_status != 0 or is_refused(got, "peer_lost_answer"), cut


@pytest.mark.parametrize("http", ["--http1.1", "--http2-prior-knowledge", "--http1.0"])
def test_what_follows_a_true_answer_breaks_it(evil, pair, http):
    def play(stream):
        body = relayed(pair, stream) + b"\2\0\0\x10" + bytes(16)
        stream.send(whole(body, SEALED))
        return True

    evil.play = peer_of(pair.inbound.port, play)
    for path in ("/bytes/10", "/bytes/100000"):
        got = ask(pair, http, path=path)
        assert got.exit_status != 0 or is_refused(got, "bad_peer_response"), path


@pytest.mark.parametrize("http", ["--http1.1", "--http2-prior-knowledge"])
def test_a_true_answer_that_drips_comes_whole(evil, pair, http):
    """Byte by byte, and slower in all than UPSTREAM_TIMEOUT."""
    def play(stream):
        data = whole(relayed(pair, stream), SEALED)
        for i in range(len(data)):
            stream.send(data[i:i + 1])
            time.sleep(1.5 * SILENCE / len(data))
        return True

    evil.play = peer_of(pair.inbound.port, play)
    body = os.urandom(100)
    got = ask(pair, http, path="/echo", data=body)
    assert (got.status, got.body) == (200, body)


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("size", [0, 1 << 20])
def test_a_peer_that_closes_before_it_answers_has_lost_the_answer(evil, pair, end, size):
    def play(stream):
        if end == "reset":
            stream.reset()

    evil.play = peer_of(pair.inbound.port, play)
    assert is_refused(ask(pair, data=bytes(size)), "peer_lost_answer")


def test_an_early_answer_of_a_gateway_ends_an_upload(evil, pair):
    def play(stream):
        stream.send(whole(b"<html>", "Content-Type: text/html", status=413))
        stream.wait_for_departure()

    evil.play = peer_of(pair.inbound.port, play)
    for _ in range(3):
        assert is_refused(ask(pair, data=bytes(1 << 24)), "bad_peer_response")


@pytest.mark.slow
@pytest.mark.parametrize("answer", [
    b"", b"HTTP/1.1 2", head(200, SEALED), head(200, SEALED, "Content-Length: 1000") + b"\1\x11\1",
    head(200, ERROR, "Content-Length: 76") + bytes(10)],
    ids=["nothing", "half a head", "a head", "half an opening", "half an error frame"])
def test_a_silent_peer_is_a_timeout(evil, pair, answer):
    def play(stream):
        stream.read_body()
        stream.send(answer)
        stream.wait_for_departure()

    evil.play = peer_of(pair.inbound.port, play)
    assert is_refused(ask(pair), "peer_timeout", 504)


@pytest.mark.slow
def test_a_peer_silent_inside_of_an_answer_is_a_visible_break(evil, pair):
    def play(stream):
        body = relayed(pair, stream)
        stream.send(whole(body, SEALED)[:-30])
        stream.wait_for_departure()

    evil.play = peer_of(pair.inbound.port, play)
    for http in ("--http1.1", "--http2-prior-knowledge", "--http1.0"):
        assert ask(pair, http, path="/bytes/40000").exit_status != 0


def test_a_lost_kept_connection_gets_the_same_bytes_once_more(evil, pair, start_relay, shared_api):
    """The peer closes a kept connection as the next request comes in: it runs all the same, once."""
    bodies = []

    def play(stream):
        bodies.append(stream.read_body())
        if len(bodies) == 2:
            return False
        stream.send(whole(post(pair.inbound.port, stream.path(), bodies[-1])[2], SEALED))
        return True

    evil.play = peer_of(pair.inbound.port, play)
    one_worker = Pair(start_relay("one", UPSTREAM=f"http://127.0.0.1:{shared_api.port}", WORKERS="1"), pair.inbound)
    one_worker.peer = evil.url
    begin = len(shared_api.requests)
    for i in range(2):
        assert one_worker.request(f"/pay/{i}", data=b"100").status == 200
    assert bodies[1] == bodies[2]
    assert [seen["path"] for seen in shared_api.requests[begin:]] == ["/pay/0", "/pay/1"]


# ---- pairing ----

NO_PAIR = {
    "a page": (whole(b"<html>", "Content-Type: text/html"), "peer_not_a_relay"),
    "a redirect": (head(301, "Location: http://127.0.0.1/", "Content-Length: 0"), "peer_not_a_relay"),
    "garbage": (b"\x16\x03\x01 this is not HTTP \r\n\r\n", "peer_not_a_relay"),
    "M2 of garbage": (whole(b"\1\2\1\0" + os.urandom(1256), PAIRING), "bad_peer_response"),
    "M2 too short": (whole(b"\1\2\1\0" + os.urandom(1255), PAIRING), "bad_peer_response"),
    "M2 too long": (whole(b"\1\2\1\0" + os.urandom(1 << 20), PAIRING), "peer_not_a_relay"),
    "no M2": (whole(b"", PAIRING), "bad_peer_response"),
    "an error frame of garbage": (whole(b"\1\x7f\1\0" + os.urandom(72), ERROR), "pairing_refused"),
    "an endless error frame": (head(200, ERROR) + bytes(100000), "peer_not_a_relay"),
}


@pytest.mark.parametrize("name", NO_PAIR)
def test_what_is_no_pairing_makes_no_pair(evil, pair, name):
    answer, code = NO_PAIR[name]
    evil.play = say(answer)
    got = ask(pair)
    assert got.refusal == code and got.status == 502


@pytest.mark.slow
def test_a_peer_that_is_silent_at_pairing_is_a_timeout(evil, pair):
    def play(stream):
        stream.wait_for_departure()

    evil.play = play
    assert is_refused(ask(pair), "peer_timeout", 504)
