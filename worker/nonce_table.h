/* SPDX-License-Identifier: MIT */
/* Nonces of pairing requests seen in the last five minutes, in memory that all workers share. */
#ifndef WORKER_NONCE_TABLE_H
#define WORKER_NONCE_TABLE_H

#include "common/pairing.h"
#include "worker/shared_table.h"

enum { NONCE_KEEP_MS = 300 * 1000 };

/* A process' view. Embedded; owns nothing. */
struct nonce_table {
    struct shared_table nonces;
};

/* at: zeroed at birth, aligned to 8, the same for all processes. ERR_LIMIT: no room for one. */
MUST_CHECK int nonce_table_open(struct nonce_table *t, void *at, size_t len);
/* Under the lock: 0 and remembers it, ERR_REPLAY, ERR_BUSY (full). now: monotonic. */
MUST_CHECK int nonce_table_add(const struct nonce_table *t,
                               const uint8_t nonce[static PAIRING_NONCE_LEN], uint64_t now_ms);

#endif
