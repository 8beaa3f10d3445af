# SPDX-License-Identifier: MIT
"""An API that counts how often it was made to execute each request.

A request is executed when its head and body are there, whether or not it can still be answered. Its
x-request-id is a number below N_IDS; the answer is its body. A byte for each number is all that is
kept, however long the test.
"""

import asyncio

from http_message import read_message

N_IDS = 1 << 20


class CountingApi:
    """All connections on one loop. gate: a test that clears it keeps answers back."""

    def __init__(self, background):
        self.background = background
        self.counts = bytearray(N_IDS)
        self.n_strangers = 0  # requests without a number: none is expected
        self.gate = asyncio.Event()
        self.gate.set()
        self.server, self.port = background.serve(self.converse)
        self.url = f"http://127.0.0.1:{self.port}"

    def count(self, request):
        number = request.field("x-request-id")
        if number is None or not number.isdigit() or int(number) >= N_IDS:
            self.n_strangers += 1
        else:
            self.counts[int(number)] = min(255, self.counts[int(number)] + 1)

    async def converse(self, reader, writer):
        try:
            while True:
                request = await read_message(reader)
                self.count(request)
                await self.gate.wait()
                body = request.body
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        except (OSError, EOFError):
            pass  # the relay has left: what was executed has been counted
        finally:
            writer.close()

    def hold(self):
        """Executes from now on, but does not answer."""
        self.background.loop.call_soon_threadsafe(self.gate.clear)

    def release(self):
        self.background.loop.call_soon_threadsafe(self.gate.set)
