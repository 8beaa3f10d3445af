/* SPDX-License-Identifier: MIT */
/*
 * What the metrics are told apart by: each label, and all the values that it can have. The texts
 * are API; so is, for processes that share memory, their order (SHM_VERSION).
 */
#ifndef LABEL_VALUE
#error "define LABEL_BEGIN(label, name), LABEL_VALUE(id, text), LABEL_END(label) before including"
#endif

/* clang-format off */
LABEL_BEGIN(no_label, "")
    LABEL_VALUE(NO_LABEL, "")
LABEL_END(no_label)

/* Of a request. */
LABEL_BEGIN(direction, "direction")
    LABEL_VALUE(DIRECTION_OWN, "own") /* answered here: our own routes, and what is refused before it is known */
    LABEL_VALUE(DIRECTION_OUTBOUND, "outbound")
    LABEL_VALUE(DIRECTION_INBOUND, "inbound")
    LABEL_VALUE(DIRECTION_PLAIN, "plain")
LABEL_END(direction)

/* Of an answer. */
LABEL_BEGIN(status_class, "status")
    LABEL_VALUE(STATUS_2XX, "2xx")
    LABEL_VALUE(STATUS_3XX, "3xx")
    LABEL_VALUE(STATUS_4XX, "4xx")
    LABEL_VALUE(STATUS_5XX, "5xx")
    LABEL_VALUE(STATUS_ABORTED, "aborted") /* broke off, or its application left */
LABEL_END(status_class)

/* Why a peer's request for a pair was refused. */
LABEL_BEGIN(pairing_refusal, "reason")
    LABEL_VALUE(PAIRING_SECRET, "secret") /* made with another SECRET */
    LABEL_VALUE(PAIRING_SELF, "self")     /* it came from this deployment */
    LABEL_VALUE(PAIRING_SUITE, "suite")   /* no cipher suite in common */
    LABEL_VALUE(PAIRING_CLOCK, "clock")
    LABEL_VALUE(PAIRING_REPLAY, "replay")
    LABEL_VALUE(PAIRING_BUSY, "busy")     /* PAIRING_RATE, PAIRS_PER_NODE, or a drain */
    LABEL_VALUE(PAIRING_FORMAT, "format")
    LABEL_VALUE(PAIRING_FORGED, "forged")
    LABEL_VALUE(PAIRING_OURS, "internal") /* this relay failed */
LABEL_END(pairing_refusal)

/* Of what there may be no more: the answer was BUSY. */
LABEL_BEGIN(limit, "limit")
    LABEL_VALUE(LIMIT_PAIRS, "pairs")             /* in all; four times PAIRS_PER_NODE */
    LABEL_VALUE(LIMIT_NODE_PAIRS, "node_pairs")   /* PAIRS_PER_NODE, none of them idle */
    LABEL_VALUE(LIMIT_PAIRING_RATE, "pairing_rate") /* PAIRING_RATE */
    LABEL_VALUE(LIMIT_NONCES, "nonces")
    LABEL_VALUE(LIMIT_CLAIMS, "claims")           /* CLAIM_PAGES, or a quarter of them for one pair */
    LABEL_VALUE(LIMIT_LOOKUPS, "lookups")         /* of pairs that are unknown here, 64 a worker */
LABEL_END(limit)

/* Why a pair with a peer relay was not made; as enum peer_failure. */
LABEL_BEGIN(pairing_failure, "reason")
    LABEL_VALUE(PAIRING_UNREACHABLE, "unreachable")
    LABEL_VALUE(PAIRING_TLS, "tls")
    LABEL_VALUE(PAIRING_NOT_ALLOWED, "not_allowed")
    LABEL_VALUE(PAIRING_TIMEOUT, "timeout")
    LABEL_VALUE(PAIRING_NOT_A_RELAY, "not_a_relay")
    LABEL_VALUE(PAIRING_REFUSED, "refused")
    LABEL_VALUE(PAIRING_PEER_IS_SELF, "self")
    LABEL_VALUE(PAIRING_PEER_BUSY, "busy")
    LABEL_VALUE(PAIRING_BAD_RESPONSE, "bad_response")
LABEL_END(pairing_failure)

/* Whom connections of ours lead to; as enum upstream_side. */
LABEL_BEGIN(outward_side, "to")
    LABEL_VALUE(OUTWARD_UPSTREAM, "upstream")
    LABEL_VALUE(OUTWARD_PEER, "peer")
LABEL_END(outward_side)

/* Of a worker process. */
LABEL_BEGIN(worker_state, "state")
    LABEL_VALUE(WORKER_STARTING, "starting")
    LABEL_VALUE(WORKER_UP, "up")
    LABEL_VALUE(WORKER_DRAINING, "draining")
    LABEL_VALUE(WORKER_BACKOFF, "backoff") /* it died; another will be started */
LABEL_END(worker_state)

/* Settings that hold certificates; of CAs the last to expire counts, of a chain the first. */
LABEL_BEGIN(certificate, "setting")
    LABEL_VALUE(CERTIFICATE_TLS_CERT_FILE, "TLS_CERT_FILE")
    LABEL_VALUE(CERTIFICATE_TLS_CLIENT_CA_FILE, "TLS_CLIENT_CA_FILE")
    LABEL_VALUE(CERTIFICATE_UPSTREAM_CA_FILE, "UPSTREAM_CA_FILE")
    LABEL_VALUE(CERTIFICATE_PEER_CA_FILE, "PEER_CA_FILE")
    LABEL_VALUE(CERTIFICATE_PEER_CERT_FILE, "PEER_CERT_FILE")
    LABEL_VALUE(CERTIFICATE_REDIS_CA_FILE, "REDIS_CA_FILE")
LABEL_END(certificate)

LABEL_BEGIN(version, "version")
    LABEL_VALUE(VERSION_THIS, PACKAGE_VERSION)
LABEL_END(version)

/* Who computes ML-KEM. */
LABEL_BEGIN(kem, "kem")
    LABEL_VALUE(KEM_OPENSSL, "openssl")
    LABEL_VALUE(KEM_OWN, "own")
LABEL_END(kem)
/* clang-format on */
