/* SPDX-License-Identifier: MIT */
/*
 * What all workers of an instance have together, by a gauge of their metrics blocks: exact for this
 * process, of the others as it was up to 10 ms ago. A worker that dies gives its part back, because
 * the master zeroes its gauges.
 */
#ifndef WORKER_TALLY_H
#define WORKER_TALLY_H

#include "common/metric.h"

/* Embedded. */
struct tally {
    const struct shm *shm; /* NULL: this process is alone */
    const struct metric_block *own;
    enum metric metric;
    uint64_t others, looked_ms;
};

uint64_t tally_own(const struct tally *tally);
uint64_t tally_all(struct tally *tally);

#endif
