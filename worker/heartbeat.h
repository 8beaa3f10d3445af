/* SPDX-License-Identifier: MIT */
/* The worker's sign of life: a time in shared memory, once a second, as long as the loop turns. */
#ifndef WORKER_HEARTBEAT_H
#define WORKER_HEARTBEAT_H

#include "common/shm_layout.h"
#include "worker/timer.h"

/* Embedded, zeroed at birth. */
struct heartbeat {
    struct timer timer;
    struct timers *timers;
    struct shm_heartbeat *line;
    struct metric_block *metrics;
    uint64_t n_dropped; /* log lines, told to the metrics so far */
};

/* The first beat is now. */
void heartbeat_start(struct heartbeat *heartbeat, struct timers *timers, const struct shm *shm,
                     size_t slot);
void heartbeat_stop(struct heartbeat *heartbeat);

#endif
