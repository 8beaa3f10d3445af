/* SPDX-License-Identifier: MIT */
/* Small words: read strictly, or not at all. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/text.h"

static int read_u64(const char *text, uint64_t max, uint64_t want)
{
    uint64_t v = 12345;
    int r = text_u64(span_text(text), max, &v);

    assert_true(v == (r == 0 ? want : 12345)); /* a failure leaves the caller's value alone */
    return r;
}

static void a_number_is_digits_up_to_a_maximum(void **state)
{
    (void)state;
    assert_int_equal(read_u64("0", 0, 0), 0);
    assert_int_equal(read_u64("007", 10, 7), 0);
    assert_int_equal(read_u64("18446744073709551615", UINT64_MAX, UINT64_MAX), 0);
    assert_int_equal(read_u64("18446744073709551616", UINT64_MAX, 0), ERR_LIMIT);
    assert_int_equal(read_u64("99999999999999999999999", UINT64_MAX, 0), ERR_LIMIT);
    assert_int_equal(read_u64("11", 10, 0), ERR_LIMIT);
}

static void a_number_is_nothing_but_digits(void **state)
{
    static const char *const wrong[] = { "",    " ",   " 1",  "1 ", "+1", "-1",
                                         "0x1", "1.0", "1e3", "a",  "/",  ":" };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_int_equal(read_u64(wrong[i], UINT64_MAX, 0), ERR_FORMAT);
}

typedef int (*read_fn)(struct span text, uint64_t *value_r);

static void assert_reads(read_fn read, const char *text, uint64_t want)
{
    uint64_t v = 0;

    if (read(span_text(text), &v) != 0 || v != want)
        fail_msg("%s was read as %llu", text, (unsigned long long)v);
}

static void durations_have_units_and_are_seconds_without(void **state)
{
    (void)state;
    assert_reads(text_duration, "250ms", 250);
    assert_reads(text_duration, "5", 5000);
    assert_reads(text_duration, "5s", 5000);
    assert_reads(text_duration, " 5 S ", 5000);
    assert_reads(text_duration, "2m", 120000);
    assert_reads(text_duration, "2min", 120000);
    assert_reads(text_duration, "1h", 3600000);
    assert_reads(text_duration, "1d", 86400000);
    assert_reads(text_duration, "0", 0);
    assert_reads(text_duration, "18446744073709551615ms", UINT64_MAX);
}

static void sizes_have_binary_units_and_are_bytes_without(void **state)
{
    (void)state;
    assert_reads(text_size, "512", 512);
    assert_reads(text_size, "512b", 512);
    assert_reads(text_size, "64 KiB", 65536);
    assert_reads(text_size, "64k", 65536);
    assert_reads(text_size, "64KB", 65536);
    assert_reads(text_size, "16MiB", 16777216);
    assert_reads(text_size, "1 g", 1073741824);
    assert_reads(text_size, "17179869183GiB", UINT64_C(17179869183) << 30);
}

static void what_has_no_meaning_or_no_room_is_refused(void **state)
{
    static const char *const wrong[] = { "", "s", "k", "-1s", "1.5s", "1 x", "1s1", "1\n", "0x10" };
    uint64_t v = 12345;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_int_equal(text_duration(span_text(wrong[i]), &v), ERR_FORMAT);
        assert_int_equal(text_size(span_text(wrong[i]), &v), ERR_FORMAT);
    }
    assert_int_equal(text_duration(SPAN("1k"), &v), ERR_FORMAT);
    assert_int_equal(text_size(SPAN("1s"), &v), ERR_FORMAT);
    assert_int_equal(text_duration(SPAN("18446744073709551615s"), &v), ERR_LIMIT);
    assert_int_equal(text_duration(SPAN("213503982335d"), &v), ERR_LIMIT);
    assert_int_equal(text_size(SPAN("17179869184GiB"), &v), ERR_LIMIT);
    assert_int_equal(v, 12345);
}

static void truth_has_two_words(void **state)
{
    bool v = false;

    (void)state;
    assert_int_equal(text_bool(SPAN("True"), &v), 0);
    assert_true(v);
    assert_int_equal(text_bool(SPAN("FALSE"), &v), 0);
    assert_false(v);
    assert_int_equal(text_bool(SPAN("yes"), &v), ERR_FORMAT);
    assert_int_equal(text_bool(SPAN("1"), &v), ERR_FORMAT);
    assert_int_equal(text_bool(SPAN("true "), &v), ERR_FORMAT);
    assert_int_equal(text_bool(SPAN_NONE, &v), ERR_FORMAT);
}

