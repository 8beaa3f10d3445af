/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <string.h>

#include "common/crypto.h"
#include "worker/request_id.h"

static void what_is_taken_is_short_and_plain(void **state)
{
    char longest[REQUEST_ID_MAX + 1];

    (void)state;
    memset(longest, 'a', sizeof(longest));
    assert_true(request_id_ok(SPAN("Az09._-")));
    assert_true(request_id_ok(span_of(longest, REQUEST_ID_MAX)));
    assert_false(request_id_ok(span_of(longest, REQUEST_ID_MAX + 1)));
    assert_false(request_id_ok(SPAN_NONE));
    for (int c = 0; c < 256; c++) {
        const uint8_t text[] = { 'a', (uint8_t)c };
        bool plain =
            c < 0x80 && c != 0 &&
            strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", c) != NULL;

        assert_int_equal(request_id_ok(span_of(text, sizeof(text))), plain);
    }
}

static void what_is_made_is_taken_and_unlike_every_other(void **state)
{
    char all[3][REQUEST_ID_MADE_LEN + 1];
    struct request_ids one, other;

    (void)state;
    assert_int_equal(request_ids_init(&one), 0);
    assert_int_equal(request_ids_init(&other), 0);
    request_id_make(&one, all[0]);
    request_id_make(&one, all[1]);
    request_id_make(&other, all[2]);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(strlen(all[i]), REQUEST_ID_MADE_LEN);
        assert_true(request_id_ok(span_text(all[i])));
        assert_string_not_equal(all[i], all[(i + 1) % 3]);
    }
}

static int set_up(void **state)
{
    (void)state;
    return crypto_init();
}

static int tear_down(void **state)
{
    (void)state;
    crypto_fini();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_is_short_and_plain),
        cmocka_unit_test(what_is_made_is_taken_and_unlike_every_other),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
