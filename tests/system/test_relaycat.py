# SPDX-License-Identifier: MIT
"""relaycat, the protocol's second reader, against the real relay."""

import hashlib
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from example_api import pattern
from relay import BUILD, SECRET

ANSWERED, REFUSED, VIOLATION, BAD_STATUS = 0, 3, 4, 22
OWN_SECRET = "client id secret of relaycat, long enough"


@pytest.fixture(scope="module")
def relay(shared_api, shared_start_relay):
    return shared_start_relay("inbound", UPSTREAM=f"http://127.0.0.1:{shared_api.port}")


def relaycat(*arguments, stdin=b"", **settings):
    """Status, standard output, standard error."""
    environment = {k: v for k, v in os.environ.items() if k == "PATH" or "SAN" in k}
    environment |= {"SECRET": SECRET, "CLIENT_ID_SECRET": OWN_SECRET} | settings
    ran = subprocess.run([BUILD / "tools/relaycat", *arguments], env=environment, input=stdin,
                         capture_output=True, timeout=60, check=False)
    return ran.returncode, ran.stdout, ran.stderr.decode()


def save(relay, folder, path):
    message = folder / "message"
    status, _, err = relaycat("--save", message, relay.url(), path)
    assert status == ANSWERED, err
    return message


def n_seen(api, path):
    return [seen["path"] for seen in api.requests].count(path)


@pytest.mark.parametrize("suite", ["aes", "chacha"])
@pytest.mark.parametrize("codec", [[], ["--mte"]], ids=["MKE", "MTE"])
@pytest.mark.parametrize("length", [0, 60000])
def test_a_request_arrives_and_its_answer_returns(relay, shared_api, suite, codec, length):
    body = pattern(length)
    status, out, err = relaycat("--suite", suite, *codec, "-X", "PUT", "-H", "X-One: 1",
                                "-d", "@-", relay.url(), "/a%20b?c=d", stdin=body)
    assert status == ANSWERED, err
    seen = json.loads(out)
    assert seen == shared_api.requests[-1]
    assert (seen["method"], seen["path"]) == ("PUT", "/a%20b?c=d")
    assert ["x-one", "1"] in seen["fields"]
    assert seen["sha256"] == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("suite", ["aes", "chacha"])
def test_sixteen_mebibytes_come_back(relay, suite):
    body = pattern(16 << 20)
    status, out, err = relaycat("--suite", suite, "-d", "@-", relay.url(), "/echo", stdin=body)
    assert status == ANSWERED, err
    assert out == body


@pytest.mark.parametrize("path, last", [("/bytes/1000", "DATA END  1016 bytes"),
                                        ("/bytes/0", "DATA END  16 bytes")])
def test_an_answer_of_known_length_ends_with_its_last_bytes(relay, path, last):
    status, _, err = relaycat("-v", relay.url(), path)
    frames = [line for line in err.splitlines() if line.startswith("< frame")]
    assert status == ANSWERED, err
    assert len(frames) == 2 and frames[1].endswith(last), err


def test_a_long_answer_to_a_token_comes_as_a_stream(relay):
    status, out, err = relaycat("--mte", relay.url(), "/bytes/200000")
    assert (status, out) == (ANSWERED, pattern(200000)), err


def test_what_the_api_says_is_passed_on(relay):
    assert relaycat(relay.url(), "/status/404")[0] == ANSWERED
    assert relaycat("-f", relay.url(), "/status/404")[:2] == (BAD_STATUS, b"status 404")
    assert b"\nset-cookie: b=2; Path=/\n" in relaycat("-i", relay.url(), "/cookies")[1]
    assert relaycat("-X", "HEAD", relay.url(), "/bytes/1000")[:2] == (ANSWERED, b"")


def test_one_pair_carries_many_requests(relay, shared_api):
    status, _, err = relaycat("-v", "--repeat", "20", relay.url(), "/many")
    assert status == ANSWERED
    assert n_seen(shared_api, "/many") == 20
    assert err.count("> M1, ") == 1


def test_the_same_bytes_at_once_run_once(relay, shared_api, tmp_path):
    message = save(relay, tmp_path, "/pay")
    assert n_seen(shared_api, "/pay") == 0
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: relaycat("--send", message, relay.url())[:2], range(12)))
    assert sorted(answers) == [(ANSWERED, b"answered\n"), *[(REFUSED, b"REPLAY\n")] * 11]
    assert n_seen(shared_api, "/pay") == 1


def test_a_changed_message_is_rejected(relay, shared_api, tmp_path):
    message = save(relay, tmp_path, "/changed")
    whole = message.read_bytes()
    for at in (0, 20, 40, 52, 60, len(whole) - 1):
        message.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        assert relaycat("--send", message, relay.url())[:2] == (REFUSED, b"REJECT\n"), at
    message.write_bytes(whole[:4] + bytes(16) + whole[20:])
    assert relaycat("--send", message, relay.url())[:2] == (REFUSED, b"UNKNOWN_PAIR\n")
    assert n_seen(shared_api, "/changed") == 0


@pytest.mark.parametrize("late, outcome", [("9m", ANSWERED), ("11m", REFUSED)])
def test_a_request_more_than_ten_minutes_late_is_refused(relay, late, outcome):
    status, _, err = relaycat("--late", late, relay.url(), "/late")
    assert status == outcome, err
    assert ("refused: CLOCK" in err) == (outcome == REFUSED)


def test_only_who_holds_the_secret_is_paired_with(relay):
    status, out, err = relaycat(relay.url(), "/", SECRET="another")
    assert (status, out) == (VIOLATION, b"")
    assert "is SECRET that of the relay?" in err


def test_a_relay_refuses_its_own_deployment(relay):
    own = {name: relay.settings[name] for name in ("CLIENT_ID_SECRET", "UPSTREAM")}
    status, _, err = relaycat(relay.url(), "/", **own)
    assert status == REFUSED
    assert "refused: REFUSED" in err


def test_a_port_that_is_no_relay_is_told_from_one(shared_api):
    status, _, err = relaycat(f"http://127.0.0.1:{shared_api.port}", "/")
    assert status == VIOLATION
    assert "is it a relay?" in err
