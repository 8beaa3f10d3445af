/* SPDX-License-Identifier: MIT */
/* JSON: an object of strings is read in order, anything else refused; strings are written safely.
 */
#include "tests/unit/unit.h"

#include "common/json.h"

static int collect(void *arg, struct span name, struct span value)
{
    buffer_printf(arg, "%.*s=%.*s;", SPAN_PRINT(name), SPAN_PRINT(value));
    return 0;
}

static void members_come_in_the_order_of_the_text(void **state)
{
    const char *why = NULL;
    struct buffer b;

    (void)state;
    buffer_init(&b, 0);
    assert_int_equal(
        json_read_strings(SPAN(" { \"z\": \"1\",\n \"a\": \"\", \"\\u00e9\": \"\\\"\" }\n"),
                          collect, &b, &why),
        0);
    assert_true(span_equal(buffer_span(&b), SPAN("z=1;a=;\xc3\xa9=\";")));
    buffer_clear(&b);
    assert_int_equal(json_read_strings(SPAN("{}"), collect, &b, &why), 0);
    assert_int_equal(buffer_len(&b), 0);
    assert_null(why);
    buffer_fini(&b);
}

static void anything_else_is_refused_without_quoting_it(void **state)
{
    static const struct {
        struct span text;
        const char *why;
    } wrong[] = {
        { { NULL, 0 }, "is not JSON" },
        { { (const uint8_t *)"hunter2", 7 }, "is not JSON" },
        { { (const uint8_t *)"[\"hunter2\"]", 11 }, "is not a JSON object" },
        { { (const uint8_t *)"{\"a\":1}", 7 }, "has a value that is not a string" },
        { { (const uint8_t *)"{\"a\":null}", 10 }, "has a value that is not a string" },
        { { (const uint8_t *)"{\"a\":{}}", 8 }, "has a value that is not a string" },
        { { (const uint8_t *)"{\"a\":\"b\"", 8 }, "is not JSON" },
        { { (const uint8_t *)"{\"a\":\"b\"}x", 10 }, "is not JSON" },
        { { (const uint8_t *)"{\"a\":\"b\",}", 10 }, "is not JSON" },
        { { (const uint8_t *)"{'a':'b'}", 9 }, "is not JSON" },
        { { (const uint8_t *)"{\"a\":\"b\",\"a\":\"b\"}", 17 }, "has a name twice" },
        { { (const uint8_t *)"{\"a\":\"\\u0000\"}", 14 }, "has a NUL in a string" },
        { { (const uint8_t *)"{\"\\u0000\":\"a\"}", 14 }, "has a NUL in a string" },
        { { (const uint8_t *)"{\"a\":\"\xff\"}", 9 }, "is not UTF-8" },
        { { (const uint8_t *)"{\"a\":\"b\"}\0", 10 }, "is not JSON" },
    };
    struct buffer b;

    (void)state;
    buffer_init(&b, 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        const char *why = NULL;

        assert_int_equal(json_read_strings(wrong[i].text, collect, &b, &why), ERR_FORMAT);
        assert_string_equal(why, wrong[i].why);
    }
    buffer_fini(&b);
}

static int stop_at_b(void *arg, struct span name, struct span value)
{
    (void)value;
    ++*(int *)arg;
    return span_equal(name, SPAN("b")) ? ERR_LIMIT : 0;
}

static void the_caller_can_stop_it(void **state)
{
    const char *why = NULL;
    int n = 0;

    (void)state;
    assert_int_equal(json_read_strings(SPAN("{\"a\":\"\",\"b\":\"\",\"c\":\"\"}"), stop_at_b, &n,
                                       &why),
                     ERR_LIMIT);
    assert_int_equal(n, 2);
}

static void assert_written(struct span text, const char *want)
{
    struct buffer b;

    buffer_init(&b, 0);
    json_put_string(&b, text);
    if (!span_equal(buffer_span(&b), span_text(want)))
        fail_msg("%.*s instead of %s", SPAN_PRINT(buffer_span(&b)), want);
    buffer_fini(&b);
}

