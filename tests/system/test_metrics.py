# SPDX-License-Identifier: MIT
"""What /metrics tells: all of its table, in good form, and the truth, whatever becomes of workers."""

import http.client
import os
import re
import signal
import subprocess
import time

import pytest
from background import Background
from certificates import Authority
from conftest import make_pair
from relay import TOP, Relay, curl, wait_until
from scrape import scrape
from steady_load import SteadyLoad

pytestmark = pytest.mark.skipif(not hasattr(Relay, "admin_url"), reason="no admin listener")

ADMIN = {"ADMIN_LISTEN": "127.0.0.1:0"}
COUNT = "mte_relay_requests_total{{direction=\"{}\",status=\"{}\"}}"


def metrics_of(relay):
    return scrape(relay.admin_url("/metrics"))


def wait_for(relay, question, what):
    """The first scrape of which it is true: an exchange is counted a moment after its answer."""
    return wait_until(lambda: (found := metrics_of(relay)) and question(found) and found,
                      what=f"{what} in the metrics of {relay.name}")


@pytest.fixture(scope="module")
def pair(shared_start_relay, shared_api):
    return make_pair(shared_start_relay, shared_api, PASS_THROUGH_ROUTES="/status/*", **ADMIN)


# ---- the form ----

@pytest.mark.slow
def test_promtool_has_nothing_to_say(pair):
    assert pair.request("/echo", data=b"x").status == 200
    for relay in (pair.outbound, pair.inbound):
        result = subprocess.run(["promtool", "check", "metrics"], input=metrics_of(relay).text,
                                capture_output=True, text=True, check=False, timeout=60)
        assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_every_row_of_the_table_is_told_and_documented(pair):
    table = (TOP / "common/metric_table.h").read_text()
    rows = set(re.findall(r'"(mte_relay_\w+)"', table)) | {"mte_relay_refusals_total"}
    told = metrics_of(pair.inbound)
    documented = set(re.findall(r"^\| `(mte_relay_\w+)` \|", (TOP / "docs/metrics.md").read_text(),
                                re.M))
    assert len(rows) > 30
    assert set(told.types) == set(told.helps) == rows
    assert documented == rows


def test_every_refusal_has_its_counter(pair):
    table = (TOP / "worker/refusal_table.h").read_text()
    codes = set(re.findall(r'REFUSAL_ROW\(\w+, \d+, "(\w+)"', table))
    told = {sample for sample in metrics_of(pair.inbound).values
            if sample.startswith("mte_relay_refusals_total")}
    assert told == {f'mte_relay_refusals_total{{code="{code}"}}' for code in codes}


# ---- the truth ----

def test_a_request_through_the_pair_has_each_of_its_times_once(pair):
    assert pair.request("/status/200").status == 200  # there is a pair now
    before = [metrics_of(relay) for relay in (pair.outbound, pair.inbound)]
    assert pair.request("/slow/200", data=b"x" * 1000).body == b"late"
    out = wait_for(pair.outbound, lambda now: (now - before[0])[COUNT.format("outbound", "2xx")],
                   "the request") - before[0]
    came = wait_for(pair.inbound, lambda now: (now - before[1])[COUNT.format("inbound", "2xx")],
                    "the request") - before[1]

    def count(grown, name):
        return grown[f"mte_relay_{name}_seconds_count"]
    one_each = {
        "outbound_proxy": (1, 0), "upstream_proxy": (0, 1), "request_encode": (1, 0),
        "request_decode": (0, 1), "response_encode": (0, 1), "response_decode": (1, 0)}
    assert {name: (count(out, name), count(came, name)) for name in one_each} == one_each
    # Whoever waits for the API waits as long as it takes.
    for grown, direction, proxy in ((out, "outbound", "outbound"), (came, "inbound", "upstream")):
        whole = grown[f'mte_relay_request_seconds_sum{{direction="{direction}"}}']
        assert whole > grown[f"mte_relay_{proxy}_proxy_seconds_sum"] >= 0.19
        assert grown[f'mte_relay_request_seconds_count{{direction="{direction}"}}'] == 1
    assert out["mte_relay_connections_accepted_total"] == 1
    assert 0 < out["mte_relay_request_encode_seconds_sum"] < 0.19
    assert 0 < came["mte_relay_response_encode_seconds_sum"] < 0.19
    assert out['mte_relay_request_bytes_total{direction="outbound"}'] == 1000
    assert out['mte_relay_response_bytes_total{direction="outbound"}'] == 4
    assert came['mte_relay_request_bytes_total{direction="inbound"}'] > 1000  # sealed


def test_requests_are_told_apart_by_direction_and_status(pair):
    before = metrics_of(pair.inbound)
    assert curl(pair.inbound.url("/status/503")).status == 503
    assert curl(pair.inbound.url("/status/302")).status == 302
    assert curl(pair.inbound.url("/elsewhere")).refusal == "encoding_required"
    assert curl(pair.inbound.url("/api/mte-echo")).status == 200
    assert pair.request("/status/404").status == 404
    want = {("plain", "5xx"): 1, ("plain", "3xx"): 1, ("own", "4xx"): 1, ("own", "2xx"): 1,
            ("inbound", "4xx"): 1, ("inbound", "5xx"): 0, ("outbound", "2xx"): 0}

    def grown(now):
        change = now - before
        counts = {key: change[COUNT.format(*key)] for key in want}
        # The other worker may have had to pair, which is a request of our own.
        counts["own", "2xx"] -= change["mte_relay_pairings_answered_total"]
        return counts
    after = wait_for(pair.inbound, lambda now: grown(now) == want, "each request")
    assert (after - before)['mte_relay_refusals_total{code="encoding_required"}'] == 1


