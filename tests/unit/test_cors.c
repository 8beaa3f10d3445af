/* SPDX-License-Identifier: MIT */
/* What browsers are told about other origins. */

#include "tests/unit/unit.h"

#include "worker/cors.h"

static struct span origins[] = { SPAN("https://a.example"), SPAN("https://b.example:8443") };
static struct span methods[] = { SPAN("GET"), SPAN("POST") };
static const struct conf conf = { .cors_origins = { origins, 2 }, .cors_methods = { methods, 2 } };

static struct headers fields_of(const char *const *lines)
{
    struct headers fields;

    headers_init(&fields);
    for (; *lines != NULL; lines++) {
        struct span value = span_text(*lines), name = span_cut(&value, ':');

        assert_int_equal(headers_add(&fields, name, span_trim(value)), 0);
    }
    return fields;
}

#define FIELDS(...) fields_of((const char *const[]){ __VA_ARGS__, NULL })

static void assert_fields(const struct headers *fields, const char *const *lines)
{
    size_t n = 0;

    for (; lines[n] != NULL; n++) {
        struct span value = span_text(lines[n]), name = span_cut(&value, ':');

        assert_true(n < fields->n);
        if (!span_equal(fields->items[n].name, name) ||
            !span_equal(fields->items[n].value, span_trim(value)))
            fail_msg("%.*s: %.*s instead of %s", SPAN_PRINT(fields->items[n].name),
                     SPAN_PRINT(fields->items[n].value), lines[n]);
    }
    assert_int_equal(fields->n, n);
}

#define ASSERT_FIELDS(fields, ...) assert_fields(fields, (const char *const[]){ __VA_ARGS__, NULL })

static enum cors judge(const struct conf *c, struct headers fields)
{
    enum cors cors = cors_judge(c, &fields);

    headers_fini(&fields);
    return cors;
}

static void only_a_listed_origin_is_listed(void **state)
{
    static const struct conf unset = { 0 };

    (void)state;
    assert_int_equal(judge(&conf, FIELDS("origin: https://a.example")), CORS_LISTED);
    assert_int_equal(judge(&conf, FIELDS("origin: https://b.example:8443")), CORS_LISTED);
    assert_int_equal(judge(&conf, FIELDS("origin: https://b.example")), CORS_UNLISTED);
    assert_int_equal(judge(&conf, FIELDS("origin: http://a.example")), CORS_UNLISTED);
    assert_int_equal(judge(&conf, FIELDS("origin: https://a.example/")), CORS_UNLISTED);
    assert_int_equal(judge(&conf, FIELDS("origin:")), CORS_UNLISTED);
    assert_int_equal(judge(&conf, FIELDS("accept: x")), CORS_NONE);
    assert_int_equal(judge(&unset, FIELDS("origin: https://a.example")), CORS_NONE);
    assert_int_equal(judge(&conf, FIELDS("origin: https://a.example", "origin: https://x.example")),
                     CORS_UNLISTED);
}

static void without_an_origin_the_answer_stays_as_it_is(void **state)
{
    struct headers request = FIELDS("accept: x");
    struct headers answer = FIELDS("access-control-allow-origin: *");

    (void)state;
    assert_int_equal(cors_answer(&conf, SPAN("GET"), &request, NULL, &answer), 0);
    ASSERT_FIELDS(&answer, "access-control-allow-origin: *");
    headers_fini(&answer);
    headers_fini(&request);
}

static void a_preflight_is_told_what_is_allowed(void **state)
{
    struct headers request =
        FIELDS("origin: https://a.example", "access-control-request-method: PUT",
               "access-control-request-headers: content-type, x-mte-outbound-token");
    struct headers answer;
    struct buffer text;

    (void)state;
    headers_init(&answer);
    buffer_init(&text, 0);
    assert_true(cors_is_preflight(SPAN("OPTIONS"), &request));
    assert_false(cors_is_preflight(SPAN("options"), &request));
    assert_int_equal(cors_answer(&conf, SPAN("OPTIONS"), &request, &text, &answer), 0);
    ASSERT_FIELDS(&answer, "vary: origin", "access-control-allow-origin: https://a.example",
                  "access-control-allow-credentials: true",
                  "access-control-allow-methods: GET, POST", "access-control-max-age: 600",
                  "access-control-allow-headers: content-type, x-mte-outbound-token");
    buffer_fini(&text);
    headers_fini(&answer);
    headers_fini(&request);
}

static void the_apis_own_words_are_replaced(void **state)
{
    struct headers request = FIELDS("origin: https://a.example");
    struct headers answer = FIELDS("access-control-allow-origin: *", "vary: accept-encoding",
                                   "access-control-max-age: 1", "set-cookie: a=b");

    (void)state;
    assert_int_equal(cors_answer(&conf, SPAN("GET"), &request, NULL, &answer), 0);
    ASSERT_FIELDS(&answer, "vary: accept-encoding", "set-cookie: a=b", "vary: origin",
                  "access-control-allow-origin: https://a.example",
                  "access-control-allow-credentials: true",
                  "access-control-expose-headers: x-mte-relay-error, x-request-id");
    headers_fini(&answer);
    headers_fini(&request);
}

static void an_unlisted_origin_is_told_nothing_by_the_api_either(void **state)
{
    struct headers request = FIELDS("origin: https://evil.example");
    struct headers answer = FIELDS("access-control-allow-origin: *", "set-cookie: a=b");

    (void)state;
    assert_int_equal(cors_answer(&conf, SPAN("GET"), &request, NULL, &answer), 0);
    ASSERT_FIELDS(&answer, "set-cookie: a=b", "vary: origin");
    headers_fini(&answer);
    headers_fini(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_listed_origin_is_listed),
        cmocka_unit_test(without_an_origin_the_answer_stays_as_it_is),
        cmocka_unit_test(a_preflight_is_told_what_is_allowed),
        cmocka_unit_test(the_apis_own_words_are_replaced),
        cmocka_unit_test(an_unlisted_origin_is_told_nothing_by_the_api_either),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
