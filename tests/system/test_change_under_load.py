# SPDX-License-Identifier: MIT
"""Reloads and upgrades under load: who keeps to HTTP loses nothing."""

import collections
import http.client
import signal
import socket
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import pytest
from relay import wait_until

N_CONNECTIONS = 64
PATH = "/status/200"


class Http1:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self):
        self.connection.request("GET", PATH)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status

    def close(self):
        self.connection.close()


class Refused(Exception):
    """The server said that it has not looked at the request (RFC 9113, 6.8): ask again."""


class Patient(h2.connection.H2Connection):
    """h2 takes GOAWAY for the end of everything; it is only the end of new streams."""

    last_stream = None

    def _receive_goaway_frame(self, frame):
        self.last_stream = frame.last_stream_id
        return [], []


class Http2:
    """One connection after the other, one stream after the other; leaves when it hears GOAWAY."""

    def __init__(self, port):
        self.port, self.socket, self.h2 = port, None, None

    def connect(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        self.h2 = Patient(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.socket.sendall(self.h2.data_to_send())

    def ask(self):
        while True:
            try:
                return self.ask_once()
            except Refused:
                self.close()

    def ask_once(self):
        if self.socket is None:
            self.connect()
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, [(":method", "GET"), (":path", PATH), (":scheme", "http"),
                                      (":authority", "relay")], end_stream=True)
        self.socket.sendall(self.h2.data_to_send())
        status, ended = None, False
        while not ended:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("closed before the answer's end")
            for event in self.h2.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    status = int(dict(event.headers)[":status"])
                elif isinstance(event, h2.events.StreamReset):
                    raise ConnectionError(f"reset with {event.error_code}")
                elif isinstance(event, h2.events.StreamEnded):
                    ended = True
            if self.h2.last_stream is not None and self.h2.last_stream < stream:
                raise Refused
            self.socket.sendall(self.h2.data_to_send())
        if self.h2.last_stream is not None:
            self.close()
        return status

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None


class Load:
    def __init__(self, client, port):
        self.outcomes = collections.Counter()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(client(port),))
                        for _ in range(N_CONNECTIONS)]
        for thread in self.threads:
            thread.start()

    def run(self, client):
        while not self.over.is_set():
            try:
                self.outcomes[client.ask()] += 1
            except (OSError, http.client.HTTPException, h2.exceptions.H2Error) as error:
                self.outcomes[repr(error)] += 1
                client.close()
            self.over.wait(0.05)  # an application thinks, too
        client.close()

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("client", [Http1, Http2])
def test_ten_reloads_and_two_upgrades_fail_no_request(start_relay, api, client):
    relay = start_relay("changing", UPSTREAM=f"http://127.0.0.1:{api.port}", LOG_LEVEL="info",
                        DRAIN_TIMEOUT="4s", PASS_THROUGH_ROUTES="/status/*")
    load = Load(client, relay.port)
    try:
        for generation in range(2, 14):
            before = relay.workers()
            relay.process.send_signal(signal.SIGUSR2 if generation in (6, 10) else signal.SIGHUP)
            relay.wait_for_log(f"serving generation={generation} ", seconds=60)
            if generation in (6, 10):
                wait_until(lambda old=before: not set(old) & set(relay.workers()), 30, "their end")
    finally:
        load.stop()
    assert set(load.outcomes) == {200}, load.outcomes
    assert load.outcomes[200] > 12 * N_CONNECTIONS
    assert relay.log().count("took over") == 2 and "bug:" not in relay.log()
