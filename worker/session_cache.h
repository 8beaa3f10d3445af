/* SPDX-License-Identifier: MIT */
/*
 * Pairs whose keys a worker keeps ready, by their id. How true they still are is for others to ask;
 * the keys live as long as anybody has a reference.
 */
#ifndef WORKER_SESSION_CACHE_H
#define WORKER_SESSION_CACHE_H

#include "worker/session_ref.h"

/* Embedded. */
struct session_cache {
    struct session_ref **slots; /* owned; 2^n of them */
    size_t n_slots;
    size_t n_cached, max_cached;
    struct session_ref *newest, *oldest;
};

MUST_CHECK int session_cache_init(struct session_cache *cache, size_t max_cached); /* -ENOMEM */
/* All references of others must have been put. */
void session_cache_fini(struct session_cache *cache);

/* NULL: it is not there. No reference. */
struct session_ref *session_cache_find(const struct session_cache *cache,
                                       const uint8_t id[static PAIR_ID_LEN]);
/* Keeps a reference of its own; the one that was longest without use makes room. */
void session_cache_add(struct session_cache *cache, struct session_ref *ref);
void session_cache_note_use(struct session_cache *cache, struct session_ref *ref);
/* Puts its reference. Also of one that is there no longer. */
void session_cache_remove(struct session_cache *cache, struct session_ref *ref);

#endif
