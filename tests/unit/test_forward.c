/* SPDX-License-Identifier: MIT */
/* What a request to UPSTREAM looks like on the wire. */
#include "tests/unit/http_fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "worker/forward.h"

static void assert_sent(const char *want)
{
    if (!span_equal(buffer_span(&puppet.head), span_text(want)))
        fail_msg("\"%.*s\" instead of \"%s\"", SPAN_PRINT(buffer_span(&puppet.head)), want);
}

static void finish(struct fixture *f, int fd)
{
    assert_int_equal(puppet_head(204, PUPPET_FIELDS("a: b"), NULL), 0);
    puppet_end(UPSTREAM_OK);
    fixture_receive(f, fd, 1);
    close(fd);
}

static void a_request_goes_as_it_came(void **state)
{
    struct fixture *f = *state;
    int fd;

    f->conf.upstream.url.path = SPAN("/base");
    fixture_start(f);
    fd = fixture_ask(f, "PATCH /a/../%7e?q=%20&r=?;:@!$'()*+,=[] HTTP/1.1\r\n"
                        "Host: relay.example:8080\r\n"
                        "B: 2\r\nA: 1\r\nB: 1\r\nCookie: x=y\r\nCookie: z\r\n"
                        "X-Request-Id: id_1.x-Y\r\nContent-Length: 4\r\n\r\nbody");
    assert_sent("PATCH /base/a/../%7e?q=%20&r=?;:@!$'()*+,=[] HTTP/1.1\r\n"
                "host: api.example:8080\r\n"
                "b: 2\r\na: 1\r\nb: 1\r\ncookie: x=y\r\ncookie: z\r\n"
                "x-forwarded-for: 127.0.0.1\r\n"
                "via: 1.1 mte-api-relay-01234567\r\n"
                "x-forwarded-host: relay.example:8080\r\n"
                "x-forwarded-proto: http\r\n"
                "x-request-id: id_1.x-Y\r\n"
                "content-length: 4\r\n\r\n");
    assert_true(span_equal(buffer_span(&puppet.body), SPAN("body")));
    finish(f, fd);
}

static void what_concerns_one_connection_or_us_stays_behind(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, "GET / HTTP/1.1\r\nHost: a\r\n"
                        "Connection: keep-alive, X-Hop, X-Forwarded-For, Via\r\nKeep-Alive: 1\r\n"
                        "X-Hop: 1\r\nTE: trailers\r\nTrailer: x\r\nUpgrade: websocket\r\n"
                        "Proxy-Connection: x\r\nExpect: 200-ok\r\n"
                        "X-MTE-Upstream: http://evil\r\nX-Mte-Anything: 1\r\n"
                        "X-Request-Id: not well-formed\r\nAccept: */*\r\n\r\n");
    buffer_put(&puppet.head, span_of("", 1));
    for (size_t i = 0; i < 9; i++) {
        static const char *const gone[] = { "x-hop",   "te:",        "trailer",
                                            "upgrade", "proxy-",     "expect:",
                                            "x-mte-",  "connection", "well-formed" };

        if (strstr((const char *)buffer_span(&puppet.head).at, gone[i]) != NULL)
            fail_msg("%s in %s", gone[i], (const char *)buffer_span(&puppet.head).at);
    }
    assert_non_null(strstr((const char *)buffer_span(&puppet.head).at,
                           "accept: */*\r\nx-forwarded-for: 127.0.0.1\r\nvia: 1.1 mte-api-relay-"));
    assert_null(strstr((const char *)buffer_span(&puppet.head).at, "content-length"));
    finish(f, fd);
}

static void headers_replace_what_came(void **state)
{
    static struct conf_pair pairs[] = { { SPAN("x-service-name"), SPAN("relay") } };
    struct fixture *f = *state;
    int fd;

    f->conf.headers = (struct conf_fields){ pairs, 1 };
    fixture_start(f);
    fd = fixture_ask(f, "PUT / HTTP/1.1\r\nHost: a\r\nX-Service-Name: me\r\nX-Request-Id: 1\r\n"
                        "X-Forwarded-Host: first.example\r\nX-Forwarded-Proto: https\r\n"
                        "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\n"
                        "Via: 2 other (a, comment)\r\n\r\n");
    assert_sent("PUT / HTTP/1.1\r\n"
                "host: api.example:8080\r\n"
                "x-forwarded-host: first.example\r\nx-forwarded-proto: https\r\n"
                "via: 2 other (a, comment)\r\n"
                "x-forwarded-for: 10.0.0.1, 10.0.0.2, 127.0.0.1\r\n"
                "via: 1.1 mte-api-relay-01234567\r\n"
                "x-request-id: 1\r\n"
                "x-service-name: relay\r\n"
                "content-length: 0\r\n\r\n");
    finish(f, fd);
}

