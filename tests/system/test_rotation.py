# SPDX-License-Identifier: MIT
"""Each secret is rotated in three steps (docs/operations.md), on both sides, and no request fails."""

import hmac
import re

import pytest
from deployment import Deployment, Secrets, reload
from fault_table import assert_at_most_once
from relay import curl
from steady_load import SteadyLoad
from test_relaycat import relaycat

N_APPLICATIONS = 16
OUTBOUND, INBOUND = SIDES = ("outbound", "inbound")


def first_values(side):
    return {"SECRET": "the first secret that both relays share",
            "CLIENT_ID_SECRET": f"the first client id secret of {side}",
            "OUTBOUND_TOKEN": f"the first token of {side}"}


def next_value(name, side):
    """SECRET alone is the same on both sides."""
    return f"the next {name}" if name == "SECRET" else f"the next {name} of {side}, long enough"


class Fleet:
    """Both sides of a pair, each with its secrets in files, under load."""

    def __init__(self, start_relay, api, folder):
        self.upstream = api.url
        self.secrets = {side: Secrets(folder / side, **first_values(side)) for side in SIDES}
        self.sides = {side: Deployment(start_relay, side, 1, UPSTREAM=api.url, DRAIN_TIMEOUT="2s",
                                       LOG_LEVEL="info", **self.secrets[side].settings())
                      for side in SIDES}
        self.load = SteadyLoad(api.background, self.sides[OUTBOUND].port,
                               self.fields(first_values(OUTBOUND)["OUTBOUND_TOKEN"]),
                               N_APPLICATIONS, pause=0.01)
        self.load.wait_until_healed()

    def fields(self, token):
        return {"x-mte-outbound-token": token, "x-mte-upstream": self.sides[INBOUND].url}

    def relays(self):
        return [relay for side in SIDES for relay in self.sides[side].instances]

    def step(self, values):
        """{(side, name of a file): value}; then the load must go on."""
        for (side, name), value in values.items():
            self.secrets[side].write(name, value)
        reload(self.relays())
        self.load.wait_until_healed()

    def rotate(self, name):
        """The procedure of docs/operations.md, on both sides."""
        old = {side: self.secrets[side].read(name) for side in SIDES}
        new = {side: next_value(name, side) for side in SIDES}
        self.step({(side, f"{name}_ALSO"): new[side] for side in SIDES})
        self.step({(side, name): new[side] for side in SIDES} |
                  {(side, f"{name}_ALSO"): old[side] for side in SIDES})
        for client in self.load.clients:
            client.set_fields(self.fields(self.secrets[OUTBOUND].read("OUTBOUND_TOKEN")))
        self.load.wait_until_healed()
        self.step({(side, f"{name}_ALSO"): "" for side in SIDES})


@pytest.fixture
def fleet(start_relay, counting_api, tmp_path):
    tmp_path.chmod(0o755)
    running = Fleet(start_relay, counting_api, tmp_path)
    yield running
    running.load.stop()


def takes_secret(fleet, value):
    return relaycat(fleet.sides[INBOUND].url, "/x", SECRET=value)[0] == 0


def takes_token(fleet, value):
    fields = [f"{name}: {value}" for name, value in fleet.fields(value).items()]
    return curl(f"{fleet.sides[OUTBOUND].url}/status/200", fields=fields).status != 401


def is_named_by(fleet, value):
    """A node is made from CLIENT_ID_SECRET: here the newest that the inbound side paired with."""
    node = hmac.digest(value.encode(), b"mar1 node\0" + fleet.upstream.encode(), "sha256")
    return re.findall("sends to us node=([0-9a-f]+)", fleet.sides[INBOUND].log())[-1] == \
        node[:16].hex()


IN_USE = {"SECRET": takes_secret, "CLIENT_ID_SECRET": is_named_by, "OUTBOUND_TOKEN": takes_token}


@pytest.mark.slow
@pytest.mark.parametrize("name", Secrets.NAMES)
def test_a_secret_is_rotated_under_load_without_a_failed_request(counting_api, fleet, name):
    fleet.rotate(name)
    fleet.load.stop()
    assert_at_most_once(counting_api, fleet.load)
    assert not fleet.load.failures
    assert IN_USE[name](fleet, next_value(name, OUTBOUND))
    assert not IN_USE[name](fleet, first_values(OUTBOUND)[name])
