/* SPDX-License-Identifier: MIT */
/* Lines that anybody can cause: some at once, then few, none uncounted. */
#include "tests/unit/unit.h"

#include "worker/log_brake.h"

static void ten_at_once_then_one_every_ten_seconds(void **state)
{
    (void)state;
    struct log_brake brake = { .n_held = 0 };
    uint64_t n_held = 99, now_ms = 1000 * 1000;

    for (int i = 0; i < LOG_BRAKE_BURST; i++) {
        assert_true(log_brake_lets(&brake, now_ms, &n_held));
        assert_int_equal(n_held, 0);
    }
    for (int i = 0; i < 7; i++)
        assert_false(log_brake_lets(&brake, now_ms + 9999, &n_held));
    assert_true(log_brake_lets(&brake, now_ms + 10000, &n_held));
    assert_int_equal(n_held, 7);
    assert_false(log_brake_lets(&brake, now_ms + 10000, &n_held));
}

static void after_silence_all_of_the_burst_is_there_again(void **state)
{
    (void)state;
    struct log_brake brake = { .n_held = 0 };
    uint64_t n_held, now_ms = 5;
    int n = 0;

    while (log_brake_lets(&brake, now_ms, &n_held))
        n++;
    assert_int_equal(n, LOG_BRAKE_BURST);
    now_ms += 24 * 3600 * 1000;
    for (n = 0; log_brake_lets(&brake, now_ms, &n_held); n++)
        assert_int_equal(n_held, n == 0 ? 1 : 0);
    assert_int_equal(n, LOG_BRAKE_BURST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_at_once_then_one_every_ten_seconds),
        cmocka_unit_test(after_silence_all_of_the_burst_is_there_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