static void only_trusted_proxies_are_believed(void **state)
{
    static const struct {
        const char *trusted, *want;
    } cases[] = {
        { "127.0.0.0/8", "\r\nx-forwarded-for: 10.0.0.1, 127.0.0.1\r\n" },
        { "10.0.0.0/8", "\r\nx-forwarded-for: 127.0.0.1\r\n" },
    };
    struct fixture *f = *state;

    fixture_start(f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct ip_network network;
        int fd;

        assert_int_equal(ip_network_parse(span_text(cases[i].trusted), &network), 0);
        f->conf.trusted_proxies = (struct conf_networks){ &network, 1 };
        fd = fixture_ask(f, "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n");
        buffer_put(&puppet.head, span_of("", 1));
        if (strstr((const char *)buffer_span(&puppet.head).at, cases[i].want) == NULL)
            fail_msg("%s", (const char *)buffer_span(&puppet.head).at);
        finish(f, fd);
    }
    f->conf.trusted_proxies = (struct conf_networks){ NULL, 0 };
}

static void a_loop_is_detected(void **state)
{
    static const char *const vias[] = {
        "1.1 mte-api-relay-01234567",
        "1.0 a, 2  MTE-API-Relay-01234567 (x)",
        "1.1 b,1.1 mte-api-relay-01234567,1.1 c",
    };
    struct fixture *f = *state;

    fixture_start(f);
    for (size_t i = 0; i < sizeof(vias) / sizeof(*vias); i++) {
        int fd = fixture_connect(f);
        char request[200];

        snprintf(request, sizeof(request),
                 "GET / HTTP/1.1\r\nHost: a\r\nVia: x y\r\nVia: %s\r\n\r\n", vias[i]);
        fixture_send(f, fd, request);
        fixture_receive(f, fd, 1);
        assert_true(fixture_got(f, "x-mte-relay-error: loop_detected\r\n"));
        assert_int_equal(puppet.n_calls, 0);
        close(fd);
    }
}

static void another_relay_is_no_loop(void **state)
{
    struct fixture *f = *state;
    int fd;

    fixture_start(f);
    fd = fixture_ask(f, "GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 mte-api-relay-012345678\r\n\r\n");
    finish(f, fd);
    fd = fixture_ask(f, "GET / HTTP/1.1\r\nHost: a\r\nVia: mte-api-relay-01234567\r\n\r\n");
    finish(f, fd);
}

static void options_of_the_server_stays_so_without_a_base_path(void **state)
{
    struct fixture *f = *state;
    struct exchange_request request = { .method = SPAN("OPTIONS"),
                                        .path = SPAN("*"),
                                        .scheme = SPAN("http") };
    struct forward forward = { &f->conf, SPAN("us"), &request, SPAN("1") };
    struct buffer head;

    buffer_init(&head, 0);
    assert_int_equal(forward_put_head(&forward, &head), 0);
    assert_true(span_starts(buffer_span(&head), SPAN("OPTIONS * HTTP/1.1\r\n")));
    buffer_clear(&head);
    f->conf.upstream.url.path = SPAN("/base");
    assert_int_equal(forward_put_head(&forward, &head), 0);
    assert_true(span_starts(buffer_span(&head), SPAN("OPTIONS /base HTTP/1.1\r\n")));
    buffer_fini(&head);
    fixture_start(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_goes_as_it_came),
        TEST(what_concerns_one_connection_or_us_stays_behind),
        TEST(headers_replace_what_came),
        TEST(only_trusted_proxies_are_believed),
        TEST(a_loop_is_detected),
        TEST(another_relay_is_no_loop),
        TEST(options_of_the_server_stays_so_without_a_base_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
