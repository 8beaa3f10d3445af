/* SPDX-License-Identifier: MIT */
/* The clock for the age of messages, by clocks that are set at will. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/steady.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

static uint64_t mono_now, wall_now;
static steady_mark mark;

/* Doubles of clock.h. */
uint64_t clock_mono_ms(void)
{
    return mono_now;
}

uint64_t clock_wall_ms(void)
{
    return wall_now;
}

void clock_text(uint64_t ms, char text_r[static CLOCK_TEXT_LEN])
{
    (void)ms;
    text_r[0] = '\0';
}

static void pass(uint64_t ms)
{
    mono_now += ms;
    wall_now += ms;
}

static int begin(void **state)
{
    (void)state;
    mono_now = 40 * MINUTE;
    wall_now = 1700000000000;
    mark = 0;
    steady_share(&mark);
    return 0;
}

static int end(void **state)
{
    (void)state;
    steady_share(NULL);
    return 0;
}

static void it_is_the_wall_clock_as_long_as_that_goes_on(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++, pass((uint64_t)i * 997))
        assert_int_equal(steady_ms(), wall_now);
    wall_now += 3 * HOUR;
    assert_int_equal(steady_ms(), wall_now);
}

static void a_clock_that_is_set_back_is_met_at_three_quarters_of_its_pace(void **state)
{
    uint64_t before;

    (void)state;
    before = steady_ms();
    wall_now -= HOUR;
    assert_int_equal(steady_ms(), before);
    pass(40 * MINUTE);
    assert_int_equal(steady_ms(), before + 30 * MINUTE);
    pass(3 * HOUR + 20 * MINUTE); /* the wall clock has made good an hour, a quarter of four */
    assert_int_equal(steady_ms(), wall_now);
    pass(MINUTE);
    assert_int_equal(steady_ms(), wall_now);
}

static void a_process_that_begins_later_has_the_clock_of_the_others(void **state)
{
    uint64_t before;

    (void)state;
    before = steady_ms();
    wall_now -= HOUR;
    steady_share(NULL); /* alone it knows of nothing that was */
    assert_in_range(steady_ms(), wall_now, wall_now + SECOND);
    steady_share(&mark);
    assert_int_equal(steady_ms(), before);
}

/*
 * What claims and the ages of messages stand on: a message is taken within 10 minutes of its time,
 * on either side, and its claim is kept for 30 minutes.
 */
static void what_was_fresh_half_an_hour_ago_is_fresh_no_more_however_the_clock_is_set(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 2000; seed++) {
        uint64_t claimed_at, message_time;

        begin(state);
        srand(seed);
        steady_ms();
        for (int i = rand() % 20; i > 0; i--) {
            pass((uint64_t)(rand() % HOUR));
            wall_now += (uint64_t)(rand() % (2 * HOUR) - HOUR);
            if (rand() % 2 == 0)
                steady_ms();
        }
        claimed_at = mono_now;
        message_time = steady_ms() + 10 * MINUTE; /* as far ahead as is taken */
        while (mono_now < claimed_at + 30 * MINUTE) {
            pass((uint64_t)(rand() % (10 * MINUTE)));
            wall_now += (uint64_t)(rand() % (2 * HOUR) - HOUR);
            if (rand() % 2 == 0)
                steady_ms();
        }
        assert_true(steady_ms() > message_time + 10 * MINUTE);
    }
}

#define LAW(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAW(it_is_the_wall_clock_as_long_as_that_goes_on),
        LAW(a_clock_that_is_set_back_is_met_at_three_quarters_of_its_pace),
        LAW(a_process_that_begins_later_has_the_clock_of_the_others),
        LAW(what_was_fresh_half_an_hour_ago_is_fresh_no_more_however_the_clock_is_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
