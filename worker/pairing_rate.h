/* SPDX-License-Identifier: MIT */
/*
 * How fast peer deployments may begin pairings: a bucket of tokens for each, in memory that all
 * workers share. It holds ten seconds' worth.
 */
#ifndef WORKER_PAIRING_RATE_H
#define WORKER_PAIRING_RATE_H

#include "common/identity.h"
#include "worker/shared_table.h"

enum { PAIRING_RATE_BURST_S = 10 };

/* A process' view. Embedded; owns nothing. */
struct pairing_rate {
    struct shared_table nodes;
    uint64_t per_s;
};

/* at: zeroed at birth, aligned to 8, the same for all processes. ERR_LIMIT: no room for one. */
MUST_CHECK int pairing_rate_open(struct pairing_rate *rate, void *at, size_t len, uint64_t per_s);
/* Under the lock: takes a token. ERR_BUSY: the node has none, or there is no room for the node. */
MUST_CHECK int pairing_rate_take(const struct pairing_rate *rate,
                                 const uint8_t node[static NODE_LEN], uint64_t now_ms);

#endif
