/* SPDX-License-Identifier: MIT */
/*
 * Pairs that this instance does not know, asked of Redis: each once however many messages wait for
 * it, and so many at a time that nobody who invents ids gets far. What is not there is remembered
 * as that for a second.
 */
#ifndef WORKER_SESSION_LOOKUP_H
#define WORKER_SESSION_LOOKUP_H

#include "worker/session_store.h"
#include "worker/store_redis.h"

enum { SESSION_LOOKUPS_MAX = 64, SESSION_UNKNOWN_MS = 1000 };

struct unknown_pair;

/* Embedded; zeroed at birth but for the first four. */
struct session_lookups {
    struct store_redis *redis;
    struct metric_block *metrics;
    /* 0 and a reference, the look-up's to put; or an error for all who wait. */
    int (*take)(void *arg, const struct pair_record *record, struct session_ref **ref_r);
    void *arg;
    struct session_lookup *first; /* owned, all that are under way */
    size_t n;
    struct unknown_pair *unknown; /* owned */
};

MUST_CHECK int session_lookups_init(struct session_lookups *lookups); /* -ENOMEM */
/* Nobody may wait any more. */
void session_lookups_fini(struct session_lookups *lookups);
/*
 * Answers wait, maybe at once: 0 with *wait->ref_r set; ERR_UNKNOWN; ERR_BUSY, also where there are
 * SESSION_LOOKUPS_MAX others.
 */
void session_lookups_ask(struct session_lookups *lookups, const uint8_t id[static PAIR_ID_LEN],
                         struct store_wait *wait);
/* wait->lookup is not NULL. */
void session_lookup_leave(struct store_wait *wait);

#endif
