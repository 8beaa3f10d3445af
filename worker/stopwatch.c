/* SPDX-License-Identifier: MIT */
/* The times of an exchange: those of its outward call, and the end. Owns nothing. */
#include "worker/stopwatch.h"

void stopwatch_call(struct stopwatch *watch, enum stopwatch_time time)
{
    watch->call = time;
    watch->call_began_ns = watch->call_event_ns = watch->mark_ns;
}

void stopwatch_call_event(struct stopwatch *watch)
{
    stopwatch_mark(watch);
    watch->call_event_ns = watch->mark_ns;
}

void stopwatch_call_end(struct stopwatch *watch)
{
    if (watch->call_began_ns != 0)
        watch->ns[watch->call] += watch->call_event_ns - watch->call_began_ns;
    watch->call_began_ns = 0;
}

void stopwatch_call_drop(struct stopwatch *watch)
{
    if (watch->call_began_ns == 0)
        return;
    stopwatch_call_event(watch);
    stopwatch_call_end(watch);
}

void stopwatch_stop(struct stopwatch *watch)
{
    watch->mark_ns = clock_mono_ns();
    watch->ns[TIME_REQUEST] = watch->mark_ns - watch->began_ns;
}
