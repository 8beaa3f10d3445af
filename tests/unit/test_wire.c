/* SPDX-License-Identifier: MIT */
/* Wire integers: big-endian, read back as written, and nothing is read past the end. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/wire.h"

static void numbers_are_big_endian(void **state)
{
    struct buffer b;

    (void)state;
    buffer_init(&b, 0);
    wire_put_u8(&b, 0x01);
    wire_put_u16(&b, 0x0203);
    wire_put_u24(&b, 0x040506);
    wire_put_u32(&b, 0x0708090a);
    wire_put_u64(&b, 0x0b0c0d0e0f101112);
    assert_int_equal(buffer_len(&b), 18);
    for (uint8_t i = 0; i < 18; i++)
        assert_int_equal(buffer_span(&b).at[i], i + 1);
    buffer_fini(&b);
}

/* RFC 9000, appendix A.1, and the bounds of each length. */
static const struct {
    uint64_t v;
    struct span bytes;
} varints[] = {
    { 151288809941952652, { (const uint8_t *)"\xc2\x19\x7c\x5e\xff\x14\xe8\x8c", 8 } },
    { 494878333, { (const uint8_t *)"\x9d\x7f\x3e\x7d", 4 } },
    { 15293, { (const uint8_t *)"\x7b\xbd", 2 } },
    { 37, { (const uint8_t *)"\x25", 1 } },
    { 0, { (const uint8_t *)"\x00", 1 } },
    { 63, { (const uint8_t *)"\x3f", 1 } },
    { 64, { (const uint8_t *)"\x40\x40", 2 } },
    { 16383, { (const uint8_t *)"\x7f\xff", 2 } },
    { 16384, { (const uint8_t *)"\x80\x00\x40\x00", 4 } },
    { 1073741823, { (const uint8_t *)"\xbf\xff\xff\xff", 4 } },
    { 1073741824, { (const uint8_t *)"\xc0\x00\x00\x00\x40\x00\x00\x00", 8 } },
    { 4611686018427387903, { (const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff", 8 } },
};

static void varints_are_those_of_rfc_9000(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(varints) / sizeof(*varints); i++) {
        struct wire w = wire_read(varints[i].bytes);
        struct buffer b;

        buffer_init(&b, 0);
        wire_put_varint(&b, varints[i].v);
        assert_true(span_equal(buffer_span(&b), varints[i].bytes));
        assert_int_equal(wire_varint_len(varints[i].v), varints[i].bytes.len);
        assert_true(wire_varint(&w) == varints[i].v);
        assert_int_equal(wire_end(&w), 0);
        buffer_fini(&b);
    }
}

static void a_varint_may_be_longer_than_it_need_be(void **state)
{
    struct wire w = wire_read(SPAN("\x40\x25\x80\x00\x00\x25\xc0\x00\x00\x00\x00\x00\x00\x25"));

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(wire_varint(&w), 37);
    assert_int_equal(wire_end(&w), 0);
}

static void a_varint_that_is_cut_is_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(varints) / sizeof(*varints); i++) {
        for (size_t len = 0; len < varints[i].bytes.len; len++) {
            struct wire w = wire_read(span_part(varints[i].bytes, 0, len));

            assert_int_equal(wire_varint(&w), 0);
            assert_int_equal(wire_error(&w), ERR_SHORT);
        }
    }
}

static void after_the_first_error_all_is_zero(void **state)
{
    struct wire w = wire_read(SPAN("\x01\x02\x03"));
    uint8_t copy[2] = { 9, 9 };

    (void)state;
    assert_int_equal(wire_u32(&w), 0);
    assert_int_equal(wire_error(&w), ERR_SHORT);
    assert_int_equal(wire_u8(&w), 0);
    assert_int_equal(wire_varint(&w), 0);
    assert_null(wire_bytes(&w, 0).at);
    wire_copy(&w, copy, sizeof(copy));
    assert_int_equal(copy[0] | copy[1], 0);
    assert_int_equal(wire_end(&w), ERR_SHORT);
}

