/* SPDX-License-Identifier: MIT */
/* Signals that arrive as bytes of a descriptor. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/signal.h"

static const int signals[] = { SIGUSR1, SIGTERM, SIGCHLD };

static void a_signal_is_read_once_and_ends_nobody(void **state)
{
    int fd;

    (void)state;
    assert_int_equal(signal_open(signals, 3, &fd), 0);
    assert_int_equal(signal_read(fd), 0);
    raise(SIGTERM);
    assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 5000), 1);
    assert_int_equal(signal_read(fd), SIGTERM);
    assert_int_equal(signal_read(fd), 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}

static void a_signal_that_came_while_it_was_blocked_is_read_later(void **state)
{
    int fd;

    (void)state;
    assert_int_equal(signal_block(signals, 2), 0);
    raise(SIGTERM);
    assert_int_equal(signal_open(signals, 3, &fd), 0);
    assert_int_equal(signal_read(fd), SIGTERM);
    assert_int_equal(signal_read(fd), 0);
    close(fd);
}

static int fate_of_child(bool reset)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        signal_ignore(&signals[1], 1);
        if (reset)
            signal_reset();
        raise(SIGTERM);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void a_child_that_resets_is_as_mortal_as_any(void **state)
{
    int fd, status;

    (void)state;
    assert_int_equal(signal_open(signals, 3, &fd), 0);
    assert_int_equal(fate_of_child(false), 0);
    status = fate_of_child(true);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_is_read_once_and_ends_nobody),
        cmocka_unit_test(a_signal_that_came_while_it_was_blocked_is_read_later),
        cmocka_unit_test(a_child_that_resets_is_as_mortal_as_any),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
