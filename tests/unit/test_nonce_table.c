/* SPDX-License-Identifier: MIT */
/* Nonces are remembered for five minutes, in bounded memory. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "worker/nonce_table.h"

enum { N_CELLS = 64 };

static struct nonce_table table;
static uint64_t memory[1024];
static const uint64_t start_ms = 1000 * 1000;

static int empty(void **state)
{
    (void)state;
    memset(memory, 0, sizeof(memory));
    assert_int_equal(nonce_table_open(&table, memory, 72 + N_CELLS * 60), 0);
    assert_int_equal(table.nonces.n_cells, N_CELLS);
    return 0;
}

static int add(uint32_t n, uint64_t now_ms)
{
    uint8_t nonce[PAIRING_NONCE_LEN] = { 0 };

    memcpy(nonce + 28, &n, sizeof(n));
    return nonce_table_add(&table, nonce, now_ms);
}

static void a_nonce_is_known_for_five_minutes(void **state)
{
    (void)state;
    assert_int_equal(add(1, start_ms), 0);
    assert_int_equal(add(1, start_ms), ERR_REPLAY);
    assert_int_equal(add(1, start_ms + 299999), ERR_REPLAY);
    assert_int_equal(add(1, start_ms + 300000), 0);
    assert_int_equal(add(1, start_ms + 300000), ERR_REPLAY);
}

static void a_full_table_is_busy_and_forgets_nothing(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < N_CELLS; n++)
        assert_int_equal(add(n, start_ms), 0);
    assert_int_equal(add(1000, start_ms + 299999), ERR_BUSY);
    for (uint32_t n = 0; n < N_CELLS; n++)
        assert_int_equal(add(n, start_ms + 299999), ERR_REPLAY);
    for (uint32_t n = 0; n < N_CELLS; n++)
        assert_int_equal(add(1000 + n, start_ms + 300000), 0);
}

static void it_agrees_with_a_naive_model(void **state)
{
    (void)state;
    enum { N_NONCES = 40 };
    uint64_t seen_ms[N_NONCES] = { 0 }, now_ms = start_ms;
    unsigned n_replays = 0;

    srandom(5);
    for (int i = 0; i < 20000; i++) {
        uint32_t n = (uint32_t)random() % N_NONCES;
        bool known = seen_ms[n] != 0 && now_ms < seen_ms[n] + 300000;

        assert_int_equal(add(n, now_ms), known ? ERR_REPLAY : 0);
        if (!known)
            seen_ms[n] = now_ms;
        n_replays += known;
        now_ms += (uint64_t)random() % 20000;
    }
    assert_in_range(n_replays, 1000, 19000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_nonce_is_known_for_five_minutes, empty),
        cmocka_unit_test_setup(a_full_table_is_busy_and_forgets_nothing, empty),
        cmocka_unit_test_setup(it_agrees_with_a_naive_model, empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
