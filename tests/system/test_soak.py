# SPDX-License-Identifier: MIT
"""A pair of relays for long: renewed pairs, memory, descriptors, relaunches, outages in the log."""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import time

import pytest
from conftest import make_pair
from relay import BUILD, SECRET, wait_until
from steady_load import SteadyLoad

N_LAUNCHES = 1000
CONNECTIONS = 16
MIB = 1 << 20


def lines(relay, pattern, begin=0):
    return re.findall(f".*(?:{pattern}).*", relay.log(begin))


def test_an_outage_has_one_line_and_its_end_another(start_relay, counting_api):
    """Of each worker that sends: here it is one."""
    pair = make_pair(start_relay, counting_api, WORKERS="1", LOG_LEVEL="info")
    load = SteadyLoad(counting_api.background, pair.outbound.port, pair.fields(), CONNECTIONS)
    try:
        load.wait_until_healed()
        for n in (1, 2):
            before = len(load.failures)
            pair.inbound.kill()
            wait_until(lambda: len(load.failures) > before + 10 * CONNECTIONS, what="failures")
            pair.inbound.start()
            load.wait_until_healed()
            back = wait_until(lambda: lines(pair.outbound, "a peer is back")[n - 1:], what="a line")
            assert int(re.search(r"after_ms=(\d+)", back[0])[1]) > 0
            failed = int(re.search(r"requests_failed=(\d+)", back[0])[1])
            assert 10 * CONNECTIONS - CONNECTIONS < failed <= len(load.failures)
            assert len(lines(pair.outbound, "cannot (?:pair with|send to) a peer")) == n
    finally:
        load.stop()
    assert len(lines(pair.outbound, "a peer is back")) == 2


# ---- long load ----

def proportional_size(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(re.search(r"Pss: +(\d+) kB", text)[1]) * 1024


def all_processes(pair):
    return [pid for relay in (pair.outbound, pair.inbound)
            for pid in [relay.process.pid, *relay.workers()]]


def descriptors(pair):
    return {pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in all_processes(pair)}


def memory(pair):
    return {pid: proportional_size(pid) for pid in all_processes(pair)}


def ask(pair, n):
    """n requests by h2load, which counts those that did not succeed."""
    fields = [f"-H{name}: {value}" for name, value in pair.fields().items()]
    result = subprocess.run(
        ["h2load", "--h1", f"-n{n}", f"-c{CONNECTIONS}", *fields,
         pair.outbound.url("/api/mte-echo/soak")],
        capture_output=True, text=True, check=True, timeout=600)
    assert f"{n} succeeded, 0 failed, 0 errored, 0 timeout" in result.stdout, result.stdout
    assert f"status codes: {n} 2xx" in result.stdout, result.stdout
    return result.stdout


def n_pairings(pair):
    return len(lines(pair.inbound, "paired with a peer"))


@pytest.mark.slow
def test_pairs_are_renewed_under_load_and_nothing_fails_or_grows(start_relay, api, monkeypatch):
    """What a sanitizer keeps of freed memory would be growth: little, so that it is soon full."""
    own = os.environ.get("ASAN_OPTIONS")
    monkeypatch.setenv("ASAN_OPTIONS", ":".join(filter(None, [own, "quarantine_size_mb=1",
                                                               "thread_local_quarantine_size_kb=64"])))
    pair = make_pair(start_relay, api, PAIR_LIFETIME="60s", LOG_LEVEL="info")
    n_workers, at_rest, n = len(pair.outbound.workers()), descriptors(pair), 50000
    ask(pair, n)
    before = memory(pair)
    end = time.monotonic() + 300
    while n < 150000 or n_pairings(pair) < 3 * n_workers:  # two renewals of each
        assert time.monotonic() < end, f"{n_pairings(pair)} pairings in five minutes"
        ask(pair, 10000)
        n += 10000
    after, held = memory(pair), descriptors(pair)
    print(f"{n} requests, {n_pairings(pair)} pairings; bytes {before} then {after}; "
          f"descriptors {at_rest} before all, {held} after it")
    assert before.keys() == after.keys()
    bound = max(before.values()) * 1.05 + MIB  # who has had less to do has yet to grow as far
    assert [pid for pid in before if after[pid] > bound] == []
    # Kept: connections of either worker of the other side, and to the API.
    assert [pid for pid in held if held[pid] > at_rest[pid] + (n_workers + 1) * CONNECTIONS] == []


# ---- relaunches ----

def memory_in_use(relay):
    """Bytes of the memory that its processes share which were ever written."""
    for entry in pathlib.Path(f"/proc/{relay.process.pid}/fd").iterdir():
        if "mte-api-relay shared memory" in os.readlink(entry):
            return entry.stat().st_blocks * 512
    raise AssertionError("there is no shared memory")


def launch(relay, client_id_secret="of one deployment, that is launched often"):
    """relaycat begins as an outbound relay does, with a pair of its own, and sends one request."""
    return subprocess.run(
        [BUILD / "tools/relaycat", relay.url(), "/api/mte-echo"], capture_output=True, check=False,
        timeout=60, env={"SECRET": SECRET, "CLIENT_ID_SECRET": client_id_secret}).returncode


@pytest.mark.slow
def test_a_thousand_relaunches_leave_the_tables_of_the_other_side_bounded(start_relay, api):
    """
    The bound is low, so that it is met: then it is refused (3) until a pair was idle for a minute,
    and another deployment is not.
    """
    n_pairs = 64
    relay = start_relay("inbound", UPSTREAM=f"http://127.0.0.1:{api.port}", LOG_LEVEL="info",
                        PAIRS_PER_NODE=str(n_pairs), CLAIM_PAGES="512")
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(launch, [relay] * N_LAUNCHES))
    minutes, answered = (time.monotonic() - began) / 60, statuses.count(0)
    print(f"{answered} answered, {statuses.count(3)} refused in {minutes:.1f} min; "
          f"{memory_in_use(relay)} bytes of shared memory in use")
    assert set(statuses) == {0, 3}
    assert n_pairs <= answered <= n_pairs * (1 + minutes)
    assert launch(relay, "of another deployment, never seen before") == 0
    wait_until(lambda: launch(relay) == 0, 90, "a pair that is idle for a minute to make room")
