# SPDX-License-Identifier: MIT
"""The master among its own kind: service managers, shells, init scripts, ps."""

import contextlib
import http.client
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest
import relay as programs
from relay import MASTER, WORKER, Relay, curl, default_settings, wait_until

NO_SUCH = "/nowhere/worker"


def title_of(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()


def environment_for(name, **settings):
    merged = {"PATH": os.environ["PATH"], **default_settings(name),
              "UPSTREAM": "http://127.0.0.1:9", **settings}
    merged.update({key: value for key, value in os.environ.items() if "SAN" in key})
    return {key: value for key, value in merged.items() if value is not None}


def lives(pid):
    """A zombie does not: in a container nobody may be there to reap orphans."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(pid):
    return [int(x) for x in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextlib.contextmanager
def stopped_at_the_end(process):
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# ---- ps

def test_titles_say_who_is_who(start_relay, api):
    relay = start_relay("titled", UPSTREAM=f"http://127.0.0.1:{api.port}",
                        PASS_THROUGH_ROUTES="/slow/*")
    assert title_of(relay.process.pid) == "mte-api-relay: master"
    assert {title_of(pid) for pid in relay.workers()} == \
        {"mte-api-relay: worker 0", "mte-api-relay: worker 1"}
    with socket.create_connection(("127.0.0.1", relay.port)) as client:
        client.sendall(b"GET /slow/3000 HTTP/1.1\r\nhost: x\r\n\r\n")
        wait_until(lambda: any("/slow/3000" in str(seen) for seen in api.requests), what="request")
        relay.process.send_signal(signal.SIGTERM)
        wait_until(lambda: any(title_of(pid).endswith("(draining)") for pid in relay.workers()),
                   what="a draining worker")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    assert relay.process.wait(20) == 0


def test_no_secret_stands_in_what_ps_shows(start_relay, api):
    relay = start_relay("discreet", UPSTREAM=f"http://127.0.0.1:{api.port}")
    for pid in [relay.process.pid, *relay.workers()]:
        for name in ("cmdline", "environ"):
            seen = pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
            assert b"the secret that both" not in seen and b"client id secret" not in seen


# ---- pid file, background

def test_a_daemon_returns_when_it_serves_and_leaves_no_pid_file(tmp_path):
    pid_file, log = tmp_path / "relay.pid", tmp_path / "log"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [MASTER, "--worker", WORKER, "-d", "-p", pid_file]
    environment = environment_for("daemon", PORT=str(port))
    with open(log, "ab") as out:
        assert subprocess.run(command, env=environment, stdout=out, stderr=out, timeout=60,
                              check=False).returncode == 0
    pid = int(pid_file.read_text())
    try:
        assert curl(f"http://127.0.0.1:{port}/api/mte-echo").status == 200
        assert os.getsid(pid) not in (pid, os.getsid(0))
        assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
        for generation in (2, 3):  # the second time it is another binary that holds the lock
            second = subprocess.run(command, env=environment, capture_output=True, text=True,
                                    timeout=60, check=False)
            assert second.returncode != 0 and "another master lives" in second.stderr
            assert int(pid_file.read_text()) == pid
            os.kill(pid, signal.SIGUSR2)
            wait_until(lambda n=generation: f"serving generation={n}" in log.read_text(),
                       what="the upgrade")
        workers = children_of(pid)
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not lives(pid), what="the daemon's end")
    assert not pid_file.exists() and not any(lives(worker) for worker in workers)
    assert "nobody waits" not in log.read_text()


@pytest.mark.parametrize("change, arguments, status, words", [
    ({"PORT": "eighty"}, [], 78, "PORT"),
    ({}, ["--worker", NO_SUCH], None, NO_SUCH),
    ({}, ["-p", "/nowhere/relay.pid"], None, "/nowhere/relay.pid"),
], ids=["settings", "worker", "pid file"])
def test_a_daemon_that_cannot_serve_says_so_to_who_started_it(change, arguments, status, words):
    result = subprocess.run([MASTER, "--worker", WORKER, "-d", *arguments],
                            env=environment_for("failing", **change), capture_output=True,
                            text=True, timeout=60, check=False)
    assert words in result.stderr
    assert result.returncode == status if status else result.returncode not in (0, 78)


def test_a_daemon_whose_port_is_taken_says_so():
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = subprocess.run(
            [MASTER, "--worker", WORKER, "-d"], capture_output=True, text=True, timeout=60,
            env=environment_for("late", PORT=str(other.getsockname()[1])), check=False)
    assert result.returncode == 70 and "cannot listen" in result.stderr


# ---- the service manager

class Manager:
    """What systemd is to a service of Type=notify-reload."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(30)

    def hear(self, *names):
        """The next datagram that has one of these names, as a dict."""
        while True:
            lines = self.socket.recv(4096).decode().split("\n")
            said = dict(line.split("=", 1) for line in lines)
            if set(names) & set(said):
                return said


@pytest.mark.parametrize("abstract", [True, False], ids=["abstract", "path"])
def test_the_service_manager_hears_of_start_reload_and_stop(tmp_path, abstract):
    name = f"mte-api-relay-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    manager = Manager(f"\0{name}" if abstract else name)
    relay = Relay(tmp_path, "managed", {
        **environment_for("managed"), "NOTIFY_SOCKET": f"@{name}" if abstract else name,
        "WATCHDOG_USEC": "400000"})
    with stopped_at_the_end(relay.start().process):
        assert "2 workers" in manager.hear("READY")["STATUS"]
        assert manager.hear("WATCHDOG") and manager.hear("WATCHDOG")
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        relay.process.send_signal(signal.SIGHUP)
        assert int(manager.hear("RELOADING")["MONOTONIC_USEC"]) >= before
        assert manager.hear("READY")["WATCHDOG_USEC"] == "400000"
        relay.config_path().write_text("workerz = 3;\n")
        relay.process.send_signal(signal.SIGHUP)
        assert manager.hear("RELOADING")
        assert "could not be reloaded" in manager.hear("READY")["STATUS"]
        relay.process.terminate()
        assert manager.hear("STOPPING")
        assert relay.process.wait(20) == 0
    manager.socket.close()


def test_a_socket_of_the_service_manager_is_served(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = environment_for("activated", PORT="1")  # which would not be ours to bind
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            ["systemd-socket-activate", "-l", f"127.0.0.1:{port}",
             *(f"--setenv={name}={value}" for name, value in settings.items()),
             MASTER, "--worker", WORKER, "-c", "/dev/null"], stdout=log, stderr=log,
            stdin=subprocess.DEVNULL)
    with stopped_at_the_end(process):
        def answers():
            return curl(f"http://127.0.0.1:{port}/api/mte-echo", check=False).status == 200
        wait_until(answers, what="an answer over the activated socket")
        assert f"address=127.0.0.1:{port} from=LISTEN_FDS" in (tmp_path / "log").read_text()
        process.terminate()
        assert process.wait(20) == 0


def test_sockets_that_were_meant_for_another_process_are_not_taken(tmp_path):
    relay = Relay(tmp_path, "modest", {**environment_for("modest"), "LISTEN_FDS": "1",
                                       "LISTEN_PID": "1"})
    with stopped_at_the_end(relay.start().process):
        assert "LISTEN_FDS" not in relay.log()
        assert curl(relay.url("/api/mte-echo")).status == 200


# ---- signals

def test_a_thousand_sighups_in_a_second_are_a_few_reloads_and_the_last_one_counts(
        start_relay, api, tmp_path):
    token = tmp_path / "token"
    token.write_text("the token before")
    relay = start_relay("patient", UPSTREAM=f"http://127.0.0.1:{api.port}", DRAIN_TIMEOUT="2s",
                        OUTBOUND_TOKEN=None, OUTBOUND_TOKEN_FILE=str(token))
    for _ in range(1000):
        relay.process.send_signal(signal.SIGHUP)
        time.sleep(0.001)
    token.write_text("the token afterwards")
    relay.process.send_signal(signal.SIGHUP)

    def is_read():
        answer = curl(relay.url("/x"), fields=["x-mte-outbound-token: the token afterwards"],
                      check=False)
        return answer.refusal == "missing_upstream"
    wait_until(is_read, 40, "the last of the reloads")
    assert relay.log().count("settings reloaded") <= 8


# ---- another binary

class Load:
    """Kept connections that ask one request after the other, until told to stop."""

    def __init__(self, port, n_connections):
        self.port = port
        self.stopping = threading.Event()
        self.statuses, self.failures = [], []
        self.threads = [threading.Thread(target=self.run) for _ in range(n_connections)]
        for thread in self.threads:
            thread.start()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.stopping.is_set():
            try:
                connection.request("GET", "/status/200")
                answer = connection.getresponse()
                answer.read()
                self.statuses.append(answer.status)
            except (http.client.HTTPException, OSError) as error:
                self.failures.append(repr(error))
                connection.close()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Copies of the programs, so that others can be installed over them."""
    folder = tmp_path / "installed"
    folder.mkdir()
    for program in (MASTER, WORKER):
        shutil.copy2(program, folder)
    monkeypatch.setattr(programs, "MASTER", folder / MASTER.name)
    monkeypatch.setattr(programs, "WORKER", folder / WORKER.name)
    return folder


def install(folder, name, content):
    """As packages do: the old file goes on to be what runs."""
    (folder / "new").write_bytes(content)
    (folder / "new").chmod(0o755)
    (folder / "new").rename(folder / name)


def test_new_binaries_take_over_and_lose_no_request(start_relay, api, installed):
    relay = start_relay("upgraded", UPSTREAM=f"http://127.0.0.1:{api.port}", DRAIN_TIMEOUT="5s",
                        PASS_THROUGH_ROUTES="/status/*")
    pid, load = relay.process.pid, Load(relay.port, 16)
    for generation in (2, 3):
        before, begin = relay.workers(), relay.log_end()
        for program in (MASTER, WORKER):
            install(installed, program.name, program.read_bytes())
        assert os.readlink(f"/proc/{pid}/exe").endswith(" (deleted)")
        relay.process.send_signal(signal.SIGUSR2)
        relay.wait_for_log(f"serving generation={generation}", begin, seconds=60)
        wait_until(lambda old=before: not set(old) & set(relay.workers()), what="the old ones' end")
        assert relay.process.poll() is None and title_of(pid) == "mte-api-relay: master"
        assert os.readlink(f"/proc/{pid}/exe") == str(installed / MASTER.name)
        for worker in relay.workers():
            assert os.readlink(f"/proc/{worker}/exe") == str(installed / WORKER.name)
    load.stop()
    assert load.failures == [] and set(load.statuses) == {200}
    assert "bug:" not in relay.log()


@pytest.mark.parametrize("content, words", [
    (b"#!/bin/sh\nexit 64\n", "no verdict"),
    (b"#!/bin/sh\nexit 78\n", "refused"),
    (b"this is no program", "cannot execute"),
], ids=["does not know the option", "refuses the settings", "is no program"])
def test_a_binary_that_will_not_take_over_changes_nothing(start_relay, api, installed, content,
                                                          words):
    relay = start_relay("kept", UPSTREAM=f"http://127.0.0.1:{api.port}")
    before = relay.workers()
    install(installed, MASTER.name, content)
    relay.process.send_signal(signal.SIGUSR2)
    assert words in relay.wait_for_log("(.*\n)*.*no upgrade, this binary goes on: .*")[0]
    assert relay.workers() == before
    assert curl(relay.url("/api/mte-echo")).status == 200


def test_a_binary_that_works_but_finds_bad_settings_changes_nothing(start_relay, api, installed):
    assert installed.exists()
    relay = start_relay("careful", UPSTREAM=f"http://127.0.0.1:{api.port}")
    before = relay.workers()
    relay.config_path().write_text("workerz = 3;\n")
    relay.process.send_signal(signal.SIGUSR2)
    relay.wait_for_log("workerz(.*\n)*.*no upgrade, this binary goes on: refused")
    assert relay.workers() == before
    assert curl(relay.url("/api/mte-echo")).status == 200


def test_who_was_replaced_can_still_reload_drain_and_stop(start_relay, api, installed):
    assert installed.exists()
    relay = start_relay("lasting", UPSTREAM=f"http://127.0.0.1:{api.port}")
    before = relay.workers()
    relay.process.send_signal(signal.SIGUSR2)
    relay.wait_for_log("serving generation=2")
    wait_until(lambda: not set(before) & set(relay.workers()), what="the old workers' end")
    worker = relay.workers()[0]
    os.kill(worker, signal.SIGKILL)
    relay.wait_for_log(f"worker died .*pid={worker}")
    relay.process.send_signal(signal.SIGHUP)
    relay.wait_for_log("serving generation=3")
    assert curl(relay.url("/api/mte-echo")).status == 200
    seen = pathlib.Path(f"/proc/{relay.process.pid}/environ").read_bytes()
    assert b"the secret that both" not in seen
    relay.process.terminate()
    assert relay.process.wait(20) == 0 and "stopped" in relay.log()
