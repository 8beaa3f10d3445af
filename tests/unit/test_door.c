/* SPDX-License-Identifier: MIT */
/* Answers as applications see them: framing, back-pressure, every way of breaking off. */
#include "tests/unit/http_fixture.h"

#include <errno.h>
#include <unistd.h>

#include "common/clock.h"

#define GET(path)       "GET " path " HTTP/1.1\r\nHost: relay.example\r\n\r\n"
#define CLOSE_GET(path) "GET " path " HTTP/1.1\r\nHost: relay.example\r\nConnection: close\r\n\r\n"

static const uint64_t five = 5;

static void assert_body(const struct fixture *f, const char *want)
{
    if (!span_equal(fixture_body(f), span_text(want)))
        fail_msg("\"%.*s\" instead of \"%s\"", SPAN_PRINT(fixture_body(f)), want);
}

static uint64_t counted(const struct fixture *f, enum metric metric, unsigned first,
                        unsigned second)
{
    return f->metrics.values[metric_of(metric, first, second)];
}

/* How many times of waiting. */
static uint64_t observed(const struct fixture *f, enum metric metric)
{
    uint64_t n = 0;

    for (unsigned i = 0; i <= METRIC_N_WAIT_BUCKETS; i++)
        n += f->metrics.values[metric + i];
    return n;
}

/* ---- whole answers ---- */

static void an_answer_of_known_length_says_it(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, CLOSE_GET("/x"));
    assert_int_equal(puppet_head(201, PUPPET_FIELDS("content-length: 5", "server: api"), &five), 0);
    assert_int_equal(puppet_body(SPAN("hel")), 0);
    assert_int_equal(puppet_body(SPAN("lo")), 0);
    puppet_end(UPSTREAM_OK);
    fixture_receive_all(f, fd);
    assert_true(fixture_got(f, "HTTP/1.1 201 Created\r\n"));
    assert_true(fixture_got(f, "Content-Length: 5\r\n"));
    assert_true(fixture_got(f, "server: api\r\n"));
    assert_false(fixture_got(f, "transfer-encoding"));
    assert_body(f, "hello");
    close(fd);
}

static void an_answer_of_unknown_length_is_chunked_whatever_its_status(void **state)
{
    static const unsigned statuses[] = { 200, 201, 404, 500 };
    struct fixture *f = *state;

    fixture_start(f);
    for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
        int fd = fixture_ask(f, GET("/x"));

        assert_int_equal(puppet_head(statuses[i], PUPPET_FIELDS("a: b"), NULL), 0);
        fixture_turn(f, 5);
        assert_int_equal(puppet_body(SPAN("hello")), 0);
        fixture_turn(f, 5);
        assert_int_equal(puppet_body(SPAN("world!")), 0);
        puppet_end(UPSTREAM_OK);
        fixture_turn(f, 5);
        fixture_receive(f, fd, 1);
        assert_true(fixture_got(f, "transfer-encoding: chunked\r\n"));
        assert_true(fixture_got(f, "Connection: keep-alive\r\n"));
        assert_body(f, "5\r\nhello\r\n6\r\nworld!\r\n0\r\n\r\n");
        close(fd);
    }
}

static void a_head_goes_out_before_any_data_came(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, GET("/events"));
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("content-type: text/event-stream"), NULL), 0);
    fixture_receive(f, fd, 1);
    assert_true(fixture_got(f, "content-type: text/event-stream\r\n"));
    assert_int_equal(puppet_body(SPAN("data: 1\n\n")), 0);
    fixture_receive(f, fd, buffer_len(&f->got) + 1);
    assert_body(f, "9\r\ndata: 1\n\n\r\n");
    puppet_end(UPSTREAM_OK);
    close(fd);
    fixture_turn(f, 20);
}

