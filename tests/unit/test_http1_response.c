/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "worker/http1_chunk.h"
#include "worker/http1_response.h"

/* What a parser made of some bytes. text: status, fields and body, as one string. */
struct outcome {
    int error;
    bool complete, keep_alive;
    size_t used;
    unsigned n_heads, n_stops;
    struct buffer text, body;
    struct http1_response *parser;
};

static bool stop_at_times;

static int stop(struct outcome *o)
{
    if (!stop_at_times || rand() % 3 > 0)
        return 0;
    o->n_stops++;
    return HTTP1_STOP;
}

static int on_head(void *arg, const struct http1_head *head)
{
    struct outcome *o = arg;

    o->n_heads++;
    o->keep_alive = head->keep_alive;
    buffer_printf(&o->text, "%u.%u\n", head->minor, head->status);
    if (head->has_length)
        buffer_printf(&o->text, "(%llu)\n", (unsigned long long)head->content_length);
    for (size_t i = 0; i < head->fields.n; i++)
        buffer_printf(&o->text, "%.*s=%.*s\n", SPAN_PRINT(head->fields.items[i].name),
                      SPAN_PRINT(head->fields.items[i].value));
    return stop(o);
}

static int on_body(void *arg, struct span bytes)
{
    struct outcome *o = arg;

    assert_true(bytes.len > 0 && bytes.len <= HTTP1_PIECE_MAX);
    buffer_put(&o->body, bytes);
    return stop(o);
}

/* max: of a slice. Each slice is a copy of its own, so that no view can reach past it unseen. */
static struct outcome parse(struct span bytes, size_t max, bool to_head, bool then_eof)
{
    static const struct http1_events events = { on_head, on_body };
    struct outcome o = { 0 };

    assert_int_equal(0, http1_response_new(to_head, &events, &o, &o.parser));
    while (o.used < bytes.len && o.error == 0 && !http1_response_complete(o.parser)) {
        struct span slice = span_part(bytes, o.used, max > 1 ? 1 + (size_t)rand() % max : 1);
        uint8_t *copy = malloc(slice.len);
        unsigned n_stops = o.n_stops;
        size_t used;

        memcpy(copy, slice.at, slice.len);
        o.error = http1_response_feed(o.parser, span_of(copy, slice.len), &used);
        assert_true(used == slice.len || o.error < 0 || n_stops < o.n_stops ||
                    http1_response_complete(o.parser));
        o.used += used;
        free(copy);
    }
    if (o.error == 0 && then_eof)
        o.error = http1_response_eof(o.parser);
    o.complete = http1_response_complete(o.parser);
    assert_int_equal(bytes.len > 0, http1_response_begun(o.parser));
    http1_response_free(&o.parser);
    return o;
}

static void outcome_fini(struct outcome *o)
{
    buffer_fini(&o->text);
    buffer_fini(&o->body);
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
    assert_int_equal(a->error, b->error);
    assert_int_equal(a->complete, b->complete);
    assert_int_equal(a->keep_alive, b->keep_alive);
    assert_int_equal(a->n_heads, b->n_heads);
    if (a->error == 0)
        assert_int_equal(a->used, b->used);
    assert_true(span_equal(buffer_span(&a->text), buffer_span(&b->text)));
    assert_true(span_equal(buffer_span(&a->body), buffer_span(&b->body)));
}

struct good {
    const char *bytes, *text, *body, *left;
    bool to_head, keep_alive, needs_eof;
};

