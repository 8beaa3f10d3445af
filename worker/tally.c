/* SPDX-License-Identifier: MIT */
/* Sums over the metrics blocks, which are many: looked at now and then only. */
#include "worker/tally.h"

#include "common/clock.h"

enum { LOOK_AGAIN_MS = 10 };

uint64_t tally_own(const struct tally *tally)
{
    return atomic_load_explicit(&tally->own->values[tally->metric], memory_order_relaxed);
}

uint64_t tally_all(struct tally *tally)
{
    uint64_t now = clock_mono_ms(), own = tally_own(tally);

    if (tally->shm != NULL && now - tally->looked_ms >= LOOK_AGAIN_MS) {
        uint64_t all = metric_sum(tally->shm, tally->metric);

        tally->others = all > own ? all - own : 0;
        tally->looked_ms = now;
    }
    return tally->others + own;
}
