/* SPDX-License-Identifier: MIT */
/* Claims: once and for all, in bounded memory. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/envelope.h"
#include "worker/claim.h"

enum { N_PAGES = 16, MINUTE_MS = 60 * 1000 };

static struct claims claims;
static uint64_t memory[(N_PAGES * 4148 + 72) / 8 + 1];
static const uint64_t start_ms = 1000 * MINUTE_MS;

static int empty(void **state)
{
    (void)state;
    memset(memory, 0, sizeof(memory));
    assert_int_equal(claims_open(&claims, memory, sizeof(memory)), 0);
    assert_int_equal(claims.pages.n_cells, N_PAGES);
    return 0;
}

/* As a worker does it. */
static int claim(uint8_t pair, uint64_t counter, uint64_t now_ms)
{
    uint8_t id[PAIR_ID_LEN] = { pair };
    int r = claims_try(&claims, id, counter, now_ms);

    return r == ERR_UNKNOWN ? claims_take(&claims, id, counter, now_ms) : r;
}

static void too_little_memory_is_refused(void **state)
{
    (void)state;
    struct claims small;

    assert_int_equal(claims_open(&small, memory, 0), ERR_LIMIT);
    assert_int_equal(claims_open(&small, memory, 4 * 4096), ERR_LIMIT);
}

static void a_counter_is_claimed_once(void **state)
{
    (void)state;
    static const uint64_t counters[] = { 0, 1, 63, 64, 32767, 32768, ENVELOPE_COUNTER_END - 1 };

    for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
        assert_int_equal(claim(1, counters[i], start_ms), 0);
    for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
        assert_int_equal(claim(1, counters[i], start_ms), ERR_REPLAY);
    assert_int_equal(claim(1, 2, start_ms), 0);
    assert_int_equal(claim(2, 0, start_ms), 0);
}

static void without_the_lock_no_page_is_made(void **state)
{
    (void)state;
    uint8_t id[PAIR_ID_LEN] = { 1 };

    assert_int_equal(claims_try(&claims, id, 5, start_ms), ERR_UNKNOWN);
    assert_int_equal(claims_try(&claims, id, 5, start_ms), ERR_UNKNOWN);
    assert_int_equal(claims_take(&claims, id, 5, start_ms), 0);
    assert_int_equal(claims_try(&claims, id, 5, start_ms), ERR_REPLAY);
    assert_int_equal(claims_try(&claims, id, 6, start_ms), 0);
}

static void a_pair_has_at_most_a_quarter_of_the_pool(void **state)
{
    (void)state;
    for (uint64_t page = 0; page < N_PAGES / 4; page++)
        assert_int_equal(claim(1, page * CLAIM_PAGE_BITS, start_ms), 0);
    assert_int_equal(claim(1, 77 * CLAIM_PAGE_BITS, start_ms), ERR_BUSY);
    assert_int_equal(claim(1, 1, start_ms), 0);
    assert_int_equal(claim(2, 0, start_ms), 0);
    /* Its own pages that are over make room for it. */
    assert_int_equal(claim(1, 77 * CLAIM_PAGE_BITS, start_ms + 31 * MINUTE_MS), 0);
}

static void a_full_pool_is_busy_until_a_page_is_over(void **state)
{
    (void)state;
    for (uint8_t pair = 0; pair < N_PAGES; pair++)
        assert_int_equal(claim(pair, 0, start_ms + pair), 0);
    assert_int_equal(claim(100, 0, start_ms), ERR_BUSY);
    assert_int_equal(claim(100, 0, start_ms + 30 * MINUTE_MS), ERR_BUSY);
    for (uint8_t pair = 0; pair < N_PAGES; pair++)
        assert_int_equal(claim(pair, 0, start_ms + 30 * MINUTE_MS), ERR_REPLAY);
}

