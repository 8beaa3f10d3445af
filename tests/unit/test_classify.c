/* SPDX-License-Identifier: MIT */
/* How a request is classified: each rule, its place in the order, its tricky spellings. */

#include "tests/unit/unit.h"

#include "worker/classify.h"
#include "worker/route.h"

#define TOKEN  "x-mte-outbound-token: abcdefg1234567"
#define SEALED "content-type: application/mte-relay"
#define PAIR   "content-type: application/mte-pair"
#define HOME   "origin: https://www.my-company.com"
#define ALIEN  "origin: https://evil.example"
#define ASKS   "access-control-request-method: PUT"

static struct span pass_through[] = { SPAN("/health"), SPAN("/pub/*") };
static struct span mte_routes[] = { SPAN("/api/v1/*"), SPAN("/pub/both") };
static struct span origins[] = { SPAN("https://www.my-company.com") };

static struct conf conf_of(bool routes, bool cors)
{
    struct conf conf = { .outbound_token = SPAN("abcdefg1234567"),
                         .outbound_token_also = SPAN("the-next-one"),
                         .pass_through_routes = { pass_through, 2 } };

    if (routes)
        conf.mte_routes = (struct conf_list){ mte_routes, 2 };
    if (cors)
        conf.cors_origins = (struct conf_list){ origins, 1 };
    return conf;
}

static struct classified judge_from(const struct conf *conf, const struct ip *source,
                                    const char *method, const char *target,
                                    const char *const fields[3])
{
    struct classified result;
    struct headers headers;
    struct buffer path;

    headers_init(&headers);
    buffer_init(&path, 0);
    for (size_t i = 0; i < 3 && fields[i] != NULL; i++) {
        struct span value = span_text(fields[i]), name = span_cut(&value, ':');

        assert_int_equal(headers_add(&headers, name, span_trim(value)), 0);
    }
    assert_int_equal(route_normalise(span_text(target), &path), 0);
    result = classify(conf, source, span_text(method), buffer_span(&path), &headers);
    buffer_fini(&path);
    headers_fini(&headers);
    return result;
}

static struct classified judge(const struct conf *conf, const char *method, const char *target,
                               const char *const fields[3])
{
    return judge_from(conf, NULL, method, target, fields);
}

struct row {
    const char *method, *target, *fields[3];
    enum class class;
    enum refusal refusal;
};

static void check_rows(const struct conf *conf, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct classified got = judge(conf, rows[i].method, rows[i].target, rows[i].fields);

        if (got.class != rows[i].class)
            fail_msg("%s %s: class %d instead of %d", rows[i].method, rows[i].target, got.class,
                     rows[i].class);
        if (got.class == CLASS_REFUSED && got.refusal != rows[i].refusal)
            fail_msg("%s %s: %s instead of %s", rows[i].method, rows[i].target,
                     refusal_code(got.refusal), refusal_code(rows[i].refusal));
        if (got.class == CLASS_REFUSED)
            assert_non_null(got.cause);
    }
}

#define CHECK(conf, rows) check_rows(&(conf), rows, sizeof(rows) / sizeof(*(rows)))

static void our_paths_come_first(void **state)
{
    static const struct row rows[] = {
        { "GET", "/api/mte-echo?msg=x", { NULL }, CLASS_ECHO, 0 },
        { "HEAD", "/api/mte-echo", { NULL }, CLASS_ECHO, 0 },
        { "GET", "/api/mte-echo", { TOKEN }, CLASS_ECHO, 0 },
        { "GET", "/api/mte-echo", { SEALED }, CLASS_ECHO, 0 },
        { "POST", "/api/mte-echo", { NULL }, CLASS_REFUSED, REFUSAL_BAD_REQUEST },
        { "POST", "/api/mte-pair", { PAIR }, CLASS_PAIR, 0 },
        { "POST", "/api/mte-pair", { PAIR, TOKEN }, CLASS_PAIR, 0 },
        { "GET", "/api/mte-pair", { PAIR }, CLASS_REFUSED, REFUSAL_BAD_REQUEST },
        { "POST", "/api/mte-pair", { SEALED }, CLASS_REFUSED, REFUSAL_BAD_REQUEST },
        { "POST", "/api/mte-pair", { NULL }, CLASS_REFUSED, REFUSAL_BAD_REQUEST },
        { "POST", "/api/mte-relay", { SEALED }, CLASS_INBOUND, 0 },
        { "POST", "/api/mte-relay", { SEALED, TOKEN }, CLASS_INBOUND, 0 },
        { "POST", "/api/mte-relay", { TOKEN }, CLASS_REFUSED, REFUSAL_BAD_REQUEST },
        { "PUT", "/api/mte-relay", { SEALED }, CLASS_REFUSED, REFUSAL_BAD_REQUEST },
        { "GET", "/api/mte-relay", { NULL }, CLASS_ABOUT, 0 },
        { "HEAD", "/api/mte-relay", { NULL }, CLASS_ABOUT, 0 },
    };
    struct conf conf = conf_of(true, true);

    (void)state;
    CHECK(conf, rows);
}

