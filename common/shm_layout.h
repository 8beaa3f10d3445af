/* SPDX-License-Identifier: MIT */
/*
 * How large the regions of the shared memory are. The master reserves them without knowing what a
 * worker lays out in them; a worker that needs more refuses to start. Memory that nobody touches
 * costs nothing.
 */
#ifndef COMMON_SHM_LAYOUT_H
#define COMMON_SHM_LAYOUT_H

#include "common/board.h"
#include "common/metric.h"
#include "common/shm.h"

/* Worker processes at once: those that serve, and those of earlier generations that still drain. */
enum { SHM_N_SLOTS = 1024 };

/* A worker's sign of life, one cache line each; written by the worker, read by the master. */
struct shm_heartbeat {
    _Atomic uint64_t mono_ms; /* clock_mono_ms() of its last round; 0 before the first */
    uint8_t unused[56];
};

static inline struct shm_heartbeat *shm_heartbeat(const struct shm *shm, size_t slot)
{
    return (struct shm_heartbeat *)shm_at(shm, SHM_HEARTBEATS) + slot;
}

/* Pairs of four peer deployments at their bound, 65536 nonces (300 s at some 200 pairings a
 * second), the rates, and the servers of Redis seen. */
static inline size_t shm_pairs_len(uint64_t pairs_per_node)
{
    return (size_t)(256 * 4 * pairs_per_node + 64 * 65536 + 65536 + 4096);
}

/* A page is 4096 bytes of bits and a line about them. */
static inline size_t shm_claims_len(uint64_t claim_pages)
{
    return (size_t)((4096 + 64) * claim_pages + 65536);
}

static inline struct shm_sizes shm_layout(uint64_t pairs_per_node, uint64_t claim_pages)
{
    return (struct shm_sizes){ {
        [SHM_METRICS] = metric_region_len(1 + SHM_N_SLOTS),
        [SHM_HEARTBEATS] = SHM_N_SLOTS * sizeof(struct shm_heartbeat),
        [SHM_PAIRS] = shm_pairs_len(pairs_per_node),
        [SHM_CLAIMS] = shm_claims_len(claim_pages),
        [SHM_BOARD] = board_len(SHM_N_SLOTS),
    } };
}

#endif
