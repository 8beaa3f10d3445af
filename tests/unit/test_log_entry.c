/* SPDX-License-Identifier: MIT */
/* A line of a log: one line of printable ASCII within its room, valid JSON whatever comes in. */
#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/log_parts.h"

static char line[2 * LOG_LINE_LEN];

static const char *close_entry(struct log_entry *entry)
{
    size_t len = log_entry_close(entry);

    assert_in_range(len, 1, entry->room);
    line[len] = '\0';
    return line;
}

static void members_are_json_or_text(void **state)
{
    static const char *const want[] = {
        [LOG_FORMAT_JSON] =
            "{\"message\":\"it is \\\"so\\\"\",\"a\":\"b\",\"n\":18446744073709551615,"
            "\"d\":-1,\"e\":\"\",\"q\":\"x\",\"s\":\"1 2\"}\n",
        [LOG_FORMAT_TEXT] =
            "it is \"so\" a=b n=18446744073709551615 d=-1 e=\"\" q=\"x\" s=\"1 2\"\n",
    };

    (void)state;
    for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
        struct log_entry entry = log_entry_open(line, 4096, (enum log_format)format);

        log_entry_message(&entry, SPAN("it is \"so\""), SIZE_MAX);
        log_entry_text(&entry, SPAN("a"), SPAN("b"));
        log_entry_number(&entry, SPAN("n"), UINT64_MAX);
        log_entry_digits(&entry, SPAN("d"), SPAN("-1"));
        log_entry_text(&entry, SPAN("e"), SPAN_NONE);
        log_entry_quoted(&entry, SPAN("q"), SPAN("x"));
        log_entry_text(&entry, SPAN("s"), SPAN("1 2"));
        assert_string_equal(close_entry(&entry), want[format]);
    }
}

static void a_quote_cannot_end_a_value_of_text(void **state)
{
    struct log_entry entry = log_entry_open(line, 4096, LOG_FORMAT_TEXT);

    (void)state;
    log_entry_text(&entry, SPAN("cause"), SPAN("x\" code=forged y=\""));
    assert_string_equal(close_entry(&entry), "cause=\"x' code=forged y='\"\n");
}

/* Bytes that hurt more often than others. */
static void make_hostile(uint8_t *bytes, size_t len)
{
    static const char marks[] = "\"\"\\\\{}[]:,\n\r\t\0\x1b\x7f\x80\xc2\xff'= u0";

    for (size_t i = 0; i < len; i++) {
        bytes[i] =
            rand() % 2 ? (uint8_t)marks[(size_t)rand() % (sizeof(marks) - 1)] : (uint8_t)rand();
    }
}

static void assert_is_one_printable_line(const char *text, size_t room)
{
    size_t len = strlen(text);

    assert_in_range(len, 1, room);
    assert_int_equal(text[len - 1], '\n');
    for (size_t i = 0; i + 1 < len; i++)
        assert_in_range(text[i], 0x20, 0x7e);
}

/* What JSON should have of a value: all of it, or a beginning and "...". */
static void assert_shows(const json_t *member, struct span value)
{
    const char *shown;
    size_t len;

    if (member == NULL)
        return;
    shown = json_string_value(member);
    len = json_string_length(member);
    if (len != value.len || (len >= 3 && memcmp(shown + len - 3, "...", 3) == 0)) {
        assert_true(len >= 3);
        len -= 3;
        assert_string_equal(shown + len, "...");
    }
    assert_true(len <= value.len);
    for (size_t i = 0; i < len; i++) {
        uint8_t c = value.at[i];

        assert_int_equal(shown[i], c >= 0x20 && c < 0x7f ? c : '?');
    }
}

static void what_comes_out_is_valid_json_whatever_comes_in(void **state)
{
    static const char *const keys[] = { "message", "alpha", "beta", "gamma" };
    static uint8_t bytes[4][6000];
    struct span values[4];

    (void)state;
    srand(20260807);
    for (int round = 0; round < 4000; round++) {
        size_t room = 64 + (size_t)rand() % (LOG_LINE_LEN - 63);
        struct log_entry entry = log_entry_open(line, room, LOG_FORMAT_JSON);
        json_error_t error;
        json_t *object;

        for (size_t i = 0; i < 4; i++) {
            size_t len = (size_t)rand() % (rand() % 4 ? 80 : sizeof(bytes[i]));

            make_hostile(bytes[i], len);
            values[i] = span_of(bytes[i], len);
        }
        log_entry_message(&entry, values[0], rand() % 2 ? room / 2 : SIZE_MAX);
        log_entry_number(&entry, SPAN("n"), (uint64_t)rand());
        log_entry_text(&entry, SPAN("alpha"), values[1]);
        log_entry_quoted(&entry, SPAN("beta"), values[2]);
        log_entry_text(&entry, SPAN("gamma"), values[3]);
        assert_is_one_printable_line(close_entry(&entry), room);
        object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
        assert_non_null(object);
        for (size_t i = 0; i < 4; i++)
            assert_shows(json_object_get(object, keys[i]), values[i]);
        json_decref(object);
    }
}

