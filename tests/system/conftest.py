# SPDX-License-Identifier: MIT
"""Fixtures: the example API, relays, a pair. On failure the relays' logs are printed."""

import itertools
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/harness"))

# pylint: disable=wrong-import-position
from background import Background
from counting_api import CountingApi
from example_api import ExampleApi
from relay import MASTER, Pair, Relay, default_settings, wait_until


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: left out by tools/test --quick")
    if not MASTER.exists():
        pytest.exit(f"{MASTER} is not there: run tools/test, or build and set MTE_BUILD", 2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        for relay in getattr(item.session, "relays", []):
            if relay.log_path.exists():
                report.sections.append((f"log of {relay.name}", relay.log()[-6000:]))


def api_fixture():
    server = ExampleApi().start()
    yield server
    server.stop()


def counting_api_fixture():
    """On a loop that the test may use for its other connections, too: .background."""
    loop = Background()
    yield CountingApi(loop)
    loop.stop()


def living_in(session):
    """Process ids in that session; zombies do not count, for in a container nobody reaps them."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session = path.read_text().rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(its_session) == session and state != "Z":
            found.append(int(path.parent.name))
    return found


def relay_fixture(request, tmp_path_factory):
    """start_relay(name, **settings): relays that are stopped, and must stop well, at the end."""
    folder = tmp_path_factory.mktemp("relays")
    folder.chmod(0o755)
    started, numbers = [], itertools.count()

    def start_relay(name, **settings):
        relay = Relay(folder, f"{name}-{next(numbers)}", default_settings(name) | settings)
        started.append(relay)
        request.session.relays = started
        return relay.start()

    yield start_relay
    leaks = [leak for relay in started if relay.process for leak in relay.leaks()]
    statuses = {relay.name: relay.stop() for relay in reversed(started)}
    for relay in filter(lambda relay: relay.process, started):  # a worker without its master leaves by itself
        wait_until(lambda session=relay.process.pid: not living_in(session), 20,
                   f"the end of all processes of {relay.name}")
    leaks += [leak for relay in started for leak in relay.leaks()]
    assert not leaks, leaks
    assert all(status in (0, -9) for status in statuses.values()), statuses


api = pytest.fixture(api_fixture)
counting_api = pytest.fixture(counting_api_fixture)
start_relay = pytest.fixture(relay_fixture)
# Shared by the tests of a file that change nothing.
shared_api = pytest.fixture(scope="module")(api_fixture)
shared_counting_api = pytest.fixture(scope="module")(counting_api_fixture)
shared_start_relay = pytest.fixture(scope="module")(relay_fixture)


def make_pair(start, server, **settings):
    inbound = start("inbound", UPSTREAM=f"http://127.0.0.1:{server.port}", **settings)
    outbound = start("outbound", UPSTREAM=f"http://127.0.0.1:{server.port}", **settings)
    return Pair(outbound, inbound)


@pytest.fixture
def pair(start_relay, api):
    return make_pair(start_relay, api)


@pytest.fixture(scope="module")
def shared_pair(shared_start_relay, shared_api):
    return make_pair(shared_start_relay, shared_api)
