# SPDX-License-Identifier: MIT
"""TLS on every leg: who is let in, who is believed, and that nothing ever goes without it."""

import hashlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import httpx
import pytest
from certificates import Authority
from example_api import ExampleApi
from relay import SECRET, TOKEN, Pair, curl, wait_until
from test_start import GOOD, check

LOCAL = "IP:127.0.0.1,DNS:localhost"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def ca(folder):
    return Authority(folder, "ca")


@pytest.fixture(scope="module")
def stranger(folder):
    return Authority(folder, "stranger")


@pytest.fixture(scope="module")
def server(ca):
    """TLS_CERT_FILE and TLS_KEY_FILE of a relay at 127.0.0.1 and localhost."""
    return dict(zip(("TLS_CERT_FILE", "TLS_KEY_FILE"), ca.issue("server", LOCAL)))


class TlsPair(Pair):
    """Both relays have TLS at the door, the outbound one speaks it to the inbound one, too."""

    def __init__(self, outbound, inbound, authority):
        super().__init__(outbound, inbound)
        self.ca = authority
        self.peer = secure(inbound)

    def fields(self, peer=None):
        return {"x-mte-outbound-token": TOKEN, "x-mte-upstream": peer or self.peer}

    def request(self, path, *arguments, fields=(), peer=None, **more):
        own = [f"{name}: {value}" for name, value in self.fields(peer).items()]
        return curl(secure(self.outbound, path), "--cacert", str(self.ca.path), *arguments,
                    fields=[*own, *fields], **more)


def secure(relay, path="", host="127.0.0.1"):
    return f"https://{host}:{relay.port}{path}"


def make_pair(start, api, ca, server, inbound=None, outbound=None):
    common = {"UPSTREAM": f"http://127.0.0.1:{api.port}", **server}
    return TlsPair(start("outbound", **common, PEER_CA_FILE=str(ca.path), **(outbound or {})),
                   start("inbound", **common, **(inbound or {})), ca)


@pytest.fixture(scope="module")
def tls_pair(shared_start_relay, shared_api, ca, server):
    return make_pair(shared_start_relay, shared_api, ca, server)


def assert_refused(answer, code):
    assert (answer.status, answer.refusal) == (502, code)


# ---- the door ----

@pytest.mark.parametrize("version", ["--tlsv1.3", "--tls-max=1.2"])
@pytest.mark.parametrize("http", ["1.1", "2"])
def test_both_versions_are_spoken_by_alpn(tls_pair, http, version):
    arguments = version.split("=")
    answer = tls_pair.request("/v1/accounts", f"--http{http}", *arguments,
                              "--write-out", "\n%{http_version}")
    body, _, spoken = answer.body.rpartition(b"\n")
    assert (answer.status, spoken.decode()) == (200, http)
    assert ["x-forwarded-proto", "https"] in json.loads(body)["fields"]


def ask_with_the_last_flight(relay, authority, request, alpn):
    """Sends the request together with what ends the handshake; all that comes back."""
    context = ssl.create_default_context(cafile=authority.path)
    context.set_alpn_protocols([alpn])
    came, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(came, going, server_hostname="127.0.0.1")
    answer = b""
    with socket.create_connection(("127.0.0.1", relay.port), timeout=10) as sock:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                sock.sendall(going.read())
                came.write(sock.recv(65536))
        tls.write(request)
        sock.sendall(going.read())
        while b"\r\n" not in answer:
            try:
                answer += tls.read(65536)
            except ssl.SSLWantReadError:
                piece = sock.recv(65536)
                if not piece:
                    break
                came.write(piece)
    return answer


GET = b"GET /api/mte-echo HTTP/1.1\r\nHost: relay\r\n"


@pytest.mark.parametrize("fields,status", [(b"\r\n", b"200"), (b"A: b\n\r\n", b"400"),
                                           (b"Host: other\r\n\r\n", b"400")],
                         ids=["good", "a bare LF", "two Hosts"])
