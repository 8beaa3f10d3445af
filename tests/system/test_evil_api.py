# SPDX-License-Identifier: MIT
"""An API that breaks every rule: a refusal or a visible break, never a hang, never a wrong byte."""

import hashlib
import os
import time

import pytest
from evil import Server, echo, head, say, whole
from relay import Pair

SILENCE = 2  # seconds that the API may be silent


@pytest.fixture(scope="module")
def evil():
    server = Server()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def pair(shared_start_relay, evil):
    inbound = shared_start_relay("inbound", UPSTREAM=evil.url, UPSTREAM_TIMEOUT=f"{SILENCE}s")
    outbound = shared_start_relay("outbound", UPSTREAM=evil.url)
    return Pair(outbound, inbound)


@pytest.fixture(autouse=True)
def the_next_request_gets_its_own_answer(evil, pair):
    """Whatever the API did: nothing of it is left over for anybody else."""
    yield
    evil.accepted = None
    for _ in range(3):
        mark = os.urandom(16).hex().encode()
        evil.play = say(whole(mark), keep=True)
        answer = pair.request("/next")
        assert (answer.status, answer.body) == (200, mark)


def ask(pair, *arguments, path="/x", **more):
    """An answer or none, but within bounds."""
    began = time.monotonic()
    answer = pair.request(path, *arguments, check=False, seconds=30, **more)
    assert time.monotonic() - began < 20
    return answer


def is_refused(answer, status=502, code="bad_upstream_response"):
    return (answer.exit_status, answer.status, answer.refusal) == (0, status, code)


def is_broken(answer):
    """Visibly; what came is right. If nothing had left the inbound relay yet, it is a refusal."""
    return (answer.exit_status != 0 and GOOD.encode().startswith(answer.body)
            or is_refused(answer) or is_refused(answer, code="peer_lost_answer"))


GOOD = "abcdefghij"
CHUNKED = head(200, "Transfer-Encoding: chunked") + b"4\r\nabcd\r\n6;x=\"y\"\r\nefghij\r\n0\r\n\r\n"
LENGTH = whole(GOOD.encode())

