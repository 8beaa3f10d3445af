# SPDX-License-Identifier: MIT
"""A pair that shares its session pairs through Redis, under load, scraped by a Prometheus."""

import contextlib
import pathlib
import subprocess
import tempfile
import time

from background import Background
from counting_api import CountingApi
from prometheus import Prometheus
from relay import TOKEN, Pair, Relay, curl, default_settings, wait_until
from steady_load import SteadyLoad

PHASES = (2, 8, 16, 4)  # applications at once


def asked(expression):
    """An expression of the dashboard as Grafana asks it: of all instances, rates over a short time."""
    return expression.replace("$instance", ".*").replace("$__rate_interval", "10s")


@contextlib.contextmanager
def redis_server():
    """The URL of one that listens on a socket, where workers of another user find it."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        socket = folder / "redis"
        server = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", socket, "--unixsocketperm", "777",
             "--save", "", "--dir", folder], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            wait_until(socket.exists, 10, "redis-server")
            yield f"unix:{socket}"
        finally:
            server.terminate()
            server.wait(10)


@contextlib.contextmanager
def relays(folder, api, redis):
    """A pair, and its admin ports by name."""
    started = []
    try:
        for name in "inbound", "outbound":
            settings = default_settings(name) | {
                "UPSTREAM": api.url, "REDIS_URL": redis, "ADMIN_LISTEN": "127.0.0.1:0"}
            started.append(Relay(folder, name, settings).start())
        inbound, outbound = started
        yield Pair(outbound, inbound)
    finally:
        for relay in reversed(started):
            relay.stop()


def be_refused(pair):
    """What shows up as errors: a wrong token, and a peer that is not there."""
    pair.request("/echo", token="wrong" + TOKEN)
    curl(pair.outbound.url("/echo"),
         fields=[f"x-mte-outbound-token: {TOKEN}", "x-mte-upstream: http://127.0.0.1:9"])


def load(pair, background, seconds):
    """In phases of so many applications, each as long, with some that are refused."""
    for n in PHASES:
        steady = SteadyLoad(background, pair.outbound.port, pair.fields(), n)
        end = time.monotonic() + seconds / len(PHASES)
        while time.monotonic() < end:
            be_refused(pair)
            time.sleep(0.2)
        steady.stop()
        assert not steady.failures, steady.verdicts()


@contextlib.contextmanager
def watched_pair(folder, seconds, rules=None):
    """A Prometheus that has watched it for so long, and when it began to."""
    background = Background()
    api = CountingApi(background)
    with redis_server() as redis, relays(folder, api, redis) as pair:
        ports = {relay.name: relay.admin_port for relay in (pair.outbound, pair.inbound)}
        prometheus = Prometheus(folder / "prometheus", ports, rules)
        try:
            prometheus.start().wait_for_scrapes(2)
            began = time.time()
            load(pair, background, seconds)
            yield prometheus, began
        finally:
            prometheus.stop()
            background.stop()
