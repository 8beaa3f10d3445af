/* SPDX-License-Identifier: MIT */
/* The door as applications see it: refusals, what is answered here, HTTP/2, draining. */
#include "tests/unit/http_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define GET(path)       "GET " path " HTTP/1.1\r\nHost: relay.example\r\n\r\n"
#define CLOSE_GET(path) "GET " path " HTTP/1.1\r\nHost: relay.example\r\nConnection: close\r\n\r\n"

static const uint64_t five = 5;

static void assert_body(const struct fixture *f, const char *want)
{
    if (!span_equal(fixture_body(f), span_text(want)))
        fail_msg("\"%.*s\" instead of \"%s\"", SPAN_PRINT(fixture_body(f)), want);
}

/* ---- refusals ---- */

static void assert_refused(struct fixture *f, const char *request, enum refusal refusal)
{
    uint64_t before = fixture_refused(f, refusal);
    char line[64], field[64];
    int fd = fixture_connect(f);

    fixture_send(f, fd, request);
    fixture_receive(f, fd, 1);
    snprintf(line, sizeof(line), "HTTP/1.1 %u ", refusal_status(refusal));
    snprintf(field, sizeof(field), "x-mte-relay-error: %s\r\n", refusal_code(refusal));
    if (!fixture_got(f, line) || !fixture_got(f, field))
        fail_msg("%.40s: %.*s", request, SPAN_PRINT(buffer_span(&f->got)));
    assert_true(fixture_got(f, "content-type: application/problem+json\r\n"));
    assert_true(fixture_got(f, refusal_code(refusal)));
    assert_int_equal(fixture_refused(f, refusal), before + 1);
    assert_int_equal(puppet.n_calls, 0);
    close(fd);
}

static void a_request_that_is_not_valid_is_refused(void **state)
{
    static const char *const requests[] = {
        "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
        "G{T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
        "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /#f HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n",
    };
    struct fixture *f = *state;

    fixture_start(f);
    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
        assert_refused(f, requests[i], REFUSAL_BAD_REQUEST);
}

static void a_head_that_is_too_large_is_refused(void **state)
{
    static char request[80000];
    struct fixture *f = *state;
    size_t len = (size_t)snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: a\r\nA: ");

    fixture_start(f);
    memset(request + len, 'x', 66000);
    memcpy(request + len + 66000, "\r\n\r\n", 5);
    assert_refused(f, request, REFUSAL_HEADERS_TOO_LARGE);
}

