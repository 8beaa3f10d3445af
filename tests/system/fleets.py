# SPDX-License-Identifier: MIT
"""Several instances of both sides of a pair, each side behind a haproxy, with or without Redis."""

import pytest
from deployment import REQUEST, Deployment
from relay import TOKEN, Pair
from steady_load import SteadyLoad

OUTBOUND, INBOUND = SIDES = ("outbound", "inbound")


class Fleet:
    """
    n[side] instances; more than one are behind a balancer that spreads by `per`. own[side] are
    settings of one side, `settings` those of both.
    """

    def __init__(self, start_relay, api, folder, n, per=REQUEST, own=None, **settings):
        self.api = api
        self.sides = {}
        for side in SIDES:
            mine = {"UPSTREAM": api.url, "LOG_LEVEL": "info"} | settings | (own or {}).get(side, {})
            self.sides[side] = Deployment(start_relay, side, n[side], **mine)
            if n[side] > 1:
                self.sides[side].balance(folder / f"haproxy-{side}", per)
        self.outbound, self.inbound = (self.sides[side] for side in SIDES)
        self.pair = Pair(self.outbound, self.inbound)

    def fields(self, token=TOKEN):
        return self.pair.fields(token)

    def relays(self):
        return self.outbound.instances + self.inbound.instances

    def load(self, n, token=TOKEN, pause=0.0):
        """Applications that go on until they are stopped; each has had an answer."""
        load = SteadyLoad(self.api.background, self.outbound.port, self.fields(token), n, pause)
        load.wait_until_healed()
        return load


def fleets(start_relay, api, folder):
    """fleet_of(n_outbound, n_inbound, ...): as Fleet."""
    started = []

    def start(n_outbound, n_inbound, **more):
        own_folder = folder / f"fleet-{len(started)}"
        own_folder.mkdir()
        n = {OUTBOUND: n_outbound, INBOUND: n_inbound}
        started.append(Fleet(start_relay, api, own_folder, n, **more))
        return started[-1]

    yield start
    for fleet in started:
        for side in SIDES:
            fleet.sides[side].stop_balancer()


@pytest.fixture
def fleet_of(start_relay, counting_api, tmp_path):
    yield from fleets(start_relay, counting_api, tmp_path)


@pytest.fixture(scope="module")
def shared_fleet_of(shared_start_relay, shared_counting_api, tmp_path_factory):
    yield from fleets(shared_start_relay, shared_counting_api, tmp_path_factory.mktemp("fleets"))


def shared_by(server, **more):
    """Settings of an inbound side whose instances share this Redis."""
    return {INBOUND: {"REDIS_URL": f"redis://{server.place}"} | more}