static void an_empty_answer_is_whole(void **state)
{
    struct fixture *f = *state;
    uint64_t none = 0;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, GET("/x"));
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), &none), 0);
    fixture_turn(f, 5); /* the head alone first */
    puppet_end(UPSTREAM_OK);
    fixture_turn(f, 5);
    fixture_send(f, fd, CLOSE_GET("/x")); /* on the same connection */
    fixture_await_call(f);
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), NULL), 0);
    fixture_turn(f, 5);
    puppet_end(UPSTREAM_OK);
    fixture_receive_all(f, fd);
    assert_true(fixture_got(f, "Content-Length: 0\r\n"));
    assert_true(fixture_got(f, "\r\n\r\n0\r\n\r\n"));
    close(fd);
}

static void answers_without_a_body_keep_their_length(void **state)
{
    static const struct {
        const char *request;
        unsigned status;
        bool says_length;
    } rows[] = {
        { "HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, true },
        { CLOSE_GET("/x"), 304, true },
        { CLOSE_GET("/x"), 204, false },
    };
    struct fixture *f = *state;

    fixture_start(f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int fd = fixture_ask(f, rows[i].request);

        assert_int_equal(puppet.is_head, i == 0);
        assert_int_equal(puppet_head(rows[i].status, PUPPET_FIELDS("etag: x"), &five), 0);
        puppet_end(UPSTREAM_OK);
        fixture_receive_all(f, fd);
        assert_int_equal(fixture_got(f, "Content-Length: 5\r\n"), rows[i].says_length);
        assert_false(fixture_got(f, "chunked"));
        assert_body(f, "");
        close(fd);
    }
}

static void a_head_without_length_leaves_the_connection_usable(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), NULL), 0);
    puppet_end(UPSTREAM_OK);
    fixture_turn(f, 5);
    fixture_send(f, fd, CLOSE_GET("/api/mte-relay"));
    fixture_receive_all(f, fd);
    assert_true(fixture_got(f, "x-mte-relay: 1\r\n"));
    close(fd);
}

static void http_1_0_gets_the_body_until_the_close(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), NULL), 0);
    assert_int_equal(puppet_body(SPAN("hel")), 0);
    while (!fixture_got(f, "hel"))
        fixture_receive(f, fd, buffer_len(&f->got) + 1);
    assert_int_equal(puppet_body(SPAN("lo")), 0);
    puppet_end(UPSTREAM_OK);
    fixture_receive_all(f, fd);
    assert_int_equal(f->get_error, ERR_CLOSED);
    assert_true(fixture_got(f, "Connection: close\r\n"));
    assert_body(f, "hello");
    close(fd);
}

static void what_is_complete_before_its_head_goes_out_has_a_length(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), NULL), 0);
    assert_int_equal(puppet_body(SPAN("hello")), 0);
    puppet_end(UPSTREAM_OK);
    while (!fixture_got(f, "hello"))
        fixture_receive(f, fd, buffer_len(&f->got) + 1);
    assert_true(fixture_got(f, "Content-Length: 5\r\n"));
    assert_false(fixture_got(f, "chunked"));
    close(fd);
}

static void fields_pass_in_order_but_ours_alone_name_our_errors(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, CLOSE_GET("/x"));
    assert_int_equal(puppet_head(200,
                                 PUPPET_FIELDS("set-cookie: a=1", "vary: accept", "set-cookie: b=2",
                                               "x-mte-relay-error: peer_tls", "connection: x-hop",
                                               "x-hop: 1", "date: Thu, 01 Jan 1970 00:00:00 GMT",
                                               "location: http://elsewhere/"),
                                 &five),
                     0);
    assert_int_equal(puppet_body(SPAN("hello")), 0);
    puppet_end(UPSTREAM_OK);
    fixture_receive_all(f, fd);
    assert_true(fixture_got(
        f,
        "set-cookie: a=1\r\nvary: accept\r\nset-cookie: b=2\r\nlocation: http://elsewhere/\r\n"));
    assert_false(fixture_got(f, "x-mte-relay-error"));
    assert_false(fixture_got(f, "x-hop"));
    assert_false(fixture_got(f, "1970"));
    close(fd);
}

