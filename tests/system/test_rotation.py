# SPDX-License-Identifier: MIT
"""Each secret is rotated in three steps (docs/operations.md), on both sides, and no request fails."""

import hmac
import re

import pytest
from deployment import Secrets, reload
from fault_table import assert_at_most_once
# pylint: disable=unused-import,redefined-outer-name
from fleets import INBOUND, OUTBOUND, SIDES, fleet_of, shared_by  # fixtures, too
from redis_servers import server_of  # a fixture
from relay import TOP, curl
from test_relaycat import relaycat

N_APPLICATIONS = 16


def first_values(side):
    return {"SECRET": "the first secret that both relays share",
            "CLIENT_ID_SECRET": f"the first client id secret of {side}",
            "OUTBOUND_TOKEN": f"the first token of {side}"}


def documented_commands():
    """How a value is made, and the three steps, as docs/operations.md has them."""
    _, text = (TOP / "docs/operations.md").read_text().split("## Rotating the secrets\n")
    text = text.split("\n## ")[0]
    make, accept, swap, forget = re.findall(r"^ +((?:openssl|cp|:) .*)$", text, re.M)
    return make, (accept, swap, forget)


class Rotation:
    """Both sides of a pair under load, each with its secrets in files."""

    def __init__(self, fleet_of, folder, n, own):
        folder.chmod(0o755)
        self.secrets = {side: Secrets(folder / side, **first_values(side)) for side in SIDES}
        own = {side: self.secrets[side].settings() | own.get(side, {}) for side in SIDES}
        self.fleet = fleet_of(n, n, own=own, DRAIN_TIMEOUT="2s")
        self.load = self.fleet.load(N_APPLICATIONS, first_values(OUTBOUND)["OUTBOUND_TOKEN"], 0.01)

    def make_values(self, names):
        """SECRET alone is the same on both sides."""
        make, _ = documented_commands()
        for name in names:
            for side in SIDES:
                self.secrets[side].run(name, make)
        for side in SIDES if "SECRET" in names else []:
            shared = self.secrets[OUTBOUND].path("SECRET.next").read_text()
            self.secrets[side].path("SECRET.next").write_text(shared)

    def rotate(self, names):
        """What docs/operations.md says, on both sides; after each step the load must go on."""
        self.make_values(names)
        for command in documented_commands()[1]:
            for side in SIDES:
                for name in names:
                    self.secrets[side].run(name, command)
            reload(self.fleet.relays())
            for client in self.load.clients:
                client.set_fields(self.fleet.fields(self.secrets[OUTBOUND].read("OUTBOUND_TOKEN")))
            self.load.wait_until_healed()


def takes_secret(rotation, value):
    return relaycat(rotation.fleet.inbound.url(), "/x", SECRET=value)[0] == 0


def takes_token(rotation, value):
    fields = [f"{name}: {value}" for name, value in rotation.fleet.fields(value).items()]
    return curl(rotation.fleet.outbound.url("/x"), fields=fields).status != 401


def is_named_by(rotation, value):
    """A node is made from CLIENT_ID_SECRET."""
    node = hmac.digest(value.encode(), b"mar1 node\0" + rotation.fleet.api.url.encode(), "sha256")
    _, _, said = relaycat("-v", rotation.fleet.inbound.url(), "/x",
                          SECRET=rotation.secrets[INBOUND].read("SECRET"))
    return f"node {node.hex()[:8]}" in said


IN_USE = {"SECRET": (INBOUND, takes_secret), "CLIENT_ID_SECRET": (INBOUND, is_named_by),
          "OUTBOUND_TOKEN": (OUTBOUND, takes_token)}


def rotate(rotation, api, names):
    try:
        rotation.rotate(names)
    finally:
        rotation.load.stop()
    assert_at_most_once(api, rotation.load)
    assert not rotation.load.failures
    for side, in_use, name in ((*IN_USE[name], name) for name in names):
        assert in_use(rotation, rotation.secrets[side].read(name))
        assert not in_use(rotation, first_values(side)[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", Secrets.NAMES)
def test_a_secret_is_rotated_under_load_without_a_failed_request(
        fleet_of, tmp_path, counting_api, name):
    rotate(Rotation(fleet_of, tmp_path, 1, {}), counting_api, [name])


@pytest.mark.slow
def test_all_secrets_of_instances_that_share_redis_are_rotated_under_load_likewise(
        fleet_of, server_of, tmp_path, counting_api):
    rotate(Rotation(fleet_of, tmp_path, 2, shared_by(server_of())), counting_api, Secrets.NAMES)
