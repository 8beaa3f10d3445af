/* SPDX-License-Identifier: MIT */
/* The two clocks: one that only moves forward, for durations; one that the world agrees on. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/*
 * Milliseconds of CLOCK_MONOTONIC, behind by up to a tick of the kernel (1 to 10 ms): the same for
 * all processes of this machine, reset by a boot.
 */
uint64_t clock_mono_ms(void);

/* Nanoseconds of CLOCK_MONOTONIC, exact: for measuring. A reading costs some 50 ns. */
uint64_t clock_mono_ns(void);

/* Milliseconds since 1970-01-01 UTC. May jump. */
uint64_t clock_wall_ms(void);

enum { CLOCK_TEXT_LEN = 25 }; /* "2026-01-31T23:59:59.123Z" and its NUL */

/* ISO 8601 in UTC with milliseconds. */
void clock_text(uint64_t wall_ms, char text_r[static CLOCK_TEXT_LEN]);

#endif
