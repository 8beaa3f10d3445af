/* SPDX-License-Identifier: MIT */
/* Why a process ended, in words. */
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "master/obituary.h"
#include "master/spawn.h"

static void assert_written(int status, const char *want)
{
    char text[OBITUARY_LEN];

    obituary_write(status, text);
    assert_string_equal(text, want);
}

static int status_of_child(void (*end)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        end();
        _exit(99);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void by_kill(void)
{
    kill(getpid(), SIGKILL);
}

static void by_exit(void)
{
    _exit(3);
}

static void a_real_death_is_told_as_it_was(void **state)
{
    (void)state;
    assert_written(status_of_child(by_kill),
                   "signal SIGKILL: killed by hand, or by the kernel for want of memory");
    assert_written(status_of_child(by_exit), "exit status 3: unknown to the master");
}

static void the_common_deaths_have_their_words(void **state)
{
    (void)state;
    assert_written(W_EXITCODE(0, SIGABRT), "signal SIGABRT: an assertion failed or memory ran out");
    assert_written(W_EXITCODE(0, SIGSEGV), "signal SIGSEGV: memory that is not its own");
    assert_written(W_EXITCODE(0, SIGTERM), "signal SIGTERM: sent from outside");
    assert_written(W_EXITCODE(0, 0), "exit status 0: it left by itself");
    assert_written(W_EXITCODE(1, 0), "exit status 1: it said why");
    assert_written(W_EXITCODE(SPAWN_EXIT_FAILED, 0), "exit status 127: it could not be started");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_real_death_is_told_as_it_was),
        cmocka_unit_test(the_common_deaths_have_their_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
