/* SPDX-License-Identifier: MIT */
/* Requests as libh2o lets them through: what is judged, and what is read of them. */
#include "tests/unit/unit.h"

#include <h2o.h>
#include <stdlib.h>

#include "worker/request.h"

enum { HTTP_1_0 = 0x100, HTTP_1_1 = 0x101, HTTP_2 = 0x200 };

static h2o_iovec_t iovec_of(const char *text)
{
    return h2o_iovec_init(text, strlen(text));
}

static int open_request(void **state)
{
    h2o_req_t *req = calloc(1, sizeof(*req));

    assert_non_null(req);
    h2o_mem_init_pool(&req->pool);
    req->version = HTTP_2;
    req->input.method = iovec_of("GET");
    req->input.scheme = &H2O_URL_SCHEME_HTTPS;
    req->input.authority = iovec_of("relay.example");
    req->input.path = iovec_of("/a?b");
    *state = req;
    return 0;
}

static int close_request(void **state)
{
    h2o_req_t *req = *state;

    h2o_mem_clear_pool(&req->pool);
    free(req);
    return 0;
}

static void add(h2o_req_t *req, const char *name, const char *value)
{
    h2o_add_header_by_str(&req->pool, &req->headers, name, strlen(name), 1, NULL, value,
                          strlen(value));
}

static bool is_valid(const h2o_req_t *req)
{
    enum refusal refusal;
    const char *cause;
    bool valid = request_judge(req, &refusal, &cause);

    if (!valid)
        assert_int_equal(refusal, REFUSAL_BAD_REQUEST);
    assert_int_equal(valid, cause == NULL);
    return valid;
}

static void a_method_is_a_token_and_not_connect(void **state)
{
    static const char *const bad[] = { "", "CONNECT", "G T", "G{T", "GET\r\nX: y", "G\x80T" };
    h2o_req_t *req = *state;

    assert_true(is_valid(req));
    req->input.method = iovec_of("M-SEARCH!");
    assert_true(is_valid(req));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        req->input.method = iovec_of(bad[i]);
        if (is_valid(req))
            fail_msg("%s", bad[i]);
    }
}

static void a_target_is_a_path(void **state)
{
    static const char *const good[] = {
        "/", "//", "/%", "/?a=/../b", "/\xc3\xa9", "/a:b@c[]{}|\\"
    };
    static const char *const bad[] = {
        "", "*", "a", "/a b", "/ HTTP/1.1\r\nX: y", "/a\tb", "/a\x7f", "/a#b", "http://a/b", "?a"
    };
    h2o_req_t *req = *state;

    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        req->input.path = iovec_of(good[i]);
        if (!is_valid(req))
            fail_msg("%s", good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        req->input.path = iovec_of(bad[i]);
        if (is_valid(req))
            fail_msg("%s", bad[i]);
    }
    req->input.method = iovec_of("OPTIONS");
    req->input.path = iovec_of("*");
    assert_true(is_valid(req));
}

static void an_authority_names_a_host(void **state)
{
    static const char *const bad[] = {
        "a b", "u@a", "a/b", "a?b", "a#b", "a\\b", "a\r\nx", "\xc3"
    };
    h2o_req_t *req = *state;
    h2o_hostconf_t host = { .authority = { .hostport = iovec_of("default") } };
    struct exchange_request request = { .body = SPAN_NONE };

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        req->input.authority = iovec_of(bad[i]);
        if (is_valid(req))
            fail_msg("%s", bad[i]);
    }
    req->input.authority = iovec_of("[::1]:8080");
    assert_true(is_valid(req));

    req->hostconf = &host; /* and none was named */
    req->input.authority = host.authority.hostport;
    assert_true(is_valid(req));
    assert_int_equal(request_read(req, &request), 0);
    assert_int_equal(request.authority.len, 0);
    req->version = HTTP_1_0;
    assert_true(is_valid(req));
    req->version = HTTP_1_1;
    assert_false(is_valid(req));
    headers_fini(&request.fields);
}

static void a_field_has_a_name_and_no_control_bytes(void **state)
{
    static const char *const bad[][2] = { { "", "x" },      { "a b", "x" },   { "a:", "x" },
                                          { "a\xc3", "x" }, { "a", "x\ny" },  { "a", "x\r" },
                                          { "a", "\x01" },  { "a", "x\x7f" }, { ":path", "/" } };
    h2o_req_t *req = *state;

    add(req, "x-good", "\t a \xc3\xa9 b");
    assert_true(is_valid(req));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        add(req, bad[i][0], bad[i][1]);
        if (is_valid(req))
            fail_msg("%s: %s", bad[i][0], bad[i][1]);
        req->headers.size = 1;
    }
}