REFUSED = {
    "garbage": b"\x16\x03\x01 this is not HTTP \r\n\r\n",
    "an older protocol": b"<html>hello</html>",
    "another version": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "status 600": head(600, "Content-Length: 0"),
    "status 099": b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
    "switched unasked": head(101, "Upgrade: x", "Connection: upgrade"),
    "two lengths": head(200, "Content-Length: 1", "Content-Length: 10") + GOOD.encode(),
    "the same length twice": head(200, "Content-Length: 10", "Content-Length: 10") + GOOD.encode(),
    "lengths in a list": head(200, "Content-Length: 10, 10") + GOOD.encode(),
    "a length below zero": head(200, "Content-Length: -1"),
    "a length with a sign": head(200, "Content-Length: +10") + GOOD.encode(),
    "a length in hex": head(200, "Content-Length: 0xa") + GOOD.encode(),
    "a length too long": head(200, "Content-Length: 99999999999999999999"),
    "no length in its field": head(200, "Content-Length:") + GOOD.encode(),
    "length and chunks": head(200, "Content-Length: 10", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "chunked twice": head(200, "Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n",
    "chunked and gzip": head(200, "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "identity": head(200, "Transfer-Encoding: identity") + GOOD.encode(),
    "chunks in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a folded field": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "lines that end in LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "a CR in a field": b"HTTP/1.1 200 OK\r\nA: b\rX: c\r\nContent-Length: 0\r\n\r\n",
    "a NUL in a field": b"HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 0\r\n\r\n",
    "a space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    "no colon": b"HTTP/1.1 200 OK\r\nContent-Length 0\r\n\r\n",
    "a name of nothing": b"HTTP/1.1 200 OK\r\n: 0\r\nContent-Length: 0\r\n\r\n",
    "10,000 fields": head(200, *(f"X-{i}: {i}" for i in range(10000)), "Content-Length: 0"),
    "257 fields": head(200, *(f"X-{i}: {i}" for i in range(256)), "Content-Length: 0"),
    "a field of 70,000 bytes": head(200, "X: " + "x" * 70000, "Content-Length: 0"),
    "17 informational answers": b"HTTP/1.1 102 P\r\n\r\n" * 17 + LENGTH,
    "an informational answer with a body": head(103, "Content-Length: 3") + b"abc" + LENGTH,
    "informational answers alone": b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
}


@pytest.mark.parametrize("http", ["--http1.1", "--http2-prior-knowledge"])
def test_an_answer_that_is_not_http_is_refused(evil, pair, http):
    wrong = {}
    for name, answer in REFUSED.items():
        evil.play = say(answer)
        got = ask(pair, http)
        if not is_refused(got):
            wrong[name] = got
    assert not wrong


def test_a_head_without_an_end_is_refused(evil, pair):
    def play(stream):
        stream.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            stream.send(b"X-Endless: " + b"x" * 1000 + b"\r\n")

    evil.play = play
    assert is_refused(ask(pair))


BROKEN = {
    "no last chunk": head(200, "Transfer-Encoding: chunked") + b"a\r\nabcdefghij\r\n",
    "a chunk cut": head(200, "Transfer-Encoding: chunked") + b"f\r\nabcdefghij",
    "a chunk longer than it says": head(200, "Transfer-Encoding: chunked") + b"3\r\nabcdefg\r\n0\r\n\r\n",
    "a size in words": head(200, "Transfer-Encoding: chunked") + b"4\r\nabcd\r\nsix\r\nefghij\r\n0\r\n\r\n",
    "a size below zero": head(200, "Transfer-Encoding: chunked") + b"-4\r\nabcd\r\n0\r\n\r\n",
    "a size past 2^64": head(200, "Transfer-Encoding: chunked") + b"10000000000000004\r\nabcd\r\n0\r\n\r\n",
    "no size": head(200, "Transfer-Encoding: chunked") + b"\r\nabcd\r\n0\r\n\r\n",
    "a size line without an end": head(200, "Transfer-Encoding: chunked") + b"4;" + b"x" * 9000,
    "chunks ended by LF": head(200, "Transfer-Encoding: chunked") + b"4\nabcd\n0\n\n",
    "a trailer that is none": head(200, "Transfer-Encoding: chunked") + b"4\r\nabcd\r\n0\r\nX Y\r\n\r\n",
    "endless trailers": head(200, "Transfer-Encoding: chunked") + b"4\r\nabcd\r\n0\r\n" + b"X: y\r\n" * 20000,
    "no end of trailers": head(200, "Transfer-Encoding: chunked") + b"a\r\nabcdefghij\r\n0\r\n",
    "less than its length": head(200, "Content-Length: 11") + b"abcdefghij",
}


@pytest.mark.parametrize("http", ["--http1.1", "--http2-prior-knowledge", "--http1.0"])
def test_an_answer_whose_body_is_wrong_is_visibly_broken(evil, pair, http):
    wrong = {}
    for name, answer in BROKEN.items():
        evil.play = say(answer)
        got = ask(pair, http)
        if not is_broken(got):
            wrong[name] = got
    assert not wrong


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("answer", [LENGTH, CHUNKED], ids=["length", "chunked"])
def test_an_answer_that_ends_early_anywhere_is_refused_or_visibly_broken(evil, pair, answer, end,
                                                                         method):
    cut = 0

    def play(stream):
        stream.read_body()
        stream.send(answer[:cut])
        if end == "reset":
            stream.reset()

    evil.play = play
    head_len = answer.index(b"\r\n\r\n") + 4
    for cut in [0, 1, 8, 12, 16, 17, 20, *range(head_len - 3, len(answer))]:
        got = ask(pair, "--request", method, data=b"body" if method == "POST" else None)
        if cut < head_len:
            assert is_refused(got), cut
        else:
            assert is_broken(got), cut


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("size", [0, 1 << 20])
def test_an_api_that_closes_before_it_answers_is_refused(evil, pair, end, size):
    def play(stream):
        if end == "reset":
            stream.reset()

    evil.play = play
    assert is_refused(ask(pair, "--request", "POST", data=bytes(size)))
    evil.drop_kept()
    evil.accepted = play
    got = ask(pair, "--request", "POST", data=bytes(size))
    # A reset can come before the relay has seen that it was connected.
    assert is_refused(got) or is_refused(got, code="upstream_unreachable")


FAITHFUL = {
    "length": LENGTH,
    "chunked": CHUNKED,
    "one byte a chunk": head(200, "Transfer-Encoding: CHUNKED")
    + b"".join(b"1\r\n%c\r\n" % c for c in GOOD.encode()) + b"0\r\n\r\n",
    "trailers": CHUNKED[:-2] + b"X-Sum: 1\r\n\r\n",
    "zeros before a size": head(200, "Transfer-Encoding: chunked") + b"0000a\r\nabcdefghij\r\n000\r\n\r\n",
    "until the end": head(200) + GOOD.encode(),
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\n" + GOOD.encode(),
    "HTTP/1.0 with a length": b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\n" + GOOD.encode(),
    "no reason": b"HTTP/1.1 200 \r\nContent-Length: 10\r\n\r\n" + GOOD.encode(),
    "more than its length": LENGTH + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "more after the last chunk": CHUNKED + b"evil",
    "informational answers first": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    + LENGTH,
    "256 fields": head(200, *(f"X-{i}: {i}" for i in range(255)), "Content-Length: 10") + GOOD.encode(),
    "a field of 60,000 bytes": head(200, "X: " + "x" * 60000, "Content-Length: 10") + GOOD.encode(),
}


@pytest.mark.parametrize("pace", ["at once", "byte by byte"])
@pytest.mark.parametrize("http", ["--http1.1", "--http2-prior-knowledge", "--http1.0"])
def test_every_way_to_frame_an_answer_gives_its_bytes(evil, pair, http, pace):
    wrong = {}
    for name, answer in FAITHFUL.items():
        # Only one that ends with its connection closes it: a kept one is the relay's to use.
        keep = b"Length" in answer or b"CHUNKED" in answer.upper()

        def slowly(stream, answer=answer, keep=keep):
            for i in range(len(answer)):
                stream.send(answer[i:i + 1])
            return keep

        if pace == "byte by byte" and len(answer) > 1000:
            continue
        evil.play = say(answer, keep) if pace == "at once" else slowly
        got = ask(pair, http)
        if (got.exit_status, got.status, got.body) != (0, 200, GOOD.encode()):
            wrong[name] = got
    assert not wrong


@pytest.mark.parametrize("http", ["--http1.1", "--http2-prior-knowledge"])
@pytest.mark.parametrize("answer", [
    head(204), head(204, "Content-Length: 4") + b"evil", head(204) + b"evil",
    head(204, "Transfer-Encoding: chunked") + b"4\r\nevil\r\n0\r\n\r\n", head(304, "Content-Length: 4"),
    head(304, "Content-Length: 4") + b"evil", head(200, "Content-Length: 0") + b"evil"],
    ids=["204", "204 length", "204 body", "204 chunked", "304", "304 body", "empty"])
def test_an_answer_that_has_no_body_gets_none(evil, pair, answer, http):
    evil.play = say(answer, keep=True)
    for _ in range(3):
        got = ask(pair, http)
        assert (got.exit_status, got.body) == (0, b"")
        assert got.status == int(answer[9:12])
        assert got.field("transfer-encoding") is None
        assert got.field("content-length") == {204: None, 304: "4", 200: "0"}[got.status]


@pytest.mark.parametrize("http", ["--http1.1", "--http2-prior-knowledge"])
@pytest.mark.parametrize("answer", [head(200, "Content-Length: 10") + GOOD.encode(), CHUNKED],
                         ids=["length", "chunked"])
def test_an_answer_to_head_that_has_a_body_gets_none(evil, pair, answer, http):
    evil.play = say(answer, keep=True)
    for _ in range(3):
        got = ask(pair, "--head", http)
        assert (got.exit_status, got.status, got.body) == (0, 200, b"")


@pytest.mark.parametrize("status", [200, 201, 301, 404, 500, 599])
@pytest.mark.parametrize("http", ["--http1.1", "--http2-prior-knowledge", "--http1.0"])
def test_a_break_is_seen_whatever_the_status(evil, pair, status, http):
    for fields in (["Transfer-Encoding: chunked"], ["Content-Length: 100"]):
        evil.play = say(head(status, *fields) + b"5\r\nabcde\r\n")
        got = ask(pair, http)
        assert got.exit_status != 0 or is_refused(got, code="peer_lost_answer"), fields


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("http", ["--http1.1", "--http2-prior-knowledge"])
def test_an_early_refusal_comes_through_while_the_body_is_still_going_up(evil, pair, http, keep):
    def play(stream):
        stream.send(whole(b"too large", "Connection: close", status=413))
        if keep:
            stream.wait_for_departure()
        # else it closes with most of the body unread, which resets the connection

    evil.play = play
    for _ in range(5):
        got = ask(pair, http, "--request", "POST", data=bytes(1 << 24))
        assert (got.exit_status, got.status, got.body) == (0, 413, b"too large")
        assert got.refusal is None


def test_an_answer_before_the_request_is_done_comes_whole(evil, pair):
    def play(stream):
        stream.send(head(200, "Content-Length: 2000000"))
        for _ in range(20):
            stream.send(b"e" * 100000)
        stream.read_body()
        return True

    evil.play = play
    got = ask(pair, "--request", "POST", data=bytes(1 << 24))
    assert (got.exit_status, got.status, got.body) == (0, 200, b"e" * 2000000)


def test_an_api_that_streams_its_echo_gets_read_while_it_is_written_to(evil, pair):
    evil.play = echo
    for size in (0, 1, 1 << 16, 1 << 24):
        body = os.urandom(size)
        got = ask(pair, "--request", "POST", data=body)
        assert got.status == 200
        assert hashlib.sha256(got.body).digest() == hashlib.sha256(body).digest(), size


@pytest.mark.slow
@pytest.mark.parametrize("cut", [0, 1, 15, 37])
def test_silence_before_the_end_of_the_head_is_a_timeout(evil, pair, cut):
    def play(stream):
        stream.send(LENGTH[:cut])
        stream.wait_for_departure()

    evil.play = play
    assert is_refused(ask(pair), 504, "upstream_timeout")


@pytest.mark.parametrize("http", ["--http1.1", "--http2-prior-knowledge", "--http1.0"])
@pytest.mark.parametrize("answer", [LENGTH[:-3], CHUNKED[:-20], CHUNKED[:-1], head(200) + b"abc"],
                         ids=["length", "inside a chunk", "before the last LF", "until the end"])
@pytest.mark.slow
def test_silence_inside_of_the_answer_is_a_visible_break(evil, pair, answer, http):
    def play(stream):
        stream.send(answer)
        stream.wait_for_departure()

    evil.play = play
    got = ask(pair, http)
    assert got.exit_status != 0 and got.status == 200
    assert GOOD.encode().startswith(got.body)


def test_an_api_that_takes_nothing_of_the_body_is_a_timeout(evil, pair):
    evil.play = lambda stream: time.sleep(4 * SILENCE)
    got = ask(pair, "--request", "POST", data=bytes(1 << 24))
    assert is_refused(got, 504, "upstream_timeout")


def test_an_answer_that_drips_comes_whole(evil, pair):
    """Slower in all than UPSTREAM_TIMEOUT, but never silent for so long."""
    def play(stream):
        for i in range(len(LENGTH)):
            stream.send(LENGTH[i:i + 1])
            time.sleep(1.5 * SILENCE / len(LENGTH))
        return True

    evil.play = play
    got = ask(pair)
    assert (got.status, got.body) == (200, GOOD.encode())


@pytest.mark.parametrize("field", ["x-mte-relay-error: pairing_refused", "connection: x-hop\r\nx-hop: 1",
                                   "keep-alive: timeout=5", "upgrade: h2c", "proxy-authenticate: x"])
def test_fields_that_end_at_the_relay_do_not_reach_the_application(evil, pair, field):
    evil.play = say(whole(b"x", *field.split("\r\n"), "X-Kept: yes"), keep=True)
    got = ask(pair)
    names = {line.split(":")[0] for line in field.split("\r\n")} - {"connection"}
    assert got.field("x-kept") == "yes"
    assert not names & {name for name, _ in got.fields}
