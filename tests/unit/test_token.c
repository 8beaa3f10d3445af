/* SPDX-License-Identifier: MIT */
/* The laws of common/token.h: one size a class, and one way to fill it. */
#include "common/token.h"

#include "tests/unit/unit.h"

#include "common/wire.h"

/* As the paper has it, in decimal steps: the next multiple of 2^(E - S). */
static size_t naive_size(size_t len)
{
    size_t e = 0, s = 0, step = 1, size;

    while (len >> (e + 1) > 0)
        e++;
    while (e >> s > 0)
        s++;
    for (size_t i = s; i < e; i++)
        step *= 2;
    size = (len + step - 1) / step * step;
    return size < TOKEN_MIN ? TOKEN_MIN : size;
}

static void the_size_is_padmes_and_at_least_512(void **state)
{
    (void)state;
    for (size_t len = 4; len <= TOKEN_MAX; len++) {
        assert_int_equal(token_size(len), naive_size(len));
        assert_true(token_size(len) >= len && token_size(len) <= TOKEN_MAX);
    }
    assert_int_equal(token_size(0), 512);
    assert_int_equal(token_size(512), 512);
    assert_int_equal(token_size(513), 544);
    assert_int_equal(token_size(545), 576);
    assert_int_equal(token_size(1025), 1088);
    assert_int_equal(token_size(65535), 65536);
}

static int check(struct span token, struct span *parts_r)
{
    return token_check(token, FRAME_AT_REQUEST, parts_r);
}

/* Parts, then zeros up to a size. */
static struct span padded(struct buffer *b, struct span parts, size_t size)
{
    buffer_clear(b);
    buffer_put(b, parts);
    while (buffer_len(b) < size)
        wire_put_u8(b, 0);
    return buffer_span(b);
}

static void data_after_data_is_one_part(void **state)
{
    struct token token;
    struct span rest, bytes;
    enum frame_kind kind;

    (void)state;
    token_init(&token);
    token_put(&token, FRAME_HEAD, SPAN("head"));
    token_put(&token, FRAME_DATA, SPAN("ab"));
    token_put(&token, FRAME_DATA, SPAN("cde"));
    token_pad(&token);
    assert_int_equal(buffer_len(&token.parts), TOKEN_MIN);
    assert_int_equal(check(buffer_span(&token.parts), &rest), 0);
    assert_true(span_equal(rest, SPAN("\1\0\0\4head\2\0\0\5abcde")));
    assert_true(token_next(&rest, &kind, &bytes));
    assert_int_equal(kind, FRAME_HEAD);
    assert_true(token_next(&rest, &kind, &bytes));
    assert_int_equal(kind, FRAME_DATA);
    assert_true(span_equal(bytes, SPAN("abcde")));
    assert_false(token_next(&rest, &kind, &bytes));
    token_fini(&token);
}

static void a_token_holds_65536_bytes_and_not_one_more(void **state)
{
    static const uint8_t zeros[TOKEN_MAX];
    struct token token;
    struct span parts;

    (void)state;
    token_init(&token);
    assert_true(token_fits(&token, FRAME_HEAD, TOKEN_MAX - 4));
    assert_false(token_fits(&token, FRAME_HEAD, TOKEN_MAX - 3));
    token_put(&token, FRAME_HEAD, SPAN("head"));
    assert_true(token_fits(&token, FRAME_DATA, TOKEN_MAX - 12));
    assert_false(token_fits(&token, FRAME_DATA, TOKEN_MAX - 11));
    token_put(&token, FRAME_DATA, span_of(zeros, TOKEN_MAX - 13));
    assert_true(token_fits(&token, FRAME_DATA, 1));
    assert_false(token_fits(&token, FRAME_DATA, 2));
    assert_false(token_fits(&token, FRAME_TRAILERS, 1));
    token_put(&token, FRAME_DATA, span_of(zeros, 1));
    token_pad(&token);
    assert_int_equal(buffer_error(&token.parts), 0);
    assert_int_equal(check(buffer_span(&token.parts), &parts), 0);
    assert_int_equal(parts.len, TOKEN_MAX);
    token_fini(&token);
}

