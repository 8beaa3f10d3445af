# SPDX-License-Identifier: MIT
"""Clients that no one here wrote, through a pair."""

import hashlib
import json
import os
import shutil
import subprocess

import httpx
import pytest
from evil import Server, echo
from load import load
from relay import TOKEN, Pair

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "FROBNICATE"]
SIZES = [0, 1, 16384, 100001, 1 << 24]
HTTP = ["--http1.1", "--http2", "--http2-prior-knowledge"]


@pytest.fixture(scope="module")
def streaming_pair(shared_start_relay):
    """Before an API that sends back each piece of a body while it takes the next."""
    server = Server(echo)
    inbound = shared_start_relay("inbound", UPSTREAM=server.url)
    yield Pair(shared_start_relay("outbound", UPSTREAM=server.url), inbound)
    server.stop()


@pytest.fixture(params=["buffers", "streams"])
def echoing(request):
    """A pair whose API sends bodies back: when it has all of it, or at once."""
    return request.getfixturevalue("shared_pair" if request.param == "buffers" else "streaming_pair")


def fields_of(pair):
    return {"x-mte-outbound-token": TOKEN, "x-mte-upstream": pair.peer}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# ---- curl ----

@pytest.mark.parametrize("http", HTTP)
@pytest.mark.parametrize("method", METHODS)
def test_curl_with_every_method(shared_pair, method, http):
    for body in (None, b"a body"):
        answer = shared_pair.request("/x", http, "--request", method, data=body)
        assert answer.status == 200
        assert json.loads(answer.body)["method"] == method


@pytest.mark.parametrize("http", HTTP)
@pytest.mark.parametrize("size", SIZES)
def test_curl_with_every_size(echoing, size, http):
    body = os.urandom(size)
    answer = echoing.request("/echo", http, "--request", "POST", data=body)
    assert (answer.status, sha256(answer.body)) == (200, sha256(body))


def test_curl_that_waits_for_100_continue(shared_pair):
    body = os.urandom(1 << 20)
    answer = shared_pair.request("/echo", "--http1.1", data=body, fields=["Expect: 100-continue"])
    assert (answer.status, sha256(answer.body)) == (200, sha256(body))


# ---- httpx ----

@pytest.mark.parametrize("http2", [False, True], ids=["h1", "h2"])
def test_httpx_over_one_connection(echoing, http2):
    with httpx.Client(http1=not http2, http2=http2, timeout=60) as client:
        for size in SIZES:
            body = os.urandom(size)
            answer = client.post(echoing.outbound.url("/echo"), content=body,
                                 headers=fields_of(echoing))
            assert (answer.status_code, sha256(answer.content)) == (200, sha256(body))


@pytest.mark.parametrize("http2", [False, True], ids=["h1", "h2"])
def test_httpx_with_every_method(shared_pair, http2):
    with httpx.Client(http1=not http2, http2=http2, timeout=60) as client:
        for method in METHODS:
            answer = client.request(method, shared_pair.outbound.url("/a?b=c"),
                                    headers=fields_of(shared_pair))
            assert (answer.json()["method"], answer.json()["path"]) == (method, "/a?b=c")
        answer = client.head(shared_pair.outbound.url("/bytes/77"), headers=fields_of(shared_pair))
        assert (answer.headers["content-length"], answer.content) == ("77", b"")


def test_httpx_that_sends_chunks(echoing):
    pieces = [os.urandom(1000 * i + 1) for i in range(20)]
    answer = httpx.post(echoing.outbound.url("/echo"), content=iter(pieces), timeout=60,
                        headers=fields_of(echoing))
    assert (answer.status_code, answer.content) == (200, b"".join(pieces))


# ---- Node ----

NODE = shutil.which("node")
FETCH = """
const crypto = require("crypto");
const [url, token, peer] = process.argv.slice(1);
const headers = {"x-mte-outbound-token": token, "x-mte-upstream": peer};
(async () => {
    for (const size of [0, 1, 16384, 100001, 1 << 24]) {
        const body = crypto.randomBytes(size);
        const answer = await fetch(url + "/echo", {method: "POST", body, headers});
        const back = Buffer.from(await answer.arrayBuffer());
        if (answer.status !== 200 || !back.equals(body)) throw new Error(`size ${size}`);
    }
    const many = await Promise.all([...Array(50).keys()].map(async i => {
        const answer = await fetch(url + "/echo", {method: "PUT", body: `number ${i}`, headers});
        return await answer.text() === `number ${i}`;
    }));
    if (!many.every(x => x)) throw new Error("crossed");
    console.log("good");
})();
"""
HTTP2 = """
const crypto = require("crypto"), http2 = require("http2");
const [url, token, peer] = process.argv.slice(1);
const session = http2.connect(url);
const ask = body => new Promise((resolve, reject) => {
    const stream = session.request({":method": "POST", ":path": "/echo",
        "x-mte-outbound-token": token, "x-mte-upstream": peer});
    const parts = [];
    let status = 0;
    stream.on("response", fields => { status = fields[":status"]; });
    stream.on("data", part => parts.push(part));
    stream.on("error", reject);
    stream.on("end", () => Buffer.concat(parts).equals(body) && status === 200
        ? resolve() : reject(new Error(`status ${status}, size ${body.length}`)));
    stream.end(body);
});
(async () => {
    for (const size of [0, 1, 16384, 100001, 1 << 24]) await ask(crypto.randomBytes(size));
    await Promise.all([...Array(50).keys()].map(i => ask(crypto.randomBytes(1000 * i))));
    session.close();
    console.log("good");
})();
"""


@pytest.mark.skipif(NODE is None, reason="there is no node here")
@pytest.mark.parametrize("script", [FETCH, HTTP2], ids=["fetch", "http2"])
def test_node(echoing, script):
    ran = subprocess.run([NODE, "-e", script, echoing.outbound.url(), TOKEN, echoing.peer],
                         capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stdout) == (0, "good\n"), ran.stderr


# ---- nghttp2 ----

@pytest.mark.parametrize("upgrade", [False, True], ids=["prior knowledge", "upgrade"])
def test_nghttp(echoing, tmp_path, upgrade):
    options = ["--upgrade"] if upgrade else []
    for size in SIZES:
        body = tmp_path / "body"
        body.write_bytes(os.urandom(size))
        fields = [f"--header={name}: {value}" for name, value in fields_of(echoing).items()]
        ran = subprocess.run(["nghttp", "--data", body, *options, *fields,
                              echoing.outbound.url("/echo")], capture_output=True, timeout=120, check=True)
        assert sha256(ran.stdout) == sha256(body.read_bytes()), ran.stderr[-1000:]


# ---- many at once ----

@pytest.mark.parametrize("n", [1000, pytest.param(10000, marks=pytest.mark.slow)])
def test_many_at_once_none_fails_and_none_is_crossed(echoing, n):
    """Each body is another's; each answer is held against it."""
    result = load(echoing.outbound.port, fields_of(echoing), n, concurrency=64)
    print(result)
    assert (result.good, result.wrong) == (n, [])