static void a_page_lives_half_an_hour_after_its_last_write(void **state)
{
    (void)state;
    assert_int_equal(claim(1, 0, start_ms), 0);
    assert_int_equal(claim(1, 1, start_ms + 20 * MINUTE_MS), 0);
    /* A worker that was stopped brings an old time. */
    assert_int_equal(claim(1, 2, start_ms + 1), 0);
    claims_sweep(&claims, UINT32_MAX, start_ms + 50 * MINUTE_MS);
    assert_int_equal(claim(1, 0, start_ms + 50 * MINUTE_MS), ERR_REPLAY);
    claims_sweep(&claims, UINT32_MAX, start_ms + 81 * MINUTE_MS);
    assert_int_equal(claim(1, 0, start_ms + 81 * MINUTE_MS), 0);
    /* What was in the page went with it. */
    assert_int_equal(claim(1, 1, start_ms + 81 * MINUTE_MS), 0);
}

static void a_bit_set_in_a_page_that_went_is_not_believed(void **state)
{
    (void)state;
    uint8_t id[PAIR_ID_LEN] = { 1 };
    uint64_t key[3] = { 0 };
    struct shared_ref stale;

    /* As a worker does that is stopped after the find, while the page goes to another pair. */
    assert_int_equal(claim(1, 9, start_ms), 0);
    memcpy(key, id, sizeof(id));
    assert_true(shared_table_find(&claims.pages, key, &stale));
    claims_sweep(&claims, UINT32_MAX, start_ms + 31 * MINUTE_MS);
    assert_int_equal(claim(2, 9, start_ms + 31 * MINUTE_MS), 0);
    assert_false(shared_table_holds(&claims.pages, stale));
    assert_int_equal(claims_try(&claims, id, 9, start_ms + 31 * MINUTE_MS), ERR_UNKNOWN);
}

/*
 * Three pairs, five pages, and time that jumps. Of each bit the model knows whether it may be set
 * (it was claimed once) and whether it must be (and no gap of half an hour in its page since).
 */
static void it_agrees_with_a_naive_model(void **state)
{
    (void)state;
    enum { N_PAIRS = 3, N_MODEL_PAGES = 5, N_BITS = 8, STEPS = 30000 };
    static bool may[N_PAIRS][N_MODEL_PAGES][N_BITS], must[N_PAIRS][N_MODEL_PAGES][N_BITS];
    uint64_t last_ms[N_PAIRS][N_MODEL_PAGES] = { 0 }, now_ms = start_ms;
    unsigned n_won = 0, n_won_again = 0;

    srandom(2);
    for (int i = 0; i < STEPS; i++) {
        unsigned pair = (unsigned)random() % N_PAIRS, page = (unsigned)random() % N_MODEL_PAGES;
        unsigned bit = (unsigned)random() % N_BITS;
        int r = claim((uint8_t)pair, (uint64_t)page * CLAIM_PAGE_BITS + bit * 4095, now_ms);

        if (now_ms > last_ms[pair][page] + 30 * MINUTE_MS)
            memset(must[pair][page], 0, sizeof(must[pair][page]));
        assert_true(r == 0 || r == ERR_REPLAY || r == ERR_BUSY);
        assert_false(r == 0 && must[pair][page][bit]);
        assert_false(r == ERR_REPLAY && !may[pair][page][bit]);
        n_won += r == 0;
        n_won_again += r == 0 && may[pair][page][bit];
        if (r != ERR_BUSY) {
            last_ms[pair][page] = now_ms;
            may[pair][page][bit] = must[pair][page][bit] = true;
        }
        if (random() % 50 == 0)
            claims_sweep(&claims, 3, now_ms);
        now_ms += (uint64_t)(random() % 1000 == 0 ? 40 * MINUTE_MS : random() % 500);
    }
    assert_true(n_won > n_won_again && n_won_again > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(too_little_memory_is_refused, empty),
        cmocka_unit_test_setup(a_counter_is_claimed_once, empty),
        cmocka_unit_test_setup(without_the_lock_no_page_is_made, empty),
        cmocka_unit_test_setup(a_pair_has_at_most_a_quarter_of_the_pool, empty),
        cmocka_unit_test_setup(a_full_pool_is_busy_until_a_page_is_over, empty),
        cmocka_unit_test_setup(a_page_lives_half_an_hour_after_its_last_write, empty),
        cmocka_unit_test_setup(a_bit_set_in_a_page_that_went_is_not_believed, empty),
        cmocka_unit_test_setup(it_agrees_with_a_naive_model, empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