static void a_body_that_is_too_large_is_refused(void **state)
{
    static char request[10000];
    struct fixture *f = *state;
    size_t len = (size_t)snprintf(request, sizeof(request),
                                  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4097\r\n\r\n");

    fixture_start(f);
    memset(request + len, 'x', 4097);
    assert_refused(f, request, REFUSAL_BODY_TOO_LARGE);
    /* Far too large: refused before a byte of it came. */
    assert_refused(f, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n",
                   REFUSAL_BODY_TOO_LARGE);
    assert_refused(f, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
                   REFUSAL_BAD_REQUEST);
}

static void what_nobody_serves_is_refused(void **state)
{
    struct fixture *f = *state;

    f->conf.pass_through_routes.n = 0;
    fixture_start(f);
    assert_refused(f, GET("/x"), REFUSAL_ENCODING_REQUIRED);
    assert_refused(f, "GET / HTTP/1.1\r\nHost: a\r\nX-MTE-Outbound-Token: x\r\n\r\n",
                   REFUSAL_INVALID_OUTBOUND_TOKEN);
}

static void a_failed_call_is_refused(void **state)
{
    static const struct {
        enum upstream_failure failure;
        enum refusal refusal;
    } rows[] = {
        { UPSTREAM_UNRESOLVED, REFUSAL_UPSTREAM_UNREACHABLE },
        { UPSTREAM_UNREACHABLE, REFUSAL_UPSTREAM_UNREACHABLE },
        { UPSTREAM_CONNECT_TIMEOUT, REFUSAL_UPSTREAM_TIMEOUT },
        { UPSTREAM_TLS, REFUSAL_UPSTREAM_TLS },
        { UPSTREAM_OVERLOADED, REFUSAL_OVERLOADED },
        { UPSTREAM_LOST, REFUSAL_BAD_UPSTREAM_RESPONSE },
        { UPSTREAM_SILENT, REFUSAL_UPSTREAM_TIMEOUT },
        { UPSTREAM_BAD_ANSWER, REFUSAL_BAD_UPSTREAM_RESPONSE },
    };
    struct fixture *f = *state;

    fixture_start(f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uint64_t before = fixture_refused(f, rows[i].refusal);
        int fd = fixture_ask(f, CLOSE_GET("/x"));

        puppet_end(rows[i].failure);
        fixture_receive_all(f, fd);
        assert_true(fixture_got(f, refusal_code(rows[i].refusal)));
        assert_int_equal(fixture_got(f, "retry-after: "), refusal_status(rows[i].refusal) == 503);
        assert_int_equal(fixture_refused(f, rows[i].refusal), before + 1);
        close(fd);
    }
}

static void a_refusal_to_head_has_no_body(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, "HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    puppet_end(UPSTREAM_UNREACHABLE);
    fixture_receive_all(f, fd);
    assert_true(fixture_got(f, "x-mte-relay-error: upstream_unreachable\r\n"));
    assert_body(f, "");
    close(fd);
}

/* ---- what is answered here ---- */

static void the_echo_answers(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_connect(f);
    fixture_send(f, fd, CLOSE_GET("/api/mte-echo?a=b&msg=%22a+b%22%c3%a9%ff%0a"));
    fixture_receive_all(f, fd);
    assert_true(
        fixture_got(f, "{\"message\":\"\\\"a b\\\"\xc3\xa9\\ufffd\\u000a\",\"timestamp\":\""));
    close(fd);
    fd = fixture_connect(f);
    fixture_send(f, fd, CLOSE_GET("/api/mte-echo"));
    fixture_receive_all(f, fd);
    assert_true(fixture_got(f, "{\"message\":\"ok\",\"timestamp\":\"20"));
    close(fd);
}

static void browsers_are_told_what_cors_says(void **state)
{
    static struct span origins[] = { SPAN("https://a.example") };
    static struct span methods[] = { SPAN("GET"), SPAN("PUT") };
    struct fixture *f = *state;
    int fd;

    f->conf.cors_origins = (struct conf_list){ origins, 1 };
    f->conf.cors_methods = (struct conf_list){ methods, 2 };
    fixture_start(f);
    fd = fixture_connect(f);
    fixture_send(f, fd,
                 "OPTIONS /x HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\n"
                 "Access-Control-Request-Method: PUT\r\nConnection: close\r\n\r\n");
    fixture_receive_all(f, fd);
    assert_true(fixture_got(f, "HTTP/1.1 204 No Content\r\n"));
    assert_true(fixture_got(f, "access-control-allow-origin: https://a.example\r\n"));
    assert_true(fixture_got(f, "access-control-allow-methods: GET, PUT\r\n"));
    assert_false(fixture_got(f, "Content-Length"));
    close(fd);
    fd = fixture_ask(f, "GET /x HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\n"
                        "Connection: close\r\n\r\n");
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("access-control-allow-origin: *"), &five), 0);
    puppet_end(UPSTREAM_CUT);
    fixture_receive_all(f, fd);
    assert_true(fixture_got(f, "access-control-allow-origin: https://a.example\r\n"));
    assert_false(fixture_got(f, "access-control-allow-origin: *"));
    close(fd);
}

static void headers_are_set_on_answers(void **state)
{
    static struct conf_pair pairs[] = { { SPAN("x-service-name"), SPAN("mte-api-relay") } };
    struct fixture *f = *state;
    int fd;

    f->conf.headers = (struct conf_fields){ pairs, 1 };
    fixture_start(f);
    fd = fixture_ask(f, CLOSE_GET("/x"));
    assert_int_equal(puppet_head(204, PUPPET_FIELDS("x-service-name: api"), NULL), 0);
    puppet_end(UPSTREAM_OK);
    fixture_receive_all(f, fd);
    assert_true(fixture_got(f, "x-service-name: mte-api-relay\r\n"));
    assert_false(fixture_got(f, "x-service-name: api\r\n"));
    close(fd);
}

/* ---- HTTP/2, spoken by curl ---- */

/* Runs curl beside the loop; its output is in f->got, its status returned. */
static int run_curl(struct fixture *f, const char *options, void (*act)(struct fixture *f))
{
    char command[512];
    uint8_t bytes[4096];
    FILE *pipe;
    size_t n;

    snprintf(command, sizeof(command), "curl -sS -i -m 10 %s http://127.0.0.1:%u/x 2>&1", options,
             f->port);
    buffer_clear(&f->got);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    if (act != NULL) {
        fixture_await_call(f);
        act(f);
    }
    fixture_turn(f, 300);
    while ((n = fread(bytes, 1, sizeof(bytes), pipe)) > 0)
        buffer_put(&f->got, span_of(bytes, n));
    return WEXITSTATUS(pclose(pipe));
}

static void answer_whole(struct fixture *f)
{
    assert_int_equal(puppet_head(201, PUPPET_FIELDS("set-cookie: a=1", "set-cookie: b=2"), NULL),
                     0);
    fixture_turn(f, 20);
    assert_int_equal(puppet_body(SPAN("hello")), 0);
    fixture_turn(f, 20);
    puppet_end(UPSTREAM_OK);
}

