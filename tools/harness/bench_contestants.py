# SPDX-License-Identifier: MIT
"""What is compared: the API itself, and what can stand in front of it, each as one would run it:
a worker for each core, kept connections and TLS sessions, bodies in memory, no access log."""

import os
import socket
import subprocess

from bench_programs import Program
from relay import BUILD, TOKEN, Relay, curl, default_settings, wait_until

CORES = len(os.sched_getaffinity(0))

NGINX = """
{user}
daemon off;
pid nginx.pid;
worker_processes {cores};
worker_rlimit_nofile 65536;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    keepalive_requests 100000000;
    client_max_body_size 16m;
    client_body_buffer_size 2m;
    upstream next {{
        server 127.0.0.1:{next_port};
        keepalive 1024; keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096 {listen};
        {server}
        location / {{
            proxy_pass {scheme}://next;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffers 64 16k;
            proxy_max_temp_file_size 0;
            {location}
        }}
    }}
}}
"""

NGINX_TLS_SERVER = """
        ssl_certificate {tls}/server.pem; ssl_certificate_key {tls}/server.key;
        ssl_client_certificate {tls}/ca.pem; ssl_verify_client on;
        ssl_protocols TLSv1.3;
        ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;
"""

NGINX_TLS_CLIENT = """
            proxy_ssl_certificate {tls}/client.pem; proxy_ssl_certificate_key {tls}/client.key;
            proxy_ssl_trusted_certificate {tls}/ca.pem; proxy_ssl_verify on;
            proxy_ssl_name peer; proxy_ssl_server_name on; proxy_ssl_session_reuse on;
            proxy_ssl_protocols TLSv1.3;
            proxy_ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;
"""

HAPROXY = """
global
    nbthread {cores}
    maxconn 8192
defaults
    mode http
    timeout connect 5s
    timeout client 75s
    timeout server 75s
    http-reuse always
frontend in
    # h2load takes a status line without a reason, which h2 leaves, for no status.
    http-response set-status 200 reason OK if {{ status 200 }}
    bind 127.0.0.1:{port} backlog 4096 {bind}
    default_backend out
backend out
    server next 127.0.0.1:{next_port} {server}
"""

