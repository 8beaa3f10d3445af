# SPDX-License-Identifier: MIT
"""redis-servers for tests, alone and as a cluster, and the program that runs our client of them."""

import os
import pathlib
import queue
import random
import signal
import socket
import subprocess
import threading
import time

import pytest
import redis

BUILD = pathlib.Path(os.environ.get("MTE_BUILD", "."))
DRIVER = BUILD / "tests/unit/redis_driver"
LONG = 20  # seconds: that long nothing takes, unless it hangs


given = set()  # to whom may not have taken it yet
process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 16


def free_port():
    """A free port whose companion, where a cluster's servers talk to each other, is free, too. Both
    are below those that the kernel gives to connections, and no other process of this run's has them."""
    while True:
        port = random.randrange(10000 + process, 20000, 16)
        try:
            for number in (port, port + 10000):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", number))
        except OSError:
            continue
        if port not in given:
            given.add(port)
            return port


def until(holds, what):
    """Waits for a state; there is nothing that would wake us."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError(f"never came: {what}")


class RedisServer:
    def __init__(self, folder, port=None, tls=None, **options):
        """tls: (certificate, key, CA's certificate); options: directives with - as _."""
        self.port = port or free_port()
        self.folder = pathlib.Path(folder) / f"redis-{self.port}"
        self.folder.mkdir(exist_ok=True)
        self.tls = tls
        self.options = {"save": "", "appendonly": "no", "dir": str(self.folder),
                        "bind": "127.0.0.1", "repl-diskless-sync-delay": "0"}
        if tls:
            certificate, key, authority = tls
            self.options |= {"port": "0", "tls-port": str(self.port),
                             "tls-cert-file": certificate, "tls-key-file": key,
                             "tls-ca-cert-file": authority, "tls-auth-clients": "no",
                             "tls-cluster": "yes", "tls-replication": "yes"}
        else:
            self.options["port"] = str(self.port)
        self.options |= {name.replace("_", "-"): str(value) for name, value in options.items()}
        self.process = None

    @property
    def place(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        command = ["redis-server"]
        for name, value in self.options.items():
            command += [f"--{name}", value]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self.answers, f"redis on port {self.port}")
        return self

    def answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        try:
            return self.ask().ping()
        except redis.exceptions.ConnectionError:
            return False

    def ask(self):
        """A client of the tests' own."""
        return redis.Redis("127.0.0.1", self.port, password=self.options.get("requirepass"),
                           ssl=bool(self.tls), ssl_ca_certs=self.tls and self.tls[2])

    def kill(self, sig=signal.SIGKILL):
        """SIGKILL, or with SIGSTOP and SIGCONT only for a while."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(sig)
            if sig == signal.SIGKILL:
                self.process.wait()


class Cluster:
    """Three primaries, each with a replica."""

    def __init__(self, folder, tls=None, password=None, first_port=None):
        secured = {"requirepass": password, "masterauth": password} if password else {}
        self.servers = [RedisServer(folder, first_port if i == 0 else None, tls=tls,
                                    cluster_enabled="yes",
                                    cluster_node_timeout=1000,
                                    cluster_config_file=f"nodes-{i}-of-{id(self)}.conf", **secured)
                        for i in range(6)]
        self.arguments = (["--tls", "--cacert", tls[2]] if tls else []) + \
            (["-a", password, "--no-auth-warning"] if password else [])

    def start(self):
        for server in self.servers:
            server.start()
        subprocess.run(["redis-cli", *self.arguments, "--cluster", "create",
                        *(server.place for server in self.servers), "--cluster-replicas", "1",
                        "--cluster-yes"], check=True, stdout=subprocess.DEVNULL, timeout=60)
        self.until_whole()
        return self

    def until_whole(self):
        """By what each of them says."""
        for server in self.servers:
            until(lambda server=server: self.is_whole(server), "a whole cluster")

    @staticmethod
    def is_whole(server):
        info = server.ask().cluster("info")
        nodes = server.ask().cluster("nodes")
        return info["cluster_state"] == "ok" and info["cluster_known_nodes"] == "6" and \
            sum("slave" in node["flags"] for node in nodes.values()) == 3 and \
            all(node["connected"] for node in nodes.values()) and \
            ("master" in server.ask().info("replication")["role"] or
             server.ask().info("replication")["master_link_status"] == "up")

    def nodes(self):
        """What the first server that runs says: place -> node."""
        for server in self.servers:
            if server.process.poll() is None:
                return {place.split("@")[0]: node
                        for place, node in server.ask().cluster("nodes").items()}
        raise AssertionError("no server runs")

    def server(self, place):
        return next(server for server in self.servers if server.place == place)

    def primary_of(self, key):
        slot = self.slot(key)
        for place, node in self.nodes().items():
            if "master" in node["flags"] and any(
                    int(first) <= slot <= int(last) for first, last in
                    ((part[0], part[-1]) for part in node["slots"] if part[0].isdigit())):
                return self.server(place)
        raise AssertionError("nobody serves it")

    def primaries(self):
        """That run."""
        return [self.server(place) for place, node in self.nodes().items()
                if "master" in node["flags"] and "fail" not in node["flags"]]

    def slot(self, key):
        return next(s for s in self.servers if s.process.poll() is None).ask().cluster(
            "keyslot", key)

    def replica_of(self, server):
        nodes = self.nodes()
        own = nodes[server.place]["node_id"]
        return self.server(next(place for place, node in nodes.items()
                                if node["master_id"] == own))

    def kill(self):
        for server in self.servers:
            server.kill()


class Client:
    """Our client, alone in a program. Every line that it prints is kept."""

    def __init__(self, url, authority=None, answer_ms=1000, ping_ms=200, max_calls=1000):
        if not DRIVER.exists():
            subprocess.run(["make", "-C", BUILD, "tests/unit/redis_driver"], check=True,
                           stdout=subprocess.DEVNULL)
        command = [DRIVER, url, str(answer_ms), str(ping_ms), str(max_calls)]
        self.process = subprocess.Popen(command + ([authority] if authority else []), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, bufsize=1)
        self.log_lines, self.states, self.answers = [], [], {}
        self.others = queue.Queue()
        self.n_asked = 0
        self.threads = [threading.Thread(target=self.read_output),
                        threading.Thread(target=self.read_log)]
        for thread in self.threads:
            thread.start()

    def read_output(self):
        for line in self.process.stdout:
            word, _, rest = line.rstrip("\n").partition(" ")
            if word in ("up", "down"):
                self.states.append(word)
            elif word == "answer":
                name, result, run_id, reply = rest.split(" ", 3)
                assert name not in self.answers, "answered twice"
                self.answers[name] = (result, run_id, reply)
            else:
                self.others.put(line.strip())

    def read_log(self):
        for line in self.process.stderr:
            self.log_lines.append(line.rstrip())

    def say(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")

    def begin(self, key, *words):
        """Asks; the name of the call."""
        self.n_asked += 1
        self.say("call", self.n_asked, key, *words)
        return str(self.n_asked)

    def wait(self, name):
        """(result, run_id, reply)"""
        until(lambda: name in self.answers, f"the answer to call {name}")
        return self.answers[name]

    def ask(self, key, *words):
        return self.wait(self.begin(key, *words))

    def begin_question(self, what, *words):
        """As begin(), to the store."""
        self.n_asked += 1
        self.say(what, self.n_asked, *words)
        return str(self.n_asked)

    def question(self, what, *words):
        """The result."""
        return self.wait(self.begin_question(what, *words))[0]

    def ok(self, key, *words):
        """The reply, which must be none of a failure."""
        result, _, reply = self.ask(key, *words)
        assert result == "ok", (result, reply)
        return reply

    def other(self, *words):
        self.say(*words)
        return self.others.get(timeout=LONG)

    def until_up(self, n=1):
        until(lambda: self.states.count("up") >= n and self.states[-1] == "up", "up")

    def until_down(self, n=1):
        until(lambda: self.states.count("down") >= n, "down")

    def until_asks_well(self, key="k"):
        until(lambda: self.ask(key, "SET", key, "v")[0] == "ok", "a call that succeeds")

    def until_log(self, part):
        until(lambda: self.logged(part) > 0, f"in the log: {part}")

    def logged(self, part):
        return sum(part in line for line in self.log_lines)

    def stop(self):
        """It must end well, and what a sanitizer says is no such end."""
        self.process.stdin.close()
        status = self.process.wait(timeout=LONG)
        for thread in self.threads:
            thread.join(timeout=LONG)
        assert status == 0, "\n".join(self.log_lines[-60:])


@pytest.fixture
def server_of(tmp_path):
    """server_of(**options): a server that runs."""
    started = []

    def start(**options):
        started.append(RedisServer(tmp_path, **options))
        return started[-1].start()

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def client_of():
    started = []

    def start(url, **options):
        started.append(Client(url, **options))
        return started[-1]

    yield start
    for client in started:
        client.stop()


@pytest.fixture
def cluster_of(tmp_path):
    """cluster_of(**options): a cluster that runs."""
    started = []

    def start(**options):
        started.append(Cluster(tmp_path, **options))
        return started[-1].start()

    yield start
    for servers in started:
        servers.kill()


@pytest.fixture
def cluster(cluster_of):
    return cluster_of()
