/* SPDX-License-Identifier: MIT */
/*
 * A wall clock that whoever judges the age of messages can rely on. It is the system's, but for
 * this: however that is set back, over any time this one moves on by three quarters of it or more.
 * So what was too old stays so, and what was remembered for half an hour is too old after it; a
 * clock that was ahead by mistake is caught up with.
 */
#ifndef COMMON_STEADY_H
#define COMMON_STEADY_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * What all processes that remember together must have in common; 0 at first. The wall clock less
 * three quarters of the monotonic one, at its highest.
 */
typedef _Atomic uint64_t steady_mark;

/* From now on this one; NULL: one of this process' own, as at first. */
void steady_share(steady_mark *mark);

/* Milliseconds since 1970-01-01 UTC. */
uint64_t steady_ms(void);

#endif
