# SPDX-License-Identifier: MIT
"""What is refused, and how an application can tell."""

import json
import pathlib
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from evil import Server, peer_of, say, whole
from relay import Pair, curl


def assert_refused(answer, status, code):
    assert (answer.status, answer.refusal) == (status, code)
    assert answer.field("content-type") == "application/problem+json"
    problem = json.loads(answer.body)
    assert (problem["status"], problem["code"]) == (status, code)
    assert (answer.field("retry-after") is not None) == (status == 503)


def test_a_wrong_token(shared_pair, shared_api):
    before = len(shared_api.requests)
    assert_refused(shared_pair.request("/x", token="wrong"), 401, "invalid_outbound_token")
    assert len(shared_api.requests) == before


def test_no_token_and_no_seal(shared_pair):
    assert_refused(curl(shared_pair.outbound.url("/x")), 403, "encoding_required")


def test_no_peer(shared_pair):
    pair = shared_pair
    answer = curl(pair.outbound.url("/x"), fields=["x-mte-outbound-token: a-token-of-the-tests"])
    assert_refused(answer, 400, "missing_upstream")


@pytest.mark.parametrize("peer", ["ftp://127.0.0.1", "http://", "http://u@h", "http://h?q", "x"])
def test_a_peer_that_is_no_url(shared_pair, peer):
    answer = curl(shared_pair.outbound.url("/x"), fields=[
        "x-mte-outbound-token: a-token-of-the-tests", f"x-mte-upstream: {peer}"])
    assert_refused(answer, 400, "bad_request")


def to_peer(pair, peer):
    return curl(pair.outbound.url("/x"), fields=[
        "x-mte-outbound-token: a-token-of-the-tests", f"x-mte-upstream: {peer}"])


def test_a_peer_that_is_not_there(shared_pair):
    assert_refused(to_peer(shared_pair, "http://127.0.0.1:1"), 502, "peer_unreachable")


def test_a_peer_that_is_the_relay_itself(shared_pair):
    assert_refused(to_peer(shared_pair, shared_pair.outbound.url()), 502, "peer_is_self")


def test_a_peer_that_is_not_a_relay(shared_pair, shared_api):
    answer = to_peer(shared_pair, f"http://127.0.0.1:{shared_api.port}")
    assert_refused(answer, 502, "peer_not_a_relay")


def test_a_peer_at_a_link_local_address(shared_pair):
    assert_refused(to_peer(shared_pair, "http://169.254.169.254"), 403, "peer_not_allowed")


def test_two_different_secrets(start_relay, shared_pair, api):
    other = start_relay("other", UPSTREAM=f"http://127.0.0.1:{api.port}", SECRET="another secret!!!")
    assert_refused(to_peer(shared_pair, other.url()), 502, "pairing_refused")
    assert api.requests == []


def test_an_api_that_is_not_there(start_relay, shared_pair):
    lonely = start_relay("lonely", UPSTREAM="http://127.0.0.1:1")
    assert_refused(to_peer(shared_pair, lonely.url()), 502, "upstream_unreachable")


def test_a_route_outside_of_mte_routes(start_relay, api):
    relay = start_relay("routes", UPSTREAM=f"http://127.0.0.1:{api.port}", MTE_ROUTES="/api/v1/*",
                        PASS_THROUGH_ROUTES="/health")
    assert_refused(curl(relay.url("/api/v2/x")), 404, "route_not_found")
    assert_refused(curl(relay.url("/api/v1/x")), 403, "encoding_required")
    assert_refused(curl(relay.url("/api/v1/../v2/x")), 404, "route_not_found")


@pytest.mark.parametrize("path", ["/health", "/health%2e", "//health", "/x/../health", "/healthy",
                                  "/%68ealth", "/health/"])
def test_pass_through_is_for_its_routes_alone(start_relay, api, path):
    relay = start_relay("plain", UPSTREAM=f"http://127.0.0.1:{api.port}",
                        PASS_THROUGH_ROUTES="/health")
    answer = curl(relay.url(path), fields=["x-mte-upstream: http://h"])
    if path in ("/health", "/x/../health", "/%68ealth"):
        assert answer.status == 200
        assert json.loads(answer.body)["path"] == path
        assert "x-mte-" not in answer.body.decode()
    else:
        assert_refused(answer, 403, "encoding_required")
        assert api.requests == []


def test_an_api_cannot_pretend_to_be_a_refusal(shared_pair):
    assert shared_pair.request("/status/403").refusal is None


def test_a_head_that_no_sealed_frame_holds(shared_pair):
    """64 KiB are taken from an application; sealed, each field takes three bytes more."""
    fields = [f"x-{n}: {'v' * 684}" for n in range(10, 105)]
    assert shared_pair.request("/x", fields=fields[9:]).status == 200
    assert_refused(shared_pair.request("/x", fields=fields), 431, "headers_too_large")


def test_an_mte_message_that_cannot_be_sent_again_is_busy_not_too_large(api, start_relay):
    inbound = start_relay("inbound", UPSTREAM=f"http://127.0.0.1:{api.port}")
    pair = Pair(start_relay("outbound", UPSTREAM="http://127.0.0.1:9", WORKERS="1"), inbound)

    def post(length):
        return pair.request("/x", data=b"x" * length, fields=["x-mte-encode-type: MTE"])

    fits, too_large = 60000, 65536
    while too_large - fits > 1:
        length = (fits + too_large) // 2
        if post(length).status == 200:
            fits = length
        else:
            too_large = length
    assert_refused(post(too_large), 413, "body_too_large")
    inbound.kill()
    inbound.start()  # it knows the pair no more: sent again, with AGAIN
    assert_refused(post(fits), 503, "peer_busy")
    assert post(fits).status == 200


