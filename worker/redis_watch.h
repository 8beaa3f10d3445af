/* SPDX-License-Identifier: MIT */
/*
 * Is Redis away? One answer for all workers of an instance, in the memory that they share: yes, as
 * long as one of them cannot use it. Says in the log when that begins and ends, once an instance.
 */
#ifndef WORKER_REDIS_WATCH_H
#define WORKER_REDIS_WATCH_H

#include "common/metric.h"
#include "worker/timer.h"

/* Embedded, zeroed at birth but for the first six. */
struct redis_watch {
    struct timers *timers; /* these three outlive it */
    struct shm *shm;
    struct metric_block *metrics;
    uint64_t away_after_ms; /* without a connection that can be used: it is away */
    uint64_t back_after_ms; /* with one all the time: it is back */
    const char *away_means; /* a phrase for the log: what this instance does then */
    /* its own */
    struct timer timer;
    bool is_up;
    uint64_t changed_ms; /* when that last changed, monotonic */
    uint64_t shaky_ms;   /* since when it has not been up for long enough; 0: it has */
    bool is_away;        /* as this worker sees it */
};

/* Before the client has connected. */
void redis_watch_start(struct redis_watch *watch);
void redis_watch_stop(struct redis_watch *watch);
/* The client can be used as a whole, or no longer. */
void redis_watch_changed(struct redis_watch *watch, bool up);
/* Every few seconds: a worker that died may have been the last that could not use it. */
void redis_watch_check(struct redis_watch *watch);
/* Since when Redis has been away for this instance, monotonic ms; 0: it is not. */
uint64_t redis_watch_outage(const struct redis_watch *watch);

#endif
