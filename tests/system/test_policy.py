# SPDX-License-Identifier: MIT
"""Who may send out and where to, what is shown outside of the seal, whose word is taken."""

import json

import pytest
from between import Between, post
from relay import TOKEN, curl
from test_refusals import assert_refused


def settings_of(api, **more):
    return {"UPSTREAM": f"http://127.0.0.1:{api.port}", **more}


def to_peer(relay, peer, *fields, token=TOKEN, path="/x", **more):
    return curl(relay.url(path), fields=[
        f"x-mte-outbound-token: {token}", f"x-mte-upstream: {peer}", *fields], **more)


# ---- OUTBOUND_ALLOW ----

def test_only_listed_peers(start_relay, api):
    inbound = start_relay("inbound", **settings_of(api))
    relay = start_relay("outbound", **settings_of(
        api, OUTBOUND_ALLOW=f"https://*.example.com, http://127.0.0.1:{inbound.port}"))
    assert to_peer(relay, inbound.url()).status == 200
    for peer in (inbound.url(host="localhost"), "http://127.0.0.1", "http://a.example.com",
                 "https://example.com", "https://a.example.com:8443",
                 "https://a.example.com.evil.example", f"https://127.0.0.1:{inbound.port}"):
        assert_refused(to_peer(relay, peer), 403, "peer_not_allowed")
    assert len(api.requests) == 1


def test_a_peer_that_is_not_allowed_is_not_looked_up(start_relay, api):
    relay = start_relay("outbound", **settings_of(
        api, OUTBOUND_ALLOW="https://*.example.com", LOG_LEVEL="trace"))
    assert_refused(to_peer(relay, "https://nobody.invalid"), 403, "peer_not_allowed")
    # One that is listed is looked up, and this name has no address.
    assert_refused(to_peer(relay, "https://nobody.invalid.example.com"), 502, "peer_unreachable")


@pytest.mark.parametrize("host", [
    "169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[64:ff9b::169.254.169.254]",
    "0.0.0.0", "[::]", "224.0.0.1", "255.255.255.255",
    # Spellings that only the resolver understands.
    "2852039166", "0xa9fea9fe", "0", "169.254.43518"])
def test_addresses_that_no_peer_has(shared_pair, host):
    assert_refused(to_peer(shared_pair.outbound, f"http://{host}:8080"), 403, "peer_not_allowed")


def test_a_listed_address_that_no_peer_has(start_relay, api):
    relay = start_relay("outbound", **settings_of(
        api, OUTBOUND_ALLOW="http://169.254.169.254,http://2852039166"))
    assert_refused(to_peer(relay, "http://169.254.169.254"), 403, "peer_not_allowed")
    assert_refused(to_peer(relay, "http://2852039166"), 403, "peer_not_allowed")


# ---- OUTBOUND_FROM and TRUSTED_PROXIES ----

def test_only_a_source_that_may_shows_a_token(start_relay, shared_pair, api):
    relay = start_relay("outbound", **settings_of(api, OUTBOUND_FROM="10.0.0.0/8, 127.0.0.2"))
    peer = shared_pair.inbound.url()
    for token in (TOKEN, "wrong"):
        # Both alike: a stranger does not learn which one is right.
        assert_refused(to_peer(relay, peer, token=token), 403, "source_not_allowed")
    assert_refused(to_peer(relay, peer, "x-forwarded-for: 10.0.0.1"), 403, "source_not_allowed")


@pytest.mark.parametrize("listen", ["127.0.0.1", "::"])
def test_the_source_is_who_connects(start_relay, shared_pair, api, listen):
    relay = start_relay("outbound", **settings_of(
        api, OUTBOUND_FROM="127.0.0.0/8", LISTEN=listen))
    assert to_peer(relay, shared_pair.inbound.url()).status == 200
    assert_refused(to_peer(relay, shared_pair.inbound.url(), token="wrong"),
                   401, "invalid_outbound_token")


@pytest.mark.parametrize("said, status", [
    (["10.1.2.3"], 200),
    (["192.0.2.1, 10.1.2.3, 127.0.0.9"], 200),
    (["garbage", "10.1.2.3:51234"], 200),
    (["10.1.2.3, 192.0.2.1"], 403),
    (["10.1.2.3, garbage"], 403),
    (["10.1.2.3,"], 403),
    ([], 403)])
