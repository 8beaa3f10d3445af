/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "worker/http2_budget.h"

static void each_answer_pays_for_a_reset(void **state)
{
    struct http2_budget budget = { .n_resets = HTTP2_RESETS_FREE };

    (void)state;
    assert_null(http2_budget_exceeded(&budget, 1000));
    budget.n_resets++;
    assert_non_null(http2_budget_exceeded(&budget, 1000));
    budget.n_answered++;
    assert_null(http2_budget_exceeded(&budget, 1000));
}

static void small_frames_are_forgiven_in_time(void **state)
{
    struct http2_budget budget = { 0 };

    (void)state;
    assert_null(http2_budget_exceeded(&budget, 20000));
    budget.n_small = HTTP2_SMALL_MAX;
    assert_null(http2_budget_exceeded(&budget, 20000 + HTTP2_SMALL_MS));
    budget.n_small++;
    assert_non_null(http2_budget_exceeded(&budget, 20000 + HTTP2_SMALL_MS));
    assert_null(http2_budget_exceeded(&budget, 20001 + HTTP2_SMALL_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_pays_for_a_reset),
        cmocka_unit_test(small_frames_are_forgiven_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