static void a_head_is_bounded_by_count_and_by_bytes(void **state)
{
    static char large[REQUEST_HEAD_MAX];
    h2o_req_t *req = *state;
    enum refusal refusal;
    const char *cause;

    for (int i = 0; i < REQUEST_FIELDS_MAX; i++)
        add(req, "a", "b");
    assert_true(is_valid(req));
    add(req, "a", "b");
    assert_false(request_judge(req, &refusal, &cause));
    assert_int_equal(refusal, REFUSAL_HEADERS_TOO_LARGE);

    req->headers.size = 0;
    memset(large, 'x', sizeof(large));
    h2o_add_header_by_str(&req->pool, &req->headers, H2O_STRLIT("a"), 0, NULL, large,
                          sizeof(large) - 1 - req->input.path.len - req->input.authority.len);
    assert_true(is_valid(req));
    req->headers.entries[0].value.len++;
    assert_false(request_judge(req, &refusal, &cause));
    assert_int_equal(refusal, REFUSAL_HEADERS_TOO_LARGE);
}

/* Whoever lists tens of thousands of fields would have us compare for a third of a second. */
static void what_connection_lists_is_bounded(void **state)
{
    h2o_req_t *req = *state;
    enum refusal refusal;
    const char *cause;
    char list[REQUEST_CONNECTION_MAX] = "";

    memset(list, ',', sizeof(list) - 1);
    add(req, "connection", list);
    add(req, "connection", "a");
    assert_true(is_valid(req));
    add(req, "connection", "b");
    assert_false(request_judge(req, &refusal, &cause));
    assert_int_equal(refusal, REFUSAL_HEADERS_TOO_LARGE);
}

static void framing_stays_out_and_order_is_kept(void **state)
{
    static const char *const want[][2] = { { "b", "2" }, { "a", "1" }, { "b", "" }, { "te", "x" } };
    h2o_req_t *req = *state;
    struct exchange_request request = { .body = SPAN_NONE };

    req->entity = iovec_of("body");
    add(req, "b", " 2\t");
    add(req, "host", "x");
    add(req, "content-length", "4");
    add(req, "a", "1");
    add(req, "transfer-encoding", "chunked");
    add(req, "expect", "100-continue");
    add(req, "b", "");
    add(req, "te", "x");
    assert_int_equal(request_read(req, &request), 0);
    assert_int_equal(request.fields.n, 4);
    for (size_t i = 0; i < request.fields.n; i++) {
        assert_true(span_equal(request.fields.items[i].name, span_text(want[i][0])));
        assert_true(span_equal(request.fields.items[i].value, span_text(want[i][1])));
    }
    assert_true(span_equal(request.scheme, SPAN("https")));
    assert_true(span_equal(request.path, SPAN("/a?b")));
    assert_true(span_equal(request.authority, SPAN("relay.example")));
    assert_true(span_equal(request.body, SPAN("body")));
    headers_fini(&request.fields);
}

static void a_cookie_that_http_2_split_is_joined(void **state)
{
    h2o_req_t *req = *state;
    struct exchange_request request = { .body = SPAN_NONE };

    add(req, "a", "1");
    add(req, "cookie", "x=1");
    add(req, "b", "2");
    add(req, "cookie", "y=2");
    add(req, "cookie", "z=3");
    assert_int_equal(request_read(req, &request), 0);
    assert_int_equal(request.fields.n, 3);
    assert_true(span_equal(request.fields.items[1].value, SPAN("x=1; y=2; z=3")));
    request.fields.n = 0;
    req->version = HTTP_1_1; /* there two fields are two fields */
    assert_int_equal(request_read(req, &request), 0);
    assert_int_equal(request.fields.n, 5);
    headers_fini(&request.fields);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_request, close_request)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_method_is_a_token_and_not_connect),
        TEST(a_target_is_a_path),
        TEST(an_authority_names_a_host),
        TEST(a_field_has_a_name_and_no_control_bytes),
        TEST(a_head_is_bounded_by_count_and_by_bytes),
        TEST(what_connection_lists_is_bounded),
        TEST(framing_stays_out_and_order_is_kept),
        TEST(a_cookie_that_http_2_split_is_joined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