def test_an_application_that_leaves_has_aborted_its_request(pair):
    before = metrics_of(pair.outbound)
    pair.request("/slow/3000", check=False, seconds=0.3)
    wait_for(pair.outbound, lambda now: (now - before)[COUNT.format("outbound", "aborted")] == 1,
             "the request")
    assert wait_for(pair.outbound, lambda now: now["mte_relay_requests_in_flight"] == 0, "the end")


def test_pairs_are_counted_on_both_sides(start_relay, api):
    pair = make_pair(start_relay, api, WORKERS="1", **ADMIN)
    assert pair.request("/status/200").status == 200
    made, answered = metrics_of(pair.outbound), wait_for(
        pair.inbound, lambda now: now["mte_relay_pairs"] == 1, "the pair")  # looked at every 5 s
    assert made["mte_relay_pairings_made_total"] == made["mte_relay_peer_pairs"] == 1
    assert answered["mte_relay_pairings_answered_total"] == 1
    assert answered["mte_relay_peer_pairs"] == 0


def test_pairings_that_fail_say_on_both_sides_why(start_relay, api):
    pair = make_pair(start_relay, api, **ADMIN)
    pair.outbound.stop()
    pair.outbound.settings["SECRET"] = "another secret than the peer's"
    pair.outbound.start()
    assert pair.request("/status/200").refusal == "pairing_refused"
    out, came = metrics_of(pair.outbound), metrics_of(pair.inbound)
    assert out['mte_relay_pairings_failed_total{reason="refused"}'] >= 1
    assert came['mte_relay_pairings_refused_total{reason="secret"}'] >= 1
    assert out["mte_relay_pairings_made_total"] == came["mte_relay_pairings_answered_total"] == 0


def test_facts_are_those_of_the_newest_settings(start_relay, api, tmp_path):
    path, key = Authority(tmp_path, "ca").issue("relay", "IP:127.0.0.1", days=30)
    relay = start_relay("facts", UPSTREAM=f"http://127.0.0.1:{api.port}", TLS_CERT_FILE=path,
                        TLS_KEY_FILE=key, SECRET="short", **ADMIN)
    expiry = 'mte_relay_certificate_expiry_timestamp_seconds{setting="TLS_CERT_FILE"}'
    told = metrics_of(relay)
    assert abs(told[expiry] - (time.time() + 30 * 86400)) < 86400
    assert not any("PEER_C" in sample for sample in told.values)
    assert told["mte_relay_secret_strength"] == 1 and told["mte_relay_generation"] == 1
    builds = [sample for sample in told.values if sample.startswith("mte_relay_build_info{")]
    assert len(builds) == 1 and told[builds[0]] == 1

    renewed = Authority(tmp_path, "other").issue("renewed", "IP:127.0.0.1", days=60)
    for new, old in zip(renewed, (path, key)):
        os.replace(new, old)
    relay.process.send_signal(signal.SIGHUP)
    relay.wait_for_log("serving generation=2")
    told = wait_for(relay, lambda now: now["mte_relay_generation"] == 2, "the new settings")
    assert abs(told[expiry] - (time.time() + 60 * 86400)) < 86400


# ---- what becomes of workers ----

class Watch:
    """Scrapes as often as it is told to, and holds each against the one before."""

    def __init__(self, relay):
        self.relay = relay
        self.last = metrics_of(relay)
        self.n = 0

    def look(self):
        try:
            now = metrics_of(self.relay)
        except (OSError, http.client.HTTPException):
            return None  # whoever would have answered was killed
        before = self.last.counters()
        assert before.keys() == now.counters().keys()
        back = {sample: (before[sample], value) for sample, value in now.counters().items()
                if value < before[sample]}
        assert not back
        self.last = now
        self.n += 1
        return now

    def until(self, question, what):
        return wait_until(lambda: (now := self.look()) and question(now) and now, 30, what)


@pytest.mark.slow
def test_counters_go_on_when_workers_are_killed_and_settings_reloaded(start_relay, counting_api):
    pair = make_pair(start_relay, counting_api, DRAIN_TIMEOUT="2s", **ADMIN)
    background, watch = Background(), Watch(pair.inbound)
    load = SteadyLoad(background, pair.outbound.port, pair.fields(), 4, pause=0.005)

    def at_rest(now):
        states = {state: now[f'mte_relay_workers{{state="{state}"}}']
                  for state in ("starting", "up", "draining", "backoff")}
        return states == {"starting": 0, "up": 2, "draining": 0, "backoff": 0}
    for n in range(1, 4):
        watch.until(at_rest, "two workers")
        os.kill(pair.inbound.workers()[0], signal.SIGKILL)
        watch.until(lambda now, n=n: now["mte_relay_worker_deaths_total"] == n, "the death")
        watch.until(at_rest, "another in its place")
        pair.inbound.process.send_signal(signal.SIGHUP)
        watch.until(lambda now, n=n: now["mte_relay_generation"] == n + 1, "the new settings")
    watch.until(at_rest, "the end of all workers of before")
    load.wait_until_healed()
    n_good = sum(load.succeeded)
    watch.until(lambda now: now[COUNT.format("inbound", "2xx")] >= n_good, "all that was answered")
    load.stop()
    background.stop()
    now = watch.until(lambda now: now["mte_relay_requests_in_flight"] == 0, "the end of the load")
    assert now["mte_relay_worker_starts_total"] == 2 + 3 * (1 + 2)
    assert watch.n > 20