static void no_spelling_of_our_paths_slips_past(void **state)
{
    static const struct row rows[] = {
        { "POST", "/api/%6dte-pair", { PAIR }, CLASS_PAIR, 0 },
        { "POST", "/x/../api/./mte-pair?q", { PAIR }, CLASS_PAIR, 0 },
        { "GET", "/%61pi/mte%2Decho", { NULL }, CLASS_ECHO, 0 },
        { "GET", "/api/v1/%2E%2e/mte-echo", { TOKEN }, CLASS_ECHO, 0 },
        // Other resources, by the letter of RFC 3986:
        { "GET", "//api/mte-echo", { NULL }, CLASS_REFUSED, REFUSAL_ENCODING_REQUIRED },
        { "GET", "/api/mte-echo/", { NULL }, CLASS_REFUSED, REFUSAL_ENCODING_REQUIRED },
        { "GET", "/api%2Fmte-echo", { NULL }, CLASS_REFUSED, REFUSAL_ENCODING_REQUIRED },
        { "GET", "/API/mte-echo", { NULL }, CLASS_REFUSED, REFUSAL_ENCODING_REQUIRED },
    };
    struct conf conf = conf_of(false, false);

    (void)state;
    CHECK(conf, rows);
}

static void the_sealed_content_type_is_inbound_whatever_the_path(void **state)
{
    static const struct row rows[] = {
        { "POST", "/", { SEALED }, CLASS_INBOUND, 0 },
        { "POST", "/gateway/api/mte-relay", { SEALED }, CLASS_INBOUND, 0 },
        { "POST", "/health", { SEALED }, CLASS_INBOUND, 0 },
        { "POST", "/not/in/mte/routes", { SEALED, TOKEN }, CLASS_INBOUND, 0 },
        { "POST", "/x", { "content-type: APPLICATION/Mte-Relay ; v=1" }, CLASS_INBOUND, 0 },
        { "GET", "/x", { SEALED }, CLASS_REFUSED, REFUSAL_BAD_REQUEST },
        { "POST", "/x", { PAIR }, CLASS_REFUSED, REFUSAL_ROUTE_NOT_FOUND },
        { "POST",
          "/x",
          { "content-type: application/mte-relayx" },
          CLASS_REFUSED,
          REFUSAL_ROUTE_NOT_FOUND },
        { "POST",
          "/x",
          { "content-type: text/plain, application/mte-relay" },
          CLASS_REFUSED,
          REFUSAL_ROUTE_NOT_FOUND },
    };
    struct conf conf = conf_of(true, false);

    (void)state;
    CHECK(conf, rows);
}

static void a_token_is_never_passed_through(void **state)
{
    static const struct row rows[] = {
        { "GET", "/anything", { TOKEN }, CLASS_OUTBOUND, 0 },
        { "PURGE", "/health", { TOKEN }, CLASS_OUTBOUND, 0 },
        { "OPTIONS", "*", { TOKEN }, CLASS_OUTBOUND, 0 },
        { "GET", "/x", { "x-mte-outbound-token: the-next-one" }, CLASS_OUTBOUND, 0 },
        { "GET",
          "/health",
          { "x-mte-outbound-token: wrong" },
          CLASS_REFUSED,
          REFUSAL_INVALID_OUTBOUND_TOKEN },
        { "GET",
          "/health",
          { "x-mte-outbound-token:" },
          CLASS_REFUSED,
          REFUSAL_INVALID_OUTBOUND_TOKEN },
        { "GET",
          "/x",
          { "x-mte-outbound-token: abcdefg123456" },
          CLASS_REFUSED,
          REFUSAL_INVALID_OUTBOUND_TOKEN },
        { "GET",
          "/x",
          { "x-mte-outbound-token: abcdefg12345678" },
          CLASS_REFUSED,
          REFUSAL_INVALID_OUTBOUND_TOKEN },
        { "GET",
          "/x",
          { "x-mte-outbound-token: wrong", TOKEN },
          CLASS_REFUSED,
          REFUSAL_INVALID_OUTBOUND_TOKEN },
    };
    struct conf conf = conf_of(false, false), unset = { 0 };
    static const char *const empty[3] = { "x-mte-outbound-token:" };

    (void)state;
    CHECK(conf, rows);
    assert_int_equal(judge(&unset, "GET", "/x", empty).refusal, REFUSAL_INVALID_OUTBOUND_TOKEN);
}

