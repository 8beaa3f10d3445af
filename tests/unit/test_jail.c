/* SPDX-License-Identifier: MIT */
/* What a process has given up stays given up. Each law is tried in a child of its own. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/jail.h"

enum { NOBODY = 65534 };

/* Runs it in a child; the line where it failed, 0 when all held. */
static int in_child(int (*law)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(law() & 0xff);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define HOLDS(what)                                                                                \
    do {                                                                                           \
        if (!(what))                                                                               \
            return __LINE__;                                                                       \
    } while (0)

static int hide(void)
{
    struct rlimit core;

    HOLDS(jail_hide() == 0);
    HOLDS(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
#ifndef WITH_ASAN
    HOLDS(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
#endif
    return 0;
}

static void a_hidden_process_leaves_no_core(void **state)
{
    (void)state;
    assert_int_equal(in_child(hide), 0);
}

static int no_new_privileges(void)
{
    HOLDS(jail_no_new_privileges() == 0);
    HOLDS(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    return 0;
}

static void no_program_gives_privileges_back(void **state)
{
    (void)state;
    assert_int_equal(in_child(no_new_privileges), 0);
}

static int drop(void)
{
    gid_t groups[1];

    HOLDS(jail_drop(NOBODY, NOBODY) == 0);
    HOLDS(getuid() == NOBODY && geteuid() == NOBODY && getgid() == NOBODY && getegid() == NOBODY);
    HOLDS(getgroups(0, groups) == 0);
    HOLDS(setuid(0) != 0 && seteuid(0) != 0 && setgid(0) != 0);
    HOLDS(open("/etc/shadow", O_RDONLY | O_CLOEXEC) < 0);
    return 0;
}

static void who_dropped_root_never_gets_it_back(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: not root\n");
        skip();
    }
    assert_int_equal(in_child(drop), 0);
}

static int drop_without_right(void)
{
    HOLDS(jail_drop(NOBODY, NOBODY) == 0);
    HOLDS(jail_drop(1, 1) < 0);
    return 0;
}

static void a_drop_that_is_not_allowed_is_an_error(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: not root\n");
        skip();
    }
    assert_int_equal(in_child(drop_without_right), 0);
}

static int raise_files(void)
{
    struct rlimit files = { 64, 128 };

    HOLDS(setrlimit(RLIMIT_NOFILE, &files) == 0);
    HOLDS(jail_raise_files(100) == 100);
    HOLDS(jail_raise_files(50) == 100);
    HOLDS(jail_raise_files(1000) == 128);
    HOLDS(getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur == 128);
    return 0;
}

static void the_limit_of_files_only_grows_and_only_to_what_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(in_child(raise_files), 0);
}

static void *filtered_thread(void *arg)
{
    char name[] = "true", *const arguments[] = { name, NULL };

    if (execv("/bin/true", arguments) != -1 || errno != EPERM)
        abort();
    return arg;
}

/* Arguments that no call would take: without the filter each fails otherwise, or does nothing. */
static int filter(void)
{
    static const int denied[] = {
#define JAIL_FILTER_ROW(name) SYS_##name,
#include "common/jail_filter_table.h"
#undef JAIL_FILTER_ROW
    };
    char name[] = "true", *const arguments[] = { name, NULL };
    pthread_t thread;

    HOLDS(jail_filter() == 0);
    for (size_t i = 0; i < sizeof(denied) / sizeof(*denied); i++)
        HOLDS(syscall(denied[i], -1, -1, -1, -1, -1, -1) == -1 && errno == EPERM);
    HOLDS(execv("/bin/true", arguments) == -1 && errno == EPERM);
    HOLDS(pthread_create(&thread, NULL, filtered_thread, NULL) == 0);
    HOLDS(pthread_join(thread, NULL) == 0);
    HOLDS(close(open("/dev/null", O_RDONLY | O_CLOEXEC)) == 0);
    return 0;
}

static void a_filtered_process_cannot_make_the_calls_of_the_table(void **state)
{
    (void)state;
#ifdef HAVE_SECCOMP
    assert_int_equal(in_child(filter), 0);
#else
    (void)filter;
    assert_int_equal(jail_filter(), ERR_UNSUPPORTED);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hidden_process_leaves_no_core),
        cmocka_unit_test(no_program_gives_privileges_back),
        cmocka_unit_test(who_dropped_root_never_gets_it_back),
        cmocka_unit_test(a_drop_that_is_not_allowed_is_an_error),
        cmocka_unit_test(a_filtered_process_cannot_make_the_calls_of_the_table),
        cmocka_unit_test(the_limit_of_files_only_grows_and_only_to_what_is_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
