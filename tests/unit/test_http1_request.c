/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/text.h"
#include "worker/http1_request.h"

enum { BODY_MAX = 1000, ROOM = 500 };

#define HOST    "Host: h\r\n"
#define GET     "GET / HTTP/1.1\r\n" HOST
#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

static uint64_t room(void *arg)
{
    return *(const uint64_t *)arg;
}

struct outcome {
    enum http1_fault fault;
    enum http1_place place;
    uint64_t n_heads, n_body;
    size_t good; /* of all bytes, when they come in one piece */
};

/* In pieces of at most so many bytes; 0: at random. */
static struct outcome walk(struct span bytes, size_t piece_max)
{
    uint64_t left = ROOM;
    struct http1_limits limits = { .body_max = BODY_MAX, .body_room = room, .arg = &left };
    struct http1_request r;
    struct outcome o = { .fault = HTTP1_FINE };

    http1_request_init(&r, &limits);
    while (o.fault == HTTP1_FINE && bytes.len > 0) {
        struct span piece =
            span_part(bytes, 0, piece_max > 0 ? piece_max : 1 + (size_t)rand() % 17);

        bytes = span_from(bytes, piece.len);
        o.fault = http1_request_walk(&r, piece, &o.good);
        assert_int_equal(o.fault == HTTP1_FINE, r.why == NULL);
        assert_int_equal(o.fault, r.fault);
    }
    o.place = http1_request_place(&r);
    o.n_heads = r.n_heads;
    o.n_body = r.n_body;
    http1_request_fini(&r);
    return o;
}

static void assert_same(struct outcome a, struct outcome b)
{
    assert_int_equal(a.fault, b.fault);
    assert_int_equal(a.place, b.place);
    assert_int_equal(a.n_heads, b.n_heads);
    assert_int_equal(a.n_body, b.n_body);
}

/* The same in whatever pieces it comes. */
static struct outcome walk_all_ways(struct span bytes)
{
    struct outcome whole = walk(bytes, SIZE_MAX);

    assert_same(whole, walk(bytes, 1));
    for (int i = 0; i < 10; i++)
        assert_same(whole, walk(bytes, 0));
    return whole;
}

static void what_is_right_passes_whole(void **state)
{
    static const struct {
        const char *bytes;
        enum http1_place place;
        unsigned n_heads, n_body;
    } rows[] = {
        { "", HTTP1_BETWEEN, 0, 0 },
        { "G", HTTP1_IN_HEAD, 0, 0 },
        { GET, HTTP1_IN_HEAD, 0, 0 },
        { GET "\r\n", HTTP1_BETWEEN, 1, 0 },
        { "GET / HTTP/1.0\r\n\r\n", HTTP1_BETWEEN, 1, 0 },
        { "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", HTTP1_BETWEEN, 1, 0 },
        { "GET http://h/x HTTP/1.1\r\n" HOST "\r\n", HTTP1_BETWEEN, 1, 0 },
        { "M-SEARCH /\xc3\xa9 HTTP/1.1\r\nhOsT:h\r\n\r\n", HTTP1_BETWEEN, 1, 0 },
        { "\r\n" GET "\r\n", HTTP1_BETWEEN, 1, 0 },
        { GET "\r\n\r\n" GET "\r\n", HTTP1_BETWEEN, 2, 0 },
        { GET "Content-Length: 0\r\n\r\n", HTTP1_BETWEEN, 1, 0 },
        { GET "Content-Length:\t4 \r\n\r\nabc", HTTP1_IN_BODY, 1, 3 },
        { GET "Content-Length: 3\r\n\r\nabc" GET "\r\n", HTTP1_BETWEEN, 2, 3 },
        { GET "X:\r\nY: a\tb\xff\r\n\r\n", HTTP1_BETWEEN, 1, 0 },
        { CHUNKED, HTTP1_IN_BODY, 1, 0 },
        { CHUNKED "3\r\nabc\r\n0\r\n", HTTP1_IN_BODY, 1, 3 },
        { CHUNKED "3\r\nabc\r\n00\r\n\r\n" GET "\r\n", HTTP1_BETWEEN, 2, 3 },
        { CHUNKED "a;x;y=z;q=\"a b\"\r\n0123456789\r\n0\r\nT: u\r\n\r\n", HTTP1_BETWEEN, 1, 10 },
        { "POST / HTTP/1.1\r\n" HOST "transfer-encoding: CHUNKED\r\n\r\n0\r\n\r\n", HTTP1_BETWEEN,
          1, 0 },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r", HTTP1_IN_HEAD, 0, 0 },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x01\x02\n\n", HTTP1_IS_HTTP2, 0, 0 },
        { GET "\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HTTP1_IS_HTTP2, 1, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct span bytes = span_text(rows[i].bytes);
        struct outcome o = walk_all_ways(bytes);

        if (o.fault != HTTP1_FINE || o.place != rows[i].place || o.n_heads != rows[i].n_heads ||
            o.n_body != rows[i].n_body || o.good != bytes.len)
            fail_msg("row %zu: fault %d, place %d, %d heads, %d bytes", i, o.fault, o.place,
                     (int)o.n_heads, (int)o.n_body);
    }
}

