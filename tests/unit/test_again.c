/* SPDX-License-Identifier: MIT */
/* How far back an AGAIN may ask. Two clocks are read one after the other: 100 ms are no matter. */
#include "tests/unit/unit.h"

#include "common/clock.h"
#include "common/steady.h"
#include "worker/again.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, ROUNDED = 100 };

static struct envelope_again sent(uint64_t ms_ago)
{
    return (struct envelope_again){ .time_ms = steady_ms() - ms_ago };
}

static bool is_forgotten(uint64_t sent_ms_ago, uint64_t began_ms_ago)
{
    struct envelope_again again = sent(sent_ms_ago);

    return again_is_forgotten(&again, clock_mono_ms() - began_ms_ago);
}

static void what_was_sent_well_after_a_memory_began_is_remembered(void **state)
{
    (void)state;
    assert_false(is_forgotten(0, 20 * SECOND));
    assert_false(is_forgotten(10 * SECOND - ROUNDED, 20 * SECOND));
    assert_true(is_forgotten(10 * SECOND + ROUNDED, 20 * SECOND));
    assert_true(is_forgotten(0, 10 * SECOND - ROUNDED));
    assert_true(is_forgotten(0, 0));
}

static void the_margin_is_a_quarter_of_a_longer_memory(void **state)
{
    (void)state;
    assert_false(is_forgotten(3 * MINUTE - ROUNDED, 4 * MINUTE));
    assert_true(is_forgotten(3 * MINUTE + ROUNDED, 4 * MINUTE));
}

static void nothing_is_remembered_for_longer_than_ten_minutes(void **state)
{
    (void)state;
    assert_false(is_forgotten(10 * MINUTE - ROUNDED, 60 * MINUTE));
    assert_true(is_forgotten(10 * MINUTE + ROUNDED, 60 * MINUTE));
}

static void what_another_saw_begin_counts_from_ten_seconds_later_on(void **state)
{
    (void)state;
    struct envelope_again again = { .time_ms = 50 * SECOND };

    assert_true(again_is_before(&again, 60 * SECOND));
    assert_true(again_is_before(&again, 40 * SECOND + 1));
    assert_false(again_is_before(&again, 40 * SECOND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sent_well_after_a_memory_began_is_remembered),
        cmocka_unit_test(the_margin_is_a_quarter_of_a_longer_memory),
        cmocka_unit_test(nothing_is_remembered_for_longer_than_ten_minutes),
        cmocka_unit_test(what_another_saw_begin_counts_from_ten_seconds_later_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
