/* SPDX-License-Identifier: MIT */
/* Views of bytes: nothing outside of one is ever seen. */
#include "tests/unit/unit.h"

#include "common/span.h"

static void spans_are_equal_by_content(void **state)
{
    (void)state;
    assert_true(span_equal(SPAN("a\0b"), SPAN("a\0b")));
    assert_false(span_equal(SPAN("a\0b"), SPAN("a\0c")));
    assert_false(span_equal(SPAN("a"), SPAN("ab")));
    assert_true(span_equal(SPAN_NONE, SPAN("")));
    assert_true(span_equal(span_text(NULL), SPAN_NONE));
}

static void only_ascii_letters_have_a_case(void **state)
{
    (void)state;
    assert_true(span_equal_nocase(SPAN("AbZz-1"), SPAN("aBzZ-1")));
    assert_false(span_equal_nocase(SPAN("@"), SPAN("`")));
    assert_false(span_equal_nocase(SPAN("["), SPAN("{")));
    assert_false(span_equal_nocase(SPAN("\xc3\x89"), SPAN("\xc3\xa9")));
    assert_false(span_equal_nocase(SPAN("a"), SPAN("aa")));
    assert_true(span_equal_nocase(SPAN_NONE, SPAN("")));
}

static void a_part_is_cut_to_what_there_is(void **state)
{
    struct span s = SPAN("hello");

    (void)state;
    assert_true(span_equal(span_part(s, 1, 3), SPAN("ell")));
    assert_true(span_equal(span_part(s, 3, SIZE_MAX), SPAN("lo")));
    assert_int_equal(span_part(s, 5, 1).len, 0);
    assert_int_equal(span_part(s, SIZE_MAX, SIZE_MAX).len, 0);
    assert_true(span_equal(span_from(s, 4), SPAN("o")));
    assert_int_equal(span_from(SPAN_NONE, 0).len, 0);
}

static void beginnings_and_ends_are_of_the_whole(void **state)
{
    (void)state;
    assert_true(span_starts(SPAN("abc"), SPAN("ab")));
    assert_true(span_starts(SPAN("abc"), SPAN_NONE));
    assert_true(span_starts(SPAN_NONE, SPAN_NONE));
    assert_false(span_starts(SPAN("ab"), SPAN("abc")));
    assert_true(span_ends(SPAN("abc"), SPAN("bc")));
    assert_true(span_ends(SPAN("abc"), SPAN_NONE));
    assert_false(span_ends(SPAN("bc"), SPAN("abc")));
    assert_false(span_ends(SPAN("abc"), SPAN("ab")));
}

static void a_byte_that_is_not_there_is_found_at_the_end(void **state)
{
    (void)state;
    assert_int_equal(span_find(SPAN("a,b,c"), ','), 1);
    assert_int_equal(span_find(SPAN("abc"), ','), 3);
    assert_int_equal(span_find(SPAN("ab\0c"), '\0'), 2);
    assert_int_equal(span_find(SPAN_NONE, ','), 0);
}

static void trimming_takes_spaces_and_tabs_of_both_ends_only(void **state)
{
    (void)state;
    assert_true(span_equal(span_trim(SPAN(" \t a \t b\t ")), SPAN("a \t b")));
    assert_true(span_equal(span_trim(SPAN("\na\r")), SPAN("\na\r")));
    assert_int_equal(span_trim(SPAN(" \t ")).len, 0);
    assert_int_equal(span_trim(SPAN_NONE).len, 0);
}

static void cutting_gives_every_piece_and_then_nothing(void **state)
{
    struct span rest = SPAN("a,,b,");

    (void)state;
    assert_true(span_equal(span_cut(&rest, ','), SPAN("a")));
    assert_true(span_equal(span_cut(&rest, ','), SPAN("")));
    assert_true(span_equal(span_cut(&rest, ','), SPAN("b")));
    assert_non_null(rest.at); /* an empty piece is still to come */
    assert_int_equal(rest.len, 0);
    assert_int_equal(span_cut(&rest, ',').len, 0);
    assert_null(rest.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_equal_by_content),
        cmocka_unit_test(only_ascii_letters_have_a_case),
        cmocka_unit_test(a_part_is_cut_to_what_there_is),
        cmocka_unit_test(beginnings_and_ends_are_of_the_whole),
        cmocka_unit_test(a_byte_that_is_not_there_is_found_at_the_end),
        cmocka_unit_test(trimming_takes_spaces_and_tabs_of_both_ends_only),
        cmocka_unit_test(cutting_gives_every_piece_and_then_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
