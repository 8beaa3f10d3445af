/* SPDX-License-Identifier: MIT */
/* Restart delays: they double, and success resets them. Pure. */
#include "master/backoff.h"

uint64_t backoff_next(struct backoff *backoff, uint64_t ready_for_ms)
{
    if (backoff->last_ms == 0 || ready_for_ms >= BACKOFF_HEALTHY_MS)
        backoff->last_ms = BACKOFF_MIN_MS;
    else if (backoff->last_ms < BACKOFF_MAX_MS / 2)
        backoff->last_ms *= 2;
    else
        backoff->last_ms = BACKOFF_MAX_MS;
    return backoff->last_ms;
}
