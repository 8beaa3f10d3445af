# SPDX-License-Identifier: MIT
"""What Redis holds: pairs that open with CLIENT_ID_SECRET and nothing else (docs/protocol.md, 9)."""

import hashlib
import hmac
import re
import struct

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
# pylint: disable=unused-import,redefined-outer-name
from fleets import INBOUND, fleet_of, shared_by  # fixtures, too
from redis_servers import server_of  # a fixture
from relay import SECRET, default_settings
from sealed import expand
from test_relaycat import relaycat

N_PAIRS = 4
RUN = 6  # bytes of a key that would be no coincidence
CLIENT_ID_SECRET = default_settings(INBOUND)["CLIENT_ID_SECRET"]


def store_key(client_id_secret, upstream):
    secret = client_id_secret.encode()
    node = hmac.digest(secret, b"mar1 node\0" + upstream.encode(), "sha256")[:16]
    return hmac.digest(secret, b"mar1 store\0" + node, "sha256")


def open_record(key, name, value):
    """The plaintext. InvalidTag where it was sealed with another key, or under another name."""
    assert value[:8] == expand(key, b"store id")[:8]
    return AESGCM(key).decrypt(value[8:20], value[20:], name)


def pair_id(pair_key):
    psk = hashlib.scrypt(SECRET.encode(), salt=b"mte-api-relay psk v1", n=1 << 15, r=8, p=1,
                         maxmem=1 << 26, dklen=32)
    return expand(psk, b"psk id")[:4] + expand(pair_key, b"pair id")[:12]


@pytest.fixture
def store(fleet_of, server_of):
    """(the deployment's UPSTREAM, its Redis), which has some pairs and claims."""
    server = server_of(rdbcompression="no")
    fleet = fleet_of(1, 2, own=shared_by(server))
    for _ in range(N_PAIRS):
        assert relaycat(fleet.inbound.url(), "/x")[0] == 0
    assert len(server.ask().keys("mar1:pair:*")) == N_PAIRS
    server.ask().save()
    return fleet.api.url, server


def test_pairs_at_rest_open_with_client_id_secret_and_show_nothing_of_a_key(store):
    upstream, server = store
    values = {name: server.ask().get(name) for name in server.ask().keys()}
    records = {name: value for name, value in values.items() if b":pair:" in name}
    assert {re.sub(rb"[0-9a-f]{32,}", b"X", name) for name in values} >= \
        {b"mar1:pair:{X}", b"mar1:seen:{X}:0", b"mar1:nonce:X", b"mar1:since"}
    dump = b"".join([*values, *values.values(), (server.folder / "dump.rdb").read_bytes()])
    assert all(value in dump[-len(dump) // 2:] for value in records.values())  # it is not packed
    key = store_key(CLIENT_ID_SECRET, upstream)
    for name, value in records.items():
        version, suite, pair_key, created, expires = struct.unpack(
            ">BB32sQQ", open_record(key, name, value)[:50])
        assert (version, suite, expires - created) == (1, 1, 3600)
        assert name == b"mar1:pair:{%s}" % pair_id(pair_key).hex().encode()
        assert not any(pair_key[i:i + RUN] in dump for i in range(32 - RUN + 1))


def test_a_record_opens_for_nobody_else_and_under_no_other_name(store):
    upstream, server = store
    name, other = server.ask().keys("mar1:pair:*")[:2]
    value, key = server.ask().get(name), store_key(CLIENT_ID_SECRET, upstream)
    for wrong in (store_key(CLIENT_ID_SECRET + "x", upstream),
                  store_key(CLIENT_ID_SECRET, upstream + "/x"),
                  store_key(SECRET, upstream)):
        with pytest.raises(InvalidTag):
            AESGCM(wrong).decrypt(value[8:20], value[20:], name)
    with pytest.raises(InvalidTag):
        open_record(key, other, value)
    for at in range(8, len(value)):
        changed = value[:at] + bytes([value[at] ^ 1]) + value[at + 1:]
        with pytest.raises(InvalidTag):
            open_record(key, name, changed)
