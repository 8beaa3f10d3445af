# SPDX-License-Identifier: MIT
"""One event loop on a thread of its own, for all of a test that has many connections at once."""

import asyncio
import threading


class Background:
    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def start(self, coroutine):
        """A future of what the coroutine returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def run(self, coroutine, seconds=60):
        """What the coroutine returns, or raises."""
        return self.start(coroutine).result(seconds)

    def serve(self, converse):
        """Listens on a free port; each connection is converse(reader, writer). (server, port)"""
        server = self.run(asyncio.start_server(converse, "127.0.0.1", 0, backlog=1024))
        return server, server.sockets[0].getsockname()[1]

    async def cancel_all(self):
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self):
        self.run(self.cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
