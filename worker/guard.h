/* SPDX-License-Identifier: MIT */
/*
 * Stands between a connection's socket and libh2o: each byte is seen here once before libh2o sees
 * it. Over HTTP/1 a head is handed on when it is complete and right; a request that is at fault is
 * answered here, and nothing of it reaches libh2o. HTTP/2 passes.
 */
#ifndef WORKER_GUARD_H
#define WORKER_GUARD_H

#include <h2o.h>

#include "worker/http1_request.h"
#include "worker/refusal.h"
#include "worker/timer.h"

struct guard;

struct guard_events {
    void (*moved)(struct guard *guard); /* bytes have come and were walked over */
    void (*refused)(struct guard *guard, enum refusal refusal, const char *why);
    void (*left)(struct guard *guard);   /* the other side has ended; a request is being served */
    void (*closed)(struct guard *guard); /* the socket has gone */
};

enum guard_mode { GUARD_NEW, GUARD_HTTP1, GUARD_PASSES, GUARD_LINGERS };

/* Embedded in the connection's record, which lives as long as the socket. */
struct guard {
    h2o_socket_t *sock;
    struct timers *timers;
    const struct guard_events *events;
    enum guard_mode mode;
    h2o_socket_cb read; /* libh2o's */
    struct http1_request walk;
    struct buffer kept; /* what came with a TLS handshake; the refusal that is being sent */
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
