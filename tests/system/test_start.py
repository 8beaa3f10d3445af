# SPDX-License-Identifier: MIT
"""Starting: the examples of the manual, and every kind of mistake with its place."""

import os
import pathlib
import signal
import socket
import subprocess

import pytest
from relay import MASTER, WORKER, curl, default_settings, wait_until

EXAMPLE = {
    "UPSTREAM": "https://api.my-company.com",
    "CLIENT_ID_SECRET": "2DkV4DDabehO8cifDktdF9elKJL0CKrk",
    "OUTBOUND_TOKEN": "abcdefg1234567",
    "CORS_ORIGINS": "https://www.my-company.com,https://dashboard.my-company.com",
}
EXTENDED = {
    **EXAMPLE,
    "SECRET": "sharedsecret1234567890", "REDIS_URL": "redis://10.0.1.230:6379", "PORT": "3000",
    "LOG_LEVEL": "info", "PASS_THROUGH_ROUTES": "/health,/version",
    "MTE_ROUTES": "/api/v1/*,/api/v2/*", "CORS_METHODS": "GET,POST,DELETE",
    "HEADERS": '{"x-service-name":"mte-api-relay"}',
}
GOOD = {**EXAMPLE, "SECRET": "a secret that is long enough"}


def check(settings, *arguments, file=None, folder=None):
    """Runs -t. (exit status, output)"""
    environment = {"PATH": os.environ["PATH"], **settings}
    if os.getuid() == 0:
        environment.setdefault("RUN_USER", "nobody")
    command = [MASTER, "--worker", WORKER, "-t", *arguments]
    if file is not None:
        path = folder / "relay.conf"
        path.write_text(file)
        command += ["-c", path]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60,
                            check=False)
    return result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize("settings", [EXAMPLE, EXTENDED], ids=["first", "second"])
def test_an_example_of_the_manual_starts(start_relay, settings):
    # Only the port differs: the manual's may be taken here.
    defaults = {"SECRET": None, "LISTEN": None, "WORKERS": None, "LOG_LEVEL": None}
    relay = start_relay("example", **{**defaults, **settings, "PORT": "0"})
    assert curl(relay.url("/api/mte-echo")).status == 200
    if "REDIS_URL" in settings:
        assert "REDIS_URL" in relay.log()
    else:
        assert "unauthenticated" in relay.log()
    for secret in ("2DkV4DDabehO8cifDktdF9elKJL0CKrk", "abcdefg1234567", "sharedsecret1234567890"):
        assert secret not in relay.log()


MISTAKES = [
    ({"UPSTREAM": None}, ["UPSTREAM", "not set"]),
    ({"UPSTREAM": "api.my-company.com"}, ["environment", "UPSTREAM", "http"]),
    ({"CLIENT_ID_SECRET": "short"}, ["environment", "CLIENT_ID_SECRET", "32"]),
    ({"PORT": "eighty"}, ["environment", "PORT", "eighty"]),
    ({"PORT": "70000"}, ["environment", "PORT", "65535"]),
    ({"LOG_LEVEL": "loud"}, ["environment", "LOG_LEVEL", "loud"]),
    ({"MTE_ROUTES": "/a,b"}, ["environment", "MTE_ROUTES", "b"]),
    ({"CORS_ORIGINS": "https://a/b"}, ["environment", "CORS_ORIGINS"]),
    ({"HEADERS": '{"host":"x"}'}, ["environment", "HEADERS", "host"]),
    ({"HEADERS": "{"}, ["environment", "HEADERS", "JSON"]),
    ({"PAIR_LIFETIME": "5s"}, ["environment", "PAIR_LIFETIME"]),
    ({"MAX_REQUEST_BODY": "much"}, ["environment", "MAX_REQUEST_BODY", "much"]),
    ({"SECRET": "x", "SECRET_FILE": "/nowhere"}, ["environment", "SECRET_FILE", "one too many"]),
    ({"SECRET": None, "SECRET_FILE": "/nowhere"}, ["SECRET_FILE", "/nowhere"]),
    ({"REDIS_URL": "http://x"}, ["environment", "REDIS_URL"]),
    ({"RUN_USER": "nobody-of-that-name"}, ["RUN_USER", "nobody-of-that-name"]),
]


@pytest.mark.parametrize("change, words", MISTAKES, ids=[str(change) for change, _ in MISTAKES])
def test_a_mistake_in_the_environment_is_named(change, words):
    settings = {k: v for k, v in {**GOOD, **change}.items() if v is not None}
    status, output = check(settings)
    assert status == 78
    assert any(all(word.lower() in line.lower() for word in words)
               for line in output.splitlines()), output


