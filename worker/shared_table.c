/* SPDX-License-Identifier: MIT */
/*
 * The table, one block:
 *
 *      | head | n_cells cells: version, next, key, value | n_cells buckets |
 *
 * A version is even while its cell is in use (0: never was), odd while it is free or being
 * changed, and only grows. Words are atomic one by one, so that a reader beside a writer reads
 * something, sees the version move, and throws it away.
 */
#include "worker/shared_table.h"

#include <assert.h>
#include <string.h>

enum { WORD = sizeof(uint64_t) };

struct shared_head {
    _Atomic uint64_t changes;
    uint32_t free; /* index + 1 of the first cell of the free list, 0 = none; all under the lock */
    uint32_t n_born;         /* cells from here on were never used, and are in no list */
    uint32_t hand;           /* where the next sweep begins */
    _Atomic uint32_t n_used; /* cells; written under the lock */
    uint32_t unused[10];
};

struct cell {
    _Atomic uint64_t version;
    _Atomic uint32_t next; /* in its chain or the free list: index + 1, 0 = last */
    uint32_t unused;
    _Atomic uint64_t words[]; /* key, value */
};

static size_t cell_len(uint32_t n_key, uint32_t n_value)
{
    return sizeof(struct cell) + WORD * ((size_t)n_key + n_value);
}

size_t shared_table_len(uint32_t n_cells, uint32_t n_key, uint32_t n_value)
{
    size_t buckets = n_cells * sizeof(uint32_t);

    return sizeof(struct shared_head) + n_cells * cell_len(n_key, n_value) +
           (buckets + WORD - 1) / WORD * WORD;
}

uint32_t shared_table_fit(size_t len, uint32_t n_key, uint32_t n_value)
{
    size_t fixed = sizeof(struct shared_head) + WORD;
    size_t n = len < fixed ? 0 : (len - fixed) / (cell_len(n_key, n_value) + sizeof(uint32_t));

    return n < UINT32_MAX / 2 ? (uint32_t)n : UINT32_MAX / 2;
}

void shared_table_open(struct shared_table *t, void *at, uint32_t n_cells, uint32_t n_key,
                       uint32_t n_value)
{
    assert(n_cells > 0 && n_key <= SHARED_KEY_MAX);
    t->head = at;
    t->cells = (uint8_t *)at + sizeof(struct shared_head);
    t->buckets = (void *)(t->cells + n_cells * cell_len(n_key, n_value));
    t->n_cells = n_cells;
    t->n_key = n_key;
    t->n_value = n_value;
}

static struct cell *cell_at(const struct shared_table *t, uint32_t index)
{
    return (void *)(t->cells + index * cell_len(t->n_key, t->n_value));
}

static bool is_live(uint64_t version)
{
    return version != 0 && version % 2 == 0;
}

/* Good mixing, not secrecy: a peer that holds SECRET could make chains long, never endless. */
static _Atomic uint32_t *bucket_of(const struct shared_table *t, const uint64_t *key)
{
    uint64_t h = 0;

    for (uint32_t i = 0; i < t->n_key; i++) {
        h = (h ^ key[i]) * 0x9e3779b97f4a7c15;
        h ^= h >> 29;
    }
    h *= 0xbf58476d1ce4e5b9;
    return &t->buckets[((h >> 32) * t->n_cells) >> 32];
}

/* ---- without the lock ---- */

static bool has_key(const struct shared_table *t, struct cell *cell, const uint64_t *key)
{
    for (uint32_t i = 0; i < t->n_key; i++) {
        if (atomic_load_explicit(&cell->words[i], memory_order_relaxed) != key[i])
            return false;
    }
    return true;
}

bool shared_table_holds(const struct shared_table *t, struct shared_ref ref)
{
    /* With a fence of its own: what the caller read or wrote before comes before this. */
    atomic_thread_fence(memory_order_seq_cst);
    return atomic_load(&cell_at(t, ref.index)->version) == ref.version;
}

bool shared_table_find(const struct shared_table *t, const uint64_t *key, struct shared_ref *ref_r)
{
    uint32_t link = atomic_load(bucket_of(t, key));

    /* The count ends a walk that a change beside it has led astray. */
    for (uint32_t n = 0; link != 0 && link <= t->n_cells && n < t->n_cells; n++) {
        struct cell *cell = cell_at(t, link - 1);
        struct shared_ref ref = { link - 1, atomic_load(&cell->version) };

        if (is_live(ref.version) && has_key(t, cell, key) && shared_table_holds(t, ref)) {
            *ref_r = ref;
            return true;
        }
        link = atomic_load(&cell->next);
    }
    return false;
}

uint64_t shared_table_changes(const struct shared_table *t)
{
    atomic_thread_fence(memory_order_seq_cst);
    return atomic_load(&t->head->changes);
}

_Atomic uint64_t *shared_table_value(const struct shared_table *t, uint32_t index)
{
    return cell_at(t, index)->words + t->n_key;
}

bool shared_table_read(const struct shared_table *t, struct shared_ref ref, uint32_t from_word,
                       void *to_r, size_t n)
{
    _Atomic uint64_t *words = shared_table_value(t, ref.index) + from_word;

    for (size_t i = 0; i < n; i += WORD) {
        uint64_t word = atomic_load_explicit(&words[i / WORD], memory_order_relaxed);

        memcpy((uint8_t *)to_r + i, &word, n - i < WORD ? n - i : WORD);
    }
    return shared_table_holds(t, ref);
}

