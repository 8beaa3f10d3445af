# SPDX-License-Identifier: MIT
"""Which rule a request falls under, however it is spelt; CORS; HEADERS."""

import json
import socket

import pytest
from between import Wire, post
from evil import Server, say, whole
from relay import TOKEN, Pair, curl

# ---- routes ----


@pytest.fixture(scope="module")
def routed(shared_start_relay, shared_api):
    """A pair whose relays both have routes."""
    settings = {"UPSTREAM": f"http://127.0.0.1:{shared_api.port}", "MTE_ROUTES": "/api/v1/*,/exact",
                "PASS_THROUGH_ROUTES": "/health,/public/*"}
    return Pair(shared_start_relay("outbound", **settings), shared_start_relay("inbound", **settings))


@pytest.fixture(scope="module")
def routed_inside(shared_start_relay, shared_api, routed):
    """Its outbound relay lets everything out, so that the inbound one has to judge."""
    upstream = f"http://127.0.0.1:{shared_api.port}"
    return Pair(shared_start_relay("outbound", UPSTREAM=upstream), routed.inbound)


PLAIN, SEALED, NOT_FOUND = "plain", "encoding_required", "route_not_found"
SPELLINGS = [
    ("/health", PLAIN), ("/health?a=/../b", PLAIN), ("/%68ealth", PLAIN), ("/%68%65alth", PLAIN),
    ("/x/../health", PLAIN), ("/x/%2e%2e/health", PLAIN), ("/x/%2E./health", PLAIN),
    ("/./health", PLAIN), ("/../health", PLAIN), ("/public/a", PLAIN), ("/public/", PLAIN),
    ("/public/a%2fb", PLAIN), ("/public/a%2Fb", PLAIN), ("/public//a", PLAIN),
    ("/health%2e", NOT_FOUND), ("/health%2E", NOT_FOUND), ("//health", NOT_FOUND),
    ("/health/", NOT_FOUND), ("/health/.", NOT_FOUND), ("/health/..", NOT_FOUND),
    ("/HEALTH", NOT_FOUND), ("/%48ealth", NOT_FOUND), ("/health%20", NOT_FOUND),
    ("/health%00", NOT_FOUND), ("/health;x", NOT_FOUND), ("/healthy", NOT_FOUND),
    ("/%2fhealth", NOT_FOUND), ("/x%2f../health", NOT_FOUND), ("/public", NOT_FOUND),
    ("/public%2fa", NOT_FOUND), ("/public/..%2fx", NOT_FOUND), ("/public/..%2Fx", NOT_FOUND),
    ("/public/..;/x", NOT_FOUND), ("/public/..\\x", NOT_FOUND), ("/public/%2e%2e%5cx", NOT_FOUND),
    ("/public/../x", NOT_FOUND), ("/public/%2e%2e/x", NOT_FOUND), ("/public/%2E%2E/x", NOT_FOUND),
    ("/public/../api/v1/x", SEALED), ("/public/%2e%2E/api/v1/x", SEALED), ("/api/v1/x", SEALED),
    ("/api/v1/", SEALED), ("/api/%76%31/x", SEALED), ("/x/../api/v1/x", SEALED),
    ("/exact", SEALED), ("/exac%74", SEALED), ("/exact/", NOT_FOUND), ("/exact%2e", NOT_FOUND),
    ("/api/v1", NOT_FOUND), ("/api/v1/../x", NOT_FOUND), ("/api/v1/%2e%2e/x", NOT_FOUND),
    ("/api/v1/..%2fx", NOT_FOUND), ("/api/v1%2fx", NOT_FOUND), ("/API/v1/x", NOT_FOUND),
    ("/api/%56%31/x", NOT_FOUND), ("//api/v1/x", NOT_FOUND), ("/", NOT_FOUND),
]


@pytest.mark.parametrize("http", ["--http1.1", "--http2-prior-knowledge"])
def test_in_the_clear_goes_what_is_a_pass_through_route_however_it_is_spelt(routed, shared_api, http):
    wrong = {}
    for path, expected in SPELLINGS:
        before = len(shared_api.requests)
        answer = curl(routed.outbound.url(path), http)
        seen = [request["path"] for request in shared_api.requests[before:]]
        if (answer.refusal or PLAIN) != expected or seen != [path] * (expected == PLAIN):
            wrong[path] = (answer.status, answer.refusal, seen)
    assert not wrong


