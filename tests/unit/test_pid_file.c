/* SPDX-License-Identifier: MIT */
/* The pid file names the master that lives, and there is only one. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "master/pid_file.h"

static char folder[64], path[96];

static void assert_pid(pid_t pid)
{
    struct buffer b = { 0 };

    assert_int_equal(fd_read_file(path, 100, &b), 0);
    buffer_put(&b, SPAN("\0"));
    assert_int_equal(strtol((const char *)buffer_span(&b).at, NULL, 10), pid);
    buffer_fini(&b);
}

static void the_file_has_our_pid_until_it_is_removed(void **state)
{
    int fd;

    (void)state;
    assert_int_equal(pid_file_create(path, &fd), 0);
    assert_pid(getpid());
    pid_file_remove(path, &fd);
    assert_int_equal(fd, -1);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_second_master_is_refused_and_changes_nothing(void **state)
{
    int fd, second;

    (void)state;
    assert_int_equal(pid_file_create(path, &fd), 0);
    assert_int_equal(pid_file_create(path, &second), ERR_BUSY);
    assert_int_equal(second, -1);
    pid_file_remove(path, &second);
    assert_pid(getpid());
    pid_file_remove(path, &fd);
}

static void what_a_killed_master_left_is_taken_over(void **state)
{
    int fd;
    pid_t pid = fork();

    (void)state;
    if (pid == 0)
        _exit(pid_file_create(path, &fd) == 0 ? 0 : 1);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_pid(pid);
    assert_int_equal(pid_file_create(path, &fd), 0);
    assert_pid(getpid());
    pid_file_remove(path, &fd);
}

static void a_file_of_that_name_that_is_a_link_is_refused(void **state)
{
    int fd;

    (void)state;
    assert_int_equal(symlink("/tmp/nowhere", path), 0);
    assert_int_equal(pid_file_create(path, &fd), -ELOOP);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(pid_file_create("/nowhere/pid", &fd), -ENOENT);
}

static int make_folder(void **state)
{
    const char *top = getenv("TMPDIR");

    (void)state;
    snprintf(folder, sizeof(folder), "%.40s/pid.XXXXXX", top ? top : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/relay.pid", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_has_our_pid_until_it_is_removed),
        cmocka_unit_test(a_second_master_is_refused_and_changes_nothing),
        cmocka_unit_test(what_a_killed_master_left_is_taken_over),
        cmocka_unit_test(a_file_of_that_name_that_is_a_link_is_refused),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
