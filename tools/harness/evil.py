# SPDX-License-Identifier: MIT
"""A server that does on the wire exactly what a test tells it: behind a relay, or as its peer."""

import re
import socket
import struct
import threading

from between import post


class Stream:
    """An accepted connection."""

    def __init__(self, sock):
        self.sock = sock
        self.rest = b""
        self.head = b""  # of the request under way

    def receive(self):
        """Some bytes; none when the other side has left, in whatever way."""
        if self.rest:
            data, self.rest = self.rest, b""
            return data
        try:
            return self.sock.recv(65536)
        except OSError:
            return b""

    def read_head(self):
        """False when the connection ended before one."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.receive()
            if not more:
                return False
            data += more
        self.head, _, self.rest = data.partition(b"\r\n\r\n")
        return True

    def length(self):
        found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", self.head)
        return int(found[1]) if found else 0

    def path(self):
        return self.head.split(b" ")[1].decode()

    def pieces(self):
        """The request's body as it arrives."""
        left = self.length()
        while left > 0:
            data = self.receive()
            if not data:
                return
            data, self.rest = data[:left], data[left:] + self.rest
            left -= len(data)
            yield data

    def read_body(self):
        return b"".join(self.pieces())

    def send(self, data):
        self.sock.sendall(data)

    def wait_for_departure(self):
        while self.receive():
            pass

    def reset(self):
        """Ends it with a RST instead of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Server:
    """play(stream) is called for each request, its head read; what is true keeps the connection.

    accepted(stream), where a test sets it, has a new connection before anything is read of it and
    keeps it by the same rule.
    """

    def __init__(self, play=None):
        self.play = play
        self.accepted = None
        self.n_requests = 0
        self.connections = set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                sock = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.converse, args=(sock,), daemon=True).start()

    def converse(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = Stream(sock)
        self.connections.add(sock)
        try:
            if self.accepted and not self.accepted(stream):
                return
            while stream.read_head():
                self.n_requests += 1
                if not self.play(stream):
                    return
        except OSError:
            pass  # the relay has left: what it then says is what tests look at
        finally:
            self.connections.discard(sock)
            sock.close()

    def drop_kept(self):
        """Ends all connections, as an API does with idle ones."""
        for sock in list(self.connections):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the relay was first

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def head(status=200, *fields):
    lines = [f"HTTP/1.1 {status} OK", *fields, "", ""]
    return "\r\n".join(lines).encode()


def whole(body, *fields, status=200):
    """A good answer."""
    return head(status, f"Content-Length: {len(body)}", *fields) + body


def say(data, keep=False):
    """A play: takes the whole request, answers these bytes, closes."""
    def play(stream):
        stream.read_body()
        stream.send(data)
        return keep
    return play


def echo(stream):
    """A play: sends back each piece of the body when it comes."""
    stream.send(head(200, f"Content-Length: {stream.length()}"))
    for piece in stream.pieces():
        stream.send(piece)
    return True


def peer_of(port, play):
    """A play: pairs as the relay on that port does, then does as it likes with sealed requests."""
    def act(stream):
        if not stream.path().endswith("/api/mte-pair"):
            return play(stream)
        _, kind, body = post(port, "/api/mte-pair", stream.read_body(), "application/mte-pair")
        stream.send(whole(body, f"Content-Type: {kind}"))
        return True
    return act
