/* SPDX-License-Identifier: MIT */
/* Pairings of a node: a rate, a burst of ten seconds' worth, in bounded memory. */
#include "tests/unit/unit.h"

#include <string.h>

#include "worker/pairing_rate.h"

enum { N_CELLS = 8, PER_S = 5 };

static struct pairing_rate rate;
static uint64_t memory[256];
static const uint64_t start_ms = 1000 * 1000;

static int empty(void **state)
{
    (void)state;
    memset(memory, 0, sizeof(memory));
    assert_int_equal(pairing_rate_open(&rate, memory, 72 + N_CELLS * 44, PER_S), 0);
    assert_int_equal(rate.nodes.n_cells, N_CELLS);
    return 0;
}

static unsigned take_all(uint8_t node, uint64_t now_ms)
{
    uint8_t bytes[NODE_LEN] = { node };
    unsigned n = 0;

    while (n < 1000 && pairing_rate_take(&rate, bytes, now_ms) == 0)
        n++;
    return n;
}

static void a_burst_is_ten_times_the_rate(void **state)
{
    (void)state;
    assert_int_equal(take_all(1, start_ms), 50);
    assert_int_equal(take_all(1, start_ms), 0);
    assert_int_equal(take_all(2, start_ms), 50);
}

static void then_it_fills_at_the_rate(void **state)
{
    (void)state;
    assert_int_equal(take_all(1, start_ms), 50);
    assert_int_equal(take_all(1, start_ms + 199), 0);
    assert_int_equal(take_all(1, start_ms + 200), 1);
    assert_int_equal(take_all(1, start_ms + 1200), 5);
    assert_int_equal(take_all(1, start_ms + 3600 * 1000), 50);
}

static void a_node_whose_bucket_is_full_makes_room(void **state)
{
    (void)state;
    for (uint8_t node = 0; node < N_CELLS; node++)
        assert_int_equal(take_all(node, start_ms), 50);
    assert_int_equal(take_all(100, start_ms), 0);
    assert_int_equal(take_all(100, start_ms + 9999), 0);
    assert_int_equal(take_all(100, start_ms + 10000), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_burst_is_ten_times_the_rate, empty),
        cmocka_unit_test_setup(then_it_fills_at_the_rate, empty),
        cmocka_unit_test_setup(a_node_whose_bucket_is_full_makes_room, empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
