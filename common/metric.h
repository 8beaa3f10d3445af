/* SPDX-License-Identifier: MIT */
/*
 * Counters and gauges in shared memory: a block belongs to one process at a time, its only writer,
 * so there is no lock. A block's counters survive its process; sums over all blocks never go back.
 */
#ifndef COMMON_METRIC_H
#define COMMON_METRIC_H

#include <stdatomic.h>

#include "common/buffer.h"
#include "common/shm.h"

enum metric {
#define METRIC_ROW(field, kind, name, help) METRIC_##field,
#include "common/metric_table.h"
#undef METRIC_ROW
    N_METRICS
};

enum { METRIC_N_REFUSALS = 64 }; /* room for the refusals' counters, by their number */

struct metric_block {
    _Atomic uint64_t values[N_METRICS];
    _Atomic uint64_t refusals[METRIC_N_REFUSALS];
};

size_t metric_region_len(size_t n_blocks);
/* The master's block is 0, a slot's is 1 + its index. NULL past the region. */
struct metric_block *metric_block(const struct shm *shm, size_t index);

static inline void metric_add(struct metric_block *block, enum metric metric, int64_t n)
{
    atomic_fetch_add_explicit(&block->values[metric], (uint64_t)n, memory_order_relaxed);
}

/* At reap: the gauges of a process that is gone count no more. */
void metric_zero_gauges(struct metric_block *block);
/* Sum over all blocks; gauges may read below zero for a moment and are then 0. */
uint64_t metric_sum(const struct shm *shm, enum metric metric);
uint64_t metric_sum_refusals(const struct shm *shm, unsigned refusal);
/*
 * All of it as Prometheus text format 0.0.4. code_of() says the code of a refusal's number, NULL
 * where there is none: this floor does not know them.
 */
void metric_print(const struct shm *shm, const char *(*code_of)(unsigned refusal),
                  struct buffer *out);

#endif
