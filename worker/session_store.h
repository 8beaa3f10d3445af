/* SPDX-License-Identifier: MIT */
/*
 * The one interface to what all workers, and with REDIS_URL all instances, must agree on: pairs,
 * claims, nonces and the rate of pairings. An answer may come before the call returns (shared
 * memory) or later (Redis); a wait that is cancelled gets none.
 */
#ifndef WORKER_SESSION_STORE_H
#define WORKER_SESSION_STORE_H

#include "worker/redis.h"
#include "worker/session_ref.h"

struct identity;
struct session_lookup;
struct session_store;
struct store_op;

struct session_store_config {
    struct shm *shm;              /* outlives the store */
    uint64_t pairs_per_node;      /* used pairs of one peer deployment */
    uint64_t pairing_rate;        /* pairings a second of one peer deployment */
    size_t max_cached;            /* pairs whose keys this worker keeps ready */
    struct metric_block *metrics; /* of this process, outlives the store */
    /* NULL: there is no Redis. Its callbacks and metrics are the store's to set. */
    const struct redis_config *redis;
    bool strict;            /* while it is away nothing goes on, not even within this instance */
    uint64_t away_after_ms; /* without a connection: it is away */
    const struct identity *identity; /* under which pairs are in Redis; outlives the store */
};
/* ERR_LIMIT: the shared memory is too small. Of redis_new(), too. */
MUST_CHECK int session_store_new(const struct session_store_config *config,
                                 struct session_store **store_r);
/* All references must have been put, all waits be over or cancelled. */
void session_store_free(struct session_store **store);
/* Forgets and wipes what is over; for a timer, every few seconds. */
void session_store_sweep(struct session_store *store);
/* Pairs in the memory of this instance. */
uint32_t session_store_n_pairs(const struct session_store *store);

/* Embedded in whoever waits, zeroed at birth. done() comes exactly once unless cancelled. */
struct store_wait {
    /* result: 0 or the ERR_* of the question asked. */
    void (*done)(struct store_wait *wait, int result);
    void *arg; /* the waiter's own */
    /* the store's own; NULL where nothing is under way */
    struct store_op *op;           /* a question to Redis */
    struct session_lookup *lookup; /* or one that it shares with others */
    struct store_wait *next;
    struct session_ref **ref_r;
};
void store_wait_cancel(struct store_wait *wait);

/* May node pair now? 0 or ERR_BUSY. Always answers at once. */
MUST_CHECK int session_store_pairing_allowed(struct session_store *store,
                                             const uint8_t node[static NODE_LEN]);
/* 0, ERR_REPLAY (seen in the last 300 s), ERR_BUSY (no room or no answer). */
void session_store_nonce(struct session_store *store, const uint8_t nonce[static PAIRING_NONCE_LEN],
                         struct store_wait *wait);
/* 0: whoever may be sent a message under it finds it; or ERR_BUSY. Its arbiter is the store's to
 * choose. */
void session_store_put(struct session_store *store, const struct session *session,
                       struct store_wait *wait);
/* 0 with *ref_r set (the caller's to put) before done(); ERR_UNKNOWN; ERR_BUSY. */
void session_store_get(struct session_store *store, const uint8_t id[static PAIR_ID_LEN],
                       struct session_ref **ref_r, struct store_wait *wait);
/*
 * Claims again (if not NULL) first, then the message's own counter, exactly once for ever.
 * 0: both were new, the request may run. ERR_REPLAY, ERR_BUSY (maybe claimed: nobody will be told
 * that it was new), ERR_UNKNOWN (the pair went meanwhile).
 */
void session_store_claim(struct session_store *store, struct session_ref *ref, uint64_t counter,
                         const struct envelope_again *again, struct store_wait *wait);

#endif
