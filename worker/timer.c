/* SPDX-License-Identifier: MIT */
/* Timers of any duration over libh2o's fixed ones. Owns the lists, never a timer. */
#include "worker/timer.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"

enum { N_LISTS = 28 }; /* up to 2^27 ms, a day and a half; longer timers go round again */

struct timers {
    h2o_loop_t *loop;
    h2o_timeout_t lists[N_LISTS]; /* of 2^i ms */
};

int timers_new(h2o_loop_t *loop, struct timers **timers_r)
{
    struct timers *timers = calloc(1, sizeof(*timers));

    if (timers == NULL)
        return -ENOMEM;
    timers->loop = loop;
    for (size_t i = 0; i < N_LISTS; i++)
        h2o_timeout_init(loop, &timers->lists[i], (uint64_t)1 << i);
    *timers_r = timers;
    return 0;
}

void timers_free(struct timers **timers)
{
    if (*timers == NULL)
        return;
    for (size_t i = 0; i < N_LISTS; i++)
        h2o_timeout_dispose((*timers)->loop, &(*timers)->lists[i]);
    free(*timers);
    *timers = NULL;
}

/* Waits on the longest list that does not overshoot; what then remains waits on a shorter one. */
static void link_for(struct timer *timer, uint64_t left_ms)
{
    size_t i = 0;

    while (i + 1 < N_LISTS && left_ms >> (i + 1) != 0)
        i++;
    h2o_timeout_link(timer->timers->loop, &timer->timers->lists[i], &timer->entry);
}

static void on_list(h2o_timeout_entry_t *entry)
{
    struct timer *timer = H2O_STRUCT_FROM_MEMBER(struct timer, entry, entry);
    uint64_t now = clock_mono_ms();

    if (now < timer->due_ms)
        link_for(timer, timer->due_ms - now);
    else
        timer->fire(timer);
}

void timer_start(struct timer *timer, struct timers *timers, uint64_t ms,
                 void (*fire)(struct timer *timer))
{
    timer_stop(timer);
    timer->timers = timers;
    timer->fire = fire;
    timer->due_ms = clock_mono_ms() + ms;
    timer->entry.cb = on_list;
    link_for(timer, ms);
}

void timer_stop(struct timer *timer)
{
    h2o_timeout_unlink(&timer->entry);
}

bool timer_running(const struct timer *timer)
{
    return timer->entry._link.next != NULL;
}
