/* SPDX-License-Identifier: MIT */
/*
 * Redis as the arbiter of pairs, nonces and claims of all instances (protocol.md 9): what
 * store_memory.h is for one.
 */
#ifndef WORKER_STORE_REDIS_H
#define WORKER_STORE_REDIS_H

#include "worker/pair_record.h"
#include "worker/redis.h"

/* Embedded, zeroed at birth but for the first two; owns neither, and outlives its waits. */
struct store_redis {
    struct redis *redis;
    const struct identity *identity;
    struct redis_call marking; /* its own */
};

enum { STORE_REDIS_NAME_MAX = 80 };

/* Embedded in whoever waits; zeroed at birth. */
struct store_redis_wait {
    /* Once, unless cancelled; maybe before the question returns. */
    void (*done)(struct store_redis_wait *wait, int result);
    /* its own */
    struct redis_call call;
    struct store_redis *store;
    char pair[PAIR_RECORD_NAME_LEN + 1]; /* name of the pair's key, or "" */
    char page[STORE_REDIS_NAME_MAX];     /* of its claims */
    char bit[8], expires_ms[24];
    char run_id[REDIS_RUN_ID_LEN + 1]; /* who must answer; zeros: anybody */
    bool by_text;                      /* the script went whole */
    uint8_t id[PAIR_ID_LEN];
    struct pair_record *record_r;
    uint64_t since_ms; /* what store_redis_since() brought */
};
void store_redis_cancel(struct store_redis_wait *wait);

/* 0; ERR_REPLAY (seen in the last 300 s); ERR_BUSY (no answer, or no room). */
void store_redis_nonce(struct store_redis *store, const uint8_t nonce[static PAIRING_NONCE_LEN],
                       struct store_redis_wait *wait);
/*
 * 0: every instance finds it, for 360 s unless it is claimed under. ERR_BUSY. Fills
 * record->run_id, with the server's that stores it.
 */
void store_redis_put(struct store_redis *store, struct pair_record *record,
                     struct store_redis_wait *wait);
/*
 * 0, with *record_r filled; ERR_UNKNOWN: there is none, or not at the server that was given it;
 * ERR_BUSY.
 */
void store_redis_get(struct store_redis *store, const uint8_t id[static PAIR_ID_LEN],
                     struct pair_record *record_r, struct store_redis_wait *wait);
/*
 * Claims counter (< 2^24) of a pair that get gave. 0: it was new; ERR_REPLAY; ERR_UNKNOWN: the pair
 * is there no longer; ERR_BUSY: it may have been claimed, and nobody will be told that it was new.
 */
void store_redis_claim(struct store_redis *store, const struct pair_record *pair, uint64_t counter,
                       struct store_redis_wait *wait);
/* The same of an AGAIN, whose pair need not be there. */
void store_redis_claim_again(struct store_redis *store, const uint8_t id[static PAIR_ID_LEN],
                             uint64_t counter, struct store_redis_wait *wait);

/*
 * Since when Redis remembers, by the wall clock: 0 with wait->since_ms set; ERR_UNKNOWN: it does
 * not say; ERR_BUSY. Ask after the claim that it is to judge.
 */
void store_redis_since(struct store_redis *store, struct store_redis_wait *wait);
/* These bring no answer. It remembers from now on, where it does not say since when. */
void store_redis_mark(struct store_redis *store);
/* It remembers from then on, wall clock, whatever it says. */
void store_redis_begin_anew(struct store_redis *store, uint64_t from_ms);

#endif
