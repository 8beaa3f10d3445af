/* SPDX-License-Identifier: MIT */
/* The times of an exchange add up. */
#include "tests/unit/unit.h"

#include "worker/stopwatch.h"

enum { MS = 1000000 };

static struct stopwatch watch;

static void pass_ms(uint64_t ms)
{
    uint64_t until = clock_mono_ns() + ms * MS;

    while (clock_mono_ns() < until)
        continue;
}

static void laps_one_after_the_other_leave_no_gap(void **state)
{
    (void)state;
    stopwatch_start(&watch);
    for (int i = 0; i < 100; i++) {
        pass_ms(i == 50);
        stopwatch_lap(&watch, i % 2 == 0 ? TIME_REQUEST_ENCODE : TIME_RESPONSE_DECODE);
    }
    assert_true(watch.ns[TIME_REQUEST_ENCODE] >= MS);
    assert_int_equal(watch.ns[TIME_REQUEST_ENCODE] + watch.ns[TIME_RESPONSE_DECODE],
                     watch.mark_ns - watch.began_ns);
    stopwatch_stop(&watch);
    assert_true(watch.ns[TIME_REQUEST] >= watch.ns[TIME_REQUEST_ENCODE]);
}

static void what_passes_before_a_mark_is_in_no_lap(void **state)
{
    (void)state;
    stopwatch_start(&watch);
    pass_ms(3);
    stopwatch_mark(&watch);
    stopwatch_lap(&watch, TIME_REQUEST_DECODE);
    stopwatch_stop(&watch);
    assert_true(watch.ns[TIME_REQUEST] >= watch.ns[TIME_REQUEST_DECODE] + 3 * MS);
}

static void a_call_lasts_to_its_last_event_and_not_to_its_end(void **state)
{
    uint64_t last;

    (void)state;
    stopwatch_start(&watch);
    stopwatch_call(&watch, TIME_OUTBOUND_PROXY);
    pass_ms(2);
    stopwatch_call_event(&watch);
    last = watch.mark_ns - watch.began_ns;
    pass_ms(2);
    stopwatch_lap(&watch, TIME_RESPONSE_DECODE);
    stopwatch_call_end(&watch);
    stopwatch_call_drop(&watch);
    assert_int_equal(watch.ns[TIME_OUTBOUND_PROXY], last);
    assert_true(last >= 2 * MS);
}

static void a_call_that_is_given_up_lasts_until_then_and_the_next_adds_to_it(void **state)
{
    (void)state;
    stopwatch_start(&watch);
    for (int i = 0; i < 2; i++) {
        stopwatch_call(&watch, TIME_UPSTREAM_PROXY);
        pass_ms(2);
        stopwatch_call_drop(&watch);
    }
    assert_int_equal(watch.ns[TIME_UPSTREAM_PROXY], watch.mark_ns - watch.began_ns);
    assert_true(watch.ns[TIME_UPSTREAM_PROXY] >= 4 * MS);
}

static void without_a_call_there_is_nothing_to_end(void **state)
{
    (void)state;
    stopwatch_start(&watch);
    stopwatch_call_end(&watch);
    stopwatch_call_drop(&watch);
    assert_int_equal(watch.ns[TIME_OUTBOUND_PROXY] + watch.ns[TIME_UPSTREAM_PROXY], 0);
    assert_int_equal(watch.mark_ns, watch.began_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(laps_one_after_the_other_leave_no_gap),
        cmocka_unit_test(what_passes_before_a_mark_is_in_no_lap),
        cmocka_unit_test(a_call_lasts_to_its_last_event_and_not_to_its_end),
        cmocka_unit_test(a_call_that_is_given_up_lasts_until_then_and_the_next_adds_to_it),
        cmocka_unit_test(without_a_call_there_is_nothing_to_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