def test_what_comes_with_the_end_of_the_handshake_is_judged(tls_pair, ca, fields, status):
    answer = ask_with_the_last_flight(tls_pair.inbound, ca, GET + fields, "http/1.1")
    assert answer.startswith(b"HTTP/1.1 " + status)


def test_past_max_connections_no_handshake_is_begun(start_relay, api, server, ca):
    relay = start_relay("door", UPSTREAM=f"http://127.0.0.1:{api.port}", MAX_CONNECTIONS="1",
                        WORKERS="1", **server)
    context = ssl.create_default_context(cafile=ca.path)
    with socket.create_connection(("127.0.0.1", relay.port), timeout=10) as first, \
            context.wrap_socket(first, server_hostname="127.0.0.1"):
        with socket.create_connection(("127.0.0.1", relay.port), timeout=10) as second, \
                pytest.raises((ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)):
            context.wrap_socket(second, server_hostname="127.0.0.1")


@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
@pytest.mark.parametrize("size", [0, 1, 16384, 1 << 20, 1 << 24])
def test_a_body_is_identical_there_and_back(tls_pair, shared_api, size, http):
    body = os.urandom(size)
    answer = tls_pair.request("/echo", http, data=body)
    assert answer.status == 200
    assert shared_api.requests[-1]["sha256"] == hashlib.sha256(body).hexdigest()
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(body).digest()


def test_httpx_has_many_requests_on_one_connection(tls_pair):
    context = ssl.create_default_context(cafile=tls_pair.ca.path)
    with httpx.Client(http2=True, verify=context, headers=tls_pair.fields(), timeout=60) as client:
        for i in range(50):
            body = os.urandom(i * 1000)
            answer = client.post(secure(tls_pair.outbound, "/echo"), content=body)
            assert (answer.http_version, answer.status_code) == ("HTTP/2", 200)
            assert answer.content == body


def test_the_door_has_tls_or_nothing(tls_pair, shared_api):
    before = len(shared_api.requests)
    answer = curl(tls_pair.outbound.url("/x"), check=False,
                  fields=[f"{name}: {value}" for name, value in tls_pair.fields().items()])
    assert (answer.status, answer.exit_status != 0) == (0, True)
    assert len(shared_api.requests) == before


