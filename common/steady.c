/* SPDX-License-Identifier: MIT */
/* Owns the mark of a process that shares none. */
#include "common/steady.h"

#include "common/clock.h"

static steady_mark own;
static steady_mark *shared = &own;

void steady_share(steady_mark *mark)
{
    shared = mark != NULL ? mark : &own;
}

uint64_t steady_ms(void)
{
    uint64_t wall_ms = clock_wall_ms(), progress_ms = clock_mono_ms() / 4 * 3;
    uint64_t now = wall_ms > progress_ms ? wall_ms - progress_ms : 0, mark = atomic_load(shared);

    while (mark < now && !atomic_compare_exchange_weak(shared, &mark, now))
        ;
    return (mark > now ? mark : now) + progress_ms;
}
