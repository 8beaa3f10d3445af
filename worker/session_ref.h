/* SPDX-License-Identifier: MIT */
/* A pair found, with its keys ready; counted, shared by all its messages in this worker. */
#ifndef WORKER_SESSION_REF_H
#define WORKER_SESSION_REF_H

#include "common/envelope.h"
#include "worker/store_memory.h"

struct session_ref {
    size_t n_refs;            /* the cache's own among them */
    struct session session;   /* without its key, which is in the keys */
    struct store_place place; /* in shared memory */
    struct pair_keys *keys;   /* owned */
    /* session_cache.h's own */
    struct session_ref *next_in_slot; /* the same hash */
    struct session_ref *newer, *older;
};

/* The first reference, the caller's. -ENOMEM, ERR_CRYPTO. */
MUST_CHECK int session_ref_new(const struct session *session, const struct store_place *place,
                               struct session_ref **ref_r);
struct session_ref *session_ref_get(struct session_ref *ref);
void session_ref_put(struct session_ref **ref);

#endif
