# SPDX-License-Identifier: MIT
"""Load that goes on until it is stopped, and remembers what became of each request."""

import asyncio
import collections
import time

from client import OK, Client
from relay import wait_until

REST = 0.1  # seconds, after a failure: an application that is refused does not ask at once


class SteadyLoad:
    """
    n applications that ask one request after the other, or pause so many seconds between two. Keeps
    the failures, counts the rest.
    """

    def __init__(self, background, port, fields, n, pause=0):
        self.pause = pause
        self.failures = []
        self.succeeded = bytearray()  # by number
        self.last_good = [0.0] * n  # for each application, when what succeeded last began
        self.is_over = False
        self.clients = [Client(port, fields) for _ in range(n)]
        self.futures = [background.start(self.run(i)) for i in range(n)]

    async def run(self, i):
        while not self.is_over:
            number = len(self.succeeded)
            self.succeeded.append(0)
            outcome = await self.clients[i].ask(number)
            if outcome.verdict == OK:
                self.succeeded[number] = 1
                self.last_good[i] = outcome.began
                if self.pause:
                    await asyncio.sleep(self.pause)
            else:
                self.failures.append(outcome)
                await asyncio.sleep(REST)
        self.clients[i].close()

    def wait_until_healed(self, seconds=15.0):
        """Until each application had a success that began after now."""
        began = time.monotonic()
        wait_until(lambda: min(self.last_good) > began, seconds, "a success of each application")

    def stop(self):
        self.is_over = True
        for future in self.futures:
            future.result(90)

    def verdicts(self):
        return collections.Counter(outcome.verdict for outcome in self.failures)
