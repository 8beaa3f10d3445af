# SPDX-License-Identifier: MIT
"""The real programs, started and stopped: a relay in a folder of its own, and curl through it."""

import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MTE_BUILD", TOP))
MASTER = BUILD / "mte-api-relayd"
WORKER = BUILD / "mte-api-relay-worker"

TOKEN = "a-token-of-the-tests"
SECRET = "the secret that both relays share"
# Planted by tests where no log, status or metric may ever show what it carries.
QUERY_MARKER, BODY_MARKER, FIELD_MARKER = (f"planted-in-a-{place}" for place in ("query", "body", "field"))


def wait_until(question, seconds=15.0, what="it"):
    """The first true answer; fails the test when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < end, f"{what} did not come true within {seconds} s"
        time.sleep(0.02)


def default_settings(name):
    """Settings that a relay of that name can start with, but for UPSTREAM."""
    return {
        "PORT": "0", "LISTEN": "127.0.0.1", "WORKERS": "2", "LOG_LEVEL": "debug", "LOG_FORMAT": "text",
        "OUTBOUND_TOKEN": TOKEN, "SECRET": SECRET, "DRAIN_TIMEOUT": "6s",
        "ADMIN_LISTEN": "off", "CONTROL_SOCKET": "off",
        "CLIENT_ID_SECRET": f"client id secret of {name}, long enough",
        "RUN_USER": "nobody" if os.getuid() == 0 else None}


class Relay:
    """A master and its workers. Settings are environment variables, as operators give them."""

    def __init__(self, folder, name, settings):
        self.folder = folder / name
        self.folder.mkdir(mode=0o755)
        self.name = name
        self.output_path = self.log_path = self.folder / "log"
        self.settings = settings
        self.process = None
        self.port = self.admin_port = None
        self.started = None

    def start(self, silent=False, serving=r"serving\W+generation"):
        """Until it serves, as its log says, text or JSON; if that is not here, until it answers."""
        environment = {k: v for k, v in os.environ.items() if k in ("PATH", "TMPDIR") or "SAN" in k}
        environment.update({k: v for k, v in self.settings.items() if v is not None})
        begin = self.log_end()
        with open(self.output_path, "ab") as output:
            self.process = subprocess.Popen(
                [MASTER, "--worker", WORKER, "-c", self.config_path()], env=environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        if silent:
            self.port = int(self.settings["PORT"])
            wait_until(lambda: curl(self.url("/api/mte-echo"), check=False).status, 20, "an answer")
            return self
        self.port = int(self.wait_for_log(r'listening\W+address\W+[^\s"]*:(\d+)', begin)[1])
        # The same port after a restart, as a service has it.
        self.settings["PORT"] = str(self.port)
        self.wait_for_log(serving, begin)
        admin = re.search(r'listening\W+address\W+[^\s"]*:(\d+)\W+for\W+admin', self.log(begin))
        self.admin_port = int(admin[1]) if admin else None
        self.started = time.monotonic()
        return self

    def wait_for_memory(self):
        """Until an AGAIN of now is no longer older than what the relay can remember (10 s)."""
        time.sleep(max(0, self.started + 10.5 - time.monotonic()))

    def config_path(self):
        path = self.folder / "relay.conf"
        path.touch()
        return path

    def log(self, begin=0):
        if not self.log_path.exists():
            return ""
        return self.log_path.read_bytes()[begin:].decode(errors="replace")

    def log_end(self):
        return self.log_path.stat().st_size if self.log_path.exists() else 0

    def wait_for_log(self, pattern, begin=0, seconds=20.0):
        def look():
            assert self.process.poll() is None or re.search(pattern, self.log(begin)), \
                f"{self.name} ended with status {self.process.returncode}"
            return re.search(pattern, self.log(begin))
        return wait_until(look, seconds, f"{pattern!r} in the log of {self.name}")

    def url(self, path="", host="127.0.0.1"):
        return f"http://{host}:{self.port}{path}"

    def admin_url(self, path=""):
        """With ADMIN_LISTEN=127.0.0.1:0 among the settings."""
        return f"http://127.0.0.1:{self.admin_port}{path}"

    def told(self):
        """All that it has written and, while it lives, would answer to an operator: (where, text)."""
        files = {self.output_path, self.log_path, *self.folder.glob("relay.[0-9]*"),
                 *(pathlib.Path(self.settings.get(name) or "off")
                   for name in ("LOG_OUTPUT", "ACCESS_LOG"))}
        texts = [(str(path), path.read_text(errors="replace")) for path in files if path.is_file()]
        if getattr(self, "admin_port", None) and self.process.poll() is None:
            texts += [(path, curl(self.admin_url(path), check=False, seconds=10).body.decode())
                      for path in ("/metrics", "/status", "/readyz")]
        return texts

    def leaks(self):
        """What it must never tell, and has told."""
        secrets = [value for name, value in self.settings.items() if value and len(value) >= 16
                   and name.removesuffix("_ALSO") in ("SECRET", "CLIENT_ID_SECRET", "OUTBOUND_TOKEN")]
        markers = [TOKEN, SECRET, QUERY_MARKER, BODY_MARKER, FIELD_MARKER, *secrets]
        return [(where, marker) for where, text in self.told() for marker in markers
                if marker in text]

    def workers(self):
        """Process ids of the workers, of this master's children only."""
        path = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def kill(self):
        """As a machine does it: no goodbye from anybody."""
        for pid in [self.process.pid, *self.workers()]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def stop(self):
        """Gently; returns the exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        return self.process.returncode


@dataclasses.dataclass
class Answer:
    status: int
    fields: list
    body: bytes
    exit_status: int = 0

    def all(self, name):
        return [value for key, value in self.fields if key == name]

    def field(self, name):
        return next(iter(self.all(name)), None)

    @property
    def refusal(self):
        return self.field("x-mte-relay-error")


def curl(url, *arguments, data=None, fields=(), seconds=60, check=True):
    """Real curl. Its answer; with check its failure fails the test."""
    command = ["curl", "--silent", "--show-error", "--include", "--path-as-is", "--globoff",
               "--max-time", str(seconds), *arguments]
    for field in fields:
        command += ["--header", field]
    if data is not None:
        command += ["--data-binary", "@-", "--header", "Expect:"]
    result = subprocess.run([*command, url], input=data, capture_output=True,
                            timeout=seconds + 10, check=False)
    assert not check or result.returncode == 0, result.stderr.decode()
    return parse_answer(result.stdout, result.returncode)


def parse_answer(output, exit_status):
    head, body = b"", output
    while body.startswith(b"HTTP/"):
        head, _, body = body.partition(b"\r\n\r\n")
        if not head.split(b" ")[1].startswith(b"1"):
            break
    if not head:
        return Answer(0, [], b"", exit_status)
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = [(name.lower(), value.strip()) for name, _, value in (x.partition(":") for x in lines)]
    return Answer(int(first.split(" ")[1]), fields, body, exit_status)


class Pair:
    """The application's relay and the API's relay; get() is an application with curl."""

    def __init__(self, outbound, inbound):
        self.outbound, self.inbound = outbound, inbound
        self.peer = inbound.url()  # what applications name; tests put proxies between

    def fields(self, token=TOKEN):
        """What sends a request out, and where to."""
        return {"x-mte-outbound-token": token, "x-mte-upstream": self.peer}

    def request(self, path, *arguments, token=TOKEN, fields=(), **more):
        own = [f"{name}: {value}" for name, value in self.fields(token).items()]
        return curl(self.outbound.url(path), *arguments, fields=[*own, *fields], **more)

    def wait_until_healed(self, seconds=15.0):
        """Seconds until a request goes through again."""
        begin = time.monotonic()
        wait_until(lambda: self.request("/status/200", check=False, seconds=5).status == 200,
                   seconds, "a request through the pair")
        return time.monotonic() - begin