def test_a_trusted_proxy_names_the_source(start_relay, shared_pair, api, said, status):
    relay = start_relay("outbound", **settings_of(
        api, OUTBOUND_FROM="10.0.0.0/8", TRUSTED_PROXIES="127.0.0.0/8"))
    fields = [f"x-forwarded-for: {value}" for value in said]
    # As a client does who wants a proxy to drop what it added.
    answer = to_peer(relay, shared_pair.inbound.url(), "connection: x-forwarded-for", *fields)
    assert answer.status == status
    assert answer.refusal == (None if status == 200 else "source_not_allowed")


def test_what_others_say_of_the_source_is_not_passed_on(start_relay, api):
    said = "x-forwarded-for: 10.1.2.3"
    for trusted, want in (("127.0.0.0/8", "10.1.2.3, 127.0.0.1"), ("10.0.0.0/8", "127.0.0.1"),
                          ("", "10.1.2.3, 127.0.0.1")):
        relay = start_relay("plain", **settings_of(
            api, PASS_THROUGH_ROUTES="/health", TRUSTED_PROXIES=trusted))
        seen = json.loads(curl(relay.url("/health"), fields=[said]).body)
        assert [value for name, value in seen["fields"] if name == "x-forwarded-for"] == [want]


# ---- copies outside of the seal ----

SECRETS = ["authorization: Bearer of-the-application", "cookie: session=of-the-application",
           "x-hidden: kept-inside"]
OUTSIDE = ["x-tenant: tenant-of-the-test", "x-tenant: second-tenant", "user-agent: test/1"]


@pytest.fixture
def between(shared_pair, shared_api):
    """A gateway that takes the base path off, as gateways do."""
    proxy = Between(shared_pair.inbound.port)
    proxy.evil = lambda path, body: proxy.forward("/" + path.split("/", 2)[2], body)
    shared_api.requests.clear()
    yield proxy
    proxy.stop()


def send(pair, between, path, *options, fields=(), base="/base", **more):
    """The answer, and request line and fields of the sealed POST as they crossed."""
    answer = to_peer(pair.outbound, between.url + base, *SECRETS, *OUTSIDE, *options, *fields,
                     path=path, **more)
    heads = [crossed for crossed in between.crossed
             if crossed.startswith(b"POST ") and b"application/mte-relay" in crossed]
    line, *lines = heads[-1].decode().splitlines()
    return answer, line, sorted(line.lower() for line in lines if line)


def own_fields(between, length):
    return sorted([f"host: {between.url.removeprefix('http://')}",
                   "content-type: application/mte-relay", f"content-length: {length}"])


def seen_by(answer):
    seen = json.loads(answer.body)
    return seen["path"], [f"{name}: {value}" for name, value in seen["fields"]]


def test_nothing_is_outside_unless_asked(shared_pair, between):
    for options in ([], ["x-mte-encode-headers: true", "x-mte-encode-url: true"]):
        answer, line, fields = send(shared_pair, between, "/accounts?id=7", *options)
        assert answer.status == 200
        assert line == "POST /base/api/mte-relay HTTP/1.1"
        assert fields == own_fields(between, len(between.messages[-1]))


def test_the_url_outside_is_a_copy(shared_pair, between):
    path = "/a/../%7e/accounts?id=7&q=%20;'"
    answer, line, fields = send(shared_pair, between, path, "x-mte-encode-url: false")
    assert line == f"POST /base{path} HTTP/1.1"
    assert len(fields) == 3
    assert seen_by(answer)[0] == path


def test_fields_outside_are_copies(shared_pair, between):
    answer, line, fields = send(shared_pair, between, "/x", "x-mte-encode-headers: false",
                                fields=["accept-encoding: gzip", "x-forwarded-for: 10.9.9.9"])
    assert line == "POST /base/api/mte-relay HTTP/1.1"
    shown = [field for field in fields if not field.startswith(("host", "content-"))]
    assert shown == sorted([*OUTSIDE, "x-hidden: kept-inside"])
    for field in [*SECRETS, *OUTSIDE, "accept-encoding: gzip", "x-forwarded-for: 10.9.9.9"]:
        assert field in seen_by(answer)[1]


