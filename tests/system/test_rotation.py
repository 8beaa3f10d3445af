# SPDX-License-Identifier: MIT
"""Each secret is rotated in three steps (docs/operations.md), on both sides, and no request fails."""

import hmac
import re

import pytest
from deployment import Secrets, reload
from fault_table import assert_at_most_once
# pylint: disable=unused-import,redefined-outer-name
from fleets import OUTBOUND, SIDES, fleet_of, shared_by  # fixtures, too
from redis_servers import server_of  # a fixture
from relay import curl
from test_relaycat import relaycat

N_APPLICATIONS = 16


def first_values(side):
    return {"SECRET": "the first secret that both relays share",
            "CLIENT_ID_SECRET": f"the first client id secret of {side}",
            "OUTBOUND_TOKEN": f"the first token of {side}"}


def next_value(name, side):
    """SECRET alone is the same on both sides."""
    return f"the next {name}" if name == "SECRET" else f"the next {name} of {side}, long enough"


class Rotation:
    """Both sides of a pair under load, each with its secrets in files."""

    def __init__(self, fleet_of, folder, n, own):
        folder.chmod(0o755)
        self.secrets = {side: Secrets(folder / side, **first_values(side)) for side in SIDES}
        own = {side: self.secrets[side].settings() | own.get(side, {}) for side in SIDES}
        self.fleet = fleet_of(n, n, own=own, DRAIN_TIMEOUT="2s")
        self.load = self.fleet.load(N_APPLICATIONS, first_values(OUTBOUND)["OUTBOUND_TOKEN"], 0.01)

    def step(self, values):
        """{(side, name of a file): value}; then the load must go on."""
        for (side, name), value in values.items():
            self.secrets[side].write(name, value)
        reload(self.fleet.relays())
        self.load.wait_until_healed()

    def rotate(self, names):
        """The procedure of docs/operations.md, on both sides."""
        files = [(side, name) for side in SIDES for name in names]
        old = {(side, name): self.secrets[side].read(name) for side, name in files}
        new = {(side, name): next_value(name, side) for side, name in files}
        self.step({(side, f"{name}_ALSO"): new[side, name] for side, name in files})
        self.step(new | {(side, f"{name}_ALSO"): old[side, name] for side, name in files})
        for client in self.load.clients:
            client.set_fields(self.fleet.fields(self.secrets[OUTBOUND].read("OUTBOUND_TOKEN")))
        self.load.wait_until_healed()
        self.step({(side, f"{name}_ALSO"): "" for side, name in files})


def takes_secret(fleet, value):
    return relaycat(fleet.inbound.url(), "/x", SECRET=value)[0] == 0


def takes_token(fleet, value):
    fields = [f"{name}: {value}" for name, value in fleet.fields(value).items()]
    return curl(fleet.outbound.url("/x"), fields=fields).status != 401


def is_named_by(fleet, value):
    """A node is made from CLIENT_ID_SECRET: here the newest that the inbound side paired with."""
    node = hmac.digest(value.encode(), b"mar1 node\0" + fleet.api.url.encode(), "sha256")
    return re.findall("sends to us node=([0-9a-f]+)", fleet.inbound.log())[-1] == \
        node[:16].hex()


IN_USE = {"SECRET": takes_secret, "CLIENT_ID_SECRET": is_named_by, "OUTBOUND_TOKEN": takes_token}


def rotate(rotation, api, names):
    try:
        rotation.rotate(names)
    finally:
        rotation.load.stop()
    assert_at_most_once(api, rotation.load)
    assert not rotation.load.failures
    for name in names:
        assert IN_USE[name](rotation.fleet, next_value(name, OUTBOUND))
        assert not IN_USE[name](rotation.fleet, first_values(OUTBOUND)[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", Secrets.NAMES)
def test_a_secret_is_rotated_under_load_without_a_failed_request(
        fleet_of, tmp_path, counting_api, name):
    rotate(Rotation(fleet_of, tmp_path, 1, {}), counting_api, [name])


@pytest.mark.slow
def test_all_secrets_of_instances_that_share_redis_are_rotated_under_load_likewise(
        fleet_of, server_of, tmp_path, counting_api):
    rotate(Rotation(fleet_of, tmp_path, 2, shared_by(server_of())), counting_api, Secrets.NAMES)
