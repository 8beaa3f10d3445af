/* SPDX-License-Identifier: MIT */
/*
 * One-shot timers of any duration on the worker's loop. libh2o has lists of one duration each; here
 * a timer moves down lists of 2^n ms until it is due, so that thousands of them cost nothing more.
 */
#ifndef WORKER_TIMER_H
#define WORKER_TIMER_H

#include <stdbool.h>

#include <h2o.h>

#include "common/error.h"

struct timers;

MUST_CHECK int timers_new(h2o_loop_t *loop, struct timers **timers_r);
/* All timers must have been stopped. */
void timers_free(struct timers **timers);

/* Embedded, zeroed at birth; stop it before its memory goes. */
struct timer {
    h2o_timeout_entry_t entry;
    struct timers *timers;
    uint64_t due_ms; /* by clock_mono_ms() */
    void (*fire)(struct timer *timer);
};

/* Fires once, ms milliseconds from now and never from within this call; starts anew if running. */
void timer_start(struct timer *timer, struct timers *timers, uint64_t ms,
                 void (*fire)(struct timer *timer));
void timer_stop(struct timer *timer);
bool timer_running(const struct timer *timer);

#endif