# ---- each row of the table has its test ----

NOT_HERE = {"draining"}  # test_healing.py


def test_every_row_of_the_table_is_shown_by_a_test():
    top = pathlib.Path(__file__).resolve().parents[2]
    table = (top / "worker/refusal_table.h").read_text(encoding="ascii")
    codes = set(re.findall(r'REFUSAL_ROW\(\w+, \d+, "(\w+)"', table))
    tests = "".join(path.read_text() for path in (top / "tests/system").glob("test_*.py"))
    assert len(codes) > 20
    assert not {code for code in codes - NOT_HERE if f'"{code}"' not in tests}


@pytest.mark.parametrize("arguments", [
    ["--request", "CONNECT", "--request-target", "/x"], ["--request", "G{T"], ["--request-target", "x"],
    ["--header", "Host: a/b"], ["--header", "Host: a b"],
    ["--header", "x-mte-encode-type: ROT13"]])
def test_a_request_that_is_not_http_or_says_nonsense(shared_pair, shared_api, arguments):
    before = len(shared_api.requests)
    answer = shared_pair.request("/x", *arguments, check=False)
    assert (answer.status, answer.refusal) == (400, "bad_request")
    assert len(shared_api.requests) == before


@pytest.mark.parametrize("method, kind", [("PUT", "application/mte-relay"), ("POST", "text/plain"),
                                          ("DELETE", "text/plain")])
@pytest.mark.parametrize("route", ["/api/mte-relay", "/api/mte-pair"])
def test_a_route_of_the_protocol_that_is_not_used_as_it_should(shared_pair, route, method, kind):
    answer = curl(shared_pair.inbound.url(route), "--request", method, fields=[f"content-type: {kind}"])
    assert_refused(answer, 400, "bad_request")


def test_a_head_of_too_many_fields(shared_pair, shared_api):
    before = len(shared_api.requests)
    fields = [f"X-{i}: {i}" for i in range(300)]
    answer = shared_pair.request("/x", "--http2-prior-knowledge", fields=fields)
    assert_refused(answer, 431, "headers_too_large")
    assert len(shared_api.requests) == before


@pytest.mark.parametrize("size", [32 << 10, 1 << 10], ids=["32 KiB", "less than pairing takes"])
@pytest.mark.parametrize("http", ["--http1.1", "--http2-prior-knowledge"])
def test_a_body_that_is_too_large(start_relay, api, http, size):
    upstream = f"http://127.0.0.1:{api.port}"
    pair = Pair(start_relay("outbound", UPSTREAM=upstream, MAX_REQUEST_BODY=str(2 * size)),
                start_relay("inbound", UPSTREAM=upstream, MAX_REQUEST_BODY=str(size)))
    assert pair.request("/echo", http, data=bytes(size)).status == 200
    assert_refused(pair.request("/echo", http, data=bytes(size + 1)), 413, "body_too_large")
    assert_refused(pair.request("/echo", http, data=bytes(2 * size + 1)), 413, "body_too_large")
    assert len(api.requests) == 1


def test_a_peer_that_speaks_no_tls(shared_pair):
    assert_refused(to_peer(shared_pair, f"https://127.0.0.1:{shared_pair.inbound.port}"), 502, "peer_tls")


def test_an_api_that_speaks_no_tls(start_relay, shared_pair, shared_api):
    relay = start_relay("plain", UPSTREAM=f"https://127.0.0.1:{shared_api.port}")
    assert_refused(to_peer(shared_pair, relay.url()), 502, "upstream_tls")


def test_more_requests_than_connections_to_the_api(start_relay, shared_pair, api):
    relay = start_relay("narrow", UPSTREAM=f"http://127.0.0.1:{api.port}", WORKERS="1",
                        UPSTREAM_MAX_CONNECTIONS="1", CONNECT_TIMEOUT="300ms")
    pair = Pair(shared_pair.outbound, relay)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: pair.request("/slow/3000"), range(4)))
    good = [answer for answer in answers if answer.status == 200]
    assert len(good) == 1 and good[0].body == b"late"
    for answer in answers:
        if answer is not good[0]:
            assert_refused(answer, 503, "overloaded")
    assert len(api.requests) == 1
    assert pair.request("/x").status == 200


@pytest.mark.slow
def test_a_peer_that_takes_no_more_pairings(start_relay, shared_pair, shared_api):
    """A peer under many names is paired with under each of them."""
    upstream = f"http://127.0.0.1:{shared_api.port}"
    inbound = start_relay("inbound", UPSTREAM=upstream, PAIRING_RATE="1")
    outbound = start_relay("outbound", UPSTREAM=upstream)
    names = Server(peer_of(inbound.port, say(whole(b""))))
    try:
        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda i: to_peer(Pair(outbound, inbound), f"{names.url}/{i}"),
                                    range(40)))
    finally:
        names.stop()
    busy = [answer for answer in answers if answer.refusal == "peer_busy"]
    assert busy
    for answer in busy:
        assert_refused(answer, 503, "peer_busy")


def test_a_request_that_has_been_here(shared_pair, shared_api):
    """Via names us already, in any of its spellings and among others."""
    shared_pair.request("/x")
    via = dict(shared_api.requests[-1]["fields"])["via"]
    before = len(shared_api.requests)
    for value in (via, f"1.0 a, {via}, 1.1 b", via.upper(), f"{via} (a comment)", f"HTTP/{via}"):
        answer = shared_pair.request("/x", fields=[f"Via: {value}"])
        assert_refused(answer, 508, "loop_detected")
    assert len(shared_api.requests) == before
    assert shared_pair.request("/x", fields=["Via: 1.1 mte-api-relay-other"]).status == 200