static void pipelined_requests_are_answered_in_turn(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, GET("/1") GET("/api/mte-relay") CLOSE_GET("/2"));
    assert_int_equal(puppet.n_calls, 1);
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("n: 1"), &five), 0);
    fixture_turn(f, 5);
    assert_int_equal(puppet_body(SPAN("first")), 0);
    puppet_end(UPSTREAM_OK);
    fixture_await_call(f);
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("n: 2"), &five), 0);
    assert_int_equal(puppet_body(SPAN("other")), 0);
    puppet_end(UPSTREAM_OK);
    fixture_receive_all(f, fd);
    assert_true(fixture_got(f, "firstHTTP/1.1 200 OK\r\n"));
    assert_true(fixture_got(f, "x-mte-relay: 1"));
    assert_true(span_ends(buffer_span(&f->got), SPAN("other")));
    close(fd);
}

static void what_ended_is_counted_by_direction_status_and_time(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, "POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                        "Content-Length: 3\r\n\r\nabc");
    assert_int_equal(puppet_head(404, PUPPET_FIELDS("a: b"), &five), 0);
    assert_int_equal(puppet_body(SPAN("hello")), 0);
    puppet_end(UPSTREAM_OK);
    fixture_receive_all(f, fd);
    close(fd);
    close(fixture_ask(f, GET("/x")));
    while (f->metrics.values[METRIC_requests_in_flight] > 0)
        fixture_turn(f, 5);
    assert_int_equal(counted(f, METRIC_requests, DIRECTION_PLAIN, STATUS_4XX), 1);
    assert_int_equal(counted(f, METRIC_requests, DIRECTION_PLAIN, STATUS_ABORTED), 1);
    assert_int_equal(counted(f, METRIC_requests, DIRECTION_PLAIN, STATUS_2XX), 0);
    assert_int_equal(counted(f, METRIC_request_bytes, DIRECTION_PLAIN, 0), 3);
    assert_int_equal(counted(f, METRIC_response_bytes, DIRECTION_PLAIN, 0), 5);
    assert_int_equal(f->metrics.values[METRIC_connections_accepted], 2);
    assert_int_equal(observed(f, metric_of(METRIC_request_seconds, DIRECTION_PLAIN, 0)), 2);
    assert_int_equal(observed(f, metric_of(METRIC_request_seconds, DIRECTION_OWN, 0)), 0);
    assert_int_equal(observed(f, METRIC_upstream_proxy_seconds), 2);
    assert_int_equal(observed(f, METRIC_outbound_proxy_seconds), 0);
}

/* ---- broken answers ---- */

static void a_broken_chunked_answer_has_no_end(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, GET("/x"));
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), NULL), 0);
    assert_int_equal(puppet_body(SPAN("hello")), 0);
    fixture_turn(f, 10);
    puppet_end(UPSTREAM_CUT);
    fixture_receive_all(f, fd);
    assert_body(f, "5\r\nhello\r\n1\r\n");
    assert_int_equal(f->metrics.values[METRIC_answers_aborted], 1);
    close(fd);
}

static void an_answer_broken_before_its_first_byte_of_data_has_no_end(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, GET("/x"));
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), NULL), 0);
    puppet_end(UPSTREAM_CUT); /* the head has not gone out yet */
    fixture_receive_all(f, fd);
    assert_body(f, "1\r\n");
    close(fd);
}

static void a_broken_answer_of_known_length_misses_bytes(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, GET("/x"));
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), &five), 0);
    assert_int_equal(puppet_body(SPAN("hello")), 0); /* all of it, but not the end */
    fixture_turn(f, 10);
    puppet_end(UPSTREAM_CUT);
    fixture_receive_all(f, fd);
    assert_true(fixture_got(f, "Content-Length: 5\r\n"));
    assert_body(f, "hell");
    close(fd);
}

static void a_broken_http_1_0_answer_is_reset(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, "GET /x HTTP/1.0\r\n\r\n");
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), NULL), 0);
    assert_int_equal(puppet_body(SPAN("hello")), 0);
    fixture_turn(f, 10);
    puppet_end(UPSTREAM_CUT);
    fixture_receive_all(f, fd);
    assert_int_equal(f->get_error, -ECONNRESET);
    close(fd);
}

