# SPDX-License-Identifier: MIT
"""Whoever stands between the relays sends true messages again, changed, late, or with the true
refusals of others: no request runs twice (docs/protocol.md, 7 and 8)."""

import asyncio
import collections
import itertools
import re
import threading
import time

import pytest
from between import Between, post
from client import OK, Client
from conftest import make_pair
from fault_proxy import RELAY, Fault, FaultProxy
from http_message import read_message
from relay import SECRET, wait_until
from sealed import (BUSY, CHANGES, CLOCK, REJECT, REPLAY, UNKNOWN_PAIR, change, error_code,
                    make_error)
from test_relaycat import relaycat

N_CONNECTIONS = 64
N_WORKERS = 4
BODY = bytes(40000)  # three frames of DATA

numbers = itertools.count()  # of requests


@pytest.fixture(scope="module")
def pair(shared_start_relay, shared_counting_api):
    return make_pair(shared_start_relay, shared_counting_api, WORKERS=str(N_WORKERS))


# ---- true messages, again ----

class Eavesdropper:
    """Has the sealed bytes of requests."""

    def __init__(self, pair, api):
        self.pair, self.api, self.background = pair, api, api.background
        self.proxy = FaultProxy(api.background, pair.inbound.port)
        self.client = Client(pair.outbound.port, pair.fields() | {"x-mte-upstream": self.proxy.url})

    def see(self):
        """A request that ran. Its number."""
        number = next(numbers)
        assert self.background.run(self.client.ask(number, BODY)).verdict == OK
        return number

    def keep(self):
        """A request that never arrived. Its number; its HTTP message is the last captured."""
        self.see()
        self.proxy.drop_kept()
        self.proxy.arm(Fault("request", "nothing", "close"))
        number = next(numbers)
        assert self.background.run(self.client.ask(number, BODY)).verdict != OK
        assert self.api.counts[number] == 0
        return number

    def send_over_many(self, messages):
        """Each message over each connection, which were all open before. Codes and how often."""
        return self.background.run(self.send_all(messages))

    async def send_all(self, messages):
        connections = [await asyncio.open_connection("127.0.0.1", self.pair.inbound.port)
                       for _ in range(N_CONNECTIONS)]
        codes = collections.Counter()
        await asyncio.gather(*(self.send(*ends, messages, codes) for ends in connections))
        return codes

    async def send(self, reader, writer, messages, codes):
        for message in messages:
            writer.write(message.raw)
            answer = await read_message(reader)
            codes[error_code((answer.status, answer.field("content-type"), answer.body))] += 1
        writer.close()


@pytest.fixture
def eavesdropper(pair, shared_counting_api):
    return Eavesdropper(pair, shared_counting_api)


def test_replayed_to_every_worker_over_64_connections_nothing_runs_again(
        pair, shared_counting_api, eavesdropper):
    seen = [eavesdropper.see() for _ in range(20)]
    begin = pair.inbound.log_end()

    def every_worker_refused():
        """The kernel spreads connections, so a worker may have got none of them."""
        codes = eavesdropper.send_over_many(eavesdropper.proxy.captured)
        assert codes == {REPLAY: N_CONNECTIONS * len(seen)}
        refusers = re.findall(r"worker \d+\[(\d+)\]: .*answer=REPLAY", pair.inbound.log(begin))
        return set(refusers) == {str(pid) for pid in pair.inbound.workers()}

    wait_until(every_worker_refused, 60, "a refusal by each worker")
    assert [shared_counting_api.counts[number] for number in seen] == [1] * len(seen)


def test_a_message_that_never_arrived_runs_once_over_64_connections(
        shared_counting_api, eavesdropper):
    kept = eavesdropper.keep()
    codes = eavesdropper.send_over_many([eavesdropper.proxy.captured[-1]])
    assert codes == {None: 1, REPLAY: N_CONNECTIONS - 1}
    assert shared_counting_api.counts[kept] == 1


# ---- changed, and late ----

def test_changed_messages_are_rejected_alike(pair, shared_counting_api, eavesdropper):
    """The same bytes, but for the time, the hash of the message and the MAC; then it still runs."""
    kept = eavesdropper.keep()
    message = eavesdropper.proxy.captured[-1].body
    answers = {name: post(pair.inbound.port, RELAY, change(message, name)) for name in CHANGES}
    assert {name for name, answer in answers.items() if error_code(answer) != REJECT} == set()
    assert len({answer[2][:4] for answer in answers.values()}) == 1
    assert shared_counting_api.counts[kept] == 0
    assert error_code(post(pair.inbound.port, RELAY, message)) is None
    assert shared_counting_api.counts[kept] == 1