static const struct good good[] = {
    { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "1.200\n(5)\ncontent-length=5\n",
      "hello", "", .keep_alive = true },
    { "HTTP/1.1 200 \r\nA:\r\na: \t x y\t \r\ncontent-length: 0\r\n\r\nHTTP/1.1 ",
      "1.200\n(0)\na=\na=x y\ncontent-length=0\n", "", "HTTP/1.1 ", .keep_alive = true },
    { "HTTP/1.1 599 caf\xc3\xa9\tbar\r\nConnection: x, CLOSE\r\nContent-Length: 1\r\n\r\nz",
      "1.599\n(1)\nconnection=x, CLOSE\ncontent-length=1\n", "z", "", .keep_alive = false },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0006\r\n world\r\n0\r\n\r\n",
      "1.200\ntransfer-encoding=Chunked\n", "hello world", "", .keep_alive = true },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "A;a ; b = \"q;\\\"x\";c=d\r\n0123456789\r\n000\r\nExpires: never\r\nX: y\r\n\r\nmore",
      "1.200\ntransfer-encoding=chunked\n", "0123456789", "more", .keep_alive = true },
    { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 204 None\r\n"
      "Content-Length: 0\r\n\r\n",
      "1.204\ncontent-length=0\n", "", "", .keep_alive = true },
    { "HTTP/1.1 204 None\r\nContent-Length: 3\r\n\r\nabc", "1.204\ncontent-length=3\n", "", "abc",
      .keep_alive = false },
    { "HTTP/1.1 204 None\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "1.204\ntransfer-encoding=chunked\n", "", "0\r\n\r\n", .keep_alive = false },
    { "HTTP/1.1 304 Same\r\nContent-Length: 77\r\n\r\n", "1.304\n(77)\ncontent-length=77\n", "", "",
      .keep_alive = true },
    { "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n", "1.200\n(77)\ncontent-length=77\n", "", "",
      .to_head = true, .keep_alive = true },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1.200\ntransfer-encoding=chunked\n",
      "", "", .to_head = true, .keep_alive = true },
    { "HTTP/1.1 200 OK\r\n\r\nuntil the end", "1.200\n", "until the end", "", .needs_eof = true },
    { "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\nx", "0.200\nconnection=Keep-Alive\n", "x",
      "", .needs_eof = true },
    { "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx",
      "0.200\n(1)\nconnection=Keep-Alive\ncontent-length=1\n", "x", "", .keep_alive = true },
    { "HTTP/1.0 200\r\nContent-Length: 1\r\n\r\nx", "0.200\n(1)\ncontent-length=1\n", "x", "",
      .keep_alive = false },
};

static void each_framing_is_read_as_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        const struct good *g = &good[i];
        struct span bytes = span_text(g->bytes);

        for (size_t max = 1; max < 200; max += 33) {
            struct outcome o = parse(bytes, max, g->to_head, g->needs_eof);

            assert_int_equal(0, o.error);
            assert_true(o.complete);
            assert_int_equal(g->keep_alive, o.keep_alive);
            assert_true(span_equal(span_text(g->text), buffer_span(&o.text)));
            assert_true(span_equal(span_text(g->body), buffer_span(&o.body)));
            assert_true(span_equal(span_text(g->left), span_from(bytes, o.used)));
            outcome_fini(&o);
        }
    }
}

