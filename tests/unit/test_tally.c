/* SPDX-License-Identifier: MIT */
/* What the workers of an instance have together, by clocks that stand still. */
#include "tests/unit/unit.h"

#include "common/clock.h"
#include "common/shm.h"
#include "worker/tally.h"

enum { LOOK_AGAIN_MS = 10, N_BLOCKS = 4 };

static uint64_t now_ms;
static struct shm *shm;
static struct metric_block *blocks[N_BLOCKS];

/* A double of clock.h. */
uint64_t clock_mono_ms(void)
{
    return now_ms;
}

uint64_t clock_wall_ms(void)
{
    return now_ms;
}

void clock_text(uint64_t wall_ms, char text_r[static CLOCK_TEXT_LEN])
{
    (void)wall_ms;
    text_r[0] = '\0';
}

static int open_all(void **state)
{
    struct shm_sizes sizes = {
        { [SHM_METRICS] = 65536, [SHM_HEARTBEATS] = 4096, [SHM_PAIRS] = 4096, [SHM_CLAIMS] = 4096 }
    };

    (void)state;
    now_ms = 1000000;
    assert_int_equal(shm_create(&sizes, &shm), 0);
    for (size_t i = 0; i < N_BLOCKS; i++)
        blocks[i] = metric_block(shm, i);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    shm_close(&shm);
    return 0;
}

static struct tally tally_of(size_t block)
{
    return (struct tally){ .shm = shm, .own = blocks[block], .metric = METRIC_connections };
}

static void a_process_that_is_alone_counts_its_own(void **state)
{
    struct tally tally = { .own = blocks[1], .metric = METRIC_connections };

    (void)state;
    metric_add(blocks[1], METRIC_connections, 3);
    metric_add(blocks[2], METRIC_connections, 5);
    metric_add(blocks[1], METRIC_body_bytes_held, 7);
    assert_int_equal(tally_own(&tally), 3);
    assert_int_equal(tally_all(&tally), 3);
}

static void all_is_the_sum_over_all_processes(void **state)
{
    struct tally tally = tally_of(1);

    (void)state;
    metric_add(blocks[1], METRIC_connections, 3);
    metric_add(blocks[2], METRIC_connections, 5);
    metric_add(blocks[3], METRIC_connections, 11);
    metric_add(blocks[3], METRIC_body_bytes_held, 100);
    assert_int_equal(tally_own(&tally), 3);
    assert_int_equal(tally_all(&tally), 19);
}

static void its_own_is_exact_and_the_others_are_looked_at_now_and_then(void **state)
{
    struct tally tally = tally_of(1);

    (void)state;
    metric_add(blocks[2], METRIC_connections, 5);
    assert_int_equal(tally_all(&tally), 5);
    metric_add(blocks[1], METRIC_connections, 2);
    metric_add(blocks[2], METRIC_connections, 1);
    assert_int_equal(tally_all(&tally), 7);
    now_ms += LOOK_AGAIN_MS - 1;
    assert_int_equal(tally_all(&tally), 7);
    now_ms += 1;
    assert_int_equal(tally_all(&tally), 8);
    metric_add(blocks[1], METRIC_connections, -2);
    assert_int_equal(tally_all(&tally), 6);
}

static void a_worker_that_died_gives_its_part_back(void **state)
{
    struct tally tally = tally_of(1);

    (void)state;
    metric_add(blocks[1], METRIC_connections, 1);
    metric_add(blocks[2], METRIC_connections, 5);
    assert_int_equal(tally_all(&tally), 6);
    metric_forget_process(blocks[2]); /* as the master's reaping does */
    now_ms += LOOK_AGAIN_MS;
    assert_int_equal(tally_all(&tally), 1);
}

/* Between its own reading and that of all, this process' part cannot move; another's dying can
 * make the sum smaller than what is ours for a moment, and nobody has less than nothing. */
static void others_are_never_less_than_nothing(void **state)
{
    struct tally tally = tally_of(1);

    (void)state;
    metric_add(blocks[1], METRIC_connections, 4);
    metric_add(blocks[2], METRIC_connections, -1);
    assert_int_equal(tally_all(&tally), 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_process_that_is_alone_counts_its_own),
        TEST(all_is_the_sum_over_all_processes),
        TEST(its_own_is_exact_and_the_others_are_looked_at_now_and_then),
        TEST(a_worker_that_died_gives_its_part_back),
        TEST(others_are_never_less_than_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
