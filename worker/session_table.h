/* SPDX-License-Identifier: MIT */
/*
 * The pairs that this instance answered, in memory that all workers share.
 *
 * A pair is over at its end of life, or when nothing was opened under it within six minutes. Pairs
 * of a node count against its bound from their first use on; then the one that was longest without
 * use makes room, if it was so for a minute. Keys are wiped where a pair goes.
 */
#ifndef WORKER_SESSION_TABLE_H
#define WORKER_SESSION_TABLE_H

#include "worker/session.h"
#include "worker/shared_table.h"

enum {
    SESSION_UNUSED_MS = 360 * 1000, /* from M2 to the first use */
    SESSION_IDLE_MS = 60 * 1000,    /* before a used pair makes room */
};

/* A process' view. Embedded; owns nothing. */
struct session_table {
    struct shared_table pairs;
    uint64_t max_per_node; /* used pairs */
};

/* at: zeroed at birth, aligned to 8, the same for all processes. ERR_LIMIT: no room for a pair. */
MUST_CHECK int session_table_open(struct session_table *t, void *at, size_t len,
                                  uint64_t max_per_node);

/* ---- without the lock; now: monotonic ---- */

/*
 * ERR_UNKNOWN: there is none, or it is over. ERR_BUSY: there may be one, the table was just being
 * changed: ask again, or under the lock. Wipe *session_r.
 */
MUST_CHECK int session_table_find(const struct session_table *t,
                                  const uint8_t id[static PAIR_ID_LEN], uint64_t now_ms,
                                  struct session *session_r, struct shared_ref *ref_r);
/* The same, but for its key, of a pair that may be over. */
MUST_CHECK int session_table_peek(const struct session_table *t,
                                  const uint8_t id[static PAIR_ID_LEN], struct session *session_r);
/* Is what was found still there and not over? */
bool session_table_holds(const struct session_table *t, struct shared_ref ref,
                         const struct session *session, uint64_t now_ms);
/* Notes a use. False: it would be the first, ask session_table_use_first(). */
bool session_table_use(const struct session_table *t, struct shared_ref ref, uint64_t now_ms);

/* ---- under the lock ---- */

/*
 * One of the same id that is not over stays as it is. ERR_BUSY: full, even after pairs that are
 * over have gone.
 */
MUST_CHECK int session_table_put(const struct session_table *t, const struct session *session,
                                 uint64_t now_ms);
/* ERR_BUSY: the node has its bound of used pairs, none of them idle. ERR_UNKNOWN: it went. */
MUST_CHECK int session_table_use_first(const struct session_table *t, struct shared_ref ref,
                                       uint64_t now_ms);
/* Where it is there still. */
void session_table_remove(const struct session_table *t, struct shared_ref ref);
/* Removes pairs that are over, out of the next n. */
void session_table_sweep(const struct session_table *t, uint32_t n, uint64_t now_ms);

#endif
