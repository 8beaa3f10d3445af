# SPDX-License-Identifier: MIT
"""What stands between the relays and does to a message, at a chosen byte, what a fault says."""

import asyncio
import collections
import dataclasses
import itertools
import socket
import struct

from http_message import read_message
from sealed import FRAME_HEAD_LEN, REQ_LEN, RSP_LEN, frames_of

N_CAPTURED = 64  # sealed messages of each direction that are kept
DELAY = 0.2  # seconds

RELAY, PAIR = "/api/mte-relay", "/api/mte-pair"


@dataclasses.dataclass(frozen=True)
class Fault:
    of: str  # request, response; pairing request, pairing response
    place: str  # see places()
    what: str  # see FaultProxy.ACTIONS


class Cut(Exception):
    """Both connections are to end. args[0]: with a reset."""


def header_len_of(message):
    """Of a sealed message; 0 of any other."""
    if message.field("content-type") != "application/mte-relay":
        return 0
    return RSP_LEN if message.words[0].startswith("HTTP/") else REQ_LEN


def places(message):
    """The name of each kind of byte, and where in the HTTP message one of it is."""
    found = {"nothing": 0, "first line": 5, "fields": message.head_len - 2,
             "head": message.head_len, "last byte": len(message.raw) - 1,
             "whole": len(message.raw)}
    header_len = header_len_of(message)
    if header_len:
        frames = frames_of(message.body, header_len)
        starts = [header_len, *(header_len + n for n in
                                itertools.accumulate(len(frame) for frame in frames))]
        found |= {name: message.place(offset) for name, offset in {
            "header": header_len // 2, "HEAD": starts[0] + FRAME_HEAD_LEN + 1,
            "DATA": starts[1] + FRAME_HEAD_LEN + 1, "before END": starts[-2],
            "frame head of END": starts[-2] + 2, "tag of END": starts[-1] - 1}.items()}
    return found


def reset_or_close(writer, with_reset):
    if with_reset:
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()


class FaultProxy:
    """Takes messages in whole, so that a fault can be at any byte of them; one loop."""

    def __init__(self, background, port):
        self.background, self.port = background, port
        self.faults = {}  # by number of the message of its kind, from 1
        self.every = None  # where a test sets it: of a sealed request's number, its fault or None
        self.n_met = 0
        self.numbers = collections.Counter()
        self.captured = collections.deque(maxlen=N_CAPTURED)  # sealed requests
        self.answers = collections.deque(maxlen=N_CAPTURED)
        self.twins = []  # answers to what was sent a second time
        self.near = set()
        self.server, own_port = background.serve(self.converse)
        self.url = f"http://127.0.0.1:{own_port}"

    # ---- what a test says ----

    def arm(self, fault, n=1):
        """The n-th message of that kind from now on meets the fault."""
        kind = PAIR if fault.of.startswith("pairing") else RELAY
        self.faults[kind, self.numbers[kind] + n] = fault

    def drop_kept(self):
        """Ends the kept connections, as a peer or a balancer does between two requests."""
        self.background.run(self.drop())

    async def drop(self):
        for writer in list(self.near):
            writer.close()
            await writer.wait_closed()

    # ---- in order of time ----

    async def converse(self, near_reader, near):
        far = None
        self.near.add(near)
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", self.port)
            while True:
                await self.exchange(near_reader, near, far_reader, far)
        except Cut as cut:
            for writer in (near, far):
                reset_or_close(writer, cut.args[0])
        except (OSError, EOFError):
            pass  # one of the relays ended it: so does the other end
        finally:
            self.near.discard(near)
            for writer in filter(None, (near, far)):
                writer.close()

    def next_fault(self, kind):
        self.numbers[kind] += 1
        number = self.numbers[kind]
        fault = self.faults.pop((kind, number), None)
        return self.every(number) if fault is None and self.every and kind == RELAY else fault

    async def exchange(self, near_reader, near, far_reader, far):
        request = await read_message(near_reader)
        fault = self.next_fault(request.words[1])
        await self.pass_on(request, "request", fault, far, self.captured)
        response = await read_message(far_reader)
        await self.pass_on(response, "response", fault, near, self.answers)
        if fault and fault.what == "duplicate after":
            self.twins.append(await self.send_twin(request))
        await near.drain()

    async def pass_on(self, message, direction, fault, to, memory):
        """As it came, or as the fault has it. A fault of a sealed answer passes refusals by."""
        earlier = memory[-1] if memory else None
        is_sealed = header_len_of(message) > 0
        if is_sealed:
            memory.append(message)
        if fault and fault.of.endswith(direction) and (is_sealed or fault.of.startswith("pairing")):
            self.n_met += 1
            at = places(message)[fault.place]
            await self.ACTIONS[fault.what](self, message, at, to, earlier)
        else:
            to.write(message.raw)

    async def send_up_to(self, message, at, to):
        to.write(message.raw[:at])
        await to.drain()

    async def close(self, message, at, to, _):
        await self.send_up_to(message, at, to)
        raise Cut(False)

    async def reset(self, message, at, to, _):
        await self.send_up_to(message, at, to)
        raise Cut(True)

    async def delay(self, message, at, to, _):
        await self.send_up_to(message, at, to)
        await asyncio.sleep(DELAY)
        to.write(message.raw[at:])

    async def send_twin(self, message):
        """The same bytes on a connection of their own. Their answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(message.raw)
        try:
            return await read_message(reader)
        finally:
            writer.close()

    async def duplicate_first(self, message, _at, to, _earlier):
        self.twins.append(await self.send_twin(message))
        to.write(message.raw)

    async def duplicate_at_once(self, message, _at, to, _earlier):
        twin = asyncio.ensure_future(self.send_twin(message))
        to.write(message.raw)
        self.twins.append(await twin)

    async def duplicate_after(self, message, _at, to, _earlier):
        to.write(message.raw)  # the twin goes when this one has its answer

    async def replay(self, _message, _at, to, earlier):
        """An earlier message of that kind instead of this one."""
        to.write(earlier.raw)

    ACTIONS = {
        "close": close, "reset": reset, "delay": delay, "duplicate first": duplicate_first,
        "duplicate at once": duplicate_at_once, "duplicate after": duplicate_after,
        "replay": replay}
