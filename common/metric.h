/* SPDX-License-Identifier: MIT */
/*
 * Metrics in shared memory: a block belongs to one process at a time, its only writer and of one
 * thread, so there is no lock and no atomic addition. A block's counters survive its process; what
 * all blocks say together never goes back. Only blocks up to the last one that was ever asked for
 * are looked at: a scrape costs by the workers that there were at once, not by those there may be.
 *
 * A block is one array of numbers. METRIC_field is where a metric's numbers begin: one for each
 * value of its first label and each of its second, and within a histogram one for each bucket, the
 * bucket above, and the sum in nanoseconds.
 */
#ifndef COMMON_METRIC_H
#define COMMON_METRIC_H

#include <stdatomic.h>

#include "common/buffer.h"
#include "common/shm.h"

/* enum direction { DIRECTION_OWN, …, N_LABEL_direction } and so on. */
#define LABEL_BEGIN(label, name) enum label {
#define LABEL_VALUE(id, text)    id,
#define LABEL_END(label)                                                                           \
    N_LABEL_##label                                                                                \
    }                                                                                              \
    ;
#include "common/metric_label_table.h"
#undef LABEL_BEGIN
#undef LABEL_VALUE
#undef LABEL_END

enum metric_work_bucket {
#define WORK_BUCKET(ns) METRIC_WORK_BUCKET_##ns,
#define WAIT_BUCKET(ns)
#include "common/metric_bucket_table.h"
#undef WORK_BUCKET
#undef WAIT_BUCKET
    METRIC_N_WORK_BUCKETS
};

enum metric_wait_bucket {
#define WORK_BUCKET(ns)
#define WAIT_BUCKET(ns) METRIC_WAIT_BUCKET_##ns,
#include "common/metric_bucket_table.h"
#undef WORK_BUCKET
#undef WAIT_BUCKET
    METRIC_N_WAIT_BUCKETS
};

enum metric_kind {
    COUNTER,   /* summed; never goes back */
    GAUGE,     /* summed over the processes that live; never below 0 */
    FACT,      /* the same in all processes of a generation of settings: told by the newest */
    WORK_TIME, /* a histogram of what a processor computes */
    WAIT_TIME, /* a histogram of what is waited for */
    METRIC_N_KINDS
};

/* Numbers for one set of labels. */
enum {
    METRIC_WIDTH_COUNTER = 1,
    METRIC_WIDTH_GAUGE = 1,
    METRIC_WIDTH_FACT = 1,
    METRIC_WIDTH_WORK_TIME = METRIC_N_WORK_BUCKETS + 2,
    METRIC_WIDTH_WAIT_TIME = METRIC_N_WAIT_BUCKETS + 2,
};

enum metric {
#define METRIC_ROW(field, kind, first, second, name, help)                                         \
    METRIC_##field,                                                                                \
        METRIC_LAST_##field =                                                                      \
            METRIC_##field + METRIC_WIDTH_##kind * N_LABEL_##first * N_LABEL_##second - 1,
#include "common/metric_table.h"
#undef METRIC_ROW
    N_METRICS /* numbers in a block */
};

enum { METRIC_N_REFUSALS = 64 }; /* room for the refusals' counters, by their number */

struct metric_block {
    _Atomic uint64_t values[N_METRICS];
    _Atomic uint64_t refusals[METRIC_N_REFUSALS];
};

size_t metric_region_len(size_t n_blocks);
/* The master's block is 0, a slot's is 1 + its index. NULL past the region. */
struct metric_block *metric_block(const struct shm *shm, size_t index);

/* Where the numbers of these values of a metric's labels begin; 0 for a label that it has not. */
enum metric metric_of(enum metric metric, unsigned first, unsigned second);

/* ---- for a block's writer ---- */

static inline void metric_put(_Atomic uint64_t *value, int64_t n)
{
    uint64_t now = atomic_load_explicit(value, memory_order_relaxed);

    atomic_store_explicit(value, now + (uint64_t)n, memory_order_relaxed);
}

static inline void metric_add(struct metric_block *block, enum metric metric, int64_t n)
{
    metric_put(&block->values[metric], n);
}

static inline void metric_add_refusal(struct metric_block *block, unsigned refusal)
{
    metric_put(&block->refusals[refusal], 1);
}

/* Of a FACT, and of a gauge that is not counted up and down. */
static inline void metric_set(struct metric_block *block, enum metric metric, uint64_t value)
{
    atomic_store_explicit(&block->values[metric], value, memory_order_relaxed);
}

/* Of a histogram. */
void metric_observe(struct metric_block *block, enum metric metric, uint64_t ns);

/* At reap: what a process is, it is no more; what it did stays. */
void metric_forget_process(struct metric_block *block);

/* ---- for readers ---- */

/* What all blocks say together: a counter, gauge or fact. */
uint64_t metric_sum(const struct shm *shm, enum metric metric);
uint64_t metric_sum_refusals(const struct shm *shm, unsigned refusal);
/*
 * All of it as Prometheus text format 0.0.4. Of facts with labels only those are there that were
 * set. code_of() says the code of a refusal's number, NULL where there is none: this floor does not
 * know them.
 */
void metric_print(const struct shm *shm, const char *(*code_of)(unsigned refusal),
                  struct buffer *out);

/* ---- for the documentation ---- */

struct metric_row {
    const char *name, *help, *type; /* type: counter, gauge, histogram */
    const char *labels[2];          /* names; NULL: has none */
    const char *const *texts[2];    /* the values of each */
    size_t n_texts[2];
};
/* One after the other, in the order of the table; false past the last. */
bool metric_row(size_t index, struct metric_row *row_r);
/* Bounds of a histogram's buckets, in nanoseconds. */
const uint64_t *metric_bounds(enum metric_kind kind, size_t *n_r);

#endif
