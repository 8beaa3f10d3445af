/* SPDX-License-Identifier: MIT */
/*
 * The times of an exchange. Reading the clock is not free: its last reading is the mark, and a
 * stretch begins there, where the one before it ended. Pure but for the clock.
 */
#ifndef WORKER_STOPWATCH_H
#define WORKER_STOPWATCH_H

#include <stdint.h>

#include "common/clock.h"

enum stopwatch_time {
    TIME_REQUEST,         /* from the whole request at the door to the last byte of its answer
                             in the kernel, or to where it broke off */
    TIME_OUTBOUND_PROXY,  /* outbound: from the sealed request's sending to the last byte of the
                             peer's answer; both, where it was sent again */
    TIME_UPSTREAM_PROXY,  /* inbound and plain: the same to and from UPSTREAM */
    TIME_REQUEST_ENCODE,  /* outbound: sealing the request */
    TIME_REQUEST_DECODE,  /* inbound: opening it */
    TIME_RESPONSE_ENCODE, /* inbound: sealing the answer, all its frames */
    TIME_RESPONSE_DECODE, /* outbound: opening it, all its frames, into the door */
    N_STOPWATCH_TIMES
};

struct stopwatch {
    uint64_t ns[N_STOPWATCH_TIMES];        /* 0: did not happen */
    uint64_t began_ns, mark_ns;            /* the first reading, the last */
    uint64_t call_began_ns, call_event_ns; /* of the outward call; its begin is 0 without one */
    enum stopwatch_time call;
};

static inline void stopwatch_mark(struct stopwatch *watch)
{
    watch->mark_ns = clock_mono_ns();
}

/* What has passed since the mark is added to that time; the mark moves on. */
static inline void stopwatch_lap(struct stopwatch *watch, enum stopwatch_time time)
{
    uint64_t now = clock_mono_ns();

    watch->ns[time] += now - watch->mark_ns;
    watch->mark_ns = now;
}

static inline void stopwatch_start(struct stopwatch *watch)
{
    *watch = (struct stopwatch){ .began_ns = clock_mono_ns() };
    watch->mark_ns = watch->began_ns;
}

/* A call begins at the mark. */
void stopwatch_call(struct stopwatch *watch, enum stopwatch_time time);
/* It brought something, or failed. */
void stopwatch_call_event(struct stopwatch *watch);
/* It is over, as of its last event. */
void stopwatch_call_end(struct stopwatch *watch);
/* It is given up now, if there is one. */
void stopwatch_call_drop(struct stopwatch *watch);
/* All is over. */
void stopwatch_stop(struct stopwatch *watch);

#endif
