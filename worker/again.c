/* SPDX-License-Identifier: MIT */
/*
 * The age of an AGAIN. Somebody between the relays can make a sender wait for any time with its
 * answer, and then give it a true refusal of the same bytes: hence the oldest. Owns nothing.
 */
#include "worker/again.h"

#include "common/clock.h"
#include "common/steady.h"
#include "worker/claim.h"

enum {
    MARGIN_MS = 10 * 1000, /* clocks that an AGAIN's time went through may differ by it */
    /* Past it a claim of the first sending may be forgotten: 10 of its 30 minutes are for a sender
     * that waits, the others for two clocks as wrong as those of messages may be. */
    OLDEST_MS = CLAIM_KEEP_MS / 3,
};

bool again_is_forgotten(const struct envelope_again *again, uint64_t began_mono_ms)
{
    uint64_t now_ms = steady_ms(), age_ms = clock_mono_ms() - began_mono_ms;
    uint64_t margin_ms = age_ms / 4; /* by which a clock that was set back goes slower */

    if (margin_ms < MARGIN_MS)
        margin_ms = MARGIN_MS;
    return again->time_ms + age_ms < now_ms + margin_ms || now_ms > again->time_ms + OLDEST_MS;
}

bool again_is_before(const struct envelope_again *again, uint64_t began_wall_ms)
{
    return again->time_ms < began_wall_ms + MARGIN_MS;
}
