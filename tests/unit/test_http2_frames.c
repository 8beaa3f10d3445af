/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/wire.h"
#include "worker/http2_frames.h"

static void put_frame(struct buffer *b, enum http2_type type, uint8_t flags, struct span payload)
{
    wire_put_u24(b, (uint32_t)payload.len);
    wire_put_u8(b, (uint8_t)type);
    wire_put_u8(b, flags);
    wire_put_u32(b, 5);
    buffer_put(b, payload);
}

static void a_frame_is_whole_with_its_last_byte(void **state)
{
    struct http2_unit unit;
    struct buffer b;

    (void)state;
    buffer_init(&b, 0);
    put_frame(&b, HTTP2_DATA, HTTP2_END_STREAM, SPAN("hello"));
    buffer_put(&b, SPAN("next"));
    for (size_t len = 0; len < HTTP2_HEADER_LEN + 5; len++)
        assert_int_equal(http2_read_unit(span_part(buffer_span(&b), 0, len), &unit),
                         HTTP2_INCOMPLETE);
    assert_int_equal(http2_read_unit(buffer_span(&b), &unit), HTTP2_WHOLE);
    assert_int_equal(unit.type, HTTP2_DATA);
    assert_int_equal(unit.flags, HTTP2_END_STREAM);
    assert_int_equal(unit.stream_id, 5);
    assert_int_equal(unit.payload_len, 5);
    assert_int_equal(unit.len, HTTP2_HEADER_LEN + 5);
    buffer_fini(&b);
}

static void a_frame_that_is_too_long_is_known_by_its_header(void **state)
{
    const struct span header = SPAN("\x00\x40\x01\x00\x00\x00\x00\x00\x01");
    struct http2_unit unit;

    (void)state;
    assert_int_equal(http2_read_unit(header, &unit), HTTP2_WHOLE);
    assert_int_equal(unit.len, HTTP2_HEADER_LEN);
}

static void a_block_is_whole_with_its_last_continuation(void **state)
{
    struct http2_unit unit;
    struct buffer b;
    size_t len;

    (void)state;
    buffer_init(&b, 0);
    put_frame(&b, HTTP2_HEADERS, 0, SPAN("ab"));
    put_frame(&b, HTTP2_CONTINUATION, 0, SPAN("cd"));
    assert_int_equal(http2_read_unit(buffer_span(&b), &unit), HTTP2_INCOMPLETE);
    put_frame(&b, HTTP2_CONTINUATION, HTTP2_END_HEADERS, SPAN("e"));
    len = buffer_len(&b);
    put_frame(&b, HTTP2_PING, 0, SPAN("12345678"));
    assert_int_equal(http2_read_unit(buffer_span(&b), &unit), HTTP2_WHOLE);
    assert_int_equal(unit.len, len);
    assert_int_equal(unit.n_frames, 3);
    assert_false(unit.open);
    buffer_fini(&b);
}

static void a_block_that_is_interrupted_is_whole_without_what_does_so(void **state)
{
    struct http2_unit unit;
    struct buffer b;
    size_t len;

    (void)state;
    buffer_init(&b, 0);
    put_frame(&b, HTTP2_HEADERS, 0, SPAN("ab"));
    len = buffer_len(&b);
    put_frame(&b, HTTP2_PING, 0, SPAN("12345678"));
    assert_int_equal(http2_read_unit(buffer_span(&b), &unit), HTTP2_WHOLE);
    assert_int_equal(unit.len, len);
    assert_true(unit.open);
    buffer_fini(&b);
}

static void a_block_without_an_end_is_excess(void **state)
{
    static const uint8_t zeros[HTTP2_FRAME_MAX];
    const struct span payloads[] = { SPAN_NONE, span_of(zeros, sizeof(zeros)) };
    const size_t n_most[] = { HTTP2_BLOCK_FRAMES_MAX, HTTP2_BLOCK_MAX / HTTP2_FRAME_MAX };
    struct http2_unit unit;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct buffer b;
        size_t n = 0;

        buffer_init(&b, 0);
        put_frame(&b, HTTP2_HEADERS, 0, payloads[i]);
        while (http2_read_unit(buffer_span(&b), &unit) == HTTP2_INCOMPLETE && n++ < 1000)
            put_frame(&b, HTTP2_CONTINUATION, 0, payloads[i]);
        assert_int_equal(http2_read_unit(buffer_span(&b), &unit), HTTP2_EXCESS);
        assert_true(n <= n_most[i] + 1);
        buffer_fini(&b);
    }
}

static void what_is_written_is_read(void **state)
{
    const struct http2_unit wanted = {
        .type = HTTP2_PRIORITY, .flags = HTTP2_END_STREAM, .stream_id = INT32_MAX, .payload_len = 5
    };
    uint8_t frame[HTTP2_HEADER_LEN + UINT8_MAX];
    struct http2_unit unit;
    size_t len = http2_write_zeros(&wanted, frame);

    (void)state;
    assert_int_equal(len, HTTP2_HEADER_LEN + 5);
    assert_int_equal(http2_read_unit(span_of(frame, len), &unit), HTTP2_WHOLE);
    assert_int_equal(unit.type, HTTP2_PRIORITY);
    assert_int_equal(unit.flags, HTTP2_END_STREAM);
    assert_int_equal(unit.stream_id, INT32_MAX);
    assert_int_equal(unit.len, len);
    assert_memory_equal(frame + HTTP2_HEADER_LEN, "\0\0\0\0\0", 5);
}