def test_a_list_names_what_stays_inside_only(shared_pair, between):
    answer, _, fields = send(shared_pair, between, "/x",
                             "x-mte-encode-headers: X-Hidden , user-agent")
    shown = [field for field in fields if not field.startswith(("host", "content-"))]
    assert shown == sorted(OUTSIDE[:2])
    for field in [*SECRETS, *OUTSIDE]:
        assert field in seen_by(answer)[1]


def test_no_secret_is_ever_outside(shared_pair, between):
    send(shared_pair, between, "/x", "x-mte-encode-headers: false", "x-mte-encode-url: false")
    send(shared_pair, between, "/x", "x-mte-encode-headers: accept")
    for crossed in between.crossed:
        assert b"of-the-application" not in crossed and TOKEN.encode() not in crossed


def test_a_path_that_means_a_relay_stays_inside(shared_pair, between):
    """It would reach the peer's own echo instead of its door for sealed requests."""
    answer, line, _ = send(shared_pair, between, "/mte-echo", "x-mte-encode-url: false", base="/api")
    assert line == "POST /api/api/mte-relay HTTP/1.1"
    assert seen_by(answer)[0] == "/mte-echo"


def test_changed_copies_change_nothing(shared_pair, shared_api, between):
    def change(path, body):
        if path.endswith("mte-pair"):
            return between.forward("/api/mte-pair", body)
        return post(shared_pair.inbound.port, "/admin/delete?all=1", body, fields={
            "X-Tenant": "another", "Cookie": "session=stolen", "X-Mte-Outbound-Token": "x",
            "X-Added": "1", "Via": "1.1 somebody", "X-Forwarded-For": "10.9.9.9"})
    between.evil = change
    answer, _, _ = send(shared_pair, between, "/accounts", "x-mte-encode-headers: false",
                        "x-mte-encode-url: false")
    path, fields = seen_by(answer)
    assert path == "/accounts"
    assert [x for x in fields if x.startswith("x-tenant")] == OUTSIDE[:2]
    assert [x for x in fields if x.startswith("cookie")] == [SECRETS[1]]
    for word in ("x-added", "x-mte-", "somebody", "10.9.9.9", "another", "stolen"):
        assert not any(word in field for field in fields)
    assert [seen["path"] for seen in shared_api.requests] == ["/accounts"]


def test_copies_with_every_codec_and_a_body(shared_pair, between):
    for codec in ("MKE", "MTE"):
        answer, line, _ = send(shared_pair, between, "/echo?q=1", f"x-mte-encode-type: {codec}",
                               "x-mte-encode-url: false", "x-mte-encode-headers: false",
                               data=b"the body")
        assert (answer.status, answer.body) == (200, b"the body")
        assert line == "POST /base/echo?q=1 HTTP/1.1"
    assert not any(b"the body" in crossed for crossed in between.crossed)


@pytest.mark.parametrize("fields", [
    ["x-mte-encode-url: no"], ["x-mte-encode-url;"], ["x-mte-encode-headers: x-a,,x-b"],
    ["x-mte-encode-headers: false, x-a"], ["x-mte-encode-headers: x a"],
    ["x-mte-encode-url: true", "x-mte-encode-url: false"],
    ["x-mte-encode-headers: x-a", "x-mte-encode-headers: x-b"],
    ["x-mte-encode-type: none"], ["x-mte-upstream: http://127.0.0.1:1"]])
def test_options_that_are_in_doubt(shared_pair, shared_api, fields):
    before = len(shared_api.requests)
    answer = to_peer(shared_pair.outbound, shared_pair.inbound.url(), *fields)
    assert_refused(answer, 400, "bad_request")
    assert len(shared_api.requests) == before


# ---- loops ----

def test_a_request_that_was_here_before(shared_pair, shared_api):
    seen = json.loads(shared_pair.request("/x").body)
    via = next(value for name, value in seen["fields"] if name == "via")
    before = len(shared_api.requests)
    assert_refused(shared_pair.request("/x", fields=[f"via: 1.1 other, {via}"]),
                   508, "loop_detected")
    assert len(shared_api.requests) == before
