# SPDX-License-Identifier: MIT
"""Instances of one relay behind a real haproxy, with secrets in files that a reload reads anew."""

import csv
import os
import signal
import socket
import subprocess

from bench_programs import Program
from relay import wait_until

CONNECTION, REQUEST = "connection", "request"  # what a balancer gives to one instance after another

HAPROXY = """
global
    nbthread 1
    maxconn 4096
    stats socket fd@{stats_fd}
defaults
    mode {mode}
    balance roundrobin
    retries 3
    option redispatch 1
    timeout connect 5s
    timeout client 75s
    timeout server 75s
    timeout check 5s
listen relay
    bind fd@{fd}
    option httpchk HEAD /api/mte-relay
    default-server check inter 200ms fall 2 rise 1
    {servers}
"""


def listener():
    return socket.create_server(("127.0.0.1", 0), backlog=1024)


class Balancer:
    """haproxy, on a port that nobody else can have taken."""

    def __init__(self, folder, ports, per):
        folder.mkdir()
        servers = [f"server instance-{i} 127.0.0.1:{port}" for i, port in enumerate(ports)]
        with listener() as data, listener() as stats:
            self.port, self.stats_port = (ends.getsockname()[1] for ends in (data, stats))
            (folder / "conf").write_text(HAPROXY.format(
                mode="http" if per == REQUEST else "tcp", fd=data.fileno(),
                stats_fd=stats.fileno(), servers="\n    ".join(servers)))
            self.program = Program(folder, ["/usr/sbin/haproxy", "-db", "-f", "conf"],
                                   pass_fds=[data.fileno(), stats.fileno()])
        wait_until(self.all_are_up, what=f"haproxy in {folder}, and all behind it")

    def instances(self):
        """What haproxy says of each."""
        with socket.create_connection(("127.0.0.1", self.stats_port), 10) as stats:
            stats.sendall(b"show stat\n")
            rows = csv.DictReader(stats.makefile("r"))
            return [row for row in rows if row["svname"].startswith("instance-")]

    def all_are_up(self):
        """Each by a check that it has answered."""
        return all(row["status"] == "UP" and row["check_status"] == "L7OK"
                   for row in self.instances())

    def shares(self):
        """How many connections or requests each was given so far, without the checks."""
        return [int(row["lbtot"]) for row in self.instances()]

    def stop(self):
        self.program.stop()


class Deployment:
    """n instances with the same settings. They are stopped by who started them."""

    def __init__(self, start_relay, name, n, **settings):
        self.instances = [start_relay(name, **settings) for _ in range(n)]
        self.balancer = None

    def balance(self, folder, per):
        self.balancer = Balancer(folder, [relay.port for relay in self.instances], per)
        return self

    @property
    def port(self):
        return (self.balancer or self.instances[0]).port

    def url(self, path=""):
        return f"http://127.0.0.1:{self.port}{path}"

    def restart(self):
        """One instance after the other, each waiting until it serves again."""
        for relay in self.instances:
            assert relay.stop() == 0
            relay.start()
            if self.balancer:
                wait_until(lambda: self.balancer.all_are_up(), what="a balancer that knows")

    def log(self):
        return "".join(relay.log() for relay in self.instances)

    def stop_balancer(self):
        if self.balancer:
            self.balancer.stop()


def reload(relays):
    """One after the other; until no process has the earlier settings."""
    earlier = [(relay, set(relay.workers())) for relay in relays]
    for relay in relays:
        begin = relay.log_end()
        relay.process.send_signal(signal.SIGHUP)
        relay.wait_for_log("serving generation", begin, 60)
    for relay, workers in earlier:
        wait_until(lambda relay=relay, workers=workers: not workers & set(relay.workers()), 30,
                   f"the end of the earlier workers of {relay.name}")


class Secrets:
    """Of one side, as files: a reload reads them again. Of an _ALSO an empty one is none."""

    NAMES = ("SECRET", "CLIENT_ID_SECRET", "OUTBOUND_TOKEN")

    def __init__(self, folder, **values):
        folder.mkdir(mode=0o755)
        self.folder = folder
        for name in self.NAMES:
            self.path(name).write_text(values[name] + "\n")
            self.path(f"{name}_ALSO").write_text("")

    def path(self, name):
        return self.folder / name.lower()

    def read(self, name):
        return self.path(name).read_text().rstrip("\n")

    def run(self, name, command):
        """What an operator types in that folder, with name set to that of a file."""
        subprocess.run(["sh", "-euc", command], cwd=self.folder, check=True,
                       env={"PATH": os.environ["PATH"], "name": name.lower()})

    def settings(self):
        """In the place of the secrets themselves."""
        return {name: None for name in self.NAMES} | \
            {f"{path.name.upper()}_FILE": str(path) for path in self.folder.iterdir()}
