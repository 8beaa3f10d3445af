/* SPDX-License-Identifier: MIT */
/* What a worker finds at its birth. */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "common/inherit.h"

static void the_argument_reads_back_as_it_was_written(void **state)
{
    const struct inherit inherit = { 1023, UINT64_MAX, INHERIT_LISTENERS_MAX, 1 };
    struct inherit got;
    char text[INHERIT_TEXT_LEN];

    (void)state;
    inherit_print(&inherit, text);
    assert_string_equal(text, "slot=1023,generation=18446744073709551615,listeners=16,admin=1");
    assert_int_equal(inherit_parse(span_text(text), &got), 0);
    assert_memory_equal(&got, &inherit, sizeof(got));
}

static void any_other_argument_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "-h",
        "slot=1",
        "slot=1,generation=1",
        "slot=1,generation=1,listeners=,admin=0",
        "slot=1,generation=1,listeners=1",
        "slot=1,generation=1,listeners=1,admin=1,",
        "slot=1,generation=1,listeners=1,admin=1,more=1",
        "slot=1,generation=1,listeners=1,admin=2",
        "slot=1,generation=1,listeners=17,admin=0",
        "slot=1024,generation=1,listeners=1,admin=0",
        "slot=-1,generation=1,listeners=1,admin=0",
        "slot=x,generation=1,listeners=1,admin=0",
        "generation=1,slot=1,listeners=1,admin=0",
    };
    struct inherit got;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (inherit_parse(span_text(wrong[i]), &got) == 0)
            fail_msg("\"%s\" was taken", wrong[i]);
    }
}

static struct inherit_user through_a_record(const struct inherit_user *user)
{
    struct inherit_user got = { .user = 99 };
    struct boot_writer writer;
    struct boot *boot;
    int fd;

    boot_writer_init(&writer);
    inherit_put_user(&writer, user);
    assert_int_equal(boot_seal(&writer, &fd), 0);
    boot_writer_fini(&writer);
    assert_int_equal(boot_open(fd, &boot), 0);
    assert_int_equal(inherit_get_user(boot, &got), 0);
    boot_close(&boot);
    close(fd);
    return got;
}

static void who_to_become_passes_through_the_boot_record(void **state)
{
    const struct inherit_user nobody = { true, 65534, 4294967294 }, none = { .set = false };
    struct inherit_user got = through_a_record(&nobody);

    (void)state;
    assert_true(got.set);
    assert_int_equal(got.user, 65534);
    assert_int_equal(got.group, 4294967294);
    assert_false(through_a_record(&none).set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_argument_reads_back_as_it_was_written),
        cmocka_unit_test(any_other_argument_is_refused),
        cmocka_unit_test(who_to_become_passes_through_the_boot_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
