/* SPDX-License-Identifier: MIT */
/* Clocks: one only moves forward, the other is the world's, and its text is ISO 8601. */
#include "tests/unit/unit.h"

#include <time.h>

#include "common/clock.h"

static void assert_text(uint64_t ms, const char *want)
{
    char text[CLOCK_TEXT_LEN];

    clock_text(ms, text);
    assert_string_equal(text, want);
}

static void a_moment_is_written_in_utc_with_milliseconds(void **state)
{
    (void)state;
    assert_text(0, "1970-01-01T00:00:00.000Z");
    assert_text(951782399999, "2000-02-28T23:59:59.999Z");
    assert_text(951782400001, "2000-02-29T00:00:00.001Z");
    assert_text(4102444800010, "2100-01-01T00:00:00.010Z");
}

static void what_is_past_the_year_9999_is_its_end(void **state)
{
    (void)state;
    assert_text(253402300799999, "9999-12-31T23:59:59.999Z");
    assert_text(253402300800000, "9999-12-31T23:59:59.999Z");
    assert_text(UINT64_MAX, "9999-12-31T23:59:59.999Z");
}

static void both_clocks_count_milliseconds(void **state)
{
    const struct timespec pause = { .tv_nsec = 20000000 };
    uint64_t mono = clock_mono_ms(), wall = clock_wall_ms(), s = (uint64_t)time(NULL);

    (void)state;
    assert_in_range(wall / 1000, s - 1, s + 1);
    assert_int_equal(nanosleep(&pause, NULL), 0);
    assert_in_range(clock_mono_ms() - mono, 19, 60000);
}

static void the_monotonic_clock_never_goes_back(void **state)
{
    uint64_t last = clock_mono_ms(), now;

    (void)state;
    for (int i = 0; i < 10000; i++, last = now) {
        now = clock_mono_ms();
        assert_true(now >= last);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_is_written_in_utc_with_milliseconds),
        cmocka_unit_test(what_is_past_the_year_9999_is_its_end),
        cmocka_unit_test(both_clocks_count_milliseconds),
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
