/* SPDX-License-Identifier: MIT */
/*
 * Every setting, one row each: field, name in the environment (lower case in the file), kind,
 * default as one would write it, flags, smallest and largest value (numbers in the kind's unit,
 * max 0 = unbounded; of a secret: its length), and what it means to an operator. A setting stands
 * here when it acts.
 *
 * Flags: REQUIRED; SECRET (also X_FILE); LISTED (the file may give a list); SPARE (a second secret:
 * its X_FILE may be empty, which it is but for a rotation).
 */
#ifndef SETTING_ROW
#error "define SETTING_ROW(field, name, kind, fallback, flags, min, max, about) before including"
#endif

/* clang-format off */
SETTING_ROW(upstream, "UPSTREAM", url, "", REQUIRED, 0, 0,
            "http(s) URL of the API that decoded requests go to; a base path is allowed")
SETTING_ROW(client_id_secret, "CLIENT_ID_SECRET", secret, "", REQUIRED | SECRET, 32, 0,
            "signs client ids; at least 32 characters")
SETTING_ROW(client_id_secret_also, "CLIENT_ID_SECRET_ALSO", secret, "", SECRET | SPARE, 32, 0,
            "second CLIENT_ID_SECRET, accepted but never used to sign; for rotation")
SETTING_ROW(outbound_token, "OUTBOUND_TOKEN", token, "", REQUIRED | SECRET, 1, 0,
            "the local application shows it to send a request out; 16 characters or more")
SETTING_ROW(outbound_token_also, "OUTBOUND_TOKEN_ALSO", token, "", SECRET | SPARE, 1, 0,
            "second OUTBOUND_TOKEN that is accepted; for rotation")
SETTING_ROW(secret, "SECRET", secret, "", SECRET, 0, 0,
            "shared by both relays, authenticates pairing; 16 characters or more")
SETTING_ROW(secret_also, "SECRET_ALSO", secret, "", SECRET | SPARE, 0, 0,
            "second SECRET, accepted but never offered; for rotation")
SETTING_ROW(port, "PORT", count, "8080", 0, 0, 65535,
            "data port; 0 lets the system choose one, which is logged")
SETTING_ROW(listen, "LISTEN", address, "", 0, 0, 0,
            "address of the data port; default [::] for both families, else 0.0.0.0")
SETTING_ROW(admin_listen, "ADMIN_LISTEN", endpoint, "", 0, 0, 0,
            "where /healthz, /readyz, /metrics and /status are answered, to anybody who can connect; off for nowhere. If not set, 127.0.0.1:8081, and nowhere where another program has that; port 0 lets the system choose one, which is logged")
SETTING_ROW(control_socket, "CONTROL_SOCKET", text, "", 0, 0, 0,
            "path of the unix socket that relayctl talks to, or off. If not set, control.sock in the folder mte-api-relay of the system's run folder, and none where that cannot be made")
SETTING_ROW(log_level, "LOG_LEVEL", level, "info", 0, 0, 0,
            "trace, debug, info, warning, error, panic or off")
SETTING_ROW(log_format, "LOG_FORMAT", log_format, "json", 0, 0, 0,
            "json: each line of the log is one JSON object; text: for reading by eye. What is wrong with the settings themselves is always text on standard error")
SETTING_ROW(log_output, "LOG_OUTPUT", outlet, "stderr", 0, 1, 0,
            "where the log goes: stderr, stdout, syslog, or the path of a file, which the master opens (SIGUSR1: again)")
SETTING_ROW(access_log, "ACCESS_LOG", outlet, "off", 0, 0, 0,
            "where a line for each request goes, as LOG_OUTPUT, or off; in the format of LOG_FORMAT, at any LOG_LEVEL")
SETTING_ROW(syslog_socket, "SYSLOG_SOCKET", text, "/dev/log", 0, 0, 0,
            "socket of the syslog daemon, for what goes to syslog")
SETTING_ROW(pass_through_routes, "PASS_THROUGH_ROUTES", routes, "", LISTED, 0, 0,
            "routes that go to UPSTREAM without encoding")
SETTING_ROW(mte_routes, "MTE_ROUTES", routes, "", LISTED, 0, 0,
            "if set, only these routes are encoded and all else is 404")
SETTING_ROW(cors_origins, "CORS_ORIGINS", origins, "", LISTED, 0, 0,
            "origins that browsers may call from; CORS acts only when set")
SETTING_ROW(cors_methods, "CORS_METHODS", list, "GET, POST, PUT, DELETE", LISTED, 0, 0,
            "methods a preflight allows; it never limits what is relayed")
SETTING_ROW(headers, "HEADERS", fields, "", 0, 0, 0,
            "header fields set on requests to UPSTREAM and on answers to the application, never between relays")
SETTING_ROW(workers, "WORKERS", count, "0", 0, 0, 512,
            "worker processes; 0: one for each core available, cgroup limits counted")
SETTING_ROW(tls_cert_file, "TLS_CERT_FILE", file, "", 0, 0, 0,
            "certificate of the data port, in PEM, with those that lead up to a CA: PORT then speaks TLS (1.2 and 1.3) and nothing else")
SETTING_ROW(tls_key_file, "TLS_KEY_FILE", file, "", 0, 0, 0,
            "private key of TLS_CERT_FILE, in PEM, without a password")