static void every_byte_is_two_hexadecimal_digits_and_back(void **state)
{
    char text[3];

    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;

        text_hex(span_of(&byte, 1), text);
        assert_int_equal(strlen(text), 2);
        assert_int_equal(text_hex_digit((uint8_t)text[0]) << 4 | text_hex_digit((uint8_t)text[1]),
                         i);
    }
    text_hex(SPAN_NONE, text);
    assert_string_equal(text, "");
}

static void only_digits_of_either_case_are_hexadecimal(void **state)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    size_t n = 0;

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        bool is_one = c != 0 && strchr(digits, (int)c) != NULL;

        assert_int_equal(text_hex_digit((uint8_t)c) >= 0, is_one);
        n += is_one;
    }
    assert_int_equal(n, 22);
    assert_int_equal(text_hex_digit('F'), 15);
}

/* By its definition; slow. */
static size_t naive_distance(struct span a, struct span b)
{
    size_t drop_a, drop_b, swap, least;

    if (a.len == 0 || b.len == 0)
        return a.len + b.len;
    drop_a = naive_distance(span_from(a, 1), b) + 1;
    drop_b = naive_distance(a, span_from(b, 1)) + 1;
    swap = naive_distance(span_from(a, 1), span_from(b, 1)) + (a.at[0] != b.at[0]);
    least = drop_a < drop_b ? drop_a : drop_b;
    return swap < least ? swap : least;
}

static void the_distance_is_that_of_levenshtein(void **state)
{
    uint8_t a[5], b[5];

    (void)state;
    assert_int_equal(text_distance(SPAN("kitten"), SPAN("sitting")), 3);
    assert_int_equal(text_distance(SPAN_NONE, SPAN("abc")), 3);
    srandom(1);
    for (int round = 0; round < 300; round++) {
        struct span x = span_of(a, (size_t)random() % 6), y = span_of(b, (size_t)random() % 6);

        for (size_t i = 0; i < sizeof(a); i++) {
            a[i] = (uint8_t)('a' + random() % 3);
            b[i] = (uint8_t)('a' + random() % 3);
        }
        assert_int_equal(text_distance(x, y), naive_distance(x, y));
    }
}

static void a_long_word_is_compared_by_its_beginning(void **state)
{
    uint8_t a[1000], b[1000];

    (void)state;
    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    assert_int_equal(text_distance(span_of(a, 1000), span_of(b, 1000)), 63);
    assert_int_equal(text_distance(span_of(a, 1000), span_of(a, 63)), 0);
}

static void a_token_is_made_of_the_characters_of_rfc_9110(void **state)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    (void)state;
    assert_false(text_is_token(SPAN_NONE));
    for (unsigned c = 0; c <= UINT8_MAX; c++) {
        uint8_t text[] = { 'a', (uint8_t)c, 'z' };
        bool is = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c != 0 && strchr(others, (int)c) != NULL);

        assert_int_equal(text_is_token(span_of(text, sizeof(text))), is);
        assert_int_equal(text_is_token(span_of(text + 1, 1)), is);
    }
}

/* Wherever it stands, in texts of every length around those of machine words. */
static void a_control_byte_is_found_at_any_place(void **state)
{
    uint8_t text[20];

    (void)state;
    for (size_t len = 0; len <= sizeof(text); len++) {
        memset(text, 0xff, sizeof(text));
        assert_false(text_has_control(span_of(text, len)));
        for (size_t at = 0; at < len; at++) {
            for (unsigned c = 0; c <= UINT8_MAX; c++) {
                memset(text, (int)(0x20 + at), sizeof(text));
                text[at] = (uint8_t)c;
                assert_int_equal(text_has_control(span_of(text, len)), c < 0x20 || c == 0x7f);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_digits_up_to_a_maximum),
        cmocka_unit_test(a_number_is_nothing_but_digits),
        cmocka_unit_test(durations_have_units_and_are_seconds_without),
        cmocka_unit_test(sizes_have_binary_units_and_are_bytes_without),
        cmocka_unit_test(what_has_no_meaning_or_no_room_is_refused),
        cmocka_unit_test(truth_has_two_words),
        cmocka_unit_test(every_byte_is_two_hexadecimal_digits_and_back),
        cmocka_unit_test(only_digits_of_either_case_are_hexadecimal),
        cmocka_unit_test(a_token_is_made_of_the_characters_of_rfc_9110),
        cmocka_unit_test(a_control_byte_is_found_at_any_place),
        cmocka_unit_test(the_distance_is_that_of_levenshtein),
        cmocka_unit_test(a_long_word_is_compared_by_its_beginning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
