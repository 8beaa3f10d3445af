# SPDX-License-Identifier: MIT
"""What mte-api-relayd does beside serving: health checks for container engines, secrets, versions."""

import os
import re
import signal
import subprocess

import pytest
from relay import MASTER, WORKER, default_settings


def run(*arguments, settings=None):
    merged = {**default_settings("asked"), "UPSTREAM": "http://127.0.0.1:9", **(settings or {})}
    merged.update({key: value for key, value in os.environ.items() if "SAN" in key})
    return subprocess.run([MASTER, "--worker", WORKER, "-c", "/dev/null", *arguments], text=True,
                          capture_output=True, timeout=60, check=False,
                          env={k: v for k, v in merged.items() if v is not None})


def health_of(relay, **settings):
    return run("--healthcheck", settings={**relay.settings, **settings})


@pytest.mark.parametrize("listen", ["127.0.0.1", "0.0.0.0", "[::1]", "[::]"])
def test_health_is_asked_of_the_admin_listener(start_relay, api, listen):
    relay = start_relay("healthy", UPSTREAM=f"http://127.0.0.1:{api.port}",
                        ADMIN_LISTEN=f"{listen}:0")
    place = {"ADMIN_LISTEN": f"{listen}:{relay.admin_port}"}
    result = health_of(relay, **place)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert "for=admin" in relay.log()
    if listen == "127.0.0.1":
        relay.stop()
        result = health_of(relay, **place)
        assert result.returncode == 1 and "does not answer well" in result.stderr


def test_health_is_asked_of_the_control_socket_where_there_is_no_admin_listener(
        start_relay, api, tmp_path):
    relay = start_relay("quiet", UPSTREAM=f"http://127.0.0.1:{api.port}", WORKERS="1",
                        CONTROL_SOCKET=str(tmp_path / "sock"))
    assert health_of(relay).returncode == 0
    os.kill(relay.process.pid, signal.SIGSTOP)  # it listens, and says nothing
    assert health_of(relay).returncode == 1
    os.kill(relay.process.pid, signal.SIGCONT)
    relay.stop()
    assert health_of(relay).returncode == 1


def test_where_nobody_can_be_asked_health_is_bad():
    result = run("--healthcheck")
    assert result.returncode == 1 and "are off" in result.stderr
    assert run("--healthcheck", settings={"UPSTREAM": None}).returncode == 1


def test_secrets_are_long_and_each_is_another():
    secrets = [run("--generate-secret").stdout for _ in range(20)]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}\n", secret) for secret in secrets)
    assert len(set(secrets)) == 20
    assert len(set("".join(secrets).replace("\n", ""))) == 64
    assert run("-t", settings={"CLIENT_ID_SECRET": secrets[0].strip()}).returncode == 0


def test_version_and_help_are_told():
    assert re.fullmatch(r"mte-api-relay \d+\.\d+\.\d+\n", run("--version").stdout)
    told = run("--help").stdout
    for option in ("--healthcheck", "--generate-secret", "--print-config", "--test"):
        assert option in told


def test_settings_are_printed_without_their_secrets():
    result = run("--print-config", settings={"ADMIN_LISTEN": "[::1]:9999"})
    assert result.returncode == 0 and "ADMIN_LISTEN = [::1]:9999" in result.stdout
    assert "CONTROL_SOCKET = off" in result.stdout and "client id secret" not in result.stdout
