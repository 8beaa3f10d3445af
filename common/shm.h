/* SPDX-License-Identifier: MIT */
/*
 * The memory that a master and all its workers share, for the master's life: a memfd with a
 * versioned header and five regions. This module maps and lays out; what a region holds is its
 * user's business (metric, heartbeat, board, the worker's session table and claims).
 */
#ifndef COMMON_SHM_H
#define COMMON_SHM_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/error.h"
#include "common/span.h"
#include "common/steady.h"

enum { SHM_VERSION = 3 };

/* Each region begins at a page boundary and is zeroed at birth. */
enum shm_region {
    SHM_METRICS,    /* blocks of metric.h */
    SHM_HEARTBEATS, /* one 64-byte line a slot */
    SHM_PAIRS,      /* the worker's session table, nonces and rates */
    SHM_CLAIMS,     /* the worker's claim pages */
    SHM_BOARD,      /* places of board.h */
    N_SHM_REGIONS
};

struct shm;

struct shm_sizes {
    size_t bytes[N_SHM_REGIONS];
};

/* The master's: makes the memfd (close-on-exec) and maps it, not dumpable (MADV_DONTDUMP). */
MUST_CHECK int shm_create(const struct shm_sizes *sizes, struct shm **shm_r);
/* A worker's: maps what the master made. ERR_UNSUPPORTED for another version. fd stays the
 * caller's. */
MUST_CHECK int shm_attach(int fd, struct shm **shm_r);
void shm_close(struct shm **shm); /* unmaps; the last one to go frees the memory */
int shm_fd(const struct shm *shm);

void *shm_at(const struct shm *shm, enum shm_region region);
size_t shm_len(const struct shm *shm, enum shm_region region);

/* When this memory began, or was last emptied: nothing older is remembered here. Monotonic: the
 * wall clock is often set right just after a machine has started. */
uint64_t shm_began_ms(const struct shm *shm);

/*
 * Since when the processes of this memory count Redis as away, monotonic ms; 0: they do not (or
 * there is none). Theirs to write, under the lock.
 */
_Atomic uint64_t *shm_redis_away(const struct shm *shm);

/* The mark of steady.h that the processes of this memory share: it outlives what is emptied. */
steady_mark *shm_steady_mark(const struct shm *shm);

/*
 * The one lock (robust, shared between processes) over inserting and allocating in SHM_PAIRS and
 * SHM_CLAIMS. Waits at most 50 ms: ERR_BUSY. When its last owner died inside, both regions are
 * zeroed before it is handed over: unknown pairs are safe. shm_generation() and shm_began_ms() move
 * on before the first byte is zeroed: whoever changes a region without the lock and finds the same
 * generation afterwards did it to what was there before.
 */
MUST_CHECK int shm_lock(struct shm *shm);
void shm_unlock(struct shm *shm);

/* Counts how often the regions were emptied that way: caches of what was in them compare it. */
uint64_t shm_generation(const struct shm *shm);

#endif
