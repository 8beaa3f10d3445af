# SPDX-License-Identifier: MIT
"""SECRET in the life of a relay: rotated at a reload, and forgotten where it is not needed."""

import os
import re
import signal

import pytest
from relay import SECRET, Pair, wait_until

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
