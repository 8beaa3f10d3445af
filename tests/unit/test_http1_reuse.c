/* SPDX-License-Identifier: MIT */
/* A parser that carries one response after another, as that of a kept connection does. */
#include "tests/unit/unit.h"

#include "worker/http1_response.h"

struct found {
    struct buffer text; /* heads and bodies as they were told */
    int error;
    bool complete;
};

static int on_head(void *arg, const struct http1_head *head)
{
    struct found *found = arg;

    buffer_printf(&found->text, "%u.%u %d %llu", head->minor, head->status, head->keep_alive,
                  head->has_length ? (unsigned long long)head->content_length : 0);
    for (size_t i = 0; i < head->fields.n; i++)
        buffer_printf(&found->text, " %.*s=%.*s", SPAN_PRINT(head->fields.items[i].name),
                      SPAN_PRINT(head->fields.items[i].value));
    return 0;
}

static int on_body(void *arg, struct span bytes)
{
    buffer_put(&((struct found *)arg)->text, bytes);
    return 0;
}

static const struct http1_events events = { on_head, on_body };

static const struct span responses[] = {
    SPAN("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nworld"),
    SPAN("HTTP/1.1 200 OK\r\nConnection: close\r\nA: b\r\nContent-Length: 0\r\n\r\n"),
    SPAN("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n"
         "5\r\nworld\r\n2;x=y\r\n!!\r\n0\r\nTrailer: x\r\n\r\n"),
    SPAN("HTTP/1.0 302\r\nOld: field\r\n\r\nuntil the end"),
    SPAN("HTTP/1.1 204 \r\n\r\n"),
    SPAN("HTTP/1.1 200 OK\r\nmalformed\r\n\r\n"),
    SPAN("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n"),
};
enum { N_RESPONSES = sizeof(responses) / sizeof(*responses) };

static void feed(struct http1_response *parser, struct found *found, struct span bytes)
{
    size_t used;

    found->error = http1_response_feed(parser, bytes, &used);
    found->complete = http1_response_complete(parser);
}

/* What a parser makes of a response, after so many bytes of another one. */
static void assert_as_new(struct span response, struct span before)
{
    struct found expected = { 0 }, found = { 0 };
    struct http1_response *new = NULL, *used = NULL;

    assert_int_equal(http1_response_new(false, &events, &expected, &new), 0);
    feed(new, &expected, response);
    assert_int_equal(http1_response_new(true, &events, &found, &used), 0);
    feed(used, &found, before);
    http1_response_reset(used, false);
    assert_false(http1_response_begun(used));
    assert_null(http1_response_why(used));
    buffer_clear(&found.text);
    feed(used, &found, response);
    assert_int_equal(found.error, expected.error);
    assert_int_equal(found.complete, expected.complete);
    assert_true(span_equal(buffer_span(&found.text), buffer_span(&expected.text)));
    http1_response_free(&used);
    http1_response_free(&new);
    buffer_fini(&found.text);
    buffer_fini(&expected.text);
}

static void a_parser_that_is_reset_is_as_a_new_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_RESPONSES; i++) {
        for (size_t j = 0; j < N_RESPONSES; j++) {
            for (size_t len = 0; len <= responses[j].len; len++)
                assert_as_new(responses[i], span_part(responses[j], 0, len));
        }
    }
}

static void a_reset_takes_back_what_a_large_head_has_used_up(void **state)
{
    struct buffer large;

    (void)state;
    buffer_init(&large, 0);
    buffer_put_text(&large, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 200; i++)
        buffer_printf(&large, "Field-%d: %0300d\r\n", i, i);
    assert_as_new(buffer_span(&large), buffer_span(&large));
    buffer_put_text(&large, "Content-Length: 0\r\n\r\n");
    assert_as_new(buffer_span(&large), buffer_span(&large));
    assert_as_new(responses[0], buffer_span(&large));
    buffer_fini(&large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parser_that_is_reset_is_as_a_new_one),
        cmocka_unit_test(a_reset_takes_back_what_a_large_head_has_used_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