static const struct {
    enum http1_fault fault;
    const char *bytes;
} wrong[] = {
    { HTTP1_MALFORMED, "GET / HTTP/1.1\r\n\r\n" },
    { HTTP1_MALFORMED, GET HOST "\r\n" },
    { HTTP1_MALFORMED, GET "Content-Length: 1\r\nContent-Length: 2\r\n\r\na" },
    { HTTP1_MALFORMED, GET "Content-Length: 1\r\nContent-Length: 1\r\n\r\na" },
    { HTTP1_MALFORMED, GET "Content-Length: 1, 1\r\n\r\na" },
    { HTTP1_MALFORMED, GET "Content-Length: +1\r\n\r\na" },
    { HTTP1_MALFORMED, GET "Content-Length: 0x1\r\n\r\na" },
    { HTTP1_MALFORMED, GET "Content-Length:\r\n\r\n" },
    { HTTP1_MALFORMED, GET "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
    { HTTP1_MALFORMED, GET "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" },
    { HTTP1_MALFORMED, GET "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" },
    { HTTP1_MALFORMED, GET "Transfer-Encoding: identity\r\n\r\n" },
    { HTTP1_MALFORMED, GET "Transfer-Encoding: \vchunked\r\n\r\n" },
    { HTTP1_MALFORMED, GET "Transfer-Encoding:chunked\r\nTransfer-Encoding:chunked\r\n\r\n" },
    { HTTP1_MALFORMED, "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
    { HTTP1_MALFORMED, GET "a: b\r\n c\r\n\r\n" },
    { HTTP1_MALFORMED, GET " a: b\r\n\r\n" },
    { HTTP1_MALFORMED, GET "a : b\r\n\r\n" },
    { HTTP1_MALFORMED, GET ": b\r\n\r\n" },
    { HTTP1_MALFORMED, GET "a\r\n\r\n" },
    { HTTP1_MALFORMED, GET "a: b\rc\r\n\r\n" },
    { HTTP1_MALFORMED, GET "a: b\x01\r\n\r\n" },
    { HTTP1_MALFORMED, GET "a: b\n\r\n" },
    { HTTP1_MALFORMED, GET "\n" },
    { HTTP1_MALFORMED, "GET / HTTP/1.1\n" HOST "\r\n" },
    { HTTP1_MALFORMED, "G{T / HTTP/1.1\r\n" HOST "\r\n" },
    { HTTP1_MALFORMED, " GET / HTTP/1.1\r\n" HOST "\r\n" },
    { HTTP1_MALFORMED, "GET / HTTP/1.9\r\n" HOST "\r\n" },
    { HTTP1_MALFORMED, "GET / HTTP/2.0\r\n" HOST "\r\n" },
    { HTTP1_MALFORMED, "GET / http/1.1\r\n" HOST "\r\n" },
    { HTTP1_MALFORMED, "GET / HTTP/1.1 \r\n" HOST "\r\n" },
    { HTTP1_MALFORMED, "GET /\r\n" HOST "\r\n" },
    { HTTP1_MALFORMED, "GET  HTTP/1.1\r\n" HOST "\r\n" },
    { HTTP1_MALFORMED, "GET  / HTTP/1.1\r\n" HOST "\r\n" },
    { HTTP1_MALFORMED, "GET /  HTTP/1.1\r\n" HOST "\r\n" },
    { HTTP1_MALFORMED, "GET / x HTTP/1.1\r\n" HOST "\r\n" },
    { HTTP1_MALFORMED, "GET /\t HTTP/1.1\r\n" HOST "\r\n" },
    { HTTP1_MALFORMED, "\r\n\r\n" GET "\r\n" },
    { HTTP1_MALFORMED, "\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
    { HTTP1_MALFORMED, "PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n" },
    { HTTP1_MALFORMED, "PRI * HTTP/2.0\r\na: b\r\n\r\nSM\r\n\r\n" },
    { HTTP1_MALFORMED, CHUNKED "3 junk\r\nabc\r\n" },
    { HTTP1_MALFORMED, CHUNKED "3;\r\nabc\r\n" },
    { HTTP1_MALFORMED, CHUNKED "x\r\n" },
    { HTTP1_MALFORMED, CHUNKED "-1\r\n" },
    { HTTP1_MALFORMED, CHUNKED " 3\r\nabc\r\n" },
    { HTTP1_MALFORMED, CHUNKED "\r\n" },
    { HTTP1_MALFORMED, CHUNKED "3\nabc\r\n" },
    { HTTP1_MALFORMED, CHUNKED "0000000000000003\r\nabc\r\n" },
    { HTTP1_MALFORMED, CHUNKED "3\r\nabcd\r\n" },
    { HTTP1_MALFORMED, CHUNKED "3\r\nabc\n0\r\n\r\n" },
    { HTTP1_MALFORMED, CHUNKED "3\r\nab\r\n0\r\n\r\n" },
    { HTTP1_MALFORMED, CHUNKED "0\r\njunk\r\n\r\n" },
    { HTTP1_BODY_TOO_LARGE, GET "Content-Length: 1001\r\n\r\n" },
    { HTTP1_BODY_TOO_LARGE, GET "Content-Length: 99999999999999999999\r\n\r\n" },
    { HTTP1_BODY_TOO_LARGE, CHUNKED "3e9\r\n" },
    { HTTP1_BODY_TOO_LARGE, CHUNKED "1\r\na\r\n3e8\r\n" },
    { HTTP1_NO_ROOM, GET "Content-Length: 501\r\n\r\n" },
    { HTTP1_NO_ROOM, CHUNKED "1f5\r\n" },
};

/* Each behind a good request, which is all that may pass. */
static void what_is_wrong_stops_before_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        static const char before[] = GET "Content-Length: 2\r\n\r\nok";
        char both[1024];
        struct outcome o;

        snprintf(both, sizeof(both), "%s%s", before, wrong[i].bytes);
        o = walk_all_ways(span_text(both));
        if (o.fault != wrong[i].fault || o.good != strlen(before))
            fail_msg("row %zu: fault %d after %zu bytes", i, o.fault, o.good);
        assert_int_equal(walk_all_ways(span_text(wrong[i].bytes)).fault, wrong[i].fault);
    }
}

static struct outcome walk_many(const char *front, size_t n, const char *repeated)
{
    struct buffer b;
    struct outcome o;

    buffer_init(&b, 0);
    buffer_put_text(&b, front);
    while (n-- > 0)
        buffer_put_text(&b, repeated);
    buffer_put_text(&b, "\r\n\r\n");
    assert_int_equal(buffer_error(&b), 0);
    o = walk(buffer_span(&b), SIZE_MAX);
    assert_same(o, walk(buffer_span(&b), 7));
    buffer_fini(&b);
    return o;
}

static void heads_and_trailers_are_bounded(void **state)
{
    const size_t full = HTTP1_REQUEST_HEAD_MAX - strlen(GET "A: "
                                                            "\r\n\r\n");

    (void)state;
    assert_int_equal(walk_many(GET "A: ", full, "x").fault, HTTP1_FINE);
    assert_int_equal(walk_many(GET "A: ", full + 1, "x").fault, HTTP1_HEAD_TOO_LARGE);
    assert_int_equal(walk_many("GET /", HTTP1_REQUEST_HEAD_MAX, "x").fault, HTTP1_HEAD_TOO_LARGE);
    assert_int_equal(
        walk_many("GET / HTTP/1.1\r\nHost: h", HTTP1_REQUEST_FIELDS_MAX - 1, "\r\na: b").fault,
        HTTP1_FINE);
    assert_int_equal(
        walk_many("GET / HTTP/1.1\r\nHost: h", HTTP1_REQUEST_FIELDS_MAX, "\r\na: b").fault,
        HTTP1_HEAD_TOO_LARGE);
    assert_int_equal(walk_many(CHUNKED "0", HTTP1_REQUEST_FIELDS_MAX, "\r\na: b").fault,
                     HTTP1_FINE);
    assert_int_equal(walk_many(CHUNKED "0", HTTP1_REQUEST_FIELDS_MAX + 1, "\r\na: b").fault,
                     HTTP1_HEAD_TOO_LARGE);
    assert_int_equal(walk_many(CHUNKED "1;a=", 600, "x").fault, HTTP1_MALFORMED);
}

/* ---- against a model that has all bytes at once ---- */

struct model {
    struct span rest;
    uint64_t n_heads, n_body;
};

/* A line of what is left, without CR LF. */
static struct span model_line(struct model *m)
{
    const uint8_t *end = memmem(m->rest.at, m->rest.len, "\r\n", strlen("\r\n"));
    struct span line;

    assert_non_null(end);
    line = span_part(m->rest, 0, (size_t)(end - m->rest.at));
    m->rest = span_from(m->rest, line.len + strlen("\r\n"));
    return line;
}

static void model_body(struct model *m, uint64_t len)
{
    assert_true(m->rest.len >= len);
    m->n_body += len;
    m->rest = span_from(m->rest, (size_t)len);
}

/* A whole request of the generator below. */
static void model_request(struct model *m)
{
    struct span line = model_line(m);
    bool chunked = false;
    uint64_t len = 0;

    if (line.len == 0)
        model_line(m);
    while ((line = model_line(m)).len > 0) {
        struct span value = line, name = span_cut(&value, ':');

        if (span_equal(name, SPAN("Content-Length")))
            assert_int_equal(text_u64(span_trim(value), 100, &len), 0);
        chunked |= span_equal(name, SPAN("Transfer-Encoding"));
    }
    m->n_heads++;
    model_body(m, len);
    while (chunked) {
        len = strtoul((const char *)model_line(m).at, NULL, 16);
        chunked = len > 0;
        model_body(m, len);
        assert_int_equal(model_line(m).len, 0);
    }
}

static void put_random_request(struct buffer *b)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    int kind = rand() % 3, len = 1 + rand() % 30;

    if (rand() % 4 == 0)
        buffer_put_text(b, "\r\n");
    buffer_printf(b, "P /%d HTTP/1.1\r\nHost: h\r\n", rand());
    if (kind == 1)
        buffer_printf(b, "Content-Length: %d\r\n\r\n%.*s", len, len, letters);
    if (kind == 2) {
        buffer_printf(b, "Transfer-Encoding: chunked\r\n\r\n");
        for (int n = rand() % 3; n > 0; n--)
            buffer_printf(b, "%x;n=%d\r\n%.*s\r\n", (unsigned)len, n, len, letters);
        buffer_put_text(b, "0\r\n\r\n");
    }
    if (kind == 0)
        buffer_put_text(b, "\r\n");
}

static void a_naive_model_finds_the_same_requests(void **state)
{
    (void)state;
    srand(1);
    for (int i = 0; i < 2000; i++) {
        struct buffer b;
        struct model m = { 0 };
        struct outcome o;

        buffer_init(&b, 0);
        for (int n = rand() % 5; n >= 0; n--)
            put_random_request(&b);
        o = walk(buffer_span(&b), 0);
        m.rest = buffer_span(&b);
        while (m.rest.len > 0)
            model_request(&m);
        assert_int_equal(o.fault, HTTP1_FINE);
        assert_int_equal(o.place, HTTP1_BETWEEN);
        assert_int_equal(o.n_heads, m.n_heads);
        assert_int_equal(o.n_body, m.n_body);
        buffer_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_passes_whole),
        cmocka_unit_test(what_is_wrong_stops_before_it),
        cmocka_unit_test(heads_and_trailers_are_bounded),
        cmocka_unit_test(a_naive_model_finds_the_same_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
