/* SPDX-License-Identifier: MIT */
/* Beating. What the master makes of a silence is in master/pulse.c. */
#include "worker/heartbeat.h"

#include "common/clock.h"
#include "common/log.h"

enum { BEAT_MS = 1000 };

static void beat(struct timer *timer)
{
    struct heartbeat *h = H2O_STRUCT_FROM_MEMBER(struct heartbeat, timer, timer);
    uint64_t n_dropped = log_n_dropped();

    atomic_store(&h->line->mono_ms, clock_mono_ms());
    metric_add(h->metrics, METRIC_log_lines_dropped, (int64_t)(n_dropped - h->n_dropped));
    h->n_dropped = n_dropped;
    timer_start(&h->timer, h->timers, BEAT_MS, beat);
}

void heartbeat_start(struct heartbeat *heartbeat, struct timers *timers, const struct shm *shm,
                     size_t slot)
{
    heartbeat->timers = timers;
    heartbeat->line = shm_heartbeat(shm, slot);
    heartbeat->metrics = metric_block(shm, 1 + slot);
    beat(&heartbeat->timer);
}

void heartbeat_stop(struct heartbeat *heartbeat)
{
    timer_stop(&heartbeat->timer);
}
