/* SPDX-License-Identifier: MIT */
/*
 * The shared memory of this instance: the arbiter of pairs, nonces and claims where there is no
 * Redis, the near cache of pairs where there is, and of rates always. Takes the lock where it is
 * needed, and believes nothing found before the memory was last emptied.
 */
#ifndef WORKER_STORE_MEMORY_H
#define WORKER_STORE_MEMORY_H

#include "common/envelope.h"
#include "common/shm.h"
#include "worker/claim.h"
#include "worker/nonce_table.h"
#include "worker/pairing_rate.h"
#include "worker/redis_sights.h"
#include "worker/session_table.h"

/* A process' view. Embedded; owns nothing. */
struct store_memory {
    struct shm *shm;
    struct session_table pairs;
    struct nonce_table nonces;
    struct pairing_rate rate;
    struct redis_sights servers;
    struct claims claims;
};

/* Where a pair was found, and in which life of the memory. */
struct store_place {
    uint64_t generation;
    struct shared_ref ref;
};

/* ERR_LIMIT: the shared memory is too small. */
MUST_CHECK int store_memory_open(struct store_memory *m, struct shm *shm, uint64_t pairs_per_node,
                                 uint64_t pairing_rate);

/* ERR_BUSY below is of the lock, and soon over; ERR_FULL of a limit. */

/* 0, ERR_FULL, ERR_BUSY. */
MUST_CHECK int store_memory_pairing_allowed(const struct store_memory *m,
                                            const uint8_t node[static NODE_LEN]);
/* 0, ERR_REPLAY, ERR_FULL, ERR_BUSY. */
MUST_CHECK int store_memory_nonce(const struct store_memory *m,
                                  const uint8_t nonce[static PAIRING_NONCE_LEN]);
/* 0, also where it is there already; ERR_FULL, ERR_BUSY. */
MUST_CHECK int store_memory_put(const struct store_memory *m, const struct session *session);
/* ERR_UNKNOWN, ERR_BUSY. Wipe *session_r. */
MUST_CHECK int store_memory_find(const struct store_memory *m, const uint8_t id[static PAIR_ID_LEN],
                                 struct session *session_r, struct store_place *place_r);
/* Is the pair still there, where it was found, and not over? */
bool store_memory_holds(const struct store_memory *m, const struct store_place *place,
                        const struct session *session);
/* All but the key of a pair, even of one that is over. ERR_UNKNOWN, ERR_BUSY. */
MUST_CHECK int store_memory_peek(const struct store_memory *m, const uint8_t id[static PAIR_ID_LEN],
                                 struct session *session_r);
/* The pair is no longer what its arbiter knows. */
void store_memory_drop(const struct store_memory *m, const struct store_place *place);

/* Counts the pair as used, whoever its arbiter is. ERR_UNKNOWN; ERR_BUSY: its node has its bound.
 */
MUST_CHECK int store_memory_use(const struct store_memory *m, const struct store_place *place,
                                const struct session *session);
/*
 * Of a pair that is its own to judge, or of nobody known. outage_ms: it remembers from then on at
 * most, monotonic (session.h). 0, ERR_REPLAY, ERR_FULL, ERR_BUSY.
 */
MUST_CHECK int store_memory_claim_again(const struct store_memory *m, uint64_t outage_ms,
                                        const struct envelope_again *again);
/* 0, ERR_REPLAY, ERR_UNKNOWN, ERR_FULL, ERR_BUSY. */
MUST_CHECK int store_memory_claim_own(const struct store_memory *m, const struct store_place *place,
                                      const struct session *session, uint64_t counter);
/* Pairs, also those that are over and not swept yet. */
uint32_t store_memory_n_pairs(const struct store_memory *m);
/* When this instance first saw that server of Redis, which may be now. ERR_BUSY. */
MUST_CHECK int store_memory_server_seen(const struct store_memory *m, const char *run_id,
                                        uint64_t *first_ms_r);
/* Removes and wipes some of what is over. */
void store_memory_sweep(const struct store_memory *m);

#endif
