/* SPDX-License-Identifier: MIT */
/* The pairs of an instance: their ends, their bounds, and what is left of them. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "worker/session_table.h"

enum { N_CELLS = 32, MAX_PER_NODE = 4, SECOND_MS = 1000, HOUR_MS = 3600 * SECOND_MS };

static struct session_table table;
static uint64_t memory[1024];
static const uint64_t start_ms = 50 * HOUR_MS;

static int empty(void **state)
{
    size_t len = 72 + N_CELLS * (52 + sizeof(struct session)); /* as shared_table.c lays it out */

    (void)state;
    memset(memory, 0, sizeof(memory));
    assert_true(len <= sizeof(memory));
    assert_int_equal(session_table_open(&table, memory, len, MAX_PER_NODE), 0);
    assert_int_equal(table.pairs.n_cells, N_CELLS);
    return 0;
}

static struct session session_of(uint8_t id, uint8_t node, uint64_t now_ms)
{
    struct session session = { .secret = { .id = { id }, .suite = SUITE_AES_256_GCM },
                               .node = { node },
                               .client_id = { 7 },
                               .created_mono_ms = now_ms,
                               .expires_mono_ms = now_ms + HOUR_MS };

    memset(session.secret.key.bytes, 0xa5, SECRET_KEY_LEN);
    return session;
}

static int put(uint8_t id, uint8_t node, uint64_t now_ms)
{
    struct session session = session_of(id, node, now_ms);

    return session_table_put(&table, &session, now_ms);
}

static int find(uint8_t id, uint64_t now_ms)
{
    uint8_t bytes[PAIR_ID_LEN] = { id };
    struct session session;
    struct shared_ref ref;

    return session_table_find(&table, bytes, now_ms, &session, &ref);
}

/* What a worker does for a message: finds the pair, notes its use. */
static int use(uint8_t id, uint64_t now_ms)
{
    uint8_t bytes[PAIR_ID_LEN] = { id };
    struct session session;
    struct shared_ref ref;
    int r = session_table_find(&table, bytes, now_ms, &session, &ref);

    if (r < 0)
        return r;
    return session_table_use(&table, ref, now_ms) ? 0
                                                  : session_table_use_first(&table, ref, now_ms);
}

static void a_pair_is_found_as_it_was_put(void **state)
{
    (void)state;
    struct session put_in = session_of(3, 1, start_ms), got;
    struct shared_ref ref;

    assert_int_equal(session_table_put(&table, &put_in, start_ms), 0);
    assert_int_equal(session_table_find(&table, put_in.secret.id, start_ms, &got, &ref), 0);
    assert_memory_equal(&got, &put_in, sizeof(got));
    assert_true(session_table_holds(&table, ref, &got, start_ms));
    assert_int_equal(find(4, start_ms), ERR_UNKNOWN);
}

static void a_pair_ends_with_its_life(void **state)
{
    (void)state;
    assert_int_equal(put(1, 1, start_ms), 0);
    assert_int_equal(use(1, start_ms), 0);
    assert_int_equal(find(1, start_ms + HOUR_MS - 1), 0);
    assert_int_equal(find(1, start_ms + HOUR_MS), ERR_UNKNOWN);
}

static void an_unused_pair_ends_after_six_minutes(void **state)
{
    (void)state;
    assert_int_equal(put(1, 1, start_ms), 0);
    assert_int_equal(put(2, 1, start_ms), 0);
    assert_int_equal(use(2, start_ms + 359999), 0);
    assert_int_equal(find(1, start_ms + 359999), 0);
    assert_int_equal(find(1, start_ms + 360000), ERR_UNKNOWN);
    assert_int_equal(find(2, start_ms + 360000), 0);
}

static void unused_pairs_are_not_counted(void **state)
{
    (void)state;
    for (uint8_t id = 0; id < 4 * MAX_PER_NODE; id++)
        assert_int_equal(put(id, 1, start_ms), 0);
    for (uint8_t id = 0; id < MAX_PER_NODE; id++)
        assert_int_equal(use(id, start_ms), 0);
    assert_int_equal(use(MAX_PER_NODE, start_ms), ERR_BUSY);
    /* Refused, not forgotten. */
    assert_int_equal(find(MAX_PER_NODE, start_ms), 0);
}