def test_a_stale_message_does_not_run(pair, shared_counting_api, tmp_path):
    number, message = next(numbers), tmp_path / "message"
    relaycat("--late", "11m", "--save", message, "-H", f"x-request-id: {number}",
             pair.inbound.url(), "/late")
    assert error_code(post(pair.inbound.port, RELAY, message.read_bytes())) == CLOCK
    assert shared_counting_api.counts[number] == 0


# ---- the true refusal of another ----

def of_senders_own_side(pair, _, message):
    return post(pair.outbound.port, RELAY, message)


def of_another_instance(_, instance, message):
    return post(instance.port, RELAY, message)


def of_whoever_has_the_secret(code):
    def refuse(_pair, _instance, message):
        said = make_error(SECRET, code, int(time.time() * 1000), message)
        return 200, "application/mte-error", said
    return refuse


PROMISES = {
    "UNKNOWN_PAIR of the sender's own side": (UNKNOWN_PAIR, of_senders_own_side),
    "UNKNOWN_PAIR of another instance": (UNKNOWN_PAIR, of_another_instance),
    "UNKNOWN_PAIR of somebody": (UNKNOWN_PAIR, of_whoever_has_the_secret(UNKNOWN_PAIR)),
    "BUSY": (BUSY, of_whoever_has_the_secret(BUSY)),
    "CLOCK": (CLOCK, of_whoever_has_the_secret(CLOCK)),
}


@pytest.fixture(scope="module")
def instance(pair, shared_start_relay):
    """Of the inbound deployment, but with a memory of its own."""
    settings = {name: value for name, value in pair.inbound.settings.items() if name != "PORT"}
    return shared_start_relay("instance", **settings)


class Reflector(Between):
    """The first sealed request is answered with the refusal of another; it runs when told to."""

    def __init__(self, pair, refuse):
        super().__init__(pair.inbound.port)
        self.refuse = refuse
        self.first = None

    def reflect(self, before=lambda forward: None):
        """From now on. before(forward) happens between the request and its refusal."""
        def evil(path, body):
            if path != RELAY or self.first is not None:
                return None
            self.first = body
            before(lambda: self.forward(path, body))
            return self.refuse(body)
        self.evil = evil


@pytest.fixture(params=PROMISES)
def reflector(request, pair, instance):
    code, maker = PROMISES[request.param]

    def refuse(message):
        answer = maker(pair, instance, message)
        assert error_code(answer) == code
        return answer

    pair.inbound.wait_for_memory()
    proxy = Reflector(pair, refuse)
    honest, pair.peer = pair.peer, proxy.url
    assert pair.request("/first").status == 200
    yield proxy
    pair.peer = honest
    proxy.stop()


def ask(pair):
    """Its number and the answer."""
    number = next(numbers)
    return number, pair.request("/pay", fields=[f"x-request-id: {number}"], data=b"100",
                                check=False, seconds=15)


def is_lost(answer):
    return (answer.status, answer.refusal) == (502, "peer_lost_answer")


def test_a_refusal_of_another_after_the_request_ran(pair, shared_counting_api, reflector):
    reflector.reflect(lambda forward: forward())
    number, answer = ask(pair)
    assert is_lost(answer)
    assert shared_counting_api.counts[number] == 1


def test_a_refusal_of_another_while_the_request_runs(pair, shared_counting_api, reflector):
    threads = []

    def begin(forward):
        number = shared_counting_api.counts.count(1)
        threads.append(threading.Thread(target=forward))
        threads[0].start()
        wait_until(lambda: shared_counting_api.counts.count(1) > number, what="the execution")

    shared_counting_api.hold()
    try:
        reflector.reflect(begin)
        number, answer = ask(pair)
        assert is_lost(answer)
    finally:
        shared_counting_api.release()
    threads[0].join()
    assert shared_counting_api.counts[number] == 1


def test_a_refusal_of_another_before_the_request_arrives(pair, shared_counting_api, reflector):
    """It is sent again, and runs then; the first sending is refused when it arrives."""
    reflector.reflect()
    number, answer = ask(pair)
    assert (answer.status, answer.body) == (200, b"100")
    assert error_code(reflector.forward(RELAY, reflector.first)) == REPLAY
    assert shared_counting_api.counts[number] == 1
