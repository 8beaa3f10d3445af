# SPDX-License-Identifier: MIT
"""What a machine does to processes: stops them, has no room for their logs, no descriptors."""

import contextlib
import fcntl
import os
import pathlib
import resource
import signal
import socket
import subprocess
import time

import pytest
from relay import MASTER, WORKER, curl, default_settings, wait_until


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def workers_of(process):
    path = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in path.read_text().split()]


def processor_ms(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 // os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def a_relay(name, log, limit=None, **settings):
    """One whose log goes where the test says, and may have few descriptors; ends well."""
    port = free_port()
    merged = {**default_settings(name), "UPSTREAM": "http://127.0.0.1:9", "PORT": str(port),
              "PATH": os.environ["PATH"], **settings}
    merged.update({key: value for key, value in os.environ.items() if "SAN" in key})
    command = [MASTER, "--worker", WORKER, "-c", "/dev/null"]
    if limit is not None:
        command = ["prlimit", f"--nofile={limit}:{limit}", *command]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        env={key: value for key, value in merged.items() if value is not None})
    try:
        wait_until(lambda: answers(port), what="an answer")
        yield process, port
        process.terminate()
        assert process.wait(30) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def answers(port):
    return curl(f"http://127.0.0.1:{port}/api/mte-echo", check=False, seconds=10).status == 200


@pytest.mark.slow
def test_a_pause_of_everything_kills_nobody(start_relay, api):
    relay = start_relay("paused", UPSTREAM=f"http://127.0.0.1:{api.port}")
    everybody = [relay.process.pid, *relay.workers()]
    for pid in everybody:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(15)
    for pid in everybody:
        os.kill(pid, signal.SIGCONT)
    time.sleep(3)  # the master has listened to their hearts by then
    assert [relay.process.pid, *relay.workers()] == everybody
    assert curl(relay.url("/api/mte-echo")).status == 200
    assert "worker killed" not in relay.log() and "worker died" not in relay.log()


@pytest.mark.slow
def test_a_stopped_worker_is_not_killed_for_its_silence(start_relay, api):
    relay = start_relay("debugged", UPSTREAM=f"http://127.0.0.1:{api.port}")
    workers = relay.workers()
    os.kill(workers[0], signal.SIGSTOP)
    time.sleep(13)
    os.kill(workers[0], signal.SIGCONT)
    time.sleep(3)
    assert relay.workers() == workers
    assert "worker killed" not in relay.log()


def test_a_log_without_room_stops_nothing():
    with open("/dev/full", "wb") as full, a_relay("full", full) as (process, port):
        before = workers_of(process)
        for _ in range(20):
            assert answers(port)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: not set(before) & set(workers_of(process)), what="a reload")
        assert answers(port)


def test_a_log_that_nobody_reads_stops_nothing():
    reader, writer = os.pipe()
    try:
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        with a_relay("unread", writer, LOG_LEVEL="debug") as (process, port):
            before = workers_of(process)
            assert fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096) == 4096
            for _ in range(20):
                assert answers(port)
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: not set(before) & set(workers_of(process)), what="a reload")
            assert answers(port)
            os.set_blocking(reader, False)
            assert len(os.read(reader, 65536)) > 2048  # it was full, so lines were dropped
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.slow
def test_more_connections_than_descriptors_end_no_worker(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 11000:
        pytest.skip("this machine allows too few descriptors for the clients")
    resource.setrlimit(resource.RLIMIT_NOFILE, (11000, hard))
    clients = []
    try:
        with open(tmp_path / "log", "wb") as log, \
                a_relay("crowded", log, limit=4096, MAX_CONNECTIONS="100000") as (process, port):
            before = workers_of(process)
            for _ in range(10000):
                client = socket.socket()
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", port))
                clients.append(client)
            wait_until(lambda: max(len(os.listdir(f"/proc/{pid}/fd")) for pid in before) == 4096,
                       what="a worker without descriptors")
            used = [processor_ms(pid) for pid in before]
            time.sleep(5)
            used = [processor_ms(pid) - ms for pid, ms in zip(before, used)]
            assert max(used) < 2500, f"a busy loop over what cannot be accepted: {used} ms of 5000"
            assert workers_of(process) == before
            clients[0].setblocking(True)
            clients[0].settimeout(20)
            clients[0].sendall(b"GET /api/mte-echo HTTP/1.1\r\nhost: x\r\n\r\n")
            assert clients[0].recv(100).startswith(b"HTTP/1.1 200")
            for client in clients:
                client.close()
            clients.clear()
            wait_until(lambda: answers(port), 30, "an answer afterwards")
            assert workers_of(process) == before
    finally:
        for client in clients:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert b"worker died" not in (tmp_path / "log").read_bytes()