@pytest.mark.parametrize("side", ["outbound", "inbound"])
def test_with_the_token_goes_what_is_a_route_to_encode_however_it_is_spelt(routed, routed_inside,
                                                                         shared_api, side):
    """And never in the clear: pass-through routes are none of them."""
    pair = routed if side == "outbound" else routed_inside
    wrong = {}
    for path, expected in SPELLINGS:
        before = len(shared_api.requests)
        answer = pair.request(path)
        seen = [request["path"] for request in shared_api.requests[before:]]
        expected = 200 if expected == SEALED else 404
        if answer.status != expected or seen != [path] * (expected == 200) or \
                (answer.refusal or "") != (NOT_FOUND if expected == 404 else ""):
            wrong[path] = (answer.status, answer.refusal, seen)
    assert not wrong


@pytest.mark.parametrize("path", ["/api/mte-echo", "/api/mte%2decho", "/api/x/../mte-echo",
                                  "/%61pi/mte-echo?msg=x"])
def test_a_path_of_our_own_is_ours_however_it_is_spelt(routed, shared_api, path):
    before = len(shared_api.requests)
    answer = curl(routed.outbound.url(path))
    assert answer.status == 200 and "timestamp" in json.loads(answer.body)
    assert len(shared_api.requests) == before


@pytest.mark.parametrize("path", ["/api/mte-relay", "/health", "/api/v1/x", "/whatever"])
@pytest.mark.parametrize("kind", ["application/mte-relay", "Application/MTE-Relay; charset=x"])
def test_what_says_that_it_is_sealed_is_judged_as_sealed(routed, shared_api, path, kind):
    before = len(shared_api.requests)
    status, content_type, body = post(routed.inbound.port, path, b"not sealed", kind)
    assert (status, content_type, len(body)) == (200, "application/mte-error", 76)
    assert len(shared_api.requests) == before


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), f"{TOKEN},{TOKEN}"])
def test_a_token_shown_on_a_pass_through_route_is_judged_as_a_token(routed, shared_api, token):
    before = len(shared_api.requests)
    answer = curl(routed.outbound.url("/health"), fields=[f"x-mte-outbound-token:{token}" if token
                                                          else "x-mte-outbound-token;"])
    assert (answer.status, answer.refusal) == (401, "invalid_outbound_token")
    assert len(shared_api.requests) == before


# ---- CORS ----

LISTED = "https://www.my-company.com"
CORS = {"CORS_ORIGINS": f"{LISTED},https://other.example:8443", "CORS_METHODS": "GET,POST,DELETE",
        "PASS_THROUGH_ROUTES": "/open/*"}


@pytest.fixture(scope="module")
def liberal():
    """An API that would let everybody."""
    server = Server(say(whole(b"x", "Access-Control-Allow-Origin: *", "Access-Control-Max-Age: 9",
                              "Access-Control-Allow-Credentials: false", "Vary: Accept"), keep=True))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def cors(shared_start_relay, liberal):
    settings = {"UPSTREAM": liberal.url, **CORS}
    return Pair(shared_start_relay("outbound", **settings), shared_start_relay("inbound", **settings))


def cors_fields(answer):
    return {name: answer.all(name) for name, _ in answer.fields if name.startswith("access-control-")}


def preflight(cors, origin, *fields, path="/api/x"):
    return curl(cors.outbound.url(path), "--request", "OPTIONS", fields=[
        f"Origin: {origin}", "Access-Control-Request-Method: PUT", *fields])


@pytest.mark.parametrize("path", ["/api/x", "/open/x"])
@pytest.mark.parametrize("origin", [LISTED, "https://other.example:8443"])
def test_a_preflight_of_a_listed_origin_is_answered_here(cors, liberal, origin, path):
    before = liberal.n_requests
    answer = preflight(cors, origin, "Access-Control-Request-Headers: x-one, x-two", path=path)
    assert (answer.status, answer.body) == (204, b"")
    assert cors_fields(answer) == {
        "access-control-allow-origin": [origin], "access-control-allow-credentials": ["true"],
        "access-control-allow-methods": ["GET, POST, DELETE"], "access-control-max-age": ["600"],
        "access-control-allow-headers": ["x-one, x-two"]}
    assert answer.all("vary") == ["origin"]
    assert liberal.n_requests == before


STRANGERS = ["https://evil.example", "null", f"{LISTED}.evil.example", f"{LISTED}:444", f"{LISTED}/",
             "http://www.my-company.com", "https://other.example", "*", "https://my-company.com",
             f"{LISTED}, {LISTED}", f"{LISTED}\r\nOrigin: https://evil.example"]


@pytest.mark.parametrize("origin", STRANGERS)
def test_an_origin_that_is_not_listed_is_refused(cors, liberal, origin):
    before = liberal.n_requests
    origins = origin.split("\r\nOrigin: ")
    also = [f"Origin: {more}" for more in origins[1:]]
    for answer in (preflight(cors, origins[0], *also),
                   cors.request("/api/x", fields=[f"Origin: {origins[0]}", *also])):
        assert (answer.status, answer.refusal) == (403, "origin_not_allowed")
        assert not cors_fields(answer)
    assert liberal.n_requests == before


