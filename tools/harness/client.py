# SPDX-License-Identifier: MIT
"""The application: numbered requests over kept connections, and what became of each."""

import asyncio
import dataclasses
import select
import time

from http_message import read_message
from load import body_of

OK, BROKEN, WRONG = "ok", "broken", "wrong"


@dataclasses.dataclass
class Outcome:
    """verdict: OK, BROKEN (no whole answer), WRONG (not its own), or the code of the refusal."""

    number: int
    began: float
    ended: float
    verdict: str


def verdict_of(answer, body):
    refusal = answer.field("x-mte-relay-error")
    if refusal is not None:
        return refusal
    return OK if (answer.status, answer.body) == (200, body) else WRONG


class Client:
    """One connection, opened again when it has ended."""

    def __init__(self, port, fields):
        self.port = port
        self.lines = ""
        self.set_fields(fields)
        self.reader = self.writer = None

    def set_fields(self, fields):
        """Of all requests from now on."""
        self.lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())

    def is_usable(self):
        """Open, and nothing to read: between two requests that could only be its end."""
        return self.writer is not None and \
            not select.select([self.writer.get_extra_info("socket")], [], [], 0)[0]

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()
        self.writer = None

    async def answer_to(self, number, body):
        if not self.is_usable():
            self.close()
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(f"POST /echo HTTP/1.1\r\nhost: api\r\nx-request-id: {number}\r\n"
                          f"content-length: {len(body)}\r\n{self.lines}\r\n".encode() + body)
        answer = await read_message(self.reader)
        if answer.field("connection") == "close":
            self.close()
        return answer

    async def ask(self, number, body=None):
        body = body_of(number) if body is None else body
        began = time.monotonic()
        try:
            verdict = verdict_of(await self.answer_to(number, body), body)
        except (OSError, EOFError):
            verdict = BROKEN
            self.close()
        return Outcome(number, began, time.monotonic(), verdict)
