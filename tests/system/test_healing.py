# SPDX-License-Identifier: MIT
"""Whatever dies comes back by itself. test_faults_kill.py has the same under load."""

import os
import re
import signal
import socket
import threading

import pytest
from relay import curl, wait_until


def kill_one_worker(relay):
    victim = relay.workers()[0]
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: victim not in relay.workers(), what="the end of the worker")


@pytest.mark.parametrize("side", ["outbound", "inbound"])
def test_a_killed_worker_is_replaced(pair, api, side):
    relay = getattr(pair, side)
    assert pair.request("/x").status == 200
    kill_one_worker(relay)
    print(f"healed after {pair.wait_until_healed():.2f} s")
    wait_until(lambda: len(relay.workers()) == 2, what="two workers again")
    assert re.search(r"killed by signal 9|SIGKILL", relay.log())
    for _ in range(20):
        assert pair.request("/x").status == 200


@pytest.mark.parametrize("side", ["outbound", "inbound"])
def test_a_killed_relay_heals_when_it_is_started_again(pair, api, side):
    """
    Each outbound worker meets the peer that forgot its pair once. In the ten seconds in which that
    peer cannot know whether it ran the request before, it refuses it, and the next one goes through.
    """
    relay = getattr(pair, side)
    assert pair.request("/x").status == 200
    relay.kill()
    relay.start()
    print(f"healed after {pair.wait_until_healed():.2f} s")
    refused = [answer for answer in (pair.request("/x") for _ in range(40)) if answer.status != 200]
    assert {answer.refusal for answer in refused} <= {"peer_lost_answer"}
    assert len(refused) < len(pair.outbound.workers())


def test_workers_leave_when_their_master_was_killed(pair):
    relay = pair.inbound
    workers = relay.workers()
    os.kill(relay.process.pid, signal.SIGKILL)
    relay.process.wait()

    def gone():
        return not any(os.path.exists(f"/proc/{pid}") for pid in workers)
    wait_until(gone, what="the workers' end")


def test_sigterm_lets_a_request_finish_and_ends_well(pair, api):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(pair.request("/slow/1500")))
    thread.start()
    wait_until(lambda: api.requests, what="the request at the API")
    pair.inbound.process.terminate()
    pair.outbound.process.terminate()
    thread.join()
    assert (answers[0].status, answers[0].body) == (200, b"late")
    assert pair.inbound.process.wait(20) == 0
    assert pair.outbound.process.wait(20) == 0


def test_a_draining_relay_takes_no_new_connections(pair):
    pair.inbound.stop()
    assert curl(pair.inbound.url("/api/mte-echo"), check=False).exit_status == 7


@pytest.mark.slow
def test_what_comes_when_a_drain_is_nearly_over_is_refused_and_told_so(start_relay, api):
    """A request that began before and is complete only then; what is in flight still finishes."""
    relay = start_relay("leaving", UPSTREAM=f"http://127.0.0.1:{api.port}", WORKERS="1",
                        PASS_THROUGH_ROUTES="/*", HEADER_TIMEOUT="60s", DRAIN_TIMEOUT="24s")
    with socket.create_connection(("127.0.0.1", relay.port), 30) as slow:
        slow.sendall(b"GET /status/200?late HTTP/1.1\r\nhost: x\r\n")
        wait_until(lambda: curl(relay.url("/status/200")).status == 200, what="an answer")
        relay.process.terminate()
        relay.wait_for_log("new requests are refused from now on", seconds=40)
        slow.sendall(b"\r\n")
        answer = b"".join(iter(lambda: slow.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"x-mte-relay-error: draining\r\n" in answer
    assert re.search(rb"(?i)retry-after: \d+\r\n", answer)
    assert not [seen for seen in api.requests if "late" in str(seen)]
    assert relay.process.wait(20) == 0