@pytest.mark.parametrize("origin", STRANGERS)
def test_an_origin_that_is_not_listed_gets_no_permission_on_a_pass_through_route(cors, origin):
    """Not that of a liberal API either."""
    also = [f"Origin: {more}" for more in origin.split("\r\nOrigin: ")]
    answer = curl(cors.outbound.url("/open/x"), fields=also)
    assert (answer.status, answer.body) == (200, b"x")
    assert not cors_fields(answer)
    assert "origin" in answer.all("vary")


def expected_permission(origin):
    return {"access-control-allow-origin": [origin], "access-control-allow-credentials": ["true"],
            "access-control-expose-headers": ["x-mte-relay-error, x-request-id"]}


def test_an_answer_to_a_listed_origin_has_our_permission_in_place_of_the_apis(cors):
    for answer in (cors.request("/api/x", fields=[f"Origin: {LISTED}"]),
                   curl(cors.outbound.url("/open/x"), fields=[f"Origin: {LISTED}"])):
        assert (answer.status, answer.body) == (200, b"x")
        assert cors_fields(answer) == expected_permission(LISTED)
        assert set(answer.all("vary")) == {"Accept", "origin"}


def test_a_listed_origin_can_read_a_refusal(cors):
    answer = cors.request("/x", token="wrong", fields=[f"Origin: {LISTED}"])
    assert (answer.status, answer.refusal) == (401, "invalid_outbound_token")
    assert cors_fields(answer) == expected_permission(LISTED)


def test_cors_methods_limit_no_request(cors):
    for method in ("PUT", "PATCH", "OPTIONS"):
        answer = cors.request("/x", "--request", method, fields=[f"Origin: {LISTED}"])
        assert (answer.status, answer.body) == (200, b"x")


def test_without_an_origin_the_apis_own_fields_pass(cors):
    answer = cors.request("/x")
    assert cors_fields(answer) == {"access-control-allow-origin": ["*"], "access-control-max-age": ["9"],
                                   "access-control-allow-credentials": ["false"]}


def test_without_cors_origins_nothing_is_done_for_browsers(shared_pair):
    answer = shared_pair.request("/x", "--request", "OPTIONS", fields=[
        "Origin: https://a.example", "Access-Control-Request-Method: PUT"])
    assert json.loads(answer.body)["method"] == "OPTIONS"
    assert not cors_fields(answer)


# ---- HEADERS ----

def test_headers_are_set_for_the_api_and_the_application_and_never_between(start_relay):
    seen = []

    def play(stream):
        seen.append(stream.head.decode().lower().split("\r\n"))
        stream.send(whole(b"x", "X-Service: of the API", "X-Service: again"))
        return True

    api = Server(play)
    headers = '{"x-service": "MARK-%s", "X-Other": "other-%s"}'
    inbound = start_relay("inbound", UPSTREAM=api.url, HEADERS=headers % (("inbound",) * 2),
                          PASS_THROUGH_ROUTES="/open")
    outbound = start_relay("outbound", UPSTREAM=api.url, HEADERS=headers % (("outbound",) * 2))
    wire = Wire(inbound.port)
    pair = Pair(outbound, inbound)
    pair.peer = wire.url
    try:
        answer = pair.request("/x", fields=["x-service: of the application"])
        assert [line for line in seen[-1] if line.startswith(("x-service:", "x-other:"))] == \
            ["x-service: mark-inbound", "x-other: other-inbound"]
        assert answer.all("x-service") == ["MARK-outbound"]
        assert answer.all("x-other") == ["other-outbound"]
        crossed = b"".join(data for _, data in wire.crossed).lower()
        assert b"post /api/mte-relay" in crossed
        assert b"mark-" not in crossed and b"x-service" not in crossed and b"x-other" not in crossed
        answer = curl(inbound.url("/open"), fields=["X-SERVICE: of the application"])
        assert "x-service: mark-inbound" in seen[-1]
        assert not [line for line in seen[-1] if "of the application" in line]
        assert answer.all("x-service") == ["MARK-inbound"]
        assert curl(inbound.url("/refused")).all("x-service") == ["MARK-inbound"]
    finally:
        wire.stop()
        api.stop()


# ---- loops ----

def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_request_that_comes_back_to_its_relay_ends_there(start_relay):
    port = free_port()
    relay = start_relay("loop", PORT=str(port), UPSTREAM=f"http://127.0.0.1:{port}",
                        PASS_THROUGH_ROUTES="/*")
    begin = relay.log_end()
    answer = curl(relay.url("/x"))
    assert answer.status == 508
    assert relay.log(begin).count("loop_detected") == 1