static void only_outbound_from_may_show_a_token(void **state)
{
    static const char *const good[3] = { TOKEN }, *const wrong[3] = { "x-mte-outbound-token: x" },
                             *const sealed[3] = { SEALED, TOKEN }, *const none[3] = { NULL };
    struct ip_network inside;
    struct conf conf = conf_of(false, false);
    struct ip in, out;

    (void)state;
    assert_int_equal(ip_network_parse(SPAN("10.0.0.0/8"), &inside), 0);
    assert_int_equal(ip_parse(SPAN("::ffff:10.1.2.3"), &in), 0);
    assert_int_equal(ip_parse(SPAN("192.0.2.1"), &out), 0);
    assert_int_equal(judge_from(&conf, NULL, "GET", "/x", good).class, CLASS_OUTBOUND);
    conf.outbound_from = (struct conf_networks){ &inside, 1 };
    assert_int_equal(judge_from(&conf, &in, "GET", "/x", good).class, CLASS_OUTBOUND);
    assert_int_equal(judge_from(&conf, &in, "GET", "/x", wrong).refusal,
                     REFUSAL_INVALID_OUTBOUND_TOKEN);
    /* Whoever may not show one does not learn whether it is right. */
    for (size_t i = 0; i < 2; i++) {
        const struct ip *source = i == 0 ? &out : NULL;

        assert_int_equal(judge_from(&conf, source, "GET", "/x", good).refusal,
                         REFUSAL_SOURCE_NOT_ALLOWED);
        assert_int_equal(judge_from(&conf, source, "GET", "/health", wrong).refusal,
                         REFUSAL_SOURCE_NOT_ALLOWED);
        assert_int_equal(judge_from(&conf, source, "POST", "/x", sealed).class, CLASS_INBOUND);
        assert_int_equal(judge_from(&conf, source, "GET", "/health", none).class, CLASS_PLAIN);
    }
}

static void mte_routes_bound_what_goes_out(void **state)
{
    static const struct row rows[] = {
        { "GET", "/api/v1/x", { TOKEN }, CLASS_OUTBOUND, 0 },
        { "GET", "/api/%761/x", { TOKEN }, CLASS_OUTBOUND, 0 },
        { "GET", "/api/v1/../x", { TOKEN }, CLASS_REFUSED, REFUSAL_ROUTE_NOT_FOUND },
        { "GET", "/api/v1/%2e%2E/x", { TOKEN }, CLASS_REFUSED, REFUSAL_ROUTE_NOT_FOUND },
        { "GET", "/api/v1", { TOKEN }, CLASS_REFUSED, REFUSAL_ROUTE_NOT_FOUND },
        { "GET", "/health", { TOKEN }, CLASS_REFUSED, REFUSAL_ROUTE_NOT_FOUND },
        // The token comes before the route: a stranger learns nothing of the routes.
        { "GET",
          "/x",
          { "x-mte-outbound-token: wrong" },
          CLASS_REFUSED,
          REFUSAL_INVALID_OUTBOUND_TOKEN },
        { "GET", "/api/v1/x", { NULL }, CLASS_REFUSED, REFUSAL_ENCODING_REQUIRED },
        { "GET", "/x", { NULL }, CLASS_REFUSED, REFUSAL_ROUTE_NOT_FOUND },
    };
    struct conf conf = conf_of(true, false);

    (void)state;
    CHECK(conf, rows);
}

