/* SPDX-License-Identifier: MIT */
/* Restart delays. */
#include "tests/unit/unit.h"

#include "master/backoff.h"

static void delays_double_from_the_smallest_to_the_largest_and_stay_there(void **state)
{
    static const uint64_t want[] = { 100,  200,   400,   800,   1600,  3200,
                                     6400, 12800, 25600, 51200, 60000, 60000 };
    struct backoff backoff = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
        assert_int_equal(backoff_next(&backoff, 0), want[i]);
}

static void only_a_minute_of_health_resets_them(void **state)
{
    struct backoff backoff = { 0 };

    (void)state;
    assert_int_equal(backoff_next(&backoff, 0), 100);
    assert_int_equal(backoff_next(&backoff, 59999), 200);
    assert_int_equal(backoff_next(&backoff, 60000), 100);
    assert_int_equal(backoff_next(&backoff, 0), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_double_from_the_smallest_to_the_largest_and_stay_there),
        cmocka_unit_test(only_a_minute_of_health_resets_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