uint32_t shared_table_n_used(const struct shared_table *t)
{
    return atomic_load_explicit(&t->head->n_used, memory_order_relaxed);
}

/* ---- under the lock ---- */

/* Nobody finds the cell from here on, and what is written after it is not taken for what was. */
static void begin_change(struct cell *cell)
{
    uint64_t version = atomic_load(&cell->version);

    atomic_store(&cell->version, version | 1);
    atomic_thread_fence(memory_order_seq_cst);
}

static void end_change(struct cell *cell)
{
    atomic_fetch_add(&cell->version, 1);
}

int shared_table_take(const struct shared_table *t, uint32_t *index_r)
{
    struct cell *cell;

    if (t->head->free != 0) {
        *index_r = t->head->free - 1;
        t->head->free = atomic_load(&cell_at(t, *index_r)->next);
    } else if (t->head->n_born < t->n_cells) {
        *index_r = t->head->n_born++;
    } else {
        return ERR_FULL;
    }
    cell = cell_at(t, *index_r);
    begin_change(cell);
    return 0;
}

struct shared_ref shared_table_publish(const struct shared_table *t, uint32_t index,
                                       const uint64_t *key, const void *value, size_t n)
{
    _Atomic uint32_t *bucket = bucket_of(t, key);
    struct cell *cell = cell_at(t, index);

    assert(n <= WORD * (size_t)t->n_value);
    atomic_fetch_add(&t->head->changes, 1);
    for (uint32_t i = 0; i < t->n_key; i++)
        atomic_store_explicit(&cell->words[i], key[i], memory_order_relaxed);
    for (size_t i = 0; i < t->n_value; i++) {
        size_t at = WORD * i, left = at < n ? n - at : 0;
        uint64_t word = 0;

        memcpy(&word, (const uint8_t *)value + (left > 0 ? at : 0), left < WORD ? left : WORD);
        atomic_store_explicit(&cell->words[t->n_key + i], word, memory_order_relaxed);
    }
    atomic_store(&cell->next, atomic_load(bucket));
    end_change(cell);
    atomic_store(bucket, index + 1);
    atomic_fetch_add(&t->head->n_used, 1);
    atomic_fetch_add(&t->head->changes, 1);
    return (struct shared_ref){ index, atomic_load(&cell->version) };
}

static void unlink_cell(const struct shared_table *t, uint32_t index)
{
    struct cell *cell = cell_at(t, index);
    uint64_t key[SHARED_KEY_MAX];
    _Atomic uint32_t *link;

    for (uint32_t i = 0; i < t->n_key; i++)
        key[i] = atomic_load_explicit(&cell->words[i], memory_order_relaxed);
    link = bucket_of(t, key);
    while (atomic_load(link) != index + 1)
        link = &cell_at(t, atomic_load(link) - 1)->next;
    atomic_store(link, atomic_load(&cell->next));
}

/* The cell's change has begun; it stays odd on the free list. */
static void free_cell(const struct shared_table *t, uint32_t index)
{
    struct cell *cell = cell_at(t, index);

    unlink_cell(t, index);
    for (uint32_t i = 0; i < t->n_key + t->n_value; i++)
        atomic_store_explicit(&cell->words[i], 0, memory_order_relaxed);
    atomic_store(&cell->next, t->head->free);
    t->head->free = index + 1;
    atomic_fetch_sub(&t->head->n_used, 1);
}

void shared_table_remove(const struct shared_table *t, uint32_t index)
{
    atomic_fetch_add(&t->head->changes, 1);
    begin_change(cell_at(t, index));
    free_cell(t, index);
    atomic_fetch_add(&t->head->changes, 1);
}

void shared_table_each(const struct shared_table *t, void (*each)(void *arg, struct shared_ref ref),
                       void *arg)
{
    for (uint32_t i = 0; i < t->head->n_born; i++) {
        struct shared_ref ref = { i, atomic_load(&cell_at(t, i)->version) };

        if (is_live(ref.version))
            each(arg, ref);
    }
}

static bool remove_if_over(const struct shared_table *t, uint32_t index, shared_table_over_cb over,
                           void *arg)
{
    struct cell *cell = cell_at(t, index);
    bool over_still;

    if (!is_live(atomic_load(&cell->version)) || !over(arg, index))
        return false;
    atomic_fetch_add(&t->head->changes, 1);
    begin_change(cell);
    over_still = over(arg, index);
    if (over_still)
        free_cell(t, index);
    else
        end_change(cell);
    atomic_fetch_add(&t->head->changes, 1);
    return over_still;
}

uint32_t shared_table_sweep(const struct shared_table *t, uint32_t n, uint32_t enough,
                            shared_table_over_cb over, void *arg)
{
    uint32_t born = t->head->n_born, n_removed = 0;

    for (uint32_t i = 0; i < n && i < born && n_removed < enough; i++) {
        if (t->head->hand >= born)
            t->head->hand = 0;
        n_removed += remove_if_over(t, t->head->hand++, over, arg);
    }
    return n_removed;
}
