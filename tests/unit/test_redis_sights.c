/* SPDX-License-Identifier: MIT */
/* First sights of servers: remembered for as long as there is room. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "worker/redis_sights.h"

enum { N = 4 };

static uint64_t memory[N * 6]; /* a time and 40 characters each */
static struct redis_sights sights;

static uint64_t see(unsigned server, uint64_t now_ms)
{
    char run_id[REDIS_RUN_ID_LEN + 1];

    snprintf(run_id, sizeof(run_id), "%040u", server);
    return redis_sights_note(&sights, run_id, now_ms);
}

static int empty(void **state)
{
    (void)state;
    memset(memory, 0, sizeof(memory));
    assert_int_equal(redis_sights_open(&sights, memory, sizeof(memory)), 0);
    assert_int_equal(sights.n, N);
    return 0;
}

static void the_first_sight_stays(void **state)
{
    (void)state;
    assert_int_equal(see(7, 100), 100);
    assert_int_equal(see(8, 200), 200);
    assert_int_equal(see(7, 300), 100);
    assert_int_equal(see(8, 300), 200);
}

static void without_room_the_oldest_goes_and_is_new_again(void **state)
{
    (void)state;
    for (unsigned server = 0; server <= N; server++)
        see(server, 100 + server);
    assert_int_equal(see(1, 200), 101);
    assert_int_equal(see(N, 200), 100 + N);
    assert_int_equal(see(0, 200), 200);
}

static void no_room_at_all_is_told(void **state)
{
    (void)state;
    assert_int_equal(redis_sights_open(&sights, memory, 8), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_sight_stays, empty),
        cmocka_unit_test_setup(without_room_the_oldest_goes_and_is_new_again, empty),
        cmocka_unit_test_setup(no_room_at_all_is_told, empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
