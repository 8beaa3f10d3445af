/* SPDX-License-Identifier: MIT */
/*
 * May the claim of a first sending have been forgotten? An AGAIN asks whether a message ran before;
 * that shows only as far back as its arbiter remembers, and as long as claims are kept.
 */
#ifndef WORKER_AGAIN_H
#define WORKER_AGAIN_H

#include "common/envelope.h"

/* What this instance has seen begin, by the monotonic clock: its own memory, or a Redis server. */
bool again_is_forgotten(const struct envelope_again *again, uint64_t began_mono_ms);
/* What another may have seen begin, by the wall clock. */
bool again_is_before(const struct envelope_again *again, uint64_t began_wall_ms);

#endif
