/* SPDX-License-Identifier: MIT */
/* The echo's body: always JSON, whatever msg is. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "worker/echo.h"

static void assert_echo(const char *target, const char *message)
{
    char want[256];
    struct buffer body;

    buffer_init(&body, 0);
    assert_int_equal(echo_body(span_text(target), 0, &body), 0);
    snprintf(want, sizeof(want),
             "{\"message\":\"%s\",\"timestamp\":\"1970-01-01T00:00:00.000Z\"}\n", message);
    if (!span_equal(buffer_span(&body), span_text(want)))
        fail_msg("%s: %.*s instead of %s", target, SPAN_PRINT(buffer_span(&body)), want);
    buffer_fini(&body);
}

static void without_a_message_it_is_ok(void **state)
{
    (void)state;
    assert_echo("/api/mte-echo", "ok");
    assert_echo("/api/mte-echo?", "ok");
    assert_echo("/api/mte-echo?msgs=1&xmsg=2", "ok");
    assert_echo("/api/mte-echo?msg", "ok");
}

static void the_first_message_is_decoded_as_forms_encode(void **state)
{
    (void)state;
    assert_echo("/api/mte-echo?msg=", "");
    assert_echo("/api/mte-echo?a=1&msg=b&msg=c", "b");
    assert_echo("/api/mte-echo?msg=a+b%2Bc%20d=e?f", "a b+c d=e?f");
    assert_echo("/api/mte-echo?msg=%&x", "%");
    assert_echo("/api/mte-echo?msg=%4x%zz%4", "%4x%zz%4");
}

static void what_json_reserves_is_escaped(void **state)
{
    (void)state;
    assert_echo("/e?msg=%22%5C/", "\\\"\\\\/");
    assert_echo("/e?msg=%00%0d%0A%1f%7f", "\\u0000\\u000d\\u000a\\u001f\\u007f");
}

static void what_is_no_utf_8_is_replaced(void **state)
{
    (void)state;
    assert_echo("/e?msg=%c3%a9%e2%82%ac%f0%9f%98%80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_echo("/e?msg=%ff%80a", "\\ufffd\\ufffda");
    assert_echo("/e?msg=%c0%af", "\\ufffd\\ufffd");                     /* an overlong "/" */
    assert_echo("/e?msg=%ed%a0%80", "\\ufffd\\ufffd\\ufffd");           /* a surrogate */
    assert_echo("/e?msg=%f4%90%80%80", "\\ufffd\\ufffd\\ufffd\\ufffd"); /* past U+10FFFF */
    assert_echo("/e?msg=%e2%82", "\\ufffd\\ufffd");                     /* cut */
    assert_echo("/e?msg=%e0%9f%bf", "\\ufffd\\ufffd\\ufffd");
}

static void a_long_message_is_not_cut_but_refused(void **state)
{
    char target[ECHO_MESSAGE_MAX + 16] = "/e?msg=";
    struct buffer body;

    (void)state;
    buffer_init(&body, 0);
    memset(target + 7, 'x', ECHO_MESSAGE_MAX);
    assert_int_equal(echo_body(span_of(target, 7 + ECHO_MESSAGE_MAX), 0, &body), 0);
    buffer_clear(&body);
    target[7 + ECHO_MESSAGE_MAX] = 'x';
    assert_int_equal(echo_body(span_of(target, 8 + ECHO_MESSAGE_MAX), 0, &body), ERR_LIMIT);
    assert_int_equal(buffer_len(&body), 0);
    buffer_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_message_it_is_ok),
        cmocka_unit_test(the_first_message_is_decoded_as_forms_encode),
        cmocka_unit_test(what_json_reserves_is_escaped),
        cmocka_unit_test(what_is_no_utf_8_is_replaced),
        cmocka_unit_test(a_long_message_is_not_cut_but_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