static void a_pass_through_route_is_plain(void **state)
{
    static const struct row rows[] = {
        { "GET", "/health", { NULL }, CLASS_PLAIN, 0 },
        { "DELETE", "/health?x", { NULL }, CLASS_PLAIN, 0 },
        { "GET", "/%68ealth", { NULL }, CLASS_PLAIN, 0 },
        { "GET", "/pub/both", { NULL }, CLASS_PLAIN, 0 },
        { "GET", "/health%2e", { NULL }, CLASS_REFUSED, REFUSAL_ROUTE_NOT_FOUND },
        { "GET", "//health", { NULL }, CLASS_REFUSED, REFUSAL_ROUTE_NOT_FOUND },
        { "GET", "/health/", { NULL }, CLASS_REFUSED, REFUSAL_ROUTE_NOT_FOUND },
        { "GET", "/pub/../admin", { NULL }, CLASS_REFUSED, REFUSAL_ROUTE_NOT_FOUND },
        { "GET", "/pub/%2E%2e/admin", { NULL }, CLASS_REFUSED, REFUSAL_ROUTE_NOT_FOUND },
        { "GET", "/pub/..%2Fadmin", { NULL }, CLASS_REFUSED, REFUSAL_ROUTE_NOT_FOUND },
        { "GET", "/pub/..;/admin", { NULL }, CLASS_REFUSED, REFUSAL_ROUTE_NOT_FOUND },
    };
    struct conf conf = conf_of(true, true);

    (void)state;
    CHECK(conf, rows);
}

static void a_preflight_is_answered_here(void **state)
{
    static const struct row rows[] = {
        { "OPTIONS", "/api/v1/x", { HOME, ASKS }, CLASS_PREFLIGHT, 0 },
        { "OPTIONS", "/health", { HOME, ASKS }, CLASS_PREFLIGHT, 0 },
        { "OPTIONS", "/health", { ALIEN, ASKS }, CLASS_REFUSED, REFUSAL_ORIGIN_NOT_ALLOWED },
        { "OPTIONS", "/health", { HOME, HOME, ASKS }, CLASS_REFUSED, REFUSAL_ORIGIN_NOT_ALLOWED },
        { "OPTIONS", "/health", { HOME }, CLASS_PLAIN, 0 },
        { "OPTIONS", "/health", { ASKS }, CLASS_PLAIN, 0 },
        { "GET", "/health", { HOME, ASKS }, CLASS_PLAIN, 0 },
        { "OPTIONS", "/x", { HOME, ASKS, TOKEN }, CLASS_OUTBOUND, 0 },
    };
    struct conf conf = conf_of(false, true);

    (void)state;
    CHECK(conf, rows);
}

static void an_unlisted_origin_goes_nowhere_but_through(void **state)
{
    static const struct row with[] = {
        { "GET", "/x", { TOKEN, HOME }, CLASS_OUTBOUND, 0 },
        { "GET", "/x", { TOKEN, "origin: HTTPS://www.My-Company.com" }, CLASS_OUTBOUND, 0 },
        { "GET", "/x", { TOKEN, ALIEN }, CLASS_REFUSED, REFUSAL_ORIGIN_NOT_ALLOWED },
        { "GET", "/x", { TOKEN, "origin: null" }, CLASS_REFUSED, REFUSAL_ORIGIN_NOT_ALLOWED },
        { "GET",
          "/x",
          { TOKEN, "origin: https://www.my-company.com.evil.example" },
          CLASS_REFUSED,
          REFUSAL_ORIGIN_NOT_ALLOWED },
        { "GET",
          "/x",
          { "x-mte-outbound-token: wrong", ALIEN },
          CLASS_REFUSED,
          REFUSAL_INVALID_OUTBOUND_TOKEN },
        { "GET", "/health", { ALIEN }, CLASS_PLAIN, 0 },
    };
    static const struct row without[] = {
        { "GET", "/x", { TOKEN, ALIEN }, CLASS_OUTBOUND, 0 },
        { "OPTIONS", "/health", { ALIEN, ASKS }, CLASS_PLAIN, 0 },
        { "OPTIONS", "/x", { ALIEN, ASKS }, CLASS_REFUSED, REFUSAL_ENCODING_REQUIRED },
    };
    struct conf cors = conf_of(false, true), none = conf_of(false, false);

    (void)state;
    CHECK(cors, with);
    CHECK(none, without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_paths_come_first),
        cmocka_unit_test(no_spelling_of_our_paths_slips_past),
        cmocka_unit_test(the_sealed_content_type_is_inbound_whatever_the_path),
        cmocka_unit_test(a_token_is_never_passed_through),
        cmocka_unit_test(only_outbound_from_may_show_a_token),
        cmocka_unit_test(mte_routes_bound_what_goes_out),
        cmocka_unit_test(a_pass_through_route_is_plain),
        cmocka_unit_test(a_preflight_is_answered_here),
        cmocka_unit_test(an_unlisted_origin_goes_nowhere_but_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