/* Whatever is cut off, the end of the connection never makes a response of it. */
static void a_framed_response_that_ends_early_is_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        const struct good *g = &good[i];
        size_t whole = strlen(g->bytes) - strlen(g->left);
        size_t head = g->needs_eof ? strlen(g->bytes) - strlen(g->body) : whole;

        for (size_t n = 0; n < head; n++) {
            struct outcome o = parse(span_of(g->bytes, n), 1, g->to_head, true);

            assert_int_equal(ERR_SHORT, o.error);
            assert_false(o.complete);
            outcome_fini(&o);
        }
    }
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static const char *const malformed[] = {
    "X",
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
    "http/1.1 200 OK\r\n\r\n",
    "HTTP/2 200 OK\r\n\r\n",
    "HTTP/1.2 200 OK\r\n\r\n",
    "HTTP/1.11 200 OK\r\n\r\n",
    "HTTP/1.1 200\t\r\n\r\n",
    "HTTP/1.1  200 OK\r\n\r\n",
    "HTTP/1.1\t200 OK\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 +20 OK\r\n\r\n",
    "HTTP/1.1 099 OK\r\n\r\n",
    "HTTP/1.1 600 OK\r\n\r\n",
    "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
    "HTTP/1.1 100 Go\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 100 Go\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 100 Go\r\n\r\n<html>",
    "HTTP/1.1 200 O\rK\r\n\r\n",
    "HTTP/1.1 200 O\x01K\r\n\r\n",
    "HTTP/1.1 200 OK\n\r\n",
    "HTTP/1.1 200 OK\r\nA: b\n\r\n",
    "HTTP/1.1 200 OK\r\nA: b\r\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\n",
    "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
    "HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
    "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA\xc3: b\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: b\x7f\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: b\vc\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551617\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    CHUNKED "\r\n",
    CHUNKED "g\r\n",
    CHUNKED "-1\r\n",
    CHUNKED " 1\r\nx\r\n",
    CHUNKED "1 \r\nx\r\n",
    CHUNKED "0x1\r\nx\r\n",
    CHUNKED "1\nx\r\n",
    CHUNKED "1;\r\nx\r\n",
    CHUNKED "1;a=\r\nx\r\n",
    CHUNKED "1;a=\"b\r\nx\r\n",
    CHUNKED "1;a=\"b\\\"\r\nx\r\n",
    CHUNKED "1;a b\r\nx\r\n",
    CHUNKED "1;a=\"\x01\"\r\nx\r\n",
    CHUNKED "1\r\nxy\r\n",
    CHUNKED "1\r\nx\n",
    CHUNKED "1\r\nx\r\r",
    CHUNKED "0\r\nno colon\r\n\r\n",
    CHUNKED "0\r\n folded: x\r\n\r\n",
    CHUNKED "0\r\nA: \x02\r\n\r\n",
    CHUNKED "0\r\nA: b\n\r\n",
};

static void what_is_malformed_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(malformed) / sizeof(*malformed); i++) {
        for (size_t max = 1; max < 200; max += 99) {
            struct outcome o = parse(span_text(malformed[i]), max, false, false);

            if (o.error != ERR_FORMAT)
                fail_msg("%s: %s", malformed[i], error_text(o.error));
            outcome_fini(&o);
        }
    }
}

/* n times the text, between a beginning and an end. */
static int error_of_many(const char *begin, const char *text, size_t n, const char *end)
{
    struct outcome o;
    struct buffer b;
    int error;

    buffer_init(&b, 0);
    buffer_put_text(&b, begin);
    for (size_t i = 0; i < n; i++)
        buffer_put_text(&b, text);
    buffer_put_text(&b, end);
    o = parse(buffer_span(&b), 1000, false, true);
    error = o.error;
    outcome_fini(&o);
    buffer_fini(&b);
    return error;
}

static void heads_chunk_lines_and_trailers_are_bounded(void **state)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\n", empty[] = "Content-Length: 0\r\n\r\n";
    static const char go[] = "HTTP/1.1 100 Go\r\n\r\n";
    size_t room = HTTP1_HEAD_MAX - strlen(ok) - strlen("a: \r\n") - strlen(empty);

    (void)state;
    assert_int_equal(0, error_of_many("HTTP/1.1 200 OK\r\na: ", "x", room,
                                      "\r\nContent-Length: 0\r\n\r\n"));
    assert_int_equal(ERR_LIMIT, error_of_many("HTTP/1.1 200 OK\r\na: ", "x", room + 1,
                                              "\r\nContent-Length: 0\r\n\r\n"));
    assert_int_equal(ERR_LIMIT, error_of_many("HTTP/1.1 200 ", "x", HTTP1_HEAD_MAX, ""));
    assert_int_equal(0, error_of_many(ok, "a: b\r\n", HTTP1_FIELDS_MAX - 1, empty));
    assert_int_equal(ERR_LIMIT, error_of_many(ok, "a: b\r\n", HTTP1_FIELDS_MAX, empty));
    assert_int_equal(0, error_of_many("", go, HTTP1_INFORMATIONAL_MAX, "HTTP/1.1 204 OK\r\n\r\n"));
    assert_int_equal(ERR_LIMIT, error_of_many("", go, HTTP1_INFORMATIONAL_MAX + 1, ok));
    assert_int_equal(0, error_of_many(CHUNKED "1;", "x", HTTP1_CHUNK_LINE_MAX - 4,
                                      "\r\nx\r\n0\r\n\r\n"));
    assert_int_equal(ERR_LIMIT, error_of_many(CHUNKED "1;", "x", HTTP1_CHUNK_LINE_MAX - 3,
                                              "\r\nx\r\n0\r\n\r\n"));
    assert_int_equal(0, error_of_many(CHUNKED, "0", 15, "\r\n\r\n"));
    assert_int_equal(ERR_LIMIT, error_of_many(CHUNKED, "0", 16, "\r\n\r\n"));
    assert_int_equal(0, error_of_many(CHUNKED "0\r\n", "a: b\r\n", HTTP1_FIELDS_MAX, "\r\n"));
    assert_int_equal(ERR_LIMIT,
                     error_of_many(CHUNKED "0\r\n", "a: b\r\n", HTTP1_FIELDS_MAX + 1, "\r\n"));
    assert_int_equal(ERR_LIMIT, error_of_many(CHUNKED "0\r\na: ", "x", HTTP1_HEAD_MAX, ""));
}

