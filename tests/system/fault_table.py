# SPDX-License-Identifier: MIT
"""What is done to relays and to the bytes between them, and what must hold then.

Always holds, and is checked after every row: no request was executed twice; what the application
got as a success is its own answer, executed once; a refusal that says that nothing ran tells the
truth; only requests in flight at the fault failed, and those with a verdict that the row names.
"""

import dataclasses
import os
import random
import time

from client import BROKEN, OK
from fault_proxy import Fault

LOST, BAD, DOWN = "peer_lost_answer", "bad_peer_response", "peer_unreachable"

# Refusals after which an application may ask again: they must never be said of what was executed.
NOTHING_RAN = {DOWN, "overloaded", "draining"}


@dataclasses.dataclass(frozen=True)
class Kill:
    side: str
    what: str  # a method of Killer, in test_faults_kill.py
    weight: int  # how often, of 100
    verdicts: frozenset

    @property
    def forgets(self):
        """Its pairs, and what ran: an inbound relay's memory is its master's."""
        return self.side == "inbound" and self.what != "one worker"


def kill(side, what, weight, *verdicts):
    return Kill(side, what, weight, frozenset(verdicts))


# An outbound process takes its applications' connections with it; an inbound one only answers. A
# relay that is started again knows no pair, and an outbound worker learns that from a request.
KILLS = [
    kill("outbound", "one worker", 30, BROKEN),
    kill("inbound", "one worker", 40, BROKEN, LOST),
    kill("outbound", "the master", 7, BROKEN),
    kill("inbound", "the master", 8, BROKEN, LOST, DOWN),
    kill("outbound", "all processes", 7, BROKEN),
    kill("inbound", "all processes", 8, BROKEN, LOST, DOWN),
]


@dataclasses.dataclass(frozen=True)
class Bytes:
    fault: Fault
    connection: str  # that the message travels on: kept, fresh
    verdicts: frozenset
    executions: frozenset

    def __str__(self):
        return f"{self.connection} {self.fault.of}, {self.fault.place}: {self.fault.what}"


def rows(of, placed, connections, actions, verdicts, executions):
    """A row of the table for each combination."""
    return [Bytes(Fault(of, place, action), connection, frozenset(verdicts), frozenset(executions))
            for place in placed for connection in connections for action in actions]


BEGINNING = ["first line", "fields"]  # of HTTP
SEALED = ["head", "header", "HEAD", "DATA", "before END", "frame head of END", "tag of END",
          "last byte"]
INSIDE = [*BEGINNING, *SEALED]
CUT = ["close", "reset"]
KEPT, FRESH = ["kept"], ["fresh"]
BOTH = KEPT + FRESH

# What a fault does to one message: where, on which connection, how; what the application may get,
# how often the API may have run it.
BYTES = [
    # Not a byte of an answer came on a kept connection: the same sealed bytes go once more.
    *rows("request", ["nothing", *INSIDE], KEPT, CUT, {OK}, {1}),
    *rows("request", ["nothing", *INSIDE], FRESH, CUT, {LOST}, {0}),
    *rows("request", ["whole"], KEPT, CUT, {OK, LOST}, {0, 1}),
    *rows("request", ["whole"], FRESH, CUT, {LOST}, {0, 1}),
    *rows("request", INSIDE, BOTH, ["delay"], {OK}, {1}),
    *rows("request", ["whole"], BOTH, ["duplicate first"], {LOST}, {1}),
    *rows("request", ["whole"], BOTH, ["duplicate at once"], {OK, LOST}, {1}),
    *rows("request", ["whole"], BOTH, ["duplicate after"], {OK}, {1}),
    *rows("request", ["whole"], BOTH, ["replay"], {BAD}, {0}),
    # It ran. Whatever part of the answer is missing, nobody may take it for whole.
    *rows("response", ["nothing", *INSIDE], BOTH, CUT, {LOST, BROKEN}, {1}),
    *rows("response", ["whole"], BOTH, CUT, {OK}, {1}),
    *rows("response", INSIDE, BOTH, ["delay"], {OK}, {1}),
    *rows("response", ["whole"], BOTH, ["replay"], {BAD}, {1}),
    # Pairing is tried again, before anything is sealed.
    *rows("pairing request", ["nothing", *BEGINNING, "head", "last byte", "whole"], FRESH, CUT,
          {OK}, {1}),
    *rows("pairing response", ["nothing", *BEGINNING, "head", "last byte", "whole"], FRESH, CUT,
          {OK}, {1}),
    *rows("pairing request", [*BEGINNING, "last byte"], FRESH, ["delay"], {OK}, {1}),
    *rows("pairing response", [*BEGINNING, "last byte"], FRESH, ["delay"], {OK}, {1}),
    *rows("pairing request", ["whole"], FRESH, ["duplicate first"], {OK}, {1}),
    *rows("pairing request", ["whole"], FRESH, ["duplicate at once"], {OK}, {1}),
    *rows("pairing request", ["whole"], FRESH, ["duplicate after"], {OK}, {1}),
]


def assert_at_most_once(api, load):
    """What always holds, of a load that has been stopped."""
    n = len(load.succeeded)
    assert api.n_strangers == 0
    assert not [i for i in range(n) if api.counts[i] > 1]
    assert not [i for i in range(n) if load.succeeded[i] and api.counts[i] != 1]
    assert not [outcome for outcome in load.failures
                if outcome.verdict in NOTHING_RAN and api.counts[outcome.number]]


def roll():
    """Dice whose seed is told; MTE_SEED throws them again."""
    seed = int(os.environ.get("MTE_SEED", time.time_ns() % 1_000_000))
    print(f"MTE_SEED={seed}")
    return random.Random(seed)
