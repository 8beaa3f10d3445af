/* SPDX-License-Identifier: MIT */
/*
 * Stands between a connection's socket and libh2o: each byte is seen here once before libh2o sees
 * it. Over HTTP/1 a head is handed on when it is complete and right; a request that is at fault is
 * answered here, and nothing of it reaches libh2o. HTTP/2 is guard_http2.h's.
 */
#ifndef WORKER_GUARD_H
#define WORKER_GUARD_H

#include <h2o.h>

#include "worker/http1_request.h"
#include "worker/refusal.h"
#include "worker/timer.h"

struct guard;
struct guard_http2;

/* What a connection over HTTP/2 is ended for. */
enum guard_nuisance { GUARD_FLOOD, GUARD_SLOW_HEAD, GUARD_IDLE };

struct guard_events {
    void (*moved)(struct guard *guard); /* bytes have come and were walked over */
    void (*refused)(struct guard *guard, enum refusal refusal, const char *why);
    void (*left)(struct guard *guard); /* the other side has ended; a request is being served */
    /* Over HTTP/2: libh2o was made to end the connection; a body was given up. */
    void (*calmed)(struct guard *guard, enum guard_nuisance nuisance, const char *why);
    void (*body_stood_still)(struct guard *guard);
    void (*closed)(struct guard *guard); /* the socket has gone */
};

enum guard_mode { GUARD_NEW, GUARD_HTTP1, GUARD_HTTP2, GUARD_PASSES, GUARD_LINGERS };

/* Embedded in the connection's record, which lives as long as the socket. */
struct guard {
    h2o_socket_t *sock;
    struct timers *timers;
    const struct guard_events *events;
    enum guard_mode mode;
    h2o_socket_cb read; /* libh2o's */
    struct http1_request walk;
    bool http1_only;           /* who speaks HTTP/2 is refused */
    uint64_t head_ms, body_ms; /* over HTTP/2: of a head to come, of a body that stands still */
    const h2o_context_t *context;
    struct guard_http2 *http2; /* owned; NULL until it is spoken */
    const void *http1;         /* libh2o's record while HTTP/1 is spoken */
    struct buffer kept;        /* what came with a TLS handshake; the refusal that is being sent */
    struct timer timer;
    size_t left; /* bytes that are still drained */
    bool drained;
    bool parked; /* libh2o does not read, the kernel watches; else nobody does */
};

/* Takes the socket's on_close. */
void guard_open(struct guard *guard, h2o_socket_t *sock, struct timers *timers,
                const struct http1_limits *limits, const struct guard_events *events);
/* Of a socket that guard_open() was given; NULL for any other. */
struct guard *guard_of(const h2o_socket_t *sock);

/*
 * Answers for libh2o and drains what the other side is still sending, for a bounded time, so that
 * it can read the answer; then tells libh2o that the connection was closed. Only while libh2o is
 * reading. The second: a socket that libh2o does not have; it is closed in the end.
 */
void guard_refuse(struct guard *guard, enum refusal refusal, const char *why);
void guard_turn_away(struct guard *guard, enum refusal refusal, const char *why);

#endif
