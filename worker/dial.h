/* SPDX-License-Identifier: MIT */
/*
 * A connection in the making: resolves the name, asks whether each address is allowed, and tries
 * the allowed ones in turn until one takes a connection (and its TLS handshake succeeds).
 */
#ifndef WORKER_DIAL_H
#define WORKER_DIAL_H

#include <h2o/socket.h>

#include "worker/resolve.h"
#include "worker/timer.h"
#include "worker/tls.h"
#include "worker/upstream.h"

enum { DIAL_PERIODS = 3 }; /* of connect_ms, that it may take in all */

struct dial_target {
    const char *host; /* stays in place until done */
    uint16_t port;
    const struct tls_host *tls; /* NULL: plain TCP */
    upstream_allow_cb allow;    /* NULL: any */
    void *allow_arg;
};

struct dial_means {
    h2o_loop_t *loop;
    struct timers *timers;
    struct resolver *resolver;
    uint64_t connect_ms; /* for the name, and for each address; 0 = none */
};

/* Embedded, zeroed at birth. */
struct dial {
    const struct dial_means *means;
    struct dial_target target;
    /* The last thing it does. sock, then the caller's, or NULL and why. Maybe before the start
     * returns. */
    void (*done)(struct dial *dial, h2o_socket_t *sock, enum upstream_failure failure,
                 const char *detail);
    struct resolve_query *query;
    struct resolve_result found;
    size_t n_tried, n_allowed;
    h2o_socket_t *sock;
    struct timer timer;
    uint64_t started_ms;
    bool timed_out;
    int error; /* of the last address */
};

/* means, target and done are set. */
void dial_start(struct dial *dial);
/* Also of one that was never started, or is done. */
void dial_cancel(struct dial *dial);

#endif