/* All informational heads and the final one share one limit. */
static void informational_heads_cannot_add_up(void **state)
{
    struct buffer go;

    (void)state;
    buffer_init(&go, 0);
    buffer_put_text(&go, "HTTP/1.1 103 Hint\r\nLink: ");
    for (size_t i = 0; i < HTTP1_HEAD_MAX / 8; i++)
        buffer_put_text(&go, "l");
    buffer_put(&go, span_of("\r\n\r\n", 5));
    assert_int_equal(ERR_LIMIT, error_of_many("", (const char *)buffer_span(&go).at, 8, ""));
    buffer_fini(&go);
}

static int refuse_head(void *arg, const struct http1_head *head)
{
    (void)head;
    (void)arg;
    return ERR_REFUSED;
}

static void an_error_stays(void **state)
{
    static const struct http1_events events = { refuse_head, on_body };
    struct http1_response *r = NULL;
    size_t used;

    (void)state;
    assert_int_equal(0, http1_response_new(false, &events, NULL, &r));
    assert_false(http1_response_begun(r));
    assert_int_equal(ERR_REFUSED,
                     http1_response_feed(r, SPAN("HTTP/1.1 200 OK\r\n\r\nbody"), &used));
    assert_int_equal(ERR_REFUSED, http1_response_feed(r, SPAN("body"), &used));
    assert_int_equal(ERR_REFUSED, http1_response_eof(r));
    assert_false(http1_response_complete(r));
    http1_response_free(&r);
    assert_null(r);
    http1_response_free(&r);
}

/* ---- the naive reference: who makes a response knows what is in it ---- */

static unsigned below(unsigned n)
{
    return (unsigned)rand() % n;
}

static void put_random(struct buffer *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)below(256);

        buffer_put(b, span_of(&c, 1));
    }
}

static void put_chunks(struct buffer *wire, struct span body)
{
    static const char *const extensions[] = { "", "", ";a", ";a=b", " ; q=\"\\\"x\"" };

    while (body.len > 0) {
        struct span chunk = span_part(body, 0, 1 + below(300));

        buffer_printf(wire, below(2) ? "%zx" : "%04zX", chunk.len);
        buffer_printf(wire, "%s\r\n", extensions[below(5)]);
        buffer_put(wire, chunk);
        buffer_put_text(wire, "\r\n");
        body = span_from(body, chunk.len);
    }
    buffer_put_text(wire, below(2) ? "0\r\n\r\n" : "000\r\nTrailer-Field: x\r\n\r\n");
}

