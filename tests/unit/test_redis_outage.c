/* SPDX-License-Identifier: MIT */
/* What is logged of a Redis server that comes and goes. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/redis_outage.h"

static int log_fd;

static int open_log(void **state)
{
    char path[] = "/tmp/test_redis_outage.XXXXXX";

    (void)state;
    log_fd = mkstemp(path);
    if (log_fd < 0 || unlink(path) != 0)
        return -1;
    log_open(log_fd, LOG_LEVEL_INFO, "test");
    return 0;
}

static int close_log(void **state)
{
    (void)state;
    log_open(STDERR_FILENO, LOG_LEVEL_INFO, "test");
    return close(log_fd);
}

/* How often a phrase stands in the log. */
static unsigned n_logged(const char *phrase)
{
    static char text[65536];
    ssize_t len = pread(log_fd, text, sizeof(text) - 1, 0);
    unsigned n = 0;

    assert_true(len >= 0);
    text[len] = '\0';
    for (const char *at = text; (at = strstr(at, phrase)) != NULL; at++)
        n++;
    return n;
}

static const struct redis_server known = { .says_run_id = true };

static void each_failure_is_told_once_an_outage(void **state)
{
    struct redis_outage outage = { .place = "h:6379" };

    (void)state;
    for (unsigned round = 1; round <= 3; round++) {
        for (unsigned i = 0; i < 10; i++) {
            redis_outage_note(&outage, REDIS_SILENT, NULL);
            redis_outage_note(&outage, REDIS_UNREACHABLE, "Connection refused");
        }
        assert_int_equal(round, n_logged("it does not answer in time place=h:6379"));
        assert_int_equal(round, n_logged("place=h:6379 detail=\"Connection refused\""));
        redis_outage_end(&outage, &known);
        assert_int_equal(round, n_logged("redis is back place=h:6379 away_ms="));
    }
    assert_int_equal(0, n_logged("redis is there"));
}

static void a_beginning_is_no_return(void **state)
{
    struct redis_outage outage = { .place = "h:6379" };

    (void)state;
    redis_outage_end(&outage, &known);
    assert_int_equal(1, n_logged("redis is there place=h:6379"));
    assert_int_equal(0, n_logged("redis is back"));
}

static void a_missing_run_id_is_told_once_until_there_was_one(void **state)
{
    const struct redis_server silent = { .says_run_id = false };
    struct redis_outage outage = { .place = "h:6379" };

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        redis_outage_end(&outage, &silent);
    assert_int_equal(1, n_logged("does not say its run_id"));
    redis_outage_end(&outage, &known);
    redis_outage_end(&outage, &silent);
    assert_int_equal(2, n_logged("does not say its run_id"));
}

static void every_failure_has_a_bit_and_a_sentence(void **state)
{
    (void)state;
    assert_true(N_REDIS_FAILURES <= 32);
    for (unsigned i = 0; i < N_REDIS_FAILURES; i++)
        assert_true(strlen(redis_failure_text(i)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_failure_is_told_once_an_outage, open_log, close_log),
        cmocka_unit_test_setup_teardown(a_beginning_is_no_return, open_log, close_log),
        cmocka_unit_test_setup_teardown(a_missing_run_id_is_told_once_until_there_was_one, open_log,
                                        close_log),
        cmocka_unit_test(every_failure_has_a_bit_and_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
