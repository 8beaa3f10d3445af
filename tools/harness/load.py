# SPDX-License-Identifier: MIT
"""Many requests at once, each with a body of its own, each answer checked to be its own."""

import asyncio
import dataclasses
import hashlib
import time

from http_message import read_message


@dataclasses.dataclass
class Result:
    good: int = 0
    wrong: list = dataclasses.field(default_factory=list)  # what was, at most a few
    seconds: float = 0


def body_of(number):
    """Of any length up to 16 KiB, and unlike every other."""
    block = hashlib.sha256(b"%d" % number).digest()
    return (block * 513)[:number * 7919 % 16384 + 16]


async def one_connection(port, fields, numbers, result):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    for number in numbers:
        body = body_of(number)
        writer.write(f"POST /echo HTTP/1.1\r\nhost: load\r\nx-request-id: {number}\r\n"
                     f"content-length: {len(body)}\r\n{lines}\r\n".encode() + body)
        answer = await read_message(reader)
        if (answer.status, answer.body) == (200, body):
            result.good += 1
        elif len(result.wrong) < 5:
            result.wrong.append((number, answer.status, answer.body[:300]))
    writer.close()


async def all_connections(port, fields, n, concurrency):
    result, began, numbers = Result(), time.monotonic(), iter(range(n))
    await asyncio.gather(*(one_connection(port, fields, numbers, result)
                           for _ in range(concurrency)))
    result.seconds = round(time.monotonic() - began, 1)
    return result


def load(port, fields, n, concurrency):
    """POSTs /echo n times over as many connections as are to be busy at once."""
    return asyncio.run(all_connections(port, fields, n, concurrency))
