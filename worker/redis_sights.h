/* SPDX-License-Identifier: MIT */
/*
 * When this instance first saw each server of Redis, in memory that its workers share. A server
 * knows nothing of the claims that were made before it came to serve.
 */
#ifndef WORKER_REDIS_SIGHTS_H
#define WORKER_REDIS_SIGHTS_H

#include "worker/redis_server.h"

struct redis_sight;

/* A process' view. Embedded; owns nothing. */
struct redis_sights {
    struct redis_sight *all;
    size_t n;
};

/* at: zeroed at birth, aligned to 8, the same for all processes. ERR_LIMIT: no room for one. */
MUST_CHECK int redis_sights_open(struct redis_sights *sights, void *at, size_t len);
/* Under the lock. When it was first seen: now, if never. Monotonic ms. */
uint64_t redis_sights_note(const struct redis_sights *sights, const char *run_id, uint64_t now_ms);

#endif
