/* SPDX-License-Identifier: MIT */
/* Reading and printing time. Owns nothing. */
#include "common/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_ms(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t clock_mono_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

uint64_t clock_wall_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

void clock_text(uint64_t wall_ms, char text_r[static CLOCK_TEXT_LEN])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    size_t n;

    gmtime_r(&seconds, &tm);
    n = strftime(text_r, CLOCK_TEXT_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text_r + n, CLOCK_TEXT_LEN - n, ".%03uZ", (unsigned)(wall_ms % 1000));
}
