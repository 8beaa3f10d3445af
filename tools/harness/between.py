# SPDX-License-Identifier: MIT
"""What stands between the relays: an HTTP proxy that records, and that tests can make evil."""

import http.client
import http.server
import socket
import threading


def post(port, path, body, content_type="application/mte-relay", fields=()):
    """What a peer relay would send, sent by a stranger. (status, content type, body)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, body, {"Content-Type": content_type, **dict(fields)})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read()
    finally:
        connection.close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = f"{self.requestline}\r\n{self.headers}".encode()
        status, content_type, answer = self.server.exchange(self.path, head, body)
        self.send_response(status)
        self.send_header("Content-Type", content_type or "text/plain")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


class Between(http.server.ThreadingHTTPServer):
    """evil(path, body) may answer (status, content type, body) itself; None forwards."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, port):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.port = port
        self.evil = None
        self.crossed = []  # heads and bodies of both directions
        self.messages = []  # bodies of sealed requests
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass

    def forward(self, path, body):
        kind = "application/mte-pair" if path.endswith("mte-pair") else "application/mte-relay"
        return post(self.port, path, body, kind)

    def exchange(self, path, head, body):
        self.crossed += [head, body]
        if path.endswith("/api/mte-relay"):
            self.messages.append(body)
        answer = self.evil(path, body) if self.evil else None
        answer = answer or self.forward(path, body)
        self.crossed.append(answer[2])
        return answer

    def stop(self):
        self.shutdown()
        self.server_close()


class Wire:
    """Bytes as they cross, when they cross: a TCP proxy that understands nothing and records."""

    def __init__(self, port):
        self.port = port
        self.crossed = []  # (is an answer, bytes)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.port))
            for ends in ((near, far, False), (far, near, True)):
                threading.Thread(target=self.pump, args=ends, daemon=True).start()

    def pump(self, source, target, is_answer):
        try:
            while data := source.recv(65536):
                self.crossed.append((is_answer, data))
                target.sendall(data)
        except OSError:
            pass
        for sock in (source, target):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other direction was first

    def answers(self):
        return b"".join(data for is_answer, data in self.crossed if is_answer)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