static void an_answer_longer_than_it_said_breaks_off(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, GET("/x"));
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), &five), 0);
    assert_int_equal(puppet_body(SPAN("hello!")), ERR_FORMAT);
    fixture_receive_all(f, fd);
    assert_body(f, "");
    close(fd);
}

static void an_answer_shorter_than_it_said_breaks_off(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, GET("/x"));
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), &five), 0);
    assert_int_equal(puppet_body(SPAN("hell")), 0);
    puppet_end(UPSTREAM_OK);
    fixture_receive_all(f, fd);
    assert_int_equal(f->metrics.values[METRIC_answers_aborted], 1);
    assert_true(fixture_body(f).len < 5);
    close(fd);
}

/* ---- a slow application, and one that leaves ---- */

static void a_slow_reader_pauses_the_call(void **state)
{
    static uint8_t block[16384];
    struct fixture *f = *state;
    size_t sent = 0, received;
    int fd, room = 262144;

    fixture_start(f);
    fd = fixture_connect(f);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
    fixture_send(f, fd, CLOSE_GET("/x"));
    fixture_await_call(f);
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), NULL), 0);
    while (!puppet.paused) {
        assert_true(sent < 64 * 1024 * 1024);
        assert_int_equal(puppet_body(span_of(block, sizeof(block))), 0);
        sent += sizeof(block);
        fixture_turn(f, 0);
    }
    fixture_turn(f, 50);
    assert_true(puppet.paused);
    fixture_receive(f, fd, sent - 65536);
    fixture_turn(f, 50);
    assert_false(puppet.paused);
    puppet_end(UPSTREAM_OK);
    fixture_receive_all(f, fd);
    received = buffer_len(&f->got);
    assert_true(received > sent);
    assert_true(span_ends(buffer_span(&f->got), SPAN("\r\n0\r\n\r\n")));
    close(fd);
}

static void await_cancel(struct fixture *f)
{
    uint64_t until = clock_mono_ms() + 3000;

    while (puppet.open && clock_mono_ms() < until)
        fixture_turn(f, 5);
    assert_int_equal(puppet.n_cancelled, 1);
}

static void an_application_that_leaves_before_the_answer_cancels_the_call(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, GET("/x"));
    close(fd);
    await_cancel(f);
    fixture_turn(f, 20);
    assert_int_equal(http_server_n_connections(f->server), 0);
}

static void an_application_that_leaves_within_the_answer_cancels_the_call(void **state)
{
    static uint8_t block[16384];
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, GET("/x"));
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), NULL), 0);
    fixture_receive(f, fd, 1);
    close(fd);
    for (int i = 0; i < 20 && puppet.open; i++) {
        assert_int_equal(puppet_body(span_of(block, sizeof(block))), 0);
        fixture_turn(f, 5);
    }
    await_cancel(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_of_known_length_says_it),
        TEST(an_answer_of_unknown_length_is_chunked_whatever_its_status),
        TEST(a_head_goes_out_before_any_data_came),
        TEST(an_empty_answer_is_whole),
        TEST(answers_without_a_body_keep_their_length),
        TEST(a_head_without_length_leaves_the_connection_usable),
        TEST(http_1_0_gets_the_body_until_the_close),
        TEST(what_is_complete_before_its_head_goes_out_has_a_length),
        TEST(fields_pass_in_order_but_ours_alone_name_our_errors),
        TEST(pipelined_requests_are_answered_in_turn),
        TEST(what_ended_is_counted_by_direction_status_and_time),
        TEST(a_broken_chunked_answer_has_no_end),
        TEST(an_answer_broken_before_its_first_byte_of_data_has_no_end),
        TEST(a_broken_answer_of_known_length_misses_bytes),
        TEST(a_broken_http_1_0_answer_is_reset),
        TEST(an_answer_longer_than_it_said_breaks_off),
        TEST(an_answer_shorter_than_it_said_breaks_off),
        TEST(a_slow_reader_pauses_the_call),
        TEST(an_application_that_leaves_before_the_answer_cancels_the_call),
        TEST(an_application_that_leaves_within_the_answer_cancels_the_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
