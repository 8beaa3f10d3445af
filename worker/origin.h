/* SPDX-License-Identifier: MIT */
/*
 * What the calls to one origin share: kept connections, a bounded number of slots for connections,
 * and a bounded queue of those who wait for one. Whoever is served has a slot, with a kept
 * connection or to make one in, and gives it back.
 */
#ifndef WORKER_ORIGIN_H
#define WORKER_ORIGIN_H

#include <h2o/linklist.h>

#include "common/metric.h"
#include "worker/http1_client.h"
#include "worker/tls.h"

enum { ORIGIN_IDLE_MS = 55 * 1000, ORIGIN_AGE_MS = 5 * 60 * 1000 }; /* of a kept connection */

/* All origins of a worker. Embedded; loop, soon and the limits are set. */
struct origins {
    h2o_loop_t *loop;
    h2o_timeout_t *soon;
    uint64_t max_connections, max_waiting;     /* per origin */
    struct metric_block *metrics;              /* NULL: nothing is counted */
    bool draining;                             /* keep no connection */
    struct tls_trust *trust[N_UPSTREAM_SIDES]; /* NULL until needed */
    h2o_linklist_t all;
};
void origins_init(struct origins *origins);
/* All slots have been given back and nobody waits. Closes what is kept. */
void origins_fini(struct origins *origins);
void origins_drain(struct origins *origins);

struct origin;

/* Embedded in who waits. */
struct origin_wait {
    h2o_linklist_t link;
    struct origin *origin;
    upstream_allow_cb allow; /* judges the address of a kept connection */
    void *allow_arg;
    bool at_once; /* set by origin_wait(): there are slots for all who wait, ready() is certain */
    /* A slot is the waiter's; kept is a connection, then its own, or NULL. */
    void (*ready)(struct origin_wait *wait, struct http1_client *kept);
};

/* Joins the queue of the request's origin; ready() comes later. ERR_FULL, ERR_CRYPTO, -ENOMEM. */
MUST_CHECK int origin_wait(struct origins *origins, const struct upstream_request *request,
                           struct origin_wait *wait);
void origin_leave(struct origin_wait *wait);

const char *origin_host(const struct origin *origin);
uint16_t origin_port(const struct origin *origin);
const struct tls_host *origin_tls(const struct origin *origin); /* NULL: plain TCP */

/* Gives a slot back: with a connection that may be kept, or without one (NULL). */
void origin_give_back(struct origin *origin, struct http1_client **client);

#endif
