/* SPDX-License-Identifier: MIT */
/* Who is taken for hung, and who is not. */
#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "master/pulse.h"

/* Looks every second for n seconds at a worker that last beat at beat_ms; how often it was lost. */
static unsigned look(struct pulse *pulse, uint64_t *now_ms, struct pulse_sign *sign, unsigned n)
{
    unsigned n_lost = 0;

    for (unsigned i = 0; i < n; i++) {
        *now_ms += PULSE_TICK_MS;
        n_lost += pulse_is_lost(pulse, sign, *now_ms);
    }
    return n_lost;
}

static void one_that_beats_is_never_lost(void **state)
{
    struct pulse pulse = { 0 };

    (void)state;
    for (uint64_t now = 1000; now < 1000000; now += PULSE_TICK_MS) {
        const struct pulse_sign sign = { .beat_ms = now - 3, .cpu_ms = now };

        assert_false(pulse_is_lost(&pulse, &sign, now));
    }
}

static void one_that_spins_in_silence_is_lost_after_ten_seconds(void **state)
{
    struct pulse pulse = { 0 };
    struct pulse_sign sign = { .beat_ms = 5, .cpu_ms = 100 };
    uint64_t now = 100000;

    (void)state;
    assert_int_equal(look(&pulse, &now, &sign, 1), 0);
    sign.cpu_ms = 20000;
    assert_int_equal(look(&pulse, &now, &sign, 9), 0);
    assert_int_equal(look(&pulse, &now, &sign, 1), 1);
    assert_int_equal(look(&pulse, &now, &sign, 1), 0); /* told once */
}

static void one_that_is_silent_without_working_has_a_minute(void **state)
{
    struct pulse pulse = { 0 };
    struct pulse_sign sign = { .beat_ms = 5, .cpu_ms = 100 };
    uint64_t now = 100000;

    (void)state;
    assert_int_equal(look(&pulse, &now, &sign, 60), 0);
    assert_int_equal(look(&pulse, &now, &sign, 1), 1);
}

static void a_pause_of_everything_kills_nobody(void **state)
{
    struct pulse pulse = { 0 };
    struct pulse_sign sign = { .beat_ms = 5, .cpu_ms = 100 };
    uint64_t now = 100000;

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        sign.cpu_ms += 100000;
        assert_int_equal(look(&pulse, &now, &sign, 9), 0);
        now += 3600 * 1000; /* we were not there ourselves */
    }
}

static void one_that_is_stopped_or_traced_is_left_alone(void **state)
{
    struct pulse pulse = { 0 };
    struct pulse_sign sign = { .beat_ms = 5, .cpu_ms = 100, .paused = true };
    uint64_t now = 100000;

    (void)state;
    assert_int_equal(look(&pulse, &now, &sign, 1000), 0);
    sign.paused = false; /* and has all its time when it goes on */
    assert_int_equal(look(&pulse, &now, &sign, 59), 0);
}

static void what_is_seen_of_a_process_is_true(void **state)
{
    uint64_t until = clock_mono_ms() + 20000;
    struct pulse_sign sign;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        while (clock_mono_ms() < until)
            ;
        _exit(0);
    }
    do
        sign = pulse_look(pid, 7);
    while (sign.cpu_ms < 20 && clock_mono_ms() < until);
    assert_true(sign.cpu_ms >= 20);
    assert_false(sign.paused);
    assert_int_equal(sign.beat_ms, 7);
    kill(pid, SIGSTOP);
    assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
    assert_true(pulse_look(pid, 7).paused);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(pulse_look(pid, 7).paused); /* gone: nothing can be said of it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_beats_is_never_lost),
        cmocka_unit_test(one_that_spins_in_silence_is_lost_after_ten_seconds),
        cmocka_unit_test(one_that_is_silent_without_working_has_a_minute),
        cmocka_unit_test(a_pause_of_everything_kills_nobody),
        cmocka_unit_test(one_that_is_stopped_or_traced_is_left_alone),
        cmocka_unit_test(what_is_seen_of_a_process_is_true),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
