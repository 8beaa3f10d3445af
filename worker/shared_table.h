/* SPDX-License-Identifier: MIT */
/*
 * A hash table of fixed size in memory that processes share. All-zero memory is an empty table.
 *
 * Finding takes no lock. Whoever changes it holds the one lock (shm_lock); a process may die or
 * stop anywhere. A find that runs beside a change may miss what is there: to be sure that a key is
 * missing, see that shared_table_changes() was even and did not move, or find it again under the
 * lock. What it finds is named by a shared_ref: as long as
 * shared_table_holds() says so, the cell has belonged to that key without a break since the find.
 * (Only the emptying of all of it makes versions begin anew: see shm_generation().)
 */
#ifndef WORKER_SHARED_TABLE_H
#define WORKER_SHARED_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum { SHARED_KEY_MAX = 4 }; /* words of 8 bytes */

/* A process' view. Embedded; owns nothing. */
struct shared_table {
    struct shared_head *head;
    _Atomic uint32_t *buckets; /* index + 1 of the first cell of a chain, 0 = none */
    uint8_t *cells;
    uint32_t n_cells;
    uint32_t n_key, n_value; /* words of 8 bytes */
};

struct shared_ref {
    uint32_t index;
    uint64_t version;
};

/* Bytes that a table of so many cells takes, and how many cells fit into so many bytes. */
size_t shared_table_len(uint32_t n_cells, uint32_t n_key, uint32_t n_value);
uint32_t shared_table_fit(size_t len, uint32_t n_key, uint32_t n_value);

/* at: shared_table_len() bytes, aligned to 8, the same for all processes. */
void shared_table_open(struct shared_table *t, void *at, uint32_t n_cells, uint32_t n_key,
                       uint32_t n_value);

/* ---- without the lock ---- */

bool shared_table_find(const struct shared_table *t, const uint64_t *key, struct shared_ref *ref_r);
bool shared_table_holds(const struct shared_table *t, struct shared_ref ref);
/* Moves with every change; odd while one is under way. */
uint64_t shared_table_changes(const struct shared_table *t);
/* The value's words. Meaningful only where shared_table_holds() says so after the reading. */
_Atomic uint64_t *shared_table_value(const struct shared_table *t, uint32_t index);
/* Copies n bytes of the value, from one of its words on; false where the cell changed meanwhile. */
bool shared_table_read(const struct shared_table *t, struct shared_ref ref, uint32_t from_word,
                       void *to_r, size_t n);

uint32_t shared_table_n_used(const struct shared_table *t); /* cells */

/* ---- under the lock ---- */

/*
 * A cell for a new key, found by nobody before shared_table_publish(), which must follow: between
 * the two the caller prepares what else belongs to it. ERR_FULL.
 */
MUST_CHECK int shared_table_take(const struct shared_table *t, uint32_t *index_r);
/* The key must not be there; the value is n bytes from value, then zeros. */
struct shared_ref shared_table_publish(const struct shared_table *t, uint32_t index,
                                       const uint64_t *key, const void *value, size_t n);
/* Takes a cell in use out and wipes it. */
void shared_table_remove(const struct shared_table *t, uint32_t index);

/* Calls each() for every cell in use; it must not change the table. */
void shared_table_each(const struct shared_table *t, void (*each)(void *arg, struct shared_ref ref),
                       void *arg);
/*
 * Asks over() about the next n cells, going round, and removes those it affirms, until enough are
 * gone; returns how many. It is asked once more when the cell can no longer be found: a user
 * without the lock that marks the value and then sees shared_table_holds() is never overlooked.
 */
typedef bool (*shared_table_over_cb)(void *arg, uint32_t index);
uint32_t shared_table_sweep(const struct shared_table *t, uint32_t n, uint32_t enough,
                            shared_table_over_cb over, void *arg);

#endif