static void answer_broken(struct fixture *f)
{
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), NULL), 0);
    assert_int_equal(puppet_body(SPAN("hello")), 0);
    fixture_turn(f, 20);
    puppet_end(UPSTREAM_CUT);
}

static void answer_broken_length(struct fixture *f)
{
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), &five), 0);
    assert_int_equal(puppet_body(SPAN("hello")), 0);
    fixture_turn(f, 20);
    puppet_end(UPSTREAM_CUT);
}

static void need_curl(void)
{
    if (system("curl --version 2>/dev/null | grep -q HTTP2") != 0) {
        print_message("curl with HTTP/2 is not installed\n");
        skip();
    }
}

static void http_2_is_served_by_prior_knowledge_and_by_upgrade(void **state)
{
    static const char *const options[] = { "--http2-prior-knowledge", "--http2",
                                           "--http2-prior-knowledge -d body", "--http2 -d body" };
    struct fixture *f = *state;

    need_curl();
    fixture_start(f);
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
        assert_int_equal(run_curl(f, options[i], answer_whole), 0);
        assert_true(fixture_got(f, "HTTP/2 201"));
        assert_true(fixture_got(f, "set-cookie: a=1\r\nset-cookie: b=2\r\n"));
        assert_true(span_ends(buffer_span(&f->got), SPAN("hello")));
        assert_int_equal(buffer_len(&puppet.body), i >= 2 ? 4 : 0);
    }
}

static void a_broken_http_2_answer_is_reset(void **state)
{
    struct fixture *f = *state;

    need_curl();
    fixture_start(f);
    assert_int_equal(run_curl(f, "--http2-prior-knowledge", answer_broken), 92);
    assert_int_equal(run_curl(f, "--http2-prior-knowledge", answer_broken_length), 92);
    assert_int_equal(run_curl(f, "--http1.1", answer_broken), 18);
    assert_int_equal(run_curl(f, "--http1.1", answer_broken_length), 18);
    assert_int_equal(run_curl(f, "--http1.0", answer_broken), 56);
}

static void a_refusal_over_http_2_has_its_code(void **state)
{
    struct fixture *f = *state;

    need_curl();
    f->conf.pass_through_routes.n = 0;
    fixture_start(f);
    assert_int_equal(run_curl(f, "--http2-prior-knowledge", NULL), 0);
    assert_true(fixture_got(f, "HTTP/2 403"));
    assert_true(fixture_got(f, "x-mte-relay-error: encoding_required\r\n"));
}

/* ---- draining ---- */

static void count_idle(void *arg)
{
    (*(int *)arg)++;
}

static void draining_waits_for_what_is_in_flight(void **state)
{
    struct fixture *f = *state;
    int fd, late, n_idle = 0;

    fixture_start(f);
    fd = fixture_ask(f, GET("/x"));
    http_server_drain(f->server, 200, count_idle, &n_idle);
    late = socket(AF_INET, SOCK_STREAM, 0);
    close(late);
    fixture_turn(f, 300); /* past the half of it: this connection is not idle */
    assert_int_equal(n_idle, 0);
    assert_int_equal(puppet_head(200, PUPPET_FIELDS("a: b"), &five), 0);
    assert_int_equal(puppet_body(SPAN("hello")), 0);
    puppet_end(UPSTREAM_OK);
    fixture_receive(f, fd, 1);
    assert_body(f, "hello");
    fixture_turn(f, 1200);
    assert_int_equal(n_idle, 1);
    close(fd);
}

static void draining_closes_idle_connections_after_their_next_request(void **state)
{
    struct fixture *f = *state;
    int fd, n_idle = 0;

    fixture_start(f);
    fd = fixture_connect(f);
    fixture_send(f, fd, GET("/api/mte-relay"));
    fixture_receive(f, fd, 1);
    http_server_drain(f->server, 10000, count_idle, &n_idle);
    fixture_turn(f, 20);
    assert_int_equal(n_idle, 0);
    fixture_send(f, fd, GET("/api/mte-relay"));
    fixture_receive_all(f, fd);
    assert_true(fixture_got(f, "Connection: close\r\n"));
    fixture_turn(f, 20);
    assert_int_equal(n_idle, 1);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_that_is_not_valid_is_refused),
        TEST(a_head_that_is_too_large_is_refused),
        TEST(a_body_that_is_too_large_is_refused),
        TEST(what_nobody_serves_is_refused),
        TEST(a_failed_call_is_refused),
        TEST(a_refusal_to_head_has_no_body),
        TEST(the_echo_answers),
        TEST(browsers_are_told_what_cors_says),
        TEST(headers_are_set_on_answers),
        TEST(http_2_is_served_by_prior_knowledge_and_by_upgrade),
        TEST(a_broken_http_2_answer_is_reset),
        TEST(a_refusal_over_http_2_has_its_code),
        TEST(draining_waits_for_what_is_in_flight),
        TEST(draining_closes_idle_connections_after_their_next_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
