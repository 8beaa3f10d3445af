/* SPDX-License-Identifier: MIT */
/* The bytes of Redis' protocol, both ways. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "worker/resp.h"

static void feed(struct resp_reader *reader, const char *text)
{
    assert_int_equal(0, resp_feed(reader, span_text(text)));
}

static struct resp_value *next(struct resp_reader *reader)
{
    struct resp_value *value;

    assert_int_equal(0, resp_next(reader, &value));
    return value;
}

static void assert_text(const char *text, const struct resp_value *value)
{
    assert_true(span_equal(span_text(text), resp_text(value)));
}

static void a_command_is_an_array_of_its_words(void **state)
{
    const struct span words[] = { SPAN("SET"), span_of("a\0b", 3), SPAN("") };
    static const char want[] = "*3\r\n$3\r\nSET\r\n$3\r\na\0b\r\n$0\r\n\r\n";
    struct buffer b;

    (void)state;
    buffer_init(&b, 0);
    resp_put_command(&b, words, 3);
    assert_int_equal(0, buffer_error(&b));
    assert_true(span_equal(span_of(want, sizeof(want) - 1), buffer_span(&b)));
    buffer_fini(&b);
}

static void replies_come_in_their_order_however_they_are_cut(void **state)
{
    static const char text[] =
        "+OK\r\n-ERR no\r\n:-7\r\n$-1\r\n$5\r\nhe\0lo\r\n*2\r\n:1\r\n*1\r\n+x\r\n";
    const size_t len = sizeof(text) - 1;

    (void)state;
    for (size_t cut = 0; cut <= len; cut++) {
        struct resp_value *values[6] = { NULL };
        struct resp_reader *reader;
        size_t n = 0;

        assert_int_equal(0, resp_reader_new(&reader));
        for (size_t part = 0; part < 2; part++) {
            assert_int_equal(0, resp_feed(reader, part == 0 ? span_of(text, cut)
                                                            : span_of(text + cut, len - cut)));
            while (n < 6 && (values[n] = next(reader)) != NULL)
                n++;
        }
        assert_int_equal(6, n);
        assert_null(next(reader));
        assert_int_equal(RESP_STATUS, resp_kind(values[0]));
        assert_text("OK", values[0]);
        assert_int_equal(RESP_ERROR, resp_kind(values[1]));
        assert_text("ERR no", values[1]);
        assert_int_equal(-7, resp_integer(values[2]));
        assert_int_equal(RESP_NIL, resp_kind(values[3]));
        assert_true(span_equal(span_of("he\0lo", 5), resp_text(values[4])));
        assert_int_equal(2, resp_n(values[5]));
        assert_text("x", resp_at(resp_at(values[5], 1), 0));
        for (size_t i = 0; i < 6; i++)
            resp_value_free(&values[i]);
        resp_reader_free(&reader);
    }
}

static void what_is_not_there_is_nil(void **state)
{
    struct resp_reader *reader;
    struct resp_value *value;

    (void)state;
    assert_int_equal(0, resp_reader_new(&reader));
    feed(reader, "*1\r\n:5\r\n");
    value = next(reader);
    assert_int_equal(RESP_ARRAY, resp_kind(value));
    assert_int_equal(0, resp_integer(value));
    assert_int_equal(0, resp_text(value).len);
    assert_null(resp_at(value, 1));
    assert_null(resp_at(resp_at(value, 0), 0));
    assert_int_equal(RESP_NIL, resp_kind(resp_at(value, 1)));
    assert_int_equal(0, resp_text(NULL).len);
    resp_value_free(&value);
    resp_value_free(&value);
    resp_reader_free(&reader);
}

static int fate_of(const char *text)
{
    struct resp_reader *reader;
    struct resp_value *value = NULL;
    int r;

    assert_int_equal(0, resp_reader_new(&reader));
    r = resp_feed(reader, span_text(text));
    if (r == 0)
        r = resp_next(reader, &value);
    resp_value_free(&value);
    resp_reader_free(&reader);
    return r;
}

static void garbage_is_refused(void **state)
{
    (void)state;
    assert_int_equal(ERR_FORMAT, fate_of("HTTP/1.1 400 Bad Request\r\n"));
    assert_int_equal(ERR_FORMAT, fate_of("\x15\x03\x03"));
    assert_int_equal(ERR_FORMAT, fate_of("*1\r\n!\r\n"));
}

static void an_array_over_the_limit_is_not_allocated(void **state)
{
    char text[64];

    (void)state;
    assert_int_equal(ERR_LIMIT, fate_of("*2147483647\r\n"));
    snprintf(text, sizeof(text), "*1\r\n*%d\r\n", RESP_ELEMENTS_MAX + 1);
    assert_int_equal(ERR_LIMIT, fate_of(text));
    snprintf(text, sizeof(text), "*%d\r\n", RESP_ELEMENTS_MAX);
    assert_int_equal(0, fate_of(text));
}

static void a_reply_has_a_bound_and_any_number_of_them_has_none(void **state)
{
    static char part[RESP_REPLY_MAX / 8];
    struct resp_reader *reader;
    struct resp_value *value;
    char head[32];

    (void)state;
    memset(part, 'x', sizeof(part));
    assert_int_equal(0, resp_reader_new(&reader));
    for (size_t i = 0; i < 4; i++) {
        snprintf(head, sizeof(head), "$%zu\r\n", 7 * sizeof(part));
        feed(reader, head);
        for (size_t n = 0; n < 7; n++)
            assert_int_equal(0, resp_feed(reader, span_of(part, sizeof(part))));
        feed(reader, "\r\n");
        value = next(reader);
        assert_int_equal(7 * sizeof(part), resp_text(value).len);
        resp_value_free(&value);
    }
    feed(reader, "$999999999\r\n");
    for (size_t n = 0; n < 7; n++)
        assert_int_equal(0, resp_feed(reader, span_of(part, sizeof(part))));
    assert_int_equal(ERR_LIMIT, resp_feed(reader, span_of(part, sizeof(part))));
    resp_reader_free(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_an_array_of_its_words),
        cmocka_unit_test(replies_come_in_their_order_however_they_are_cut),
        cmocka_unit_test(what_is_not_there_is_nil),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(an_array_over_the_limit_is_not_allocated),
        cmocka_unit_test(a_reply_has_a_bound_and_any_number_of_them_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