static size_t count(uint8_t flags, struct span payload)
{
    struct http2_unit unit;
    struct buffer b;
    size_t n;

    buffer_init(&b, 0);
    put_frame(&b, HTTP2_HEADERS, flags | HTTP2_END_HEADERS, payload);
    assert_int_equal(http2_read_unit(buffer_span(&b), &unit), HTTP2_WHOLE);
    n = http2_count_fields(buffer_span(&b), &unit);
    buffer_fini(&b);
    return n;
}

/* RFC 7541, appendix C. */
static void a_priority_is_of_five_bytes_of_a_stream_and_not_of_itself(void **state)
{
    const struct {
        const char *frame;
        size_t len;
        bool ok;
    } cases[] = {
        { "\0\0\5\2\0\0\0\0\5"
          "\0\0\0\3\7",
          14, true },
        { "\0\0\5\2\0\0\0\0\5"
          "\x80\0\0\5\7",
          14, false },
        { "\0\0\5\2\0\0\0\0\0"
          "\0\0\0\3\7",
          14, false },
        { "\0\0\4\2\0\0\0\0\5"
          "\0\0\0\3",
          13, false },
        { "\0\0\6\2\0\0\0\0\5"
          "\0\0\0\3\7\0",
          15, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct span bytes = span_of(cases[i].frame, cases[i].len);
        struct http2_unit unit;

        assert_int_equal(http2_read_unit(bytes, &unit), HTTP2_WHOLE);
        assert_int_equal(http2_priority_ok(bytes, &unit), cases[i].ok);
    }
}

static void each_kind_of_representation_is_a_field_but_the_size_of_the_table(void **state)
{
    (void)state;
    assert_int_equal(count(0, SPAN_NONE), 0);
    assert_int_equal(count(0, SPAN("\x82\x86\x84\x41\x0fwww.example.com")), 4); /* C.3.1 */
    assert_int_equal(count(0, SPAN("\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90"
                                   "\xf4\xff")),
                     4); /* C.4.1 */
    assert_int_equal(count(0, SPAN("\x40\x0a"
                                   "custom-key"
                                   "\x0d"
                                   "custom-header")),
                     1);                                               /* C.2.1 */
    assert_int_equal(count(0, SPAN("\x04\x0c/sample/path")), 1);       /* C.2.2 */
    assert_int_equal(count(0, SPAN("\x10\x08password\x06secret")), 1); /* C.2.3 */
    assert_int_equal(count(0, SPAN("\x3f\xe1\x1f\x82")),
                     1);                             /* a table of 4096 bytes, then :method */
    assert_int_equal(count(0, SPAN("\x82\x0f")), 1); /* cut */
}

static void padding_and_priority_are_no_fields(void **state)
{
    (void)state;
    assert_int_equal(count(HTTP2_PADDED, SPAN("\x02\x82\x86\x82\x82")), 2);
    assert_int_equal(count(HTTP2_WITH_PRIORITY, SPAN("\0\0\0\0\x10\x82")), 1);
    assert_int_equal(count(HTTP2_PADDED | HTTP2_WITH_PRIORITY, SPAN("\1\0\0\0\0\x10\x82\x82")), 1);
    assert_int_equal(count(HTTP2_PADDED, SPAN("\x7f\x82")), 0);
}

/* However a block is cut into frames, also within a string or a number, it has the same fields. */
static void frames_do_not_matter_to_fields(void **state)
{
    (void)state;
    srandom(7541);
    for (int round = 0; round < 500; round++) {
        struct buffer plain, b;
        struct http2_unit unit;
        struct span rest;
        size_t n = 0;

        buffer_init(&plain, 0);
        buffer_init(&b, 0);
        for (; n < (size_t)random() % 20; n++) {
            uint8_t len = (uint8_t)(random() % 100), bytes[100] = { 0 };

            buffer_put(&plain, SPAN("\x00\x01x"));
            wire_put_u8(&plain, len);
            buffer_put(&plain, span_of(bytes, len));
        }
        rest = buffer_span(&plain);
        for (bool first = true; first || rest.len > 0; first = false) {
            struct span piece = span_part(rest, 0, (size_t)random() % 200);

            rest = span_from(rest, piece.len);
            put_frame(&b, first ? HTTP2_HEADERS : HTTP2_CONTINUATION,
                      rest.len == 0 ? HTTP2_END_HEADERS : 0, piece);
        }
        if (http2_read_unit(buffer_span(&b), &unit) == HTTP2_WHOLE) {
            assert_int_equal(unit.len, buffer_len(&b));
            assert_int_equal(http2_count_fields(buffer_span(&b), &unit), n);
        }
        buffer_fini(&b);
        buffer_fini(&plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_whole_with_its_last_byte),
        cmocka_unit_test(a_frame_that_is_too_long_is_known_by_its_header),
        cmocka_unit_test(a_block_is_whole_with_its_last_continuation),
        cmocka_unit_test(a_block_that_is_interrupted_is_whole_without_what_does_so),
        cmocka_unit_test(a_block_without_an_end_is_excess),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_priority_is_of_five_bytes_of_a_stream_and_not_of_itself),
        cmocka_unit_test(each_kind_of_representation_is_a_field_but_the_size_of_the_table),
        cmocka_unit_test(padding_and_priority_are_no_fields),
        cmocka_unit_test(frames_do_not_matter_to_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