static void at_the_bound_the_longest_idle_pair_goes_if_idle_for_a_minute(void **state)
{
    (void)state;
    for (uint8_t id = 0; id < MAX_PER_NODE; id++) {
        assert_int_equal(put(id, 1, start_ms), 0);
        assert_int_equal(use(id, start_ms + id), 0);
    }
    assert_int_equal(use(0, start_ms + 30 * SECOND_MS), 0); /* 1 is now the oldest */
    assert_int_equal(put(100, 1, start_ms), 0);
    assert_int_equal(use(100, start_ms + 60 * SECOND_MS), ERR_BUSY);
    assert_int_equal(use(100, start_ms + 60 * SECOND_MS + 1), 0);
    assert_int_equal(find(1, start_ms + 60 * SECOND_MS + 1), ERR_UNKNOWN);
    for (uint8_t id = 0; id < MAX_PER_NODE; id++)
        assert_int_equal(find(id, start_ms + 60 * SECOND_MS + 1), id == 1 ? ERR_UNKNOWN : 0);
}

static void nodes_have_bounds_of_their_own(void **state)
{
    (void)state;
    for (uint8_t id = 0; id < 3 * MAX_PER_NODE; id++) {
        assert_int_equal(put(id, id % 3, start_ms), 0);
        assert_int_equal(use(id, start_ms), 0);
    }
    assert_int_equal(put(100, 2, start_ms), 0);
    assert_int_equal(use(100, start_ms), ERR_BUSY);
    /* Only pairs of the same node make room. */
    assert_int_equal(use(100, start_ms + 61 * SECOND_MS), 0);
    for (uint8_t id = 0; id < 3 * MAX_PER_NODE; id += 3)
        assert_int_equal(find(id, start_ms), 0);
}

static void pairs_that_are_over_do_not_count(void **state)
{
    (void)state;
    for (uint8_t id = 0; id < MAX_PER_NODE; id++) {
        assert_int_equal(put(id, 1, start_ms), 0);
        assert_int_equal(use(id, start_ms), 0);
    }
    for (uint8_t id = 0; id < MAX_PER_NODE; id++) /* used up to their last moment */
        assert_int_equal(use(id, start_ms + HOUR_MS - 1), 0);
    assert_int_equal(put(100, 1, start_ms + HOUR_MS), 0);
    assert_int_equal(use(100, start_ms + HOUR_MS), 0);
}

static void a_full_table_is_busy_until_something_is_over(void **state)
{
    (void)state;
    for (uint8_t id = 0; id < N_CELLS; id++)
        assert_int_equal(put(id, id, start_ms), 0);
    assert_int_equal(put(100, 100, start_ms), ERR_BUSY);
    assert_int_equal(put(100, 100, start_ms + 359999), ERR_BUSY);
    assert_int_equal(use(5, start_ms), 0);
    for (uint8_t id = 0; id < N_CELLS - 1; id++)
        assert_int_equal(put((uint8_t)(100 + id), 1, start_ms + 360000), 0);
    assert_int_equal(put(200, 1, start_ms + 360000), ERR_BUSY);
    assert_int_equal(find(5, start_ms + 360000), 0);
}

static void a_pair_that_went_leaves_no_key_behind(void **state)
{
    (void)state;
    uint8_t key[8];

    memset(key, 0xa5, sizeof(key));
    assert_int_equal(put(1, 1, start_ms), 0);
    assert_non_null(memmem(memory, sizeof(memory), key, sizeof(key)));
    session_table_sweep(&table, N_CELLS, start_ms + 359999);
    assert_non_null(memmem(memory, sizeof(memory), key, sizeof(key)));
    session_table_sweep(&table, N_CELLS, start_ms + 360000);
    assert_null(memmem(memory, sizeof(memory), key, sizeof(key)));
}

static void what_was_found_is_not_held_once_it_went(void **state)
{
    (void)state;
    uint8_t id[PAIR_ID_LEN] = { 1 };
    struct session session;
    struct shared_ref ref;

    assert_int_equal(put(1, 1, start_ms), 0);
    assert_int_equal(session_table_find(&table, id, start_ms, &session, &ref), 0);
    session_table_sweep(&table, N_CELLS, start_ms + 360000);
    assert_false(session_table_holds(&table, ref, &session, start_ms));
    assert_int_equal(session_table_use_first(&table, ref, start_ms), ERR_UNKNOWN);
    assert_int_equal(put(2, 1, start_ms), 0); /* takes the same cell */
    assert_false(session_table_holds(&table, ref, &session, start_ms));
    assert_int_equal(session_table_use_first(&table, ref, start_ms), ERR_UNKNOWN);
}

