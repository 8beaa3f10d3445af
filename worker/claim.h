/* SPDX-License-Identifier: MIT */
/*
 * Which counters of which pairs were claimed: a bit each, in pages of 32768, in memory that all
 * workers share. A counter is claimed at most once for as long as its page lives: half an hour
 * after the last claim in it, longer than any message is accepted.
 *
 * What goes wrong may refuse a claim that was free, never allow one that was not.
 */
#ifndef WORKER_CLAIM_H
#define WORKER_CLAIM_H

#include "common/pairing.h"
#include "worker/shared_table.h"

enum {
    CLAIM_PAGE_BITS = 32768,
    CLAIM_PAGE_WORDS = CLAIM_PAGE_BITS / 64,
    CLAIM_KEEP_MS = 30 * 60 * 1000,
};

/* A process' view. Embedded; owns nothing. */
struct claims {
    struct shared_table pages;
    _Atomic uint64_t *bits; /* CLAIM_PAGE_WORDS a page */
    uint32_t max_per_pair;  /* pages */
};

/* at: zeroed at birth, aligned to 8, the same for all processes. ERR_LIMIT: not even four pages. */
MUST_CHECK int claims_open(struct claims *claims, void *at, size_t len);

/*
 * Claims without the lock. 0: it was new. ERR_REPLAY: it was not. ERR_UNKNOWN: there is no page for
 * it, or it went meanwhile: ask claims_take(). counter < ENVELOPE_COUNTER_END; now: monotonic.
 */
MUST_CHECK int claims_try(const struct claims *claims, const uint8_t pair_id[static PAIR_ID_LEN],
                          uint64_t counter, uint64_t now_ms);
/* The same under the lock, with a new page where there is none. ERR_BUSY: no room. */
MUST_CHECK int claims_take(const struct claims *claims, const uint8_t pair_id[static PAIR_ID_LEN],
                           uint64_t counter, uint64_t now_ms);
/* Under the lock: frees pages that are over, out of the next n. */
void claims_sweep(const struct claims *claims, uint32_t n, uint64_t now_ms);

#endif