HAPROXY_TLS = ("ssl crt {tls}/{end}.both ca-file {tls}/ca.pem verify required ssl-min-ver TLSv1.3"
               " ciphersuites TLS_AES_256_GCM_SHA384 alpn {alpn}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def make_certificates(folder):
    """ca.pem, and a key and certificate for either end of a hop; .both is the two in one file."""
    folder.mkdir()
    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2"]
    openssl(folder, *new, "-x509", "-subj", "/CN=bench CA", "-keyout", "ca.key", "-out", "ca.pem")
    for end in ("server", "client"):
        openssl(folder, *new, "-x509", "-subj", "/CN=peer", "-addext", "subjectAltName=DNS:peer",
                "-addext", "basicConstraints=CA:FALSE", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-keyout", f"{end}.key", "-out", f"{end}.pem")
        both = (folder / f"{end}.pem").read_text() + (folder / f"{end}.key").read_text()
        (folder / f"{end}.both").write_text(both)


class Contestant:
    """What answers at url, with the fields that an application adds, and its programs."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = folder
        self.fields = []
        self.programs = []
        self.redis = None
        self.url = None

    @property
    def sessions(self):
        return {program.process.pid for program in self.programs}

    @property
    def redis_sessions(self):
        return {self.redis.process.pid} if self.redis else set()

    def own_folder(self, name):
        folder = self.folder / f"{self.name}-{name}".replace(" ", "-")
        folder.mkdir()
        return folder

    def add_nginx(self, name, next_port, scheme="http", **parts):
        folder, port = self.own_folder(name), free_port()
        values = {"listen": "", "server": "", "location": ""} | parts
        (folder / "conf").write_text(NGINX.format(
            user="user nobody nogroup;" if os.getuid() == 0 else "", cores=CORES, port=port,
            next_port=next_port, scheme=scheme, **values))
        self.programs.append(Program(folder, ["/usr/sbin/nginx", "-p", folder, "-c", "conf",
                                              "-e", "stderr"]))
        return port

    def add_haproxy(self, name, next_port, bind="", server=""):
        folder, port = self.own_folder(name), free_port()
        (folder / "conf").write_text(HAPROXY.format(
            cores=CORES, port=port, next_port=next_port, bind=bind, server=server))
        self.programs.append(Program(folder, ["/usr/sbin/haproxy", "-db", "-f", "conf"]))
        return port

    def add_redis(self):
        folder, port = self.own_folder("redis"), free_port()
        self.redis = Program(folder, ["redis-server", "--bind", "127.0.0.1", "--port", str(port),
                                      "--save", "", "--maxmemory-policy", "noeviction"])
        self.programs.append(self.redis)
        return f"redis://127.0.0.1:{port}"

    def add_relay(self, name, api_port, **more):
        settings = default_settings(name) | {
            "UPSTREAM": f"http://127.0.0.1:{api_port}", "WORKERS": str(CORES), "LOG_LEVEL": "info",
            "UPSTREAM_MAX_CONNECTIONS": "4096"} | more
        relay = Relay(self.own_folder(name), name, settings)
        self.programs.append(relay)
        return relay.start().port

    def answers(self, body):
        """Does it answer a request as the API does, byte for byte?"""
        answer = curl(self.url, data=body, fields=self.fields, check=False)
        return answer.status == 200 and answer.body == body

    def start(self, build, api_port, tls):
        self.url = f"http://127.0.0.1:{build(self, api_port, tls)}/bench"
        wait_until(lambda: self.answers(b"ready?"), what=f"an answer through {self.name}")

    def stop(self):
        for program in reversed(self.programs):
            program.stop()


def direct(_, api_port, __):
    return api_port


def nginx(contestant, api_port, _):
    return contestant.add_nginx("proxy", api_port)


def nginx_pair(contestant, api_port, tls):
    peer = contestant.add_nginx("inbound", api_port, listen="ssl",
                                server=NGINX_TLS_SERVER.format(tls=tls))
    return contestant.add_nginx("outbound", peer, scheme="https",
                                location=NGINX_TLS_CLIENT.format(tls=tls))


def haproxy_pair(contestant, api_port, tls, alpn):
    peer = contestant.add_haproxy(
        "inbound", api_port, bind=HAPROXY_TLS.format(tls=tls, end="server", alpn=alpn))
    return contestant.add_haproxy(
        "outbound", peer, server=HAPROXY_TLS.format(tls=tls, end="client", alpn=alpn)
        + " sni str(peer) verifyhost peer")


def haproxy_pair_h1(contestant, api_port, tls):
    return haproxy_pair(contestant, api_port, tls, "http/1.1")


def haproxy_pair_h2(contestant, api_port, tls):
    return haproxy_pair(contestant, api_port, tls, "h2")


def relay_pair(contestant, api_port, _, redis_url=None, **settings):
    peer = contestant.add_relay("inbound", api_port, REDIS_URL=redis_url, **settings)
    contestant.fields = [f"x-mte-outbound-token: {TOKEN}",
                         f"x-mte-upstream: http://127.0.0.1:{peer}"]
    return contestant.add_relay("outbound", api_port, **settings)


def relay_pair_with_redis(contestant, api_port, tls):
    return relay_pair(contestant, api_port, tls, contestant.add_redis())


def watched_pair(contestant, api_port, tls):
    return relay_pair(contestant, api_port, tls, WORKERS="16", ADMIN_LISTEN="127.0.0.1:0")


DIRECT, NGINX_PAIR, HAPROXY_H2, OURS = ("direct", "nginx mTLS pair", "haproxy mTLS h2 pair",
                                        "mte-api-relay pair")
BUILDERS = {
    DIRECT: direct,
    "nginx, plain": nginx,
    NGINX_PAIR: nginx_pair,
    "haproxy mTLS h1 pair": haproxy_pair_h1,
    HAPROXY_H2: haproxy_pair_h2,
    OURS: relay_pair,
}
WITH_REDIS = "mte-api-relay pair with Redis"
WATCHED = "mte-api-relay pair, 16 workers each, with an admin listener"
REDIS_BUILDERS = {OURS: relay_pair, WITH_REDIS: relay_pair_with_redis}


class Field:
    """An API and the contestants in front of it. A context: everything is stopped at its end."""

    def __init__(self, folder, names, pace=()):
        self.folder = folder
        self.names = names
        self.pace = [str(x) for x in pace]
        self.api = None
        self.contestants = []

    @property
    def sessions(self):
        return {self.api.process.pid}.union(*(x.sessions for x in self.contestants))

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        self.folder.mkdir(mode=0o755)
        make_certificates(self.folder / "tls")
        (self.folder / "api").mkdir()
        self.api = Program(self.folder / "api", [BUILD / "tools/bench_api", *self.pace])
        port = int(wait_until(self.api.log_path.read_text, what="the port of the API"))
        builders = BUILDERS | REDIS_BUILDERS | {WATCHED: watched_pair}
        for name in self.names:
            contestant = Contestant(name, self.folder)
            self.contestants.append(contestant)
            contestant.start(builders[name], port, self.folder / "tls")

    def __exit__(self, *_):
        for contestant in reversed(self.contestants):
            contestant.stop()
        if self.api:
            self.api.stop()