static void what_is_left_over_is_an_error_at_the_end(void **state)
{
    struct wire w = wire_read(SPAN("\x01\x02"));

    (void)state;
    assert_int_equal(wire_u8(&w), 1);
    assert_int_equal(wire_end(&w), ERR_FORMAT);
    assert_int_equal(wire_u8(&w), 2);
    assert_int_equal(wire_end(&w), 0);
}

static void a_length_that_cannot_be_is_an_error_not_an_overflow(void **state)
{
    struct wire w = wire_read(SPAN("\x01\x02"));

    (void)state;
    assert_int_equal(wire_bytes(&w, UINT64_MAX).len, 0);
    assert_int_equal(wire_error(&w), ERR_SHORT);
}

static void nothing_can_be_read_from_nothing(void **state)
{
    struct wire w = wire_read(SPAN_NONE);

    (void)state;
    assert_int_equal(wire_bytes(&w, 0).len, 0);
    assert_int_equal(wire_end(&w), 0);
    assert_int_equal(wire_u8(&w), 0);
    assert_int_equal(wire_end(&w), ERR_SHORT);
}

/* A number of n bytes, by arithmetic of another kind than the module's. */
static uint64_t naive(const uint8_t *at, size_t n)
{
    uint64_t v = 0, factor = 1;

    for (size_t i = n; i-- > 0; factor *= 256)
        v += at[i] * factor;
    return v;
}

static void random_bytes_are_read_as_a_naive_reader_does(void **state)
{
    static const size_t lengths[] = { 1, 2, 3, 4, 8 };
    uint8_t bytes[64];

    (void)state;
    srandom(1);
    for (int round = 0; round < 2000; round++) {
        size_t len = (size_t)random() % sizeof(bytes), at = 0, n = 0;
        struct wire w = wire_read(span_of(bytes, len));

        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)random();
        for (; at + n <= len; at += n) {
            size_t kind = (size_t)random() % 6;
            uint64_t want = 0, got;

            n = kind < 5 ? lengths[kind] : at < len ? (size_t)1 << (bytes[at] >> 6) : 1;
            if (at + n <= len)
                want = naive(bytes + at, n);
            if (kind == 5 && at + n <= len)
                want -= (uint64_t)(bytes[at] >> 6) << (8 * n - 2);
            got = kind == 0   ? wire_u8(&w)
                  : kind == 1 ? wire_u16(&w)
                  : kind == 2 ? wire_u24(&w)
                  : kind == 3 ? wire_u32(&w)
                  : kind == 4 ? wire_u64(&w)
                              : wire_varint(&w);
            assert_true(got == want);
            assert_int_equal(wire_error(&w), at + n <= len ? 0 : ERR_SHORT);
        }
    }
}

static void random_numbers_are_read_back(void **state)
{
    (void)state;
    srandom(2);
    for (int round = 0; round < 5000; round++) {
        uint64_t v = ((uint64_t)random() << 33 ^ (uint64_t)random() << 11 ^ (uint64_t)random()) >>
                     (2 + random() % 62);
        struct buffer b;
        struct wire w;

        buffer_init(&b, 0);
        wire_put_varint(&b, v);
        wire_put_u64(&b, v);
        wire_put_u24(&b, (uint32_t)v & 0xffffff);
        w = wire_read(buffer_span(&b));
        assert_true(wire_varint(&w) == v);
        assert_true(wire_u64(&w) == v);
        assert_true(wire_u24(&w) == (v & 0xffffff));
        assert_int_equal(wire_end(&w), 0);
        buffer_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_big_endian),
        cmocka_unit_test(varints_are_those_of_rfc_9000),
        cmocka_unit_test(a_varint_may_be_longer_than_it_need_be),
        cmocka_unit_test(a_varint_that_is_cut_is_an_error),
        cmocka_unit_test(after_the_first_error_all_is_zero),
        cmocka_unit_test(what_is_left_over_is_an_error_at_the_end),
        cmocka_unit_test(a_length_that_cannot_be_is_an_error_not_an_overflow),
        cmocka_unit_test(nothing_can_be_read_from_nothing),
        cmocka_unit_test(random_bytes_are_read_as_a_naive_reader_does),
        cmocka_unit_test(random_numbers_are_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
