# SPDX-License-Identifier: MIT
"""The properties of the protocol that only running relays can show (docs/protocol.md)."""

import base64
import os
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
from between import Between, Wire, post
from conftest import make_pair
from evil import Server
from sealed import REJECT, UNKNOWN_PAIR, error_code


@pytest.fixture
def between(pair):
    """Records what crosses; can be made evil. The pair's applications go through it."""
    proxy = Between(pair.inbound.port)
    pair.peer = proxy.url
    yield proxy
    proxy.stop()


def test_binding_two_responses_swapped_are_refused(pair, between, api):
    held = []

    def swap(path, body):
        if not path.endswith("/api/mte-relay"):
            return None
        held.append(between.forward(path, body))
        return held[-2] if len(held) == 2 else held[-1]

    assert pair.request("/warm").status == 200
    between.evil = swap
    assert pair.request("/one").status == 200
    answer = pair.request("/two")
    assert (answer.status, answer.refusal) == (502, "bad_peer_response")


def test_integrity_any_flipped_byte_of_a_response_breaks_the_answer(pair, between):
    pair.request("/warm")
    position = [0]

    def flip(path, body):
        if not path.endswith("/api/mte-relay"):
            return None
        status, kind, answer = between.forward(path, body)
        at = position[0] % len(answer)
        return status, kind, answer[:at] + bytes([answer[at] ^ 1]) + answer[at + 1:]

    between.evil = flip
    for position[0] in range(0, 400, 7):
        answer = pair.request("/bytes/300", check=False)
        assert answer.exit_status != 0 or answer.refusal == "bad_peer_response", position


def test_integrity_a_response_cut_anywhere_never_looks_complete(pair, between):
    pair.request("/warm")
    cut = [0]

    def shorten(path, body):
        if not path.endswith("/api/mte-relay"):
            return None
        status, kind, answer = between.forward(path, body)
        return status, kind, answer[:cut[0]]

    between.evil = shorten
    for cut[0] in [0, 1, 27, 28, 29, 60, 150, 300, 16000, 30000]:
        answer = pair.request("/bytes/30000", check=False)
        assert answer.exit_status != 0 or answer.status == 502, cut


def test_no_oracle_every_mutation_of_a_request_gets_the_same_answer(pair, between, api):
    pair.request("/pay", "--request", "POST", data=b"100")
    message = between.messages[-1]
    executed = len(api.requests)
    for at in range(len(message)):
        mutated = message[:at] + bytes([message[at] ^ (1 << at % 8)]) + message[at + 1:]
        code = error_code(post(pair.inbound.port, "/api/mte-relay", mutated))
        assert code == (UNKNOWN_PAIR if 4 <= at < 20 else REJECT), at
    assert len(api.requests) == executed


def spellings_of(marker):
    """A marker in every encoding that somebody might think of."""
    plain = marker.encode()
    spellings = [plain, plain.upper(), plain.hex().encode(), plain.hex().upper().encode(),
                 urllib.parse.quote(marker, safe="").encode(),
                 "".join(f"%{c:02x}" for c in plain).encode()]
    # Base64 at each of the three alignments, without its unsure ends.
    return spellings + [base64.b64encode(b"_" * i + plain)[4:-4] for i in range(3)]


@pytest.mark.parametrize("codec", ["MKE", "MTE"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_secrecy_on_the_wire(start_relay, codec, framing):
    """Of neither the request nor the answer does anything cross, head or body."""
    mark = {what: f"marker-of-{what}-{os.urandom(4).hex()}" for what in (
        "path", "query", "name", "value", "body", "reason", "answer-name", "answer-value", "answer-body")}
    seen = []

    def play(stream):
        body = mark["answer-body"].encode()
        seen.append(stream.head.decode() + stream.read_body().decode())
        stream.send(f"HTTP/1.1 299 {mark['reason']}\r\nx-{mark['answer-name']}: {mark['answer-value']}\r\n"
                    .encode() + (b"Content-Length: %d\r\n\r\n%s" % (len(body), body) if framing == "length"
                                 else b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
                                 % (len(body), body)))
        return True

    server = Server(play)
    pair = make_pair(start_relay, server)
    wire = Wire(pair.inbound.port)
    pair.peer = wire.url
    try:
        answer = pair.request(f"/{mark['path']}?q={mark['query']}", "--request", "MARKERMETHOD",
                              fields=[f"x-{mark['name']}: {mark['value']}", f"x-mte-encode-type: {codec}"],
                              data=mark["body"].encode())
    finally:
        wire.stop()
        server.stop()
    assert (answer.status, answer.body.decode()) == (299, mark["answer-body"])
    assert answer.field("x-" + mark["answer-name"]) == mark["answer-value"]
    for what in ("path", "query", "name", "value", "body"):
        assert mark[what] in seen[0]
    crossed = b"".join(data for _, data in wire.crossed)
    assert b"POST /api/mte-relay" in crossed and b"application/mte-relay" in wire.answers()
    for marker in [*mark.values(), "MARKERMETHOD"]:
        for spelling in spellings_of(marker):
            assert spelling not in crossed


def test_length_hiding_mte_messages_of_a_class_are_equally_long(pair, between):
    pair.request("/warm")
    between.messages.clear()
    for size in (1, 20, 100):
        pair.request("/echo", data=b"x" * size, fields=["x-mte-encode-type: MTE"])
    assert len({len(message) for message in between.messages}) == 1


def test_flooding_garbage_before_authentication_costs_no_pairing(pair, api):
    """Garbage M1 and unknown pair ids by the thousand; the pair works meanwhile and afterwards."""
    def garbage(i):
        if i % 2:
            return error_code(post(pair.inbound.port, "/api/mte-pair", b"\1\1" + os.urandom(1354),
                                   "application/mte-pair"))
        message = b"\1\x10\1\0" + os.urandom(16) + bytes(6) + os.urandom(40)
        return error_code(post(pair.inbound.port, "/api/mte-relay", message))

    begin = pair.inbound.log_end()
    with ThreadPoolExecutor(32) as pool:
        codes = set(pool.map(garbage, range(2000)))
        assert pair.request("/x").status == 200
    assert codes <= {REJECT, UNKNOWN_PAIR}
    assert pair.request("/x").status == 200
    assert len(pair.inbound.log(begin)) < 2_000_000
