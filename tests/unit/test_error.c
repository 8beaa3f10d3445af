/* SPDX-License-Identifier: MIT */
/* Error codes: ours are apart from the system's, and each has a phrase of its own. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "common/error.h"

static const struct {
    int code;
    const char *text;
} ours[] = {
#define ERROR_ROW(name, text) { name, text },
#include "common/error_table.h"
#undef ERROR_ROW
};

static void each_code_has_its_phrase(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
        assert_string_equal(error_text(ours[i].code), ours[i].text);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(ours[i].text, ours[k].text);
    }
}

static void our_codes_are_negative_and_no_system_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
        assert_in_range(-ours[i].code, 4096, 10000); /* the kernel keeps -1 to -4095 */
}

static void system_errors_are_said_as_the_system_does(void **state)
{
    (void)state;
    assert_string_equal(error_text(0), "no error");
    assert_string_equal(error_text(-ENOENT), strerror(ENOENT));
    assert_string_equal(error_text(-ENOMEM), strerror(ENOMEM));
}

static void no_code_is_without_words(void **state)
{
    static const int odd[] = { 1, -4095, -5000, ERR_FIRST_, ERR_LAST_, -1000000 };

    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
        assert_true(strlen(error_text(odd[i])) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_code_has_its_phrase),
        cmocka_unit_test(our_codes_are_negative_and_no_system_error),
        cmocka_unit_test(system_errors_are_said_as_the_system_does),
        cmocka_unit_test(no_code_is_without_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