static const struct {
    struct span parts;
    bool good;
} orders[] = {
    { SPAN("\1\0\0\1h"), true },
    { SPAN("\1\0\0\1h\5\0\0\1a\2\0\0\1d\2\0\0\1d\3\0\0\1t"), true },
    { SPAN("\1\0\0\1h\3\0\0\1t"), true },
    { SPAN(""), false },
    { SPAN("\2\0\0\1d"), false },
    { SPAN("\1\0\0\1h\1\0\0\1h"), false },
    { SPAN("\1\0\0\1h\2\0\0\1d\5\0\0\1a"), false },
    { SPAN("\1\0\0\1h\5\0\0\1a\5\0\0\1a"), false },
    { SPAN("\1\0\0\1h\3\0\0\1t\2\0\0\1d"), false },
    { SPAN("\1\0\0\1h\3\0\0\1t\3\0\0\1t"), false },
    { SPAN("\1\0\0\1h\4\0\0\1\0"), false },  /* PAD */
    { SPAN("\1\0\0\1h\6\0\0\1x"), false },   /* TOKEN */
    { SPAN("\1\0\0\1h\7\0\0\1x"), false },   /* no such kind */
    { SPAN("\1\0\0\1h\x82\0\0\1d"), false }, /* END */
    { SPAN("\x81\0\0\1h"), false },          /* END */
    { SPAN("\1\0\0\1h\2\0\0\0"), false },    /* an empty part */
    { SPAN("\1\0\0\0"), false },             /* an empty part */
    { SPAN("\1\0\0\1h\2\0\2\1d"), false },   /* longer than there is */
    { SPAN("\1\0\0\1h\0\2\0\0\1d"), false }, /* a part in the padding */
};

static void parts_stand_in_their_order(void **state)
{
    struct buffer b;
    struct span parts;

    (void)state;
    buffer_init(&b, 0);
    for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
        int r = check(padded(&b, orders[i].parts, TOKEN_MIN), &parts);

        if (r != (orders[i].good ? 0 : ERR_FORMAT))
            fail_msg("row %zu: %s", i, error_text(r));
        if (r == 0)
            assert_true(span_equal(parts, orders[i].parts));
    }
    assert_int_equal(token_check(padded(&b, orders[1].parts, TOKEN_MIN), FRAME_AT_RESPONSE, &parts),
                     ERR_FORMAT); /* AGAIN in a response */
    assert_int_equal(token_check(padded(&b, orders[0].parts, TOKEN_MIN), FRAME_AT_RESPONSE, &parts),
                     0);
    buffer_fini(&b);
}

static void the_padding_is_zeros_of_one_length(void **state)
{
    struct buffer b;
    struct span parts, token;

    (void)state;
    buffer_init(&b, 0);
    for (size_t size = 5; size < 1100; size++)
        assert_int_equal(check(padded(&b, orders[0].parts, size), &parts),
                         size == TOKEN_MIN ? 0 : ERR_FORMAT);
    for (size_t i = orders[0].parts.len; i < TOKEN_MIN; i++) {
        token = padded(&b, orders[0].parts, TOKEN_MIN);
        b.at[b.start + i] = 1;
        assert_int_equal(check(token, &parts), ERR_FORMAT);
    }
    buffer_fini(&b);
}

static void parts_of_just_their_class_have_no_padding(void **state)
{
    static const uint8_t bytes[600];
    struct token token;
    struct span parts;

    (void)state;
    for (size_t len = 500; len < 600; len++) {
        token_init(&token);
        token_put(&token, FRAME_HEAD, span_of(bytes, len));
        token_pad(&token);
        assert_int_equal(buffer_len(&token.parts), naive_size(len + 4));
        assert_int_equal(check(buffer_span(&token.parts), &parts), 0);
        assert_int_equal(parts.len, len + 4);
        token_fini(&token);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_size_is_padmes_and_at_least_512),
        cmocka_unit_test(data_after_data_is_one_part),
        cmocka_unit_test(a_token_holds_65536_bytes_and_not_one_more),
        cmocka_unit_test(parts_stand_in_their_order),
        cmocka_unit_test(the_padding_is_zeros_of_one_length),
        cmocka_unit_test(parts_of_just_their_class_have_no_padding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
