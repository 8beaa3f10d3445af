/* SPDX-License-Identifier: MIT */
/* What the files of the session store share among themselves. */
#ifndef WORKER_SESSION_STORE_INTERNAL_H
#define WORKER_SESSION_STORE_INTERNAL_H

#include "worker/redis_watch.h"
#include "worker/session_cache.h"
#include "worker/session_lookup.h"

struct session_store {
    struct store_memory memory;
    struct session_cache cache;
    struct redis *client; /* owned; NULL: there is none */
    struct store_redis redis;
    struct redis_watch watch;
    bool strict; /* nothing goes on without Redis */
    struct metric_block *metrics;
    struct session_lookups lookups;
};

/* What memory has said, as the waiter is told it: a limit is counted, and BUSY. */
MUST_CHECK int session_store_limited(struct session_store *store, int result, enum limit limit);

/* Is there a Redis, and not away? */
bool session_store_asks_redis(const struct session_store *store);

/* A question to Redis, or several in turn, for one wait. */
struct store_op {
    struct session_store *store;
    struct store_wait *wait;
    struct store_redis_wait asked;
    struct session session;  /* of put */
    struct session_ref *ref; /* of claim, and what follows */
    uint64_t counter;
    struct envelope_again again;
};

/* NULL: no memory, and wait was told so. */
struct store_op *store_op_new(struct session_store *store, struct store_wait *wait);
void store_op_free(struct store_op **op);
/* The answer; the last step of whoever calls it. */
void store_op_finish(struct store_op *op, int result);
struct store_op *store_op_of(struct store_redis_wait *asked);

/* ---- session_claim.c ---- */

/* A claim of the memory's own, in its two steps: as store_memory_use(), store_memory_claim_own().
 */
MUST_CHECK int session_claim_use(struct session_store *store, const struct session_ref *ref);
MUST_CHECK int session_claim_in_memory(struct session_store *store, const struct session_ref *ref,
                                       uint64_t counter);

/* Where Redis has a say: as session_store_claim(). */
void session_claim_begin(struct session_store *store, struct session_ref *ref, uint64_t counter,
                         const struct envelope_again *again, struct store_wait *wait);

#endif
