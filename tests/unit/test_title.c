/* SPDX-License-Identifier: MIT */
/* A process may say what it does, and loses nothing of its environment by it. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/title.h"

static char **arguments;

/* Up to its first NUL, as ps(1) shows it. */
static void assert_title(const char *expected)
{
    struct buffer b = { 0 };

    assert_int_equal(fd_read_file("/proc/self/cmdline", 1 << 20, &b), 0);
    buffer_put(&b, SPAN("\0"));
    assert_string_equal((const char *)buffer_span(&b).at, expected);
    buffer_fini(&b);
}

static void a_title_is_what_others_see(void **state)
{
    (void)state;
    title_set("ignored before it is open");
    assert_int_equal(title_open(1, arguments, environ), 0);
    title_set("relay: worker %d", 7);
    assert_title("relay: worker 7");
    title_set("relay: worker %d (draining, and much longer than the name of this program)", 7);
    assert_title("relay: worker 7 (draining, and much longer than the name of this program)");
    title_set("short");
    assert_title("short");
}

static void the_environment_survives_the_title(void **state)
{
    (void)state;
    assert_non_null(getenv("PATH"));
    assert_null(strstr(getenv("PATH"), "relay: worker"));
    assert_true(strchr(getenv("PATH"), '/') != NULL);
}

static void a_title_that_is_too_long_is_cut(void **state)
{
    static char text[1 << 21];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    title_set("%s", text);
    assert_non_null(getenv("PATH"));
    title_set("short again");
    assert_title("short again");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_title_is_what_others_see),
        cmocka_unit_test(the_environment_survives_the_title),
        cmocka_unit_test(a_title_that_is_too_long_is_cut),
    };

    (void)argc;
    arguments = argv;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