struct model {
    bool there, used;
    uint8_t node;
    uint64_t created_ms, last_ms;
};

static bool model_is_over(const struct model *m, uint64_t now_ms)
{
    return now_ms >= m->created_ms + HOUR_MS || (!m->used && now_ms >= m->created_ms + 360000);
}

static struct model *model_oldest(struct model *models, size_t n, uint8_t node, uint64_t now_ms,
                                  unsigned *n_used_r)
{
    struct model *oldest = NULL;

    *n_used_r = 0;
    for (size_t i = 0; i < n; i++) {
        struct model *m = &models[i];

        if (!m->there || !m->used || m->node != node || model_is_over(m, now_ms))
            continue;
        (*n_used_r)++;
        if (oldest == NULL || m->last_ms < oldest->last_ms)
            oldest = m;
    }
    return oldest;
}

/* What using must give, and what it does to the others. */
static int model_use(struct model *models, size_t n, struct model *m, uint64_t now_ms)
{
    struct model *oldest;
    unsigned n_used;

    if (!m->there || model_is_over(m, now_ms))
        return ERR_UNKNOWN;
    oldest = model_oldest(models, n, m->node, now_ms, &n_used);
    if (!m->used && n_used >= MAX_PER_NODE) {
        if (oldest->last_ms + 60 * SECOND_MS > now_ms)
            return ERR_BUSY;
        oldest->there = false;
    }
    m->used = true;
    m->last_ms = now_ms;
    return 0;
}

/* Steps are of more than a second, to which uses are noted. */
static void it_agrees_with_a_naive_model(void **state)
{
    (void)state;
    enum { N_IDS = 24, N_NODES = 3, STEPS = 20000 };
    struct model models[N_IDS] = { 0 };
    unsigned n_busy = 0, n_unknown = 0;
    uint64_t now_ms = start_ms;

    srandom(3);
    for (int i = 0; i < STEPS; i++) {
        uint8_t id = (uint8_t)(random() % N_IDS);
        struct model *m = &models[id];

        if (!m->there || model_is_over(m, now_ms)) {
            /* The same id comes back only here: pair ids do not repeat. */
            session_table_sweep(&table, N_CELLS, now_ms);
            *m = (struct model){ true, false, (uint8_t)(id % N_NODES), now_ms, 0 };
            assert_int_equal(put(id, m->node, now_ms), 0);
        } else {
            int want = model_use(models, N_IDS, m, now_ms), got = use(id, now_ms);

            assert_int_equal(got, want);
            n_busy += got == ERR_BUSY;
        }
        id = (uint8_t)(random() % N_IDS);
        m = &models[id];
        assert_int_equal(find(id, now_ms), m->there && !model_is_over(m, now_ms) ? 0 : ERR_UNKNOWN);
        n_unknown += find(id, now_ms) == ERR_UNKNOWN;
        now_ms += (uint64_t)(1001 + random() % 20000);
    }
    assert_true(n_busy > 10 && n_unknown > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_pair_is_found_as_it_was_put, empty),
        cmocka_unit_test_setup(a_pair_ends_with_its_life, empty),
        cmocka_unit_test_setup(an_unused_pair_ends_after_six_minutes, empty),
        cmocka_unit_test_setup(unused_pairs_are_not_counted, empty),
        cmocka_unit_test_setup(at_the_bound_the_longest_idle_pair_goes_if_idle_for_a_minute, empty),
        cmocka_unit_test_setup(nodes_have_bounds_of_their_own, empty),
        cmocka_unit_test_setup(pairs_that_are_over_do_not_count, empty),
        cmocka_unit_test_setup(a_full_table_is_busy_until_something_is_over, empty),
        cmocka_unit_test_setup(a_pair_that_went_leaves_no_key_behind, empty),
        cmocka_unit_test_setup(what_was_found_is_not_held_once_it_went, empty),
        cmocka_unit_test_setup(it_agrees_with_a_naive_model, empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
