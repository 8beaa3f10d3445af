# SPDX-License-Identifier: MIT
"""One request through a pair of relays arrives as it was sent, and so does its answer."""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from relay import curl

SIZES = [0, 1, 15, 511, 16383, 16384, 16385, 65536, 1 << 20, (1 << 24) - 1, 1 << 24]


def test_get_reaches_the_api_and_its_answer_comes_back(shared_pair):
    answer = shared_pair.request("/v1/accounts?id=7")
    assert answer.status == 200
    seen = json.loads(answer.body)
    assert (seen["method"], seen["path"]) == ("GET", "/v1/accounts?id=7")
    assert answer.refusal is None


@pytest.mark.parametrize("method", ["DELETE", "OPTIONS", "PATCH", "PUT", "PROPFIND", "FROBNICATE"])
def test_every_method_is_relayed(shared_pair, method):
    answer = shared_pair.request("/things/1", "--request", method)
    assert json.loads(answer.body)["method"] == method


def test_head_keeps_the_length_and_has_no_body(shared_pair, shared_api):
    answer = shared_pair.request("/bytes/12345", "--head")
    assert (answer.status, answer.field("content-length"), answer.body) == (200, "12345", b"")
    assert shared_api.requests[-1]["method"] == "HEAD"


@pytest.mark.parametrize("http", ["--http1.1", "--http2-prior-knowledge"])
@pytest.mark.parametrize("size", SIZES)
def test_a_body_is_identical_there_and_back(shared_pair, shared_api, size, http):
    body = os.urandom(size)
    answer = shared_pair.request("/echo", http, data=body)
    assert answer.status == 200
    assert shared_api.requests[-1]["sha256"] == hashlib.sha256(body).hexdigest()
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize("size", [0, 1, 500, 5000, 60000])
def test_mte_carries_what_fits_into_a_token(shared_pair, size):
    body = os.urandom(size)
    answer = shared_pair.request("/echo", data=body, fields=["x-mte-encode-type: MTE"])
    assert (answer.status, answer.body) == (200, body)


def test_an_mte_answer_that_does_not_fit_comes_all_the_same(shared_pair):
    answer = shared_pair.request("/bytes/200000", fields=["x-mte-encode-type: MTE"])
    assert (answer.status, len(answer.body)) == (200, 200000)


def test_an_mte_request_that_does_not_fit_is_refused(shared_pair):
    answer = shared_pair.request("/echo", data=bytes(70000), fields=["x-mte-encode-type: MTE"])
    assert (answer.status, answer.refusal) == (413, "body_too_large")


def test_a_body_over_the_limit_is_refused(shared_pair):
    answer = shared_pair.request("/echo", data=bytes((1 << 24) + 1))
    assert (answer.status, answer.refusal) == (413, "body_too_large")


def test_a_large_answer_streams_through(shared_pair, shared_api):
    answer = shared_pair.request("/bytes/50000000")
    assert len(answer.body) == 50000000
    direct = curl(f"http://127.0.0.1:{shared_api.port}/bytes/50000000")
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(direct.body).digest()


def test_repeated_fields_keep_their_number_and_order(shared_pair, shared_api):
    answer = shared_pair.request("/cookies", fields=["X-One: 1", "X-Two: 2", "X-One: 3"])
    seen = [(k, v) for k, v in shared_api.requests[-1]["fields"] if k in ("x-one", "x-two")]
    assert seen == [("x-one", "1"), ("x-two", "2"), ("x-one", "3")]
    assert answer.all("set-cookie") == ["a=1; Path=/", "b=2; Path=/"]
    order = [k for k, _ in answer.fields if k in ("set-cookie", "x-between")]
    assert order == ["set-cookie", "x-between", "set-cookie"]


@pytest.mark.parametrize("target", [
    "/?", "/?a=1&b=2", "/a%20b?c=%26%3D%25", "/!$&'()*+,;=:@/-._~?!$&'()*+,;=:@/?-._~", "/?q=[]{}|^`\"<>\\",
    "/%F0%9F%92%A9?x=%00", "//double//slash", "/a/./b/../c", "/a;p=1?;=;", "/?a=b?c=d"])
def test_a_target_arrives_as_it_was_written(shared_pair, shared_api, target):
    assert shared_pair.request(target).status == 200
    assert shared_api.requests[-1]["path"] == target


@pytest.mark.parametrize("status", [200, 201, 202, 204, 301, 304, 400, 404, 418, 500, 503])
def test_a_status_comes_back_and_redirects_are_not_followed(shared_pair, status):
    answer = shared_pair.request(f"/status/{status}")
    assert answer.status == status
    assert answer.body == (b"" if status in (204, 304) else b"status %d" % status)


def test_nothing_of_the_outbound_request_headers_leaves(shared_pair, shared_api):
    shared_pair.request("/x", fields=["x-mte-encode-type: MKE", "x-kept: yes", "connection: x-hop",
                                      "x-hop: no"])
    names = [name for name, _ in shared_api.requests[-1]["fields"]]
    assert not [name for name in names if name.startswith("x-mte-")]
    assert "x-hop" not in names and "x-kept" in names


def test_the_api_learns_how_the_request_came(shared_pair, shared_api):
    shared_pair.request("/x", fields=["x-request-id: abc.1", "traceparent: 00-1-2-01"])
    fields = dict(shared_api.requests[-1]["fields"])
    assert fields["x-request-id"] == "abc.1"
    assert fields["traceparent"] == "00-1-2-01"
    assert fields["host"].startswith("127.0.0.1:")
    assert "via" in fields and "x-forwarded-host" in fields and "x-forwarded-proto" in fields


def test_an_ill_formed_request_id_is_replaced(shared_pair, shared_api):
    shared_pair.request("/x", fields=["x-request-id: not good!"])
    assert dict(shared_api.requests[-1]["fields"])["x-request-id"] != "not good!"


def test_echo_answers_here_and_through_the_pair(shared_pair, shared_api):
    before = len(shared_api.requests)
    here = json.loads(curl(shared_pair.outbound.url("/api/mte-echo?msg=h%C3%A9llo")).body)
    assert here["message"] == "h\u00e9llo" and here["timestamp"].endswith("Z")
    through = shared_pair.request("/api/mte-echo?msg=there")
    assert through.status == 200
    assert len(shared_api.requests) == before


def test_a_relay_says_that_it_is_one(shared_pair):
    answer = curl(shared_pair.inbound.url("/api/mte-relay"))
    assert (answer.status, answer.field("x-mte-relay")) == (200, "1")
    assert json.loads(answer.body)


def test_requests_in_parallel_get_their_own_answers(shared_pair):
    def one(i):
        body = hashlib.sha256(str(i).encode()).digest() * 50
        answer = shared_pair.request("/echo", data=body)
        return answer.body == body

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(one, range(200)))
