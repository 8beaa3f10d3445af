/* SPDX-License-Identifier: MIT */
/*
 * A pair as the side that asked for it keeps it: gives each message a counter of its own, knows
 * when it wears out, and wipes its keys when the last lease under it has ended. Only peer.c and its
 * test see it.
 */
#ifndef WORKER_PEER_PAIR_H
#define WORKER_PEER_PAIR_H

#include "worker/peer.h"

enum {
    PEER_PAIR_UNUSED_MS = 50 * 1000, /* from M2 to the first request, else it is dropped */
};

struct peer_pair; /* counted */

/*
 * asked_ms: when M1 was sent, from which its life counts, so that it ends here before it ends
 * there. ERR_FORMAT: M2 gives it no life at all. ERR_CRYPTO, -ENOMEM.
 */
MUST_CHECK int peer_pair_new(const struct pairing_result *result, uint64_t asked_ms,
                             uint64_t own_lifetime_ms, struct peer_pair **pair_r);
void peer_pair_put(struct peer_pair **pair);

const uint8_t *peer_pair_id(const struct peer_pair *pair);
/* Monotonic: when M2 came; when the pair is over, as things stand now. */
uint64_t peer_pair_made_ms(const struct peer_pair *pair);
uint64_t peer_pair_over_ms(const struct peer_pair *pair);
/* Is it time for the next one? By age, messages or bytes. */
bool peer_pair_worn(const struct peer_pair *pair, uint64_t now_ms);

/* Bytes sealed under it, beside those that leases tell of. */
void peer_pair_count(struct peer_pair *pair, uint64_t n);

/* Takes a reference, for peer_lease_end(). ERR_LIMIT: no counter is left. */
MUST_CHECK int peer_pair_lease(struct peer_pair *pair, int64_t skew_ms, struct peer_lease *lease_r);

#endif
