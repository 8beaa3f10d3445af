/* SPDX-License-Identifier: MIT */
/* Lines that the network causes: ten of a kind, then debug, each that is held back is counted. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/metric.h"
#include "worker/braked_log.h"

static void lines_past_the_burst_are_for_debugging_and_counted(void **state)
{
    static struct metric_block metrics;
    struct braked_log log = { .metrics = &metrics };
    uint64_t n_held;

    (void)state;
    for (int i = 0; i < LOG_BRAKE_BURST; i++) {
        assert_int_equal(braked_log_level(&log, BRAKED_PAIRED, LOG_LEVEL_INFO, &n_held),
                         LOG_LEVEL_INFO);
        assert_int_equal(n_held, 0);
    }
    for (uint64_t i = 1; i <= 5; i++) {
        assert_int_equal(braked_log_level(&log, BRAKED_PAIRED, LOG_LEVEL_WARNING, &n_held),
                         LOG_LEVEL_DEBUG);
        assert_int_equal(metrics.values[metric_of(METRIC_log_lines_held, 0, 0)], i);
    }
    assert_int_equal(log.brakes[BRAKED_PAIRED].n_held, 5);
    log.brakes[BRAKED_PAIRED].full_ms = 0; /* time has passed */
    assert_int_equal(braked_log_level(&log, BRAKED_PAIRED, LOG_LEVEL_WARNING, &n_held),
                     LOG_LEVEL_WARNING);
    assert_int_equal(n_held, 5);
}

static void each_kind_has_its_own_brake_and_debug_needs_none(void **state)
{
    struct braked_log log = { .metrics = NULL };
    uint64_t n_held;

    (void)state;
    for (int i = 0; i < 2 * LOG_BRAKE_BURST; i++) {
        braked_log_level(&log, BRAKED_REFUSALS + REFUSAL_OVERLOADED, LOG_LEVEL_INFO, &n_held);
        assert_int_equal(braked_log_level(&log, BRAKED_CALMED, LOG_LEVEL_DEBUG, &n_held),
                         LOG_LEVEL_DEBUG);
    }
    assert_int_equal(log.brakes[BRAKED_CALMED].n_held, 0);
    for (unsigned which = 0; which < N_BRAKED; which++)
        assert_int_equal(braked_log_level(&log, which, LOG_LEVEL_INFO, &n_held) == LOG_LEVEL_DEBUG,
                         which == BRAKED_REFUSALS + REFUSAL_OVERLOADED);
}

static void a_refusal_says_how_many_were_not_logged(void **state)
{
    struct braked_log log = { .metrics = NULL };
    char text[4096];
    int ends[2];
    ssize_t n;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    log_open(ends[1], LOG_LEVEL_INFO, "test");
    for (int i = 0; i < LOG_BRAKE_BURST + 3; i++)
        braked_log_refusal(&log, REFUSAL_OVERLOADED, "plain", SPAN("an-id"), "so");
    log.brakes[BRAKED_REFUSALS + REFUSAL_OVERLOADED].full_ms = 0;
    braked_log_refusal(&log, REFUSAL_OVERLOADED, "plain", SPAN("an-id"), "so");
    log_open(STDERR_FILENO, LOG_LEVEL_INFO, "start");
    n = read(ends[0], text, sizeof(text) - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strstr(text, " warning test["));
    assert_true(span_ends(span_text(text), SPAN("refused code=overloaded kind=plain id=an-id "
                                                "cause=\"so\" not_logged_before=3\n")));
    fd_close(&ends[0]);
    fd_close(&ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_past_the_burst_are_for_debugging_and_counted),
        cmocka_unit_test(each_kind_has_its_own_brake_and_debug_needs_none),
        cmocka_unit_test(a_refusal_says_how_many_were_not_logged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
