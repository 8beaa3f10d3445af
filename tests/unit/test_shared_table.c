/* SPDX-License-Identifier: MIT */
/* The table that processes share: against a naive model, and what a stale finder may believe. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "worker/shared_table.h"

enum { N_CELLS = 16, N_KEY = 2, N_VALUE = 2, N_KEYS = 40 };

static struct shared_table table;
static uint64_t memory[1024];

static int empty(void **state)
{
    (void)state;
    memset(memory, 0, sizeof(memory));
    assert_true(shared_table_len(N_CELLS, N_KEY, N_VALUE) <= sizeof(memory));
    shared_table_open(&table, memory, N_CELLS, N_KEY, N_VALUE);
    return 0;
}

static struct shared_ref added(uint64_t id)
{
    uint64_t key[N_KEY] = { id, ~id }, value = id * 3;
    uint32_t index;

    assert_int_equal(shared_table_take(&table, &index), 0);
    return shared_table_publish(&table, index, key, &value, sizeof(value));
}

static bool found(uint64_t id, struct shared_ref *ref_r)
{
    uint64_t key[N_KEY] = { id, ~id };

    return shared_table_find(&table, key, ref_r);
}

static void what_fits_is_what_is_used(void **state)
{
    (void)state;
    for (size_t len = 0; len < 5000; len++) {
        uint32_t n = shared_table_fit(len, N_KEY, N_VALUE);

        assert_true(n == 0 || shared_table_len(n, N_KEY, N_VALUE) <= len);
        assert_true(shared_table_len(n + 2, N_KEY, N_VALUE) > len);
    }
}

static void zeroed_memory_is_an_empty_table(void **state)
{
    (void)state;
    struct shared_ref ref;

    assert_false(found(0, &ref));
    assert_false(found(1, &ref));
}

static void it_agrees_with_a_naive_model(void **state)
{
    (void)state;
    bool there[N_KEYS] = { false };
    uint32_t n = 0, index;
    struct shared_ref ref;

    srandom(1);
    for (int i = 0; i < 20000; i++) {
        uint64_t id = (uint64_t)random() % N_KEYS, value = 0;

        assert_int_equal(shared_table_n_used(&table), n);
        assert_int_equal(found(id, &ref), there[id]);
        if (there[id]) {
            assert_true(shared_table_read(&table, ref, 0, &value, sizeof(value)));
            assert_int_equal(value, id * 3);
        }
        if (there[id] && random() % 2 == 0) {
            shared_table_remove(&table, ref.index);
            there[id] = false, n--;
            assert_false(shared_table_holds(&table, ref));
        } else if (!there[id] && n == N_CELLS) {
            assert_int_equal(shared_table_take(&table, &index), ERR_FULL);
        } else if (!there[id]) {
            added(id);
            there[id] = true, n++;
        }
    }
}

static void a_cell_that_went_is_not_held_even_by_the_same_key(void **state)
{
    (void)state;
    struct shared_ref old = added(7), new;
    uint64_t value;

    shared_table_remove(&table, old.index);
    new = added(7);
    assert_int_equal(new.index, old.index);
    assert_false(shared_table_holds(&table, old));
    assert_false(shared_table_read(&table, old, 0, &value, sizeof(value)));
    assert_true(shared_table_holds(&table, new));
}

static void a_removed_value_leaves_nothing_behind(void **state)
{
    (void)state;
    uint8_t mark[16];
    uint64_t key[N_KEY] = { 1, 2 };
    uint32_t index;

    memset(mark, 0xa5, sizeof(mark));
    assert_int_equal(shared_table_take(&table, &index), 0);
    shared_table_publish(&table, index, key, mark, sizeof(mark));
    assert_non_null(memmem(memory, sizeof(memory), mark, 8));
    shared_table_remove(&table, index);
    assert_null(memmem(memory, sizeof(memory), mark, 8));
}

static void changes_are_even_at_rest_and_move_with_each(void **state)
{
    (void)state;
    uint64_t before = shared_table_changes(&table), after;
    struct shared_ref ref = added(1);

    after = shared_table_changes(&table);
    assert_true(after > before && after % 2 == 0);
    shared_table_remove(&table, ref.index);
    assert_true(shared_table_changes(&table) > after);
    assert_int_equal(shared_table_changes(&table) % 2, 0);
}

/* Affirms at first, as a sweep would that looks just before a worker marks the value. */
static bool over_at_first(void *arg, uint32_t index)
{
    unsigned *n_asked = arg;

    (void)index;
    return (*n_asked)++ == 0;
}

static void a_sweep_looks_again_before_it_removes(void **state)
{
    (void)state;
    struct shared_ref before = added(1), after;
    unsigned n_asked = 0;

    assert_int_equal(shared_table_sweep(&table, 100, 100, over_at_first, &n_asked), 0);
    assert_int_equal(n_asked, 2);
    assert_true(found(1, &after));
    /* Who found it before cannot know what happened, and has to look again. */
    assert_false(shared_table_holds(&table, before));
}

static bool is_odd(void *arg, uint32_t index)
{
    (void)arg;
    return index % 2 == 1;
}

static void a_sweep_goes_round_and_stops_at_enough(void **state)
{
    (void)state;
    struct shared_ref ref;

    for (uint64_t id = 0; id < N_CELLS; id++)
        added(id);
    assert_int_equal(shared_table_sweep(&table, UINT32_MAX, 3, is_odd, NULL), 3);
    assert_int_equal(shared_table_sweep(&table, UINT32_MAX, UINT32_MAX, is_odd, NULL), 5);
    for (uint64_t id = 0; id < N_CELLS; id++)
        assert_int_equal(found(id, &ref), id % 2 == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_fits_is_what_is_used, empty),
        cmocka_unit_test_setup(zeroed_memory_is_an_empty_table, empty),
        cmocka_unit_test_setup(it_agrees_with_a_naive_model, empty),
        cmocka_unit_test_setup(a_cell_that_went_is_not_held_even_by_the_same_key, empty),
        cmocka_unit_test_setup(a_removed_value_leaves_nothing_behind, empty),
        cmocka_unit_test_setup(changes_are_even_at_rest_and_move_with_each, empty),
        cmocka_unit_test_setup(a_sweep_looks_again_before_it_removes, empty),
        cmocka_unit_test_setup(a_sweep_goes_round_and_stops_at_enough, empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
