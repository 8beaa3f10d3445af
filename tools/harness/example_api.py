#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An API to stand behind a relay, for quickstart and tests: it tells what it saw.

example_api.py [PORT]  serves on 127.0.0.1, prints its port, then a line for each request.

Any method is served. /bytes/N answers N bytes; /echo the request's body; /status/N that status;
/cookies two Set-Cookie fields; /slow/MS an answer MS milliseconds late; every other path a JSON
description of the request as it arrived.
"""

import collections
import hashlib
import http.server
import json
import sys
import threading
import time


def pattern(n):
    """N bytes in which every position can be told from its neighbours."""
    block = b"".join(i.to_bytes(4, "big") for i in range(4096))
    return (block * (n // len(block) + 1))[:n]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.serve
        raise AttributeError(name)

    def log_message(self, *_):
        pass

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def serve(self):
        body = self.read_body()
        self.path = self.requestline.split(" ")[1]  # http.server has merged leading slashes
        seen = {
            "method": self.command,
            "path": self.path,
            "fields": [[name.lower(), value] for name, value in self.headers.items()],
            "length": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        self.server.remember(seen)
        kind, _, argument = self.path.split("?")[0].lstrip("/").partition("/")
        answer = getattr(self, "answer_" + kind, None)
        if answer:
            answer(argument, body)
        else:
            self.answer(200, json.dumps(seen, indent=1).encode(), ("content-type", "application/json"))

    def answer(self, status, body, *fields):
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        if status != 204 and status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def answer_bytes(self, argument, _):
        self.answer(200, pattern(int(argument)))

    def answer_echo(self, _, body):
        self.answer(200, body)

    def answer_status(self, argument, _):
        self.answer(int(argument), b"status " + argument.encode())

    def answer_cookies(self, *_):
        self.answer(200, b"", ("Set-Cookie", "a=1; Path=/"), ("X-Between", "yes"),
                    ("Set-Cookie", "b=2; Path=/"))

    def answer_slow(self, argument, _):
        time.sleep(int(argument) / 1000)
        self.answer(200, b"late")


class ExampleApi(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, port=0, tell=lambda seen: None):
        super().__init__(("127.0.0.1", port), Handler)
        self.port = self.server_address[1]
        self.requests = []
        self.executions = collections.Counter()  # by x-request-id
        self.lock = threading.Lock()
        self.tell = tell

    def handle_error(self, *_):
        pass  # a connection that broke is the tests' business, not ours

    def remember(self, seen):
        with self.lock:
            self.requests.append(seen)
            self.executions[dict(seen["fields"]).get("x-request-id")] += 1
        self.tell(seen)

    def start(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def stop(self):
        self.shutdown()
        self.server_close()


def main():
    api = ExampleApi(int(sys.argv[1]) if len(sys.argv) > 1 else 0,
                     lambda seen: print(json.dumps(seen), flush=True))
    print(f"listening on 127.0.0.1:{api.port}", flush=True)
    api.serve_forever()


if __name__ == "__main__":
    main()
