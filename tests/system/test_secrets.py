# SPDX-License-Identifier: MIT
"""SECRET in the life of a relay: rotated at a reload, and forgotten where it is not needed."""

import os
import re
import signal
import socket

import pytest
from relay import BODY_MARKER, FIELD_MARKER, QUERY_MARKER, SECRET, Pair, curl, wait_until

OTHER = "another secret that both relays share"


def reload_with(relay, *lines):
    relay.config_path().write_text("".join(f"{line};\n" for line in lines))
    begin, before = relay.log_end(), set(relay.workers())
    relay.process.send_signal(signal.SIGHUP)
    relay.wait_for_log("serving generation", begin)
    wait_until(lambda: not before & set(relay.workers()), what="the old workers' end")


@pytest.fixture
def rotated(start_relay, api):
    """A pair whose inbound relay has its SECRET in its file, which a reload reads anew."""
    upstream = f"http://127.0.0.1:{api.port}"
    outbound = start_relay("outbound", UPSTREAM=upstream)
    inbound = start_relay("inbound", UPSTREAM=upstream)
    inbound.kill()
    inbound.settings["SECRET"] = None
    inbound.config_path().write_text(f'secret = "{SECRET}";\n')
    inbound.start()
    return Pair(outbound, inbound)


def test_a_pair_ends_with_the_secret_it_was_made_under(rotated, api):
    for _ in range(20):  # so that each outbound worker has a pair
        assert rotated.request("/x").status == 200
    n = len(api.requests)
    reload_with(rotated.inbound, f'secret = "{OTHER}"')
    for _ in range(20):
        assert rotated.request("/x").refusal in ("bad_peer_response", "pairing_refused")
    assert len(api.requests) == n
    assert "pair of a SECRET that is none any more" in rotated.inbound.log()


def test_a_pair_outlives_the_secret_it_was_made_under_while_that_is_accepted(rotated):
    for _ in range(20):
        assert rotated.request("/x").status == 200
    paired = rotated.inbound.log().count("paired with a peer")
    reload_with(rotated.inbound, f'secret = "{OTHER}"', f'secret_also = "{SECRET}"')
    for _ in range(20):
        assert rotated.request("/x").status == 200
    assert rotated.inbound.log().count("paired with a peer") == paired


def memory_of(pid):
    """What a process can write to, but for the huge regions that a sanitizer reserves."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as mem:
        for line in maps:
            first, last, rights = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            first, last = int(first, 16), int(last, 16)
            if rights.startswith("rw") and last - first < 1 << 30:
                mem.seek(first)
                yield mem.read(last - first)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can look into a worker")
def test_no_worker_keeps_the_secret_whose_keys_it_has(pair):
    """CLIENT_ID_SECRET is itself the key of a MAC, and so it is there, in OpenSSL's hands."""
    settings = pair.inbound.settings
    assert pair.request("/x").status == 200
    for worker in pair.inbound.workers():
        bytes_of_it = b"".join(memory_of(worker))
        assert settings["OUTBOUND_TOKEN"].encode() in bytes_of_it  # it can be seen
        assert settings["SECRET"].encode() not in bytes_of_it


PLANTED_FIELDS = [f"authorization: Bearer {FIELD_MARKER}", f"cookie: {FIELD_MARKER}",
                  f"referer: https://x.example/?{QUERY_MARKER}", f"user-agent: {FIELD_MARKER}",
                  f"origin: https://{FIELD_MARKER}.example", f"x-request-id: {FIELD_MARKER} ill-formed",
                  f"x-forwarded-for: {FIELD_MARKER}", f"{FIELD_MARKER}: 1"]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_nothing_of_a_request_is_told_however_it_ends(start_relay, api, tmp_path, log_format):
    """The fixture looks for the markers, and for every secret, in all that the relays tell."""
    upstream = f"http://127.0.0.1:{api.port}"
    inbound, outbound = [
        start_relay(name, UPSTREAM=upstream, LOG_LEVEL="trace", LOG_FORMAT=log_format,
                    ACCESS_LOG=str(tmp_path / name), PASS_THROUGH_ROUTES="/plain/*",
                    UPSTREAM_TIMEOUT="1s", MAX_REQUEST_BODY="4 KiB")
        for name in ("inbound", "outbound")]
    pair = Pair(outbound, inbound)
    path, body = f"/echo?{QUERY_MARKER}", BODY_MARKER.encode()

    def send(path=path, *arguments, body=body, **more):
        return pair.request(path, *arguments, fields=PLANTED_FIELDS, data=body, check=False, **more)

    assert send().body == body
    assert send(path, "--http2-prior-knowledge").body == body
    assert send(f"/status/404?{QUERY_MARKER}").status == 404
    assert send(token=FIELD_MARKER).status == 401
    assert send(body=300 * body).status == 413
    assert send(f"/slow/1500?{QUERY_MARKER}").status == 504
    send(f"/slow/900?{QUERY_MARKER}", seconds=1)
    for base in (outbound, inbound):
        for where in (f"/plain/x?{QUERY_MARKER}", f"/x?{QUERY_MARKER}", f"/api/mte-pair?{QUERY_MARKER}",
                      f"/api/mte-relay?{QUERY_MARKER}", f"/api/mte-echo?msg={QUERY_MARKER}"):
            curl(base.url(where), fields=PLANTED_FIELDS, data=body, check=False)
        with socket.create_connection(("127.0.0.1", base.port)) as raw:
            raw.sendall(f"GET /{QUERY_MARKER} HTTP/9.9\r\n{FIELD_MARKER}\r\n\r\n{BODY_MARKER}".encode())
            raw.recv(1000)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        pair.peer = f"http://127.0.0.1:{probe.getsockname()[1]}"
    assert send().refusal == "peer_unreachable"
    assert all(relay.log_end() > 0 and (tmp_path / relay.name.split("-")[0]).stat().st_size > 0
               for relay in (inbound, outbound))


def test_the_fixture_sees_a_marker_that_is_told(start_relay, api):
    relay = start_relay("leaking", UPSTREAM=f"http://127.0.0.1:{api.port}")
    assert relay.leaks() == []
    with open(relay.log_path, "a", encoding="ascii") as log:
        log.write(f"{QUERY_MARKER} {relay.settings['CLIENT_ID_SECRET']}\n")
    assert {marker for _, marker in relay.leaks()} == {QUERY_MARKER, relay.settings["CLIENT_ID_SECRET"]}
    relay.log_path.write_text("")