static void a_written_string_is_escaped(void **state)
{
    (void)state;
    assert_written(SPAN_NONE, "\"\"");
    assert_written(SPAN("plain /text"), "\"plain /text\"");
    assert_written(SPAN("\"\\"), "\"\\\"\\\\\"");
    assert_written(SPAN("\0\n\x1f\x20\x7f"), "\"\\u0000\\u000a\\u001f \x7f\"");
}

#define REPLACED "\xef\xbf\xbd"

static void what_is_not_utf8_is_replaced(void **state)
{
    (void)state;
    assert_written(SPAN("\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x92"),
                   "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x92\"");
    assert_written(SPAN("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"),
                   "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"");
    assert_written(SPAN("\xff"), "\"" REPLACED "\"");
    assert_written(SPAN("\xc3"), "\"" REPLACED "\"");
    assert_written(SPAN("\xc3\""), "\"" REPLACED "\\\"\"");
    assert_written(SPAN("\xc0\xaf"), "\"" REPLACED REPLACED "\"");
    assert_written(SPAN("\xe0\x9f\xbf"), "\"" REPLACED REPLACED REPLACED "\"");
    assert_written(SPAN("\xed\xa0\x80"), "\"" REPLACED REPLACED REPLACED "\"");
    assert_written(SPAN("\xf4\x90\x80\x80"), "\"" REPLACED REPLACED REPLACED REPLACED "\"");
}

static int is_same(void *arg, struct span name, struct span value)
{
    (void)name;
    return span_equal(value, *(const struct span *)arg) ? 0 : ERR_FORMAT;
}

static void every_character_but_nul_is_read_back_as_written(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 0x80; c++) {
        uint8_t byte = (uint8_t)c;
        struct span text = span_of(&byte, 1);
        const char *why = NULL;
        struct buffer b;

        buffer_init(&b, 0);
        buffer_put_text(&b, "{\"x\":");
        json_put_string(&b, text);
        buffer_put_text(&b, "}");
        assert_int_equal(json_read_strings(buffer_span(&b), is_same, &text, &why), 0);
        buffer_fini(&b);
    }
}

static void values_of_each_kind_are_read_and_others_are_nothing(void **state)
{
    struct json_value *value = NULL;
    const struct json_value *list;

    (void)state;
    assert_int_equal(
        json_value_read(SPAN("{\"a\":\"text\",\"n\":42,\"m\":-1,\"t\":true,\"l\":[1,\"x\"]}"),
                        &value),
        0);
    assert_string_equal(json_value_text(json_value_member(value, "a")), "text");
    assert_true(json_value_number(json_value_member(value, "n")) == 42);
    assert_true(json_value_number(json_value_member(value, "m")) == 0);
    assert_true(json_value_is_true(json_value_member(value, "t")));
    list = json_value_member(value, "l");
    assert_int_equal(json_value_n_items(list), 2);
    assert_string_equal(json_value_text(json_value_item(list, 1)), "x");
    assert_null(json_value_item(list, 2));
    assert_null(json_value_member(list, "a"));
    assert_null(json_value_member(value, "none"));
    assert_string_equal(json_value_text(NULL), "");
    assert_string_equal(json_value_text(json_value_member(value, "n")), "");
    assert_true(json_value_number(json_value_member(value, "a")) == 0);
    assert_false(json_value_is_true(json_value_member(value, "n")));
    assert_int_equal(json_value_n_items(value), 0);
    json_value_free(&value);
    assert_null(value);
    json_value_free(&value);
}

static void what_is_no_json_is_no_value(void **state)
{
    static const char *const wrong[] = { "", "{", "{}x", "{a:1}", "no" };
    struct json_value *value = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_int_equal(json_value_read(span_text(wrong[i]), &value), ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_come_in_the_order_of_the_text),
        cmocka_unit_test(anything_else_is_refused_without_quoting_it),
        cmocka_unit_test(the_caller_can_stop_it),
        cmocka_unit_test(a_written_string_is_escaped),
        cmocka_unit_test(what_is_not_utf8_is_replaced),
        cmocka_unit_test(every_character_but_nul_is_read_back_as_written),
        cmocka_unit_test(values_of_each_kind_are_read_and_others_are_nothing),
        cmocka_unit_test(what_is_no_json_is_no_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
