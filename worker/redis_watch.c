/* SPDX-License-Identifier: MIT */
/*
 * A worker's view goes into its own gauge; what they come to is decided under the lock. A server
 * that comes and goes is away until it has stayed for a while: an instance that changed its mind
 * with it would end pairs each time.
 */
#include "worker/redis_watch.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/log.h"

enum { LOOK_MS = 100 };

/* The last step of whoever calls it. Where the lock is not to be had, the next look tries again. */
static void decide(struct redis_watch *watch, bool away)
{
    _Atomic uint64_t *since = shm_redis_away(watch->shm);
    uint64_t now_ms = clock_mono_ms(), since_ms;
    bool begins, ends;

    if (shm_lock(watch->shm) < 0)
        return;
    watch->is_away = away;
    metric_set(watch->metrics, METRIC_redis_away, away);
    since_ms = atomic_load(since);
    begins = away && since_ms == 0;
    ends = !away && since_ms != 0 && metric_sum(watch->shm, METRIC_redis_away) == 0;
    if (begins || ends)
        atomic_store(since, begins ? now_ms : 0);
    shm_unlock(watch->shm);
    if (begins)
        log_error("redis is away: %s", watch->away_means);
    else if (ends)
        log_warning(
            "redis is relied on again: pairs are shared with other instances away_ms=%" PRIu64,
            now_ms - since_ms);
}

static void on_look(struct timer *timer)
{
    struct redis_watch *watch = H2O_STRUCT_FROM_MEMBER(struct redis_watch, timer, timer);
    uint64_t now_ms = clock_mono_ms();
    bool stays = watch->is_up && now_ms - watch->changed_ms >= watch->back_after_ms;

    if (!watch->is_up && !watch->is_away && now_ms - watch->shaky_ms >= watch->away_after_ms)
        decide(watch, true);
    else if (stays && watch->is_away)
        decide(watch, false);
    if (stays && !watch->is_away)
        watch->shaky_ms = 0;
    else
        timer_start(timer, watch->timers, LOOK_MS, on_look);
}

void redis_watch_start(struct redis_watch *watch)
{
    watch->changed_ms = watch->shaky_ms = clock_mono_ms();
    timer_start(&watch->timer, watch->timers, LOOK_MS, on_look);
}

void redis_watch_stop(struct redis_watch *watch)
{
    timer_stop(&watch->timer);
    metric_set(watch->metrics, METRIC_redis_up, 0);
}

void redis_watch_changed(struct redis_watch *watch, bool up)
{
    watch->is_up = up;
    watch->changed_ms = clock_mono_ms();
    metric_set(watch->metrics, METRIC_redis_up, up);
    if (watch->shaky_ms != 0)
        return;
    watch->shaky_ms = watch->changed_ms;
    timer_start(&watch->timer, watch->timers, LOOK_MS, on_look);
}

void redis_watch_check(struct redis_watch *watch)
{
    if (!watch->is_away && redis_watch_outage(watch) != 0)
        decide(watch, false);
}

uint64_t redis_watch_outage(const struct redis_watch *watch)
{
    return atomic_load(shm_redis_away(watch->shm));
}
