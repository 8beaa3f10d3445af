# SPDX-License-Identifier: MIT
"""The image is what its Dockerfile says, and its programs run as a cluster with strict rules runs them."""

import json
import re

import pytest
from conftest import SOURCE, run
from example_api import ExampleApi
from image import BASE, Images
from relay import TOKEN

CLIENT_ID_SECRET = "2DkV4DDabehO8cifDktdF9elKJL0CKrk"
# The environment of the deployment manifest in the manual.
MANUAL = {
    "CLIENT_ID_SECRET": CLIENT_ID_SECRET,
    "CORS_ORIGINS": "https://www.my-company.com,https://dashboard.my-company.com",
    "UPSTREAM": "https://api.my-company.com",
    "OUTBOUND_TOKEN": "abcdefg1234567",
    "SECRET": "sharedsecret1234567890",
}


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    images = Images(tmp_path_factory.mktemp("images"))
    images.make_base()
    yield images.build(SOURCE, "mte-api-relay")
    images.buildah("rm", "--all")
    images.buildah("rmi", "--all", "--force")


@pytest.fixture
def start(image):
    """start(name, settings, ...): containers that are gone at the end."""
    started = []

    def start_container(name, settings, **more):
        started.append(image.container(name, settings, **more))
        return started[-1]

    yield start_container
    for container in started:
        container.remove()


@pytest.fixture
def api():
    server = ExampleApi().start()
    yield server
    server.stop()


def test_the_image_says_how_it_is_run(image):
    config = image.config
    assert config["User"] == "10001:10001"
    assert list(config["ExposedPorts"]) == ["8080/tcp"]
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"] == ["CMD", "/usr/sbin/mte-api-relayd", "--healthcheck"]
    assert config["Entrypoint"] == ["/usr/sbin/mte-api-relayd"] and not config.get("Cmd")
    labels = {name.rpartition(".")[2]: value for name, value in config["Labels"].items()
              if name.startswith("org.opencontainers.image.")}
    version = image.run("/usr/sbin/mte-api-relayd", "--version").split()[1]
    assert labels["version"] == version
    assert labels["revision"] == "tested"
    assert labels["licenses"] == "MIT" and labels["title"] == "mte-api-relay"


def test_the_image_has_the_programs_and_nothing_to_build_or_rise_with(image):
    for program in "sbin/mte-api-relayd", "bin/relayctl", "libexec/mte-api-relay/mte-api-relay-worker":
        assert "not found" not in image.run("ldd", "/usr/" + program)
    for tool in ("cc", "gcc", "ld", "as", "make", "autoconf"):
        assert not (image.root / "usr/bin" / tool).exists()
    packages = image.run("dpkg-query", "--show", "--showformat=${Package}\n").split()
    assert not [name for name in packages if re.match(r"gcc-\d+$|binutils|.*-dev$", name)]
    assert run("find", image.root, "-xdev", "-perm", "/6000") == ""
    owned = run("find", image.root, "-xdev", "-uid", "10001").split()
    assert owned == [str(image.root / "run/mte-api-relay")]


def test_the_relay_adds_about_ten_megabytes_to_its_base(image):
    added = image.images.size("mte-api-relay") - image.images.size(BASE)
    assert 5e6 < added < 15e6, added  # docs/container.md says how much


def test_it_serves_on_a_read_only_root_and_stops_at_the_stop_signal(start):
    container = start("relay", MANUAL, has_own_network=True)
    container.wait_until_serving(8080)
    status = container.execute("cat", "/proc/1/status")
    assert re.search(r"^Uid:\s10001\s10001\s10001\s10001$", status, re.M)
    assert re.search(r"^CapBnd:\s0+$", status, re.M) and re.search(r"^CapEff:\s0+$", status, re.M)
    assert re.search(r"^NoNewPrivs:\s1$", status, re.M) and re.search(r"^Seccomp:\s2$", status, re.M)
    assert "Read-only file system" in container.execute("touch", "/run/mte-api-relay/x", status=1)
    assert container.stop() == 0, container.log()


def test_it_can_be_asked_how_it_is_inside(image, start):
    container = start("asked", MANUAL, has_own_network=True, folders={"/run/mte-api-relay": None})
    container.wait_until_serving(8080)
    assert json.loads(container.execute("relayctl", "--json", "status"))
    check = image.config["Healthcheck"]["Test"][1:]
    container.execute(*check)
    container.execute("sh", "-c", f"! ADMIN_LISTEN=127.0.0.1:1 {' '.join(check)}")


def test_the_manifest_of_the_manual_is_all_it_needs(start):
    container = start("manual", MANUAL, has_own_network=True)
    container.wait_until_serving(8080)
    echo = json.loads(container.curl("http://127.0.0.1:8080/api/mte-echo?msg=hello"))
    assert echo["message"] == "hello"
    answer = container.curl("--include", "--request", "OPTIONS",
                            "--header", "origin: https://dashboard.my-company.com",
                            "--header", "access-control-request-method: POST",
                            "http://127.0.0.1:8080/accounts")
    assert " 204 " in answer.splitlines()[0]
    assert "access-control-allow-origin: https://dashboard.my-company.com" in answer.lower()
    assert CLIENT_ID_SECRET not in container.log()


def test_a_pair_of_containers_relays_with_secrets_from_files(start, api, tmp_path):
    secrets = {"CLIENT_ID_SECRET": CLIENT_ID_SECRET, "OUTBOUND_TOKEN": TOKEN,
               "SECRET": "a secret for two containers"}
    tmp_path.chmod(0o755)
    for name, value in secrets.items():
        (tmp_path / name).write_text(value + "\n")
    settings = {f"{name}_FILE": f"/etc/mte-api-relay/secrets/{name}" for name in secrets}
    settings |= {"PORT": "0", "LISTEN": "127.0.0.1", "LOG_FORMAT": "text"}
    ports = []
    for name, upstream in ("inbound", api.port), ("outbound", 9):
        relay = start(name, settings | {"UPSTREAM": f"http://127.0.0.1:{upstream}"},
                      folders={"/etc/mte-api-relay/secrets": tmp_path})
        ports.append(relay.wait_for_port())
    answer = relay.curl("--data-binary", "a body", f"http://127.0.0.1:{ports[1]}/echo",
                        "--header", f"x-mte-outbound-token: {TOKEN}",
                        "--header", f"x-mte-upstream: http://127.0.0.1:{ports[0]}")
    assert answer == "a body"
    assert [seen["path"] for seen in api.requests] == ["/echo"]
