# SPDX-License-Identifier: MIT
"""What happens to a Redis that instances share, and what must hold then in each REDIS_FAILURE.

Always holds, whatever happens: no process of a relay dies, no request hangs, none is executed twice,
what the application got as a success was executed once, a refusal that says that nothing ran tells
the truth; and when Redis is well again, so is the relay, by itself.
"""

import asyncio
import dataclasses
import re
import signal

from redis_servers import until

# Verdicts of requests: 503, nothing was executed; 502, it may have been.
BUSY, LOST = "peer_busy", "peer_lost_answer"
LOCAL, STRICT = MODES = ("local", "strict")
GARBAGE = b"\x15\x03\x03\0\2\2\x28"  # what a TLS server says to who speaks no TLS
LATE = 1.5  # seconds; REDIS_TIMEOUT is less


class RedisProxy:
    """Between relay and Redis. what: None, or what becomes of the bytes that Redis answers."""

    def __init__(self, background, port):
        self.port, self.what = port, None
        _, self.own_port = background.serve(self.converse)
        self.place = f"127.0.0.1:{self.own_port}"

    async def converse(self, reader, writer):
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self.pump(reader, far, False), self.pump(far_reader, writer, True))

    async def pump(self, reader, writer, is_answer):
        try:
            while data := await reader.read(65536):
                writer.write(await self.changed(data) if is_answer else data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    async def changed(self, data):
        if self.what == "garbage":
            return GARBAGE
        if self.what == "late":
            await asyncio.sleep(LATE)
        return data


@dataclasses.dataclass
class Redis:
    """The server, and the proxy that the instances know it by."""

    server: object
    proxy: RedisProxy

    def ask(self, *words):
        return self.server.ask().execute_command(*words)


# ---- what happens, and its end ----

def kill(redis):
    """It will come back with what it has now."""
    redis.ask("SAVE")
    redis.server.kill()


def start(redis):
    redis.server.start()


def start_empty(redis):
    (redis.server.folder / "dump.rdb").unlink()
    redis.server.start()


def stop(redis):
    redis.server.kill(signal.SIGSTOP)


def go_on(redis):
    redis.server.kill(signal.SIGCONT)


def flush(redis):
    redis.ask("FLUSHALL")


def answer_garbage(redis):
    redis.proxy.what = "garbage"


def answer_late(redis):
    redis.proxy.what = "late"


def answer_well(redis):
    redis.proxy.what = None


def want_a_password(redis):
    redis.ask("CONFIG", "SET", "requirepass", "hunter2")
    redis.server.options["requirepass"] = "hunter2"
    redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def want_none(redis):
    redis.ask("CONFIG", "SET", "requirepass", "")
    del redis.server.options["requirepass"]


def fill(redis):
    redis.ask("CONFIG", "SET", "maxmemory", "1")


def empty(redis):
    redis.ask("CONFIG", "SET", "maxmemory", "0")


# ---- and to a cluster: Row.begin() is given the Cluster ----

def claims(cluster):
    """How many there are in each page."""
    return {key: server.ask().bitcount(key) for server in cluster.primaries()
            for key in server.ask().keys("mar1:seen:*")}


def pair_in_use(cluster):
    """The name of its key: that of a page which gets claims now."""
    cluster.until_whole()
    before, growing = claims(cluster), []
    until(lambda: growing.extend(key for key, n in claims(cluster).items()
                                 if n > before.get(key, 0)) or growing, "a claim")
    return re.sub(rb"seen:(.*):\d+$", rb"pair:\1", growing[0]).decode()


def fail_over(cluster):
    key = pair_in_use(cluster)
    replica = cluster.replica_of(cluster.primary_of(key))
    replica.ask().cluster("failover")
    until(lambda: cluster.primary_of(key) is replica, "a failover")


def kill_primary(cluster):
    key = pair_in_use(cluster)
    primary = cluster.primary_of(key)
    primary.kill()
    until(lambda: cluster.primary_of(key) is not primary, "a failover")


def start_killed(cluster):
    for server in cluster.servers:
        if server.process.poll() is not None:
            server.start()


def move_slot(cluster):
    """Step by step: while the slot moves, one key of a claim is here and the other there (ASK)."""
    key = pair_in_use(cluster)
    slot, source = cluster.slot(key), cluster.primary_of(key)
    target = next(server for server in cluster.primaries() if server is not source)
    nodes = cluster.nodes()
    target.ask().execute_command("CLUSTER SETSLOT", slot, "IMPORTING", nodes[source.place]["node_id"])
    source.ask().execute_command("CLUSTER SETSLOT", slot, "MIGRATING", nodes[target.place]["node_id"])
    while names := source.ask().cluster("getkeysinslot", slot, 1):
        source.ask().migrate("127.0.0.1", target.port, names, 0, 5000)
    for server in (target, source):
        server.ask().execute_command("CLUSTER SETSLOT", slot, "NODE", nodes[target.place]["node_id"])
    until(lambda: cluster.primary_of(key) is target, "the slot's new place")


# ---- the table ----

@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    begin: object
    end: object  # None: it is over at once
    why: str  # it is away, as the log says; "" where it is not
    idle: frozenset  # the modes in which nothing is executed before its end
    verdicts: frozenset  # that requests may have

    def __str__(self):
        return self.name


def row(name, begin, end, why, idle, verdicts):
    return Row(name, begin, end, why, frozenset(idle), frozenset(verdicts))


# A claim without an answer may have been made: where its message is sent again with AGAIN, that is
# refused, and the request is lost. So is one that was on its way under a pair that is forgotten,
# while Redis cannot know what was executed, and one whose claim another server of a cluster got.
ROWS = [
    row("killed, and started again", kill, start, "redis cannot be used", {STRICT}, {BUSY, LOST}),
    row("killed, and started empty", kill, start_empty, "redis cannot be used", {STRICT}, {BUSY, LOST}),
    row("standing still", stop, go_on, "it does not answer in time", {STRICT}, {BUSY, LOST}),
    row("answering garbage", answer_garbage, answer_well, "is not the protocol of Redis",
        {STRICT}, {BUSY, LOST}),
    row("answering late", answer_late, answer_well, "it does not answer in time",
        {STRICT}, {BUSY, LOST}),
    row("wanting a password", want_a_password, want_none, "it wants a password",
        {STRICT}, {BUSY, LOST}),
    row("full", fill, empty, "", MODES, {BUSY, LOST}),
    row("flushed", flush, None, "", {}, {LOST}),
]
CLUSTER_ROWS = [
    row("a failover that is asked for", fail_over, None, "", {}, {BUSY, LOST}),
    row("a slot that moves", move_slot, None, "", {}, {BUSY, LOST}),
    row("a primary killed", kill_primary, start_killed, "", {}, {BUSY, LOST}),
]