static void text_is_one_line_within_its_room_whatever_comes_in(void **state)
{
    static uint8_t bytes[6000];

    (void)state;
    srand(20260808);
    for (int round = 0; round < 4000; round++) {
        size_t room = 64 + (size_t)rand() % (LOG_LINE_LEN - 63), len = (size_t)rand() % 6000;
        struct log_entry entry = log_entry_open(line, room, LOG_FORMAT_TEXT);

        make_hostile(bytes, len);
        log_entry_printf(&entry, "%.*s: ", rand() % 200, "a head that may be long");
        log_entry_message(&entry, span_of(bytes, len), rand() % 2 ? room / 2 : SIZE_MAX);
        log_entry_text(&entry, SPAN("key"), span_of(bytes, len / 2));
        log_entry_number(&entry, SPAN("n"), (uint64_t)rand());
        assert_is_one_printable_line(close_entry(&entry), room);
    }
}

/* ---- taking a formatted line apart ---- */

static char text[LOG_LINE_LEN];

__attribute__((format(printf, 1, 2))) static struct log_parts take_apart(const char *format, ...)
{
    struct log_parts parts;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    va_start(args, format);
    log_parts_read(format, args, span_text(text), &parts);
    va_end(args);
    return parts;
}

static void assert_field(const struct log_field *field, const char *key, const char *value)
{
    assert_true(span_equal(field->key, span_text(key)));
    assert_true(span_equal(field->value, span_text(value)));
}

static void fields_are_those_of_the_format(void **state)
{
    struct log_parts p = take_apart("it is %s at 5%% a=%s b=%zu c=\"%s\" d=fixed e=%s%d", "so",
                                    "x y", (size_t)7, "said \"no\"", "v", 2);

    (void)state;
    assert_true(span_equal(p.message, SPAN("it is so at 5%")));
    assert_int_equal(p.n_fields, 5);
    assert_field(&p.fields[0], "a", "x y");
    assert_field(&p.fields[1], "b", "7");
    assert_field(&p.fields[2], "c", "said \"no\"");
    assert_field(&p.fields[3], "d", "fixed");
    assert_field(&p.fields[4], "e", "v2");
    for (size_t i = 0; i < p.n_fields; i++) {
        assert_int_equal(p.fields[i].number, i == 1);
        assert_int_equal(p.fields[i].quoted, i == 2);
    }
    p = take_apart("nothing but %s", "words=here");
    assert_true(span_equal(p.message, SPAN("nothing but words=here")));
    assert_int_equal(p.n_fields, 0);
}

static void no_value_can_pose_as_a_field(void **state)
{
    struct log_parts p =
        take_apart("%s first=%.*s second=%d", "m first=1 second=2", 15, "a second=9 first=8 x", 3);

    (void)state;
    assert_true(span_equal(p.message, SPAN("m first=1 second=2")));
    assert_int_equal(p.n_fields, 2);
    assert_field(&p.fields[0], "first", "a second=9 firs");
    assert_field(&p.fields[1], "second", "3");
}

static void what_was_cut_off_is_no_number(void **state)
{
    static char long_text[LOG_LINE_LEN];
    struct log_parts p;

    (void)state;
    for (size_t len = sizeof(long_text) - 16; len < sizeof(long_text); len++) {
        memset(long_text, 'x', len);
        long_text[len] = '\0';
        p = take_apart("m a=%s n=%d", long_text, 12345);
        assert_int_equal(p.n_fields, 2);
        assert_int_equal(p.fields[1].number, len + strlen("m a= n=12345") < LOG_LINE_LEN);
        if (p.fields[1].number)
            assert_field(&p.fields[1], "n", "12345");
    }
}

static void a_format_has_its_words(void **state)
{
    enum log_format format = LOG_FORMAT_TEXT;

    (void)state;
    assert_int_equal(log_format_parse(SPAN("JSON"), &format), 0);
    assert_int_equal(format, LOG_FORMAT_JSON);
    assert_int_equal(log_format_parse(SPAN("text"), &format), 0);
    assert_int_equal(format, LOG_FORMAT_TEXT);
    assert_int_equal(log_format_parse(SPAN("xml"), &format), ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_json_or_text),
        cmocka_unit_test(a_quote_cannot_end_a_value_of_text),
        cmocka_unit_test(what_comes_out_is_valid_json_whatever_comes_in),
        cmocka_unit_test(text_is_one_line_within_its_room_whatever_comes_in),
        cmocka_unit_test(fields_are_those_of_the_format),
        cmocka_unit_test(no_value_can_pose_as_a_field),
        cmocka_unit_test(what_was_cut_off_is_no_number),
        cmocka_unit_test(a_format_has_its_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
