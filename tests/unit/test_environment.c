/* SPDX-License-Identifier: MIT */
/* The master's environment, parted. */
#include "tests/unit/unit.h"

#include <sys/wait.h>
#include <unistd.h>

#include "master/environment.h"

static bool is_setting(struct span name)
{
    return span_equal(name, SPAN("SECRET")) || span_equal(name, SPAN("UPSTREAM"));
}

static char first[] = "PATH=/bin", second[] = "SECRET=abc=def", third[] = "SECRETS=kept",
            fourth[] = "UPSTREAM=http://a", fifth[] = "odd";
static char *entries[] = { first, second, third, fourth, fifth, NULL };
static struct environment *environment;

static int take(void **state)
{
    (void)state;
    return environment_take(entries, is_setting, &environment);
}

static int give_back(void **state)
{
    (void)state;
    environment_free(&environment);
    return 0;
}

static void settings_and_the_rest_are_apart_in_their_order(void **state)
{
    char *const *settings = environment_settings(environment);
    char *const *rest = environment_rest(environment);

    (void)state;
    assert_string_equal(settings[0], "SECRET=abc=def");
    assert_string_equal(settings[1], "UPSTREAM=http://a");
    assert_null(settings[2]);
    assert_string_equal(rest[0], "PATH=/bin");
    assert_string_equal(rest[1], "SECRETS=kept");
    assert_string_equal(rest[2], "odd");
    assert_null(rest[3]);
}

static void nothing_of_a_value_stays_where_it_stood(void **state)
{
    (void)state;
    assert_memory_equal(second, "SECRET\0\0\0\0\0\0\0\0\0", sizeof(second));
    assert_memory_equal(fourth, "UPSTREAM\0\0\0\0\0\0\0\0\0\0", sizeof(fourth));
}

static void the_whole_is_what_another_master_needs(void **state)
{
    char **whole = environment_whole(environment);

    (void)state;
    assert_non_null(whole);
    assert_string_equal(whole[0], "SECRET=abc=def");
    assert_string_equal(whole[1], "UPSTREAM=http://a");
    assert_string_equal(whole[2], "PATH=/bin");
    assert_string_equal(whole[4], "odd");
    assert_null(whole[5]);
    environment_whole_free(&whole);
    assert_null(whole);
}

static void a_child_has_nothing_of_it(void **state)
{
    const char *secret = environment_settings(environment)[0];
    int status;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(secret[0] == 0 && secret[7] == 0 ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_string_equal(secret, "SECRET=abc=def");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_and_the_rest_are_apart_in_their_order),
        cmocka_unit_test(nothing_of_a_value_stays_where_it_stood),
        cmocka_unit_test(the_whole_is_what_another_master_needs),
        cmocka_unit_test(a_child_has_nothing_of_it),
    };

    return cmocka_run_group_tests(tests, take, give_back);
}