def handshake(relay, ca, **limits):
    context = ssl.create_default_context(cafile=ca.path)
    context.set_ciphers("ALL:@SECLEVEL=0")
    for name, value in limits.items():
        setattr(context, name, value)
    with socket.create_connection(("127.0.0.1", relay.port), 10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as sock:
            return sock.version(), sock.session


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_are_refused(tls_pair, ca):
    with pytest.raises(ssl.SSLError):
        handshake(tls_pair.outbound, ca, minimum_version=ssl.TLSVersion.TLSv1,
                  maximum_version=ssl.TLSVersion.TLSv1_1)


def test_no_session_can_be_resumed(tls_pair, ca):
    version, session = handshake(tls_pair.outbound, ca, maximum_version=ssl.TLSVersion.TLSv1_2)
    assert version == "TLSv1.2"
    assert (session.has_ticket, session.id) == (False, b"")


def test_a_handshake_that_does_not_end_is_ended(start_relay, api, server):
    relay = start_relay("slow", UPSTREAM=f"http://127.0.0.1:{api.port}", HEADER_TIMEOUT="500ms",
                        **server)
    with socket.create_connection(("127.0.0.1", relay.port), 15) as silent:
        silent.sendall(b"\x16\x03\x01")
        assert silent.recv(1) == b""


def test_a_client_shows_a_certificate_of_ours_or_is_refused(start_relay, api, ca, stranger, server):
    relay = start_relay("strict", UPSTREAM=f"http://127.0.0.1:{api.port}", **server,
                        TLS_CLIENT_CA_FILE=str(ca.path))
    for authority, accepted in ((None, False), (stranger, False), (ca, True)):
        own = []
        if authority is not None:
            certificate, key = authority.issue("client", "DNS:client.test")
            own = ["--cert", certificate, "--key", key]
        answer = curl(secure(relay, "/api/mte-echo"), "--cacert", str(ca.path), *own, check=False)
        assert (answer.status, answer.exit_status == 0) == ((200, True) if accepted else (0, False))


class CutApi:
    """Answers with less than it promised; then_wait: only when the other side has gone."""

    def __init__(self, then_wait=False):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.then_wait = then_wait
        self.asked, self.left = threading.Event(), threading.Event()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with self.listener, self.listener.accept()[0] as sock:
            sock.recv(65536)
            self.asked.set()
            if self.then_wait:
                sock.recv(1)
                self.left.set()
            else:
                sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")


def start_pass_through(start, api, server):
    return start("plain", UPSTREAM=f"http://127.0.0.1:{api.port}", PASS_THROUGH_ROUTES="/*",
                 **server)


def test_a_broken_http_1_0_answer_is_no_clean_end(start_relay, ca, server):
    relay = start_pass_through(start_relay, CutApi(), server)
    context = ssl.create_default_context(cafile=ca.path)
    with socket.create_connection(("127.0.0.1", relay.port), 15) as plain:
        with context.wrap_socket(plain, server_hostname="localhost",
                                 suppress_ragged_eofs=False) as sock:
            sock.sendall(b"GET /x HTTP/1.0\r\n\r\n")
            with pytest.raises((ConnectionResetError, ssl.SSLEOFError)):
                while sock.recv(65536):
                    pass


def test_an_application_that_leaves_is_noticed(start_relay, ca, server):
    api = CutApi(then_wait=True)
    relay = start_pass_through(start_relay, api, server)
    context = ssl.create_default_context(cafile=ca.path)
    with socket.create_connection(("127.0.0.1", relay.port), 15) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as sock:
            sock.sendall(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert api.asked.wait(15)
            sock.settimeout(0.1)
            with pytest.raises(TimeoutError):
                sock.unwrap()  # close_notify, then the end
    assert api.left.wait(15)


# ---- between the relays ----

def test_a_peer_is_held_to_its_name_or_address(start_relay, tls_pair, shared_api, ca):
    by_name = dict(zip(("TLS_CERT_FILE", "TLS_KEY_FILE"), ca.issue("named", "DNS:localhost")))
    relay = start_relay("named", UPSTREAM=f"http://127.0.0.1:{shared_api.port}", **by_name)
    assert tls_pair.request("/x", peer=secure(relay, host="localhost")).status == 200
    assert_refused(tls_pair.request("/x", peer=secure(relay)), "peer_tls")


@pytest.mark.parametrize("trusted", ["stranger", None], ids=["another CA", "the system's CAs"])
def test_a_peer_of_a_ca_that_is_not_trusted_is_refused(start_relay, tls_pair, shared_api, stranger,
                                                       trusted):
    relay = start_relay("distrustful", UPSTREAM=f"http://127.0.0.1:{shared_api.port}",
                        PEER_CA_FILE=str(stranger.path) if trusted else None)
    before = len(shared_api.requests)
    answer = curl(relay.url("/x"), fields=[f"x-mte-outbound-token: {TOKEN}",
                                           f"x-mte-upstream: {tls_pair.peer}"])
    assert_refused(answer, "peer_tls")
    assert len(shared_api.requests) == before


def test_relays_show_each_other_certificates(start_relay, api, ca, server):
    certificate, key = ca.issue("relay", "DNS:relay.test")
    own = {"PEER_CERT_FILE": certificate, "PEER_KEY_FILE": key}
    pair = make_pair(start_relay, api, ca, server, outbound=own,
                     inbound={"TLS_CLIENT_CA_FILE": str(ca.path)})
    assert pair.request("/echo", data=b"both").body == b"both"
    nameless = make_pair(start_relay, api, ca, server)
    # libh2o ends the handshake without a word, so the other side cannot know why.
    assert_refused(nameless.request("/x", peer=pair.peer), "peer_unreachable")
    pair.inbound.wait_for_log("TLS failed at the door .*did not return a certificate")
    assert len(api.requests) == 1


class Recorder:
    """Takes connections, remembers what comes first, and closes."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        self.heard = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            sock, _ = self.listener.accept()
            with sock:
                self.heard.append(sock.recv(65536))


def test_nothing_goes_in_the_clear_to_an_https_peer(tls_pair):
    recorder = Recorder()
    assert_refused(tls_pair.request("/a-word-of-the-request", peer=recorder.url), "peer_tls")
    assert recorder.heard
    for heard in recorder.heard:
        assert heard.startswith(b"\x16\x03") and b"POST" not in heard and b"mte" not in heard


def test_https_to_a_plain_peer_and_http_to_a_secure_one_fail(start_relay, tls_pair, api):
    plain = start_relay("plain", UPSTREAM=f"http://127.0.0.1:{api.port}")
    assert_refused(tls_pair.request("/x", peer=secure(plain)), "peer_tls")
    answer = tls_pair.request("/x", peer=tls_pair.inbound.url())
    assert answer.status == 502 and answer.refusal.startswith("peer_")
    assert api.requests == []


# ---- the API ----

def start_secure_api(certificate, key):
    api = ExampleApi()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    api.socket = context.wrap_socket(api.socket, server_side=True, do_handshake_on_connect=False)
    return api.start()


@pytest.mark.parametrize("case", ["verified", "a name it does not have", "a CA not trusted",
                                  "the system's CAs", "no TLS there"])
def test_an_https_api_is_verified(start_relay, shared_pair, api, ca, stranger, case):
    if case != "no TLS there":
        names = "DNS:api.test" if case == "a name it does not have" else LOCAL
        api = start_secure_api(*ca.issue("api", names))
    cas = {"a CA not trusted": stranger.path, "the system's CAs": None}.get(case, ca.path)
    relay = start_relay("inbound", UPSTREAM=f"https://127.0.0.1:{api.port}",
                        UPSTREAM_CA_FILE=str(cas) if cas else None)
    body = os.urandom(1 << 20)
    answer = curl(shared_pair.outbound.url("/echo"), data=body, fields=[
        f"x-mte-outbound-token: {TOKEN}", f"x-mte-upstream: {relay.url()}"])
    if case == "verified":
        assert (answer.status, answer.body) == (200, body)
        api.stop()
    else:
        assert_refused(answer, "upstream_tls")
        assert api.requests == []


# ---- what is checked before anything runs ----

def mistakes(folder, ca, stranger):
    certificate, key = ca.issue("checked", LOCAL)
    _, other_key = stranger.issue("other", LOCAL)
    texts = {"words": b"no PEM\n", "half": open(certificate, "rb").read()[:300], "empty": b"",
             "der": ssl.PEM_cert_to_DER_cert(open(certificate, encoding="ascii").read())}
    paths = {}
    for name, text in texts.items():
        paths[name] = str(folder / name)
        (folder / name).write_bytes(text)
    locked = str(folder / "locked.key")
    subprocess.run(["openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:1234", "-out",
                    locked], check=True)
    weak, weak_key = str(folder / "weak.pem"), str(folder / "weak.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:1024", "-noenc", "-keyout", weak_key,
                    "-out", weak, "-subj", "/CN=weak"], check=True, capture_output=True)
    yield from (({name: paths[text]}, [name, what])
                for name in ("UPSTREAM_CA_FILE", "PEER_CA_FILE")
                for text, what in (("words", "no certificate"), ("half", "broken"),
                                   ("empty", "empty"), ("der", "no certificate")))
    for side, ca_name in (("TLS", "TLS_CLIENT_CA_FILE"), ("PEER", "PEER_CA_FILE")):
        def both(cert, private, side=side, **more):
            return {f"{side}_CERT_FILE": cert, f"{side}_KEY_FILE": private, **more}
        yield both(certificate, other_key), [f"{side}_KEY_FILE", "not the key"]
        yield both(certificate, locked), [f"{side}_KEY_FILE", "password"]
        yield both(certificate, paths["words"]), [f"{side}_KEY_FILE", "no private key"]
        yield both(paths["half"], key), [f"{side}_CERT_FILE", "broken"]
        yield both(paths["words"], key), [f"{side}_CERT_FILE", "no certificate"]
        yield both(weak, weak_key), [f"{side}_CERT_FILE", "too small"]
        yield both(certificate, key, **{ca_name: paths["words"]}), [ca_name, "no certificate"]
        yield {f"{side}_CERT_FILE": certificate}, [f"{side}_CERT_FILE", f"{side}_KEY_FILE"]
        yield {f"{side}_KEY_FILE": key}, [f"{side}_KEY_FILE", f"{side}_CERT_FILE"]
    yield {"TLS_CLIENT_CA_FILE": str(ca.path)}, ["TLS_CLIENT_CA_FILE", "TLS_CERT_FILE"]


def test_each_bad_certificate_is_named_by_its_setting(tmp_path, ca, stranger):
    for change, words in mistakes(tmp_path, ca, stranger):
        status, output = check({**GOOD, **change})
        assert (change, status) == (change, 78)
        assert any(all(word in line for word in words) for line in output.splitlines()), output
        assert "PRIVATE" not in output


def test_two_bad_certificates_are_named_at_once(tmp_path):
    words = tmp_path / "words"
    words.write_text("no PEM")
    status, output = check({**GOOD, "UPSTREAM_CA_FILE": str(words), "PEER_CA_FILE": str(words)})
    assert status == 78
    assert "UPSTREAM_CA_FILE: has no" in output and "PEER_CA_FILE: has no" in output


def test_a_certificate_that_ends_soon_is_told_once_a_start(start_relay, api, ca):
    certificate, key = ca.issue("brief", LOCAL, days=10)
    relay = start_relay("brief", UPSTREAM=f"http://127.0.0.1:{api.port}", TLS_CERT_FILE=certificate,
                        TLS_KEY_FILE=key, PEER_CA_FILE=str(ca.path))
    told = [line for line in relay.log().splitlines() if "expires" in line]
    assert len(told) == 1 and "TLS_CERT_FILE" in told[0]
    assert re.search(" in (9|10) days", told[0])  # 10 within the second of its making


def test_certificates_are_read_once_and_workers_outlive_their_files(start_relay, api, ca):
    certificate, key = ca.issue("fleeting", LOCAL)
    relay = start_relay("fleeting", UPSTREAM=f"http://127.0.0.1:{api.port}", WORKERS="1",
                        TLS_CERT_FILE=certificate, TLS_KEY_FILE=key)
    os.unlink(certificate)
    os.unlink(key)
    worker, = relay.workers()
    os.kill(worker, 9)
    wait_until(lambda: relay.workers() not in ([], [worker]))
    assert curl(secure(relay, "/api/mte-echo"), "--cacert", str(ca.path)).status == 200


def test_a_reload_takes_new_certificates(start_relay, api, ca):
    certificate, key = ca.issue("renewed", LOCAL)
    relay = start_relay("renewed", UPSTREAM=f"http://127.0.0.1:{api.port}",
                        TLS_CERT_FILE=certificate, TLS_KEY_FILE=key)
    ca.issue("renewed", LOCAL)
    with open(certificate, encoding="ascii") as file:
        new = file.read()
    assert ssl.get_server_certificate(("127.0.0.1", relay.port)) != new
    relay.process.send_signal(signal.SIGHUP)
    wait_until(lambda: ssl.get_server_certificate(("127.0.0.1", relay.port)) == new)