/* A response on the wire, and what parse() should find in it. */
static void make_response(struct buffer *wire, struct outcome *expected, bool *eof_r)
{
    unsigned status = 201 + below(3), framing = below(3);

    for (unsigned n = below(4); n > 0; n--)
        buffer_printf(wire, "HTTP/1.1 %u Wait\r\nA: %u\r\n\r\n", 102 + below(50), n);
    put_random(&expected->body, below(4) ? below(1000) : 0);
    buffer_printf(wire, "HTTP/1.1 %u %s\r\n", status, below(2) ? "Fine" : "");
    buffer_printf(&expected->text, "1.%u\n", status);
    if (framing == 0)
        buffer_printf(&expected->text, "(%zu)\n", buffer_len(&expected->body));
    for (unsigned n = below(6); n > 0; n--) {
        buffer_printf(wire, "X-Name-%u:%sv%u%s\r\n", n, below(2) ? " " : "", n,
                      below(2) ? "\t" : "");
        buffer_printf(&expected->text, "x-name-%u=v%u\n", n, n);
    }
    if (framing == 0) {
        buffer_printf(wire, "CONTENT-length: %zu\r\n", buffer_len(&expected->body));
        buffer_printf(&expected->text, "content-length=%zu\n", buffer_len(&expected->body));
    } else if (framing == 1) {
        buffer_printf(wire, "Transfer-Encoding: chunked\r\n");
        buffer_printf(&expected->text, "transfer-encoding=chunked\n");
    }
    buffer_put_text(wire, "\r\n");
    if (framing == 1)
        put_chunks(wire, buffer_span(&expected->body));
    else
        buffer_put(wire, buffer_span(&expected->body));
    *eof_r = framing == 2;
    expected->complete = true;
    expected->keep_alive = framing != 2;
    expected->n_heads = 1;
    expected->used = buffer_len(wire);
}

/* A changed byte may break it or not; all at once and in slices must agree on it. */
static void assert_slices_agree(struct buffer *wire)
{
    size_t max = 1 + below(50);
    struct outcome whole, slices;

    wire->at[wire->start + below((unsigned)buffer_len(wire))] =
        (uint8_t)("\r\n:; \tAx05,\"\0\x80"[below(14)]);
    stop_at_times = false;
    whole = parse(buffer_span(wire), 1 << 20, false, true);
    slices = parse(buffer_span(wire), max, false, true);
    assert_same(&whole, &slices);
    outcome_fini(&whole);
    outcome_fini(&slices);
}

static void however_it_is_sliced_the_result_is_the_same(void **state)
{
    (void)state;
    srand(9112);
    for (size_t round = 0; round < 3000; round++) {
        struct outcome expected = { 0 }, o;
        struct buffer wire;
        bool eof;

        buffer_init(&wire, 0);
        make_response(&wire, &expected, &eof);
        stop_at_times = below(2);
        o = parse(buffer_span(&wire), 1 + below(400), false, eof);
        assert_same(&expected, &o);
        for (size_t i = 0; i < 4; i++)
            assert_slices_agree(&wire);
        outcome_fini(&expected);
        outcome_fini(&o);
        buffer_fini(&wire);
    }
}

/* Whoever is full can stop between two. */
static void a_large_body_comes_in_bounded_pieces(void **state)
{
    static const char *const heads[] = { "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n",
                                         CHUNKED "100000\r\n", "HTTP/1.1 200 OK\r\n\r\n" };
    enum { LEN = 1 << 20, READ = 2 << 20 };

    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
        struct buffer bytes;
        struct outcome o;

        buffer_init(&bytes, 0);
        buffer_put_text(&bytes, heads[i]);
        memset(buffer_reserve(&bytes, LEN), 'x', LEN);
        buffer_commit(&bytes, LEN);
        buffer_put_text(&bytes, i == 1 ? "\r\n0\r\n\r\n" : "");
        o = parse(buffer_span(&bytes), READ, false, i == 2);
        assert_true(o.complete);
        assert_int_equal(LEN, buffer_len(&o.body)); /* on_body() has looked at each piece */
        outcome_fini(&o);
        buffer_fini(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_framing_is_read_as_it_should),
        cmocka_unit_test(a_framed_response_that_ends_early_is_short),
        cmocka_unit_test(what_is_malformed_is_refused),
        cmocka_unit_test(heads_chunk_lines_and_trailers_are_bounded),
        cmocka_unit_test(informational_heads_cannot_add_up),
        cmocka_unit_test(an_error_stays),
        cmocka_unit_test(a_large_body_comes_in_bounded_pieces),
        cmocka_unit_test(however_it_is_sliced_the_result_is_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
