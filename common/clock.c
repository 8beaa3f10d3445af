/* SPDX-License-Identifier: MIT */
/* Reading and printing time. Owns nothing. */
#include "common/clock.h"

#include <stdio.h>
#include <time.h>

enum { MS = 1000 };

/* 9999-12-31T23:59:59.999Z: what comes later, in no log of ours, has no room in the text. */
static const uint64_t last_text = UINT64_C(253402300799999);

static uint64_t read_ms(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * MS + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t clock_mono_ms(void)
{
    return read_ms(CLOCK_MONOTONIC_COARSE); /* as fine as a tick, for a tenth of the cost */
}

uint64_t clock_mono_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t clock_wall_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

void clock_text(uint64_t wall_ms, char text_r[static CLOCK_TEXT_LEN])
{
    time_t seconds;
    struct tm tm;
    size_t n;

    if (wall_ms > last_text)
        wall_ms = last_text;
    seconds = (time_t)(wall_ms / MS);
    gmtime_r(&seconds, &tm);
    n = strftime(text_r, CLOCK_TEXT_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text_r + n, CLOCK_TEXT_LEN - n, ".%03uZ", (unsigned)(wall_ms % MS));
}