SETTING_ROW(tls_client_ca_file, "TLS_CLIENT_CA_FILE", file, "", 0, 0, 0,
            "CAs, in PEM, of which whoever connects to PORT must show a certificate; none: nobody need show one")
SETTING_ROW(upstream_ca_file, "UPSTREAM_CA_FILE", file, "", 0, 0, 0,
            "CAs, in PEM, that an https UPSTREAM is held to; default the system's")
SETTING_ROW(peer_ca_file, "PEER_CA_FILE", file, "", 0, 0, 0,
            "CAs, in PEM, that https peer relays are held to; default the system's")
SETTING_ROW(peer_cert_file, "PEER_CERT_FILE", file, "", 0, 0, 0,
            "certificate to show to peer relays that ask for one, in PEM, with those that lead up to a CA")
SETTING_ROW(peer_key_file, "PEER_KEY_FILE", file, "", 0, 0, 0,
            "private key of PEER_CERT_FILE, in PEM, without a password")
SETTING_ROW(outbound_upstream, "OUTBOUND_UPSTREAM", url, "", 0, 0, 0,
            "peer relay for outbound requests without x-mte-upstream")
SETTING_ROW(outbound_allow, "OUTBOUND_ALLOW", peers, "", LISTED, 0, 0,
            "origins of peer relays that requests may go to, https://*.example.com for all names below one; if not set, any. Link-local, unspecified and multicast addresses never")
SETTING_ROW(outbound_from, "OUTBOUND_FROM", networks, "", LISTED, 0, 0,
            "networks whose requests may show the outbound token; if not set, any")
SETTING_ROW(trusted_proxies, "TRUSTED_PROXIES", networks, "", LISTED, 0, 0,
            "networks whose X-Forwarded-For is believed; if not set, none")
SETTING_ROW(max_request_body, "MAX_REQUEST_BODY", size, "16 MiB", 0, 1024, 1073741824,
            "largest request body; a larger one is refused with 413")
SETTING_ROW(max_buffered, "MAX_BUFFERED", size, "0", 0, 0, 0,
            "request bodies that all workers hold together; past it 503; 0: a quarter of the memory, cgroup limits counted")
SETTING_ROW(max_connections, "MAX_CONNECTIONS", count, "10000", 0, 1, 1000000,
            "accepted connections of all workers together; past it 503 and closed")
SETTING_ROW(upstream_max_connections, "UPSTREAM_MAX_CONNECTIONS", count, "256", 0, 1, 65536,
            "connections of a worker to one origin; then a short queue, then 503")
SETTING_ROW(connect_timeout, "CONNECT_TIMEOUT", duration, "5s", 0, 10, 3600000,
            "for connecting to one address")
SETTING_ROW(upstream_timeout, "UPSTREAM_TIMEOUT", duration, "60s", 0, 0, 86400000,
            "silence of the API or of a peer relay; 0 for none")
SETTING_ROW(header_timeout, "HEADER_TIMEOUT", duration, "10s", 0, 10, 3600000,
            "for the complete head of a request")
SETTING_ROW(body_timeout, "BODY_TIMEOUT", duration, "30s", 0, 10, 3600000,
            "for a request body that makes no progress")
SETTING_ROW(idle_timeout, "IDLE_TIMEOUT", duration, "75s", 0, 10, 86400000,
            "for a kept connection without a request")
SETTING_ROW(send_timeout, "SEND_TIMEOUT", duration, "60s", 0, 10, 3600000,
            "for an answer that its reader does not take")
SETTING_ROW(pair_lifetime, "PAIR_LIFETIME", duration, "1h", 0, 60000, 86400000,
            "a session pair is replaced at 75 % of it")
SETTING_ROW(pairs_per_node, "PAIRS_PER_NODE", count, "4096", 0, 1, 1048576,
            "used session pairs kept for one peer deployment")
SETTING_ROW(claim_pages, "CLAIM_PAGES", count, "8192", 0, 16, 1048576,
            "pages of 4 KiB that remember executed requests, for all pairs together")
SETTING_ROW(pairing_rate, "PAIRING_RATE", count, "100", 0, 1, 100000,
            "pairings a second that one peer deployment may begin, after a burst of ten times that")
SETTING_ROW(redis_url, "REDIS_URL", redis, "", SECRET, 0, 0,
            "where all instances of a deployment share session pairs: redis://, rediss:// (TLS) or unix:/path; if not set, an instance keeps its own in shared memory")
SETTING_ROW(redis_failure, "REDIS_FAILURE", failure, "local", 0, 0, 0,
            "while Redis is away: local, an instance serves only pairs that it makes then, unknown to the others; strict, it executes nothing that is sealed")
SETTING_ROW(redis_ca_file, "REDIS_CA_FILE", file, "", 0, 0, 0,
            "CAs, in PEM, that a rediss:// REDIS_URL is held to; default the system's")
SETTING_ROW(redis_timeout, "REDIS_TIMEOUT", duration, "1s", 0, 10, 60000,
            "for Redis to answer; without an answer nothing is executed, and after as long without a connection Redis is away")
SETTING_ROW(drain_timeout, "DRAIN_TIMEOUT", duration, "30s", 0, 0, 3600000,
            "for requests in flight at a graceful stop")
SETTING_ROW(run_user, "RUN_USER", text, "", 0, 0, 0,
            "user that workers become when the master is root")
SETTING_ROW(run_group, "RUN_GROUP", text, "", 0, 0, 0,
            "group that workers become when the master is root; default the user's own")
/* clang-format on */
