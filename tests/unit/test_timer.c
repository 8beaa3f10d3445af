/* SPDX-License-Identifier: MIT */
#include "worker/timer.h"

#include "common/clock.h"
#include "tests/unit/unit.h"

enum { N_TIMERS = 200, LONGEST_MS = 300 };

struct tick {
    struct timer timer;
    uint64_t due_ms, fired_ms;
    unsigned n_fired;
};

static void on_fire(struct timer *timer)
{
    struct tick *tick = H2O_STRUCT_FROM_MEMBER(struct tick, timer, timer);

    tick->fired_ms = clock_mono_ms();
    tick->n_fired++;
}

static void run_until(h2o_loop_t *loop, uint64_t end_ms)
{
    while (clock_mono_ms() < end_ms)
        h2o_evloop_run(loop, 5);
}

static void each_timer_fires_once_and_never_early(void **state)
{
    static struct tick ticks[N_TIMERS];
    h2o_loop_t *loop = h2o_evloop_create();
    struct timers *timers = NULL;

    (void)state;
    assert_int_equal(timers_new(loop, &timers), 0);
    for (size_t i = 0; i < N_TIMERS; i++) {
        uint64_t ms = i * 7919 % LONGEST_MS;

        ticks[i].due_ms = clock_mono_ms() + ms;
        timer_start(&ticks[i].timer, timers, ms, on_fire);
    }
    for (size_t i = 0; i < N_TIMERS; i += 4)
        timer_stop(&ticks[i].timer);
    run_until(loop, clock_mono_ms() + LONGEST_MS + 200);
    for (size_t i = 0; i < N_TIMERS; i++) {
        assert_int_equal(ticks[i].n_fired, i % 4 == 0 ? 0 : 1);
        assert_false(timer_running(&ticks[i].timer));
        if (i % 4 != 0)
            assert_true(ticks[i].fired_ms >= ticks[i].due_ms);
    }
    timers_free(&timers);
    h2o_evloop_destroy(loop);
}

static void a_timer_started_again_is_late_by_the_second_start(void **state)
{
    h2o_loop_t *loop = h2o_evloop_create();
    struct timers *timers = NULL;
    struct tick tick = { .n_fired = 0 };
    uint64_t begin = clock_mono_ms();

    (void)state;
    assert_int_equal(timers_new(loop, &timers), 0);
    timer_start(&tick.timer, timers, 20, on_fire);
    timer_start(&tick.timer, timers, 120, on_fire);
    run_until(loop, begin + 320);
    assert_int_equal(tick.n_fired, 1);
    assert_true(tick.fired_ms >= begin + 120);
    timers_free(&timers);
    h2o_evloop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_timer_fires_once_and_never_early),
        cmocka_unit_test(a_timer_started_again_is_late_by_the_second_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