@pytest.mark.parametrize("file, words", [
    ('upstrem = "http://h";\n', [":1", "upstrem", "upstream"]),
    ('\nport = "x";\n', [":2", "port"]),
    ('port = 1;\nlog_level 3;\n', [":2", "syntax"]),
    ('port = 8080;\n\nworkers = [ 1, 2 ];\n', [":3", "workers"]),
])
def test_a_mistake_in_the_file_is_named_with_its_line(tmp_path, file, words):
    status, output = check(GOOD, file=file, folder=tmp_path)
    assert status == 78
    assert any(all(word.lower() in line.lower() for word in words)
               for line in output.splitlines()), output


def test_all_mistakes_are_told_at_once():
    status, output = check({"UPSTREAM": "x", "PORT": "y", "LOG_LEVEL": "z"})
    assert status == 78
    for name in ("UPSTREAM", "PORT", "LOG_LEVEL", "CLIENT_ID_SECRET", "OUTBOUND_TOKEN"):
        assert name in output


def test_a_good_configuration_passes_the_check_and_nothing_is_started():
    status, output = check(GOOD)
    assert status == 0, output


def test_secrets_come_from_files_without_their_newline(start_relay, tmp_path, api):
    token = tmp_path / "token"
    token.write_text("from a file, long enough\n")
    relay = start_relay("files", UPSTREAM=f"http://127.0.0.1:{api.port}", OUTBOUND_TOKEN=None,
                        OUTBOUND_TOKEN_FILE=str(token))
    answer = curl(relay.url("/x"), fields=["x-mte-outbound-token: from a file, long enough"])
    assert answer.refusal == "missing_upstream"
    assert "set (24 characters)" in relay.log()


def test_a_port_that_is_taken_is_told(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        environment = {"PATH": os.environ["PATH"], **GOOD, "PORT": str(port),
                       "LISTEN": "127.0.0.1", "RUN_USER": "nobody" if os.getuid() == 0 else ""}
        result = subprocess.run([MASTER, "--worker", WORKER], env=environment, capture_output=True,
                                text=True, timeout=60, check=False)
    assert result.returncode not in (0, 78)
    assert str(port) in result.stderr + result.stdout


def test_workers_do_not_see_the_settings_and_the_master_forgets_them(start_relay, api):
    relay = start_relay("wiped", UPSTREAM=f"http://127.0.0.1:{api.port}")
    for pid in [relay.process.pid, *relay.workers()]:
        environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        assert relay.settings["OUTBOUND_TOKEN"].encode() not in environment
        assert relay.settings["SECRET"].encode() not in environment


def test_sigquit_ends_at_once(start_relay, api):
    relay = start_relay("quick", UPSTREAM=f"http://127.0.0.1:{api.port}")
    relay.process.send_signal(signal.SIGQUIT)
    assert relay.process.wait(10) == 0


def test_the_master_links_no_library_that_a_peer_can_reach():
    output = subprocess.run(["ldd", MASTER], capture_output=True, text=True, check=True).stdout
    for library in ("libh2o", "libssl", "libcrypto", "libhiredis"):
        assert library not in output


def test_print_config_has_every_setting_and_no_secret():
    status, output = check(GOOD, "--print-config")
    assert status == 0
    for name in ("UPSTREAM", "PORT", "PAIR_LIFETIME", "CLAIM_PAGES"):
        assert name in output
    assert GOOD["CLIENT_ID_SECRET"] not in output


def test_the_relay_says_what_it_runs_with(start_relay, api):
    relay = start_relay("told", UPSTREAM=f"http://127.0.0.1:{api.port}")
    log = wait_until(relay.log)
    assert "set (" in log and "UPSTREAM" in log


def test_a_signal_that_comes_during_the_start_waits_for_its_end(tmp_path):
    """The check of the settings is held up, so that it surely comes before anybody reads signals."""
    gate, worker = tmp_path / "gate", tmp_path / "worker"
    os.mkfifo(gate)
    worker.write_text(f'#!/bin/sh\n[ "$1" = --check ] && read -r line < {gate}\n'
                      f'exec {WORKER} "$@"\n')
    worker.chmod(0o755)
    settings = default_settings("early") | {"UPSTREAM": "http://127.0.0.1:9"}
    (tmp_path / "conf").touch()
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            [MASTER, "--worker", worker, "-c", tmp_path / "conf"], stdout=log, stderr=log,
            env={k: v for k, v in settings.items() if v is not None} | {"PATH": os.environ["PATH"]})
    with open(gate, "w", encoding="ascii") as opened:  # which waits for its reader
        for early in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGTERM):
            process.send_signal(early)
        opened.write("go on\n")
    assert process.wait(60) == 0, (tmp_path / "log").read_text()
    assert "stopped" in (tmp_path / "log").read_text()
