/* SPDX-License-Identifier: MIT */
/* URLs of settings and of x-mte-upstream. */

#include "tests/unit/unit.h"

#include "common/error.h"
#include "common/url.h"

static struct url parsed(const char *text)
{
    struct url url;
    const char *why = NULL;

    assert_int_equal(url_parse(span_text(text), &url, &why), 0);
    assert_null(why);
    return url;
}

static void assert_span(struct span got, const char *want)
{
    if (!span_equal(got, span_text(want)))
        fail_msg("\"%.*s\" instead of \"%s\"", SPAN_PRINT(got), want);
}

static void assert_forms(const char *text, const char *canonical, const char *authority)
{
    struct url url = parsed(text);
    struct buffer b;

    buffer_init(&b, 0);
    url_put_canonical(&b, &url);
    assert_int_equal(buffer_error(&b), 0);
    assert_span(buffer_span(&b), canonical);
    buffer_clear(&b);
    url_put_authority(&b, &url);
    assert_span(buffer_span(&b), authority);
    buffer_fini(&b);
}

static void a_url_is_scheme_host_port_path(void **state)
{
    (void)state;
    struct url url = parsed("https://Api.Example.com:8443/v1/");

    assert_true(url.tls);
    assert_span(url.host, "Api.Example.com");
    assert_int_equal(url.port, 8443);
    assert_span(url.path, "/v1");
}

static void the_port_is_the_schemes_where_none_is_written(void **state)
{
    (void)state;
    assert_int_equal(parsed("http://a").port, 80);
    assert_int_equal(parsed("https://a").port, 443);
    assert_int_equal(parsed("http://a:65535").port, 65535);
}

static void an_ipv6_host_loses_its_brackets_and_gets_them_back(void **state)
{
    (void)state;
    assert_span(parsed("http://[2001:DB8::1]:81/x").host, "2001:DB8::1");
    assert_forms("http://[2001:DB8::1]:81/x", "http://[2001:db8::1]:81/x", "[2001:DB8::1]:81");
    assert_forms("https://[::ffff:10.0.0.1]", "https://[::ffff:10.0.0.1]:443", "[::ffff:10.0.0.1]");
}

static void the_canonical_form_is_one_for_every_spelling(void **state)
{
    (void)state;
    assert_forms("https://api.my-company.com", "https://api.my-company.com:443",
                 "api.my-company.com");
    assert_forms("HTTPS://API.My-Company.com:443/", "https://api.my-company.com:443",
                 "API.My-Company.com");
    assert_forms("http://h:0080/", "http://h:80", "h");
    assert_forms("http://h:443", "http://h:443", "h:443");
}

static void a_path_keeps_its_case_and_loses_trailing_slashes(void **state)
{
    (void)state;
    assert_forms("http://H/Base/Path//", "http://h:80/Base/Path", "H");
    assert_span(parsed("http://h//").path, "");
    assert_span(parsed("http://h/a//b").path, "/a//b");
    assert_span(parsed("http://h/%7e@:[x]").path, "/%7e@:[x]");
}

static const char *const wrong[] = {
    "",
    "http",
    "http:",
    "http:/",
    "http:/h",
    "http//h",
    "http://",
    "http:///path",
    "://h",
    "ftp://h",
    "httpss://h",
    " http://h",
    "http://h ",
    "http://h/a b",
    "http://h/a\tb",
    "http://h/a\nb",
    "http://h/\x7f",
    "http://h/\xc3\xa9",
    "http://h\xc3\xa9",
    "http://h\\@g/",
    "http://h/\\",
    "http://user@h",
    "http://user:pass@h",
    "http://@h",
    "http://h?q",
    "http://h/?q",
    "http://h/#f",
    "http://h#f",
    "http://h:",
    "http://h:0",
    "http://h:00",
    "http://h:65536",
    "http://h:99999999999999999999",
    "http://h:-1",
    "http://h:+1",
    "http://h:8a",
    "http://h:80:80",
    "http://:80",
    "http://2001:db8::1",
    "http://[]",
    "http://[",
    "http://[::1",
    "http://[::1]x",
    "http://[::1]80",
    "http://[::1]:",
    "http://[::1]]",
    "http://[h]",
    "http://[1.2.3.4]",
    "http://[::1%25eth0]",
    "http://[::1%eth0]",
    "http://[1:2:3:4:5:6:7:8:9]",
    "http://a%2eb",
    "http://a,b",
    "http://a*b",
};

static void anything_else_is_refused_with_a_sentence(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct url url;
        const char *why = NULL;

        if (url_parse(span_text(wrong[i]), &url, &why) != ERR_FORMAT)
            fail_msg("\"%s\" was taken", wrong[i]);
        assert_non_null(why);
    }
}

static void a_nul_in_the_text_does_not_end_it(void **state)
{
    (void)state;
    struct url url;
    const char *why = NULL;

    assert_int_equal(url_parse(SPAN("http://h\0evil"), &url, &why), ERR_FORMAT);
    assert_non_null(why);
}

static void a_host_has_at_most_255_characters(void **state)
{
    (void)state;
    char text[7 + URL_HOST_MAX + 2] = "http://";
    struct url url;
    const char *why = NULL;

    memset(text + 7, 'a', URL_HOST_MAX);
    assert_int_equal(url_parse(span_text(text), &url, &why), 0);
    assert_int_equal(url.host.len, URL_HOST_MAX);
    text[7 + URL_HOST_MAX] = 'a';
    assert_int_equal(url_parse(span_text(text), &url, &why), ERR_FORMAT);
}

static uint64_t hash_of(const char *text)
{
    struct url url;
    const char *why;
    uint64_t hash;

    assert_int_equal(url_parse(span_text(text), &url, &why), 0);
    assert_int_equal(url_hash(&url, &hash), 0);
    return hash;
}

static void all_spellings_of_a_url_have_one_hash_and_no_other_url_has_it(void **state)
{
    static const char *const others[] = {
        "https://a.example/b", "http://a.example:81/b", "http://a.example/B",
        "http://a.example",    "http://a.examplf:80/b", "http://a.example/b/c",
    };
    uint64_t hash = hash_of("http://a.example/b");

    (void)state;
    assert_true(hash_of("HTTP://A.Example:80/b/") == hash);
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_true(hash_of(others[i]) != hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_scheme_host_port_path),
        cmocka_unit_test(the_port_is_the_schemes_where_none_is_written),
        cmocka_unit_test(an_ipv6_host_loses_its_brackets_and_gets_them_back),
        cmocka_unit_test(the_canonical_form_is_one_for_every_spelling),
        cmocka_unit_test(a_path_keeps_its_case_and_loses_trailing_slashes),
        cmocka_unit_test(anything_else_is_refused_with_a_sentence),
        cmocka_unit_test(a_nul_in_the_text_does_not_end_it),
        cmocka_unit_test(a_host_has_at_most_255_characters),
        cmocka_unit_test(all_spellings_of_a_url_have_one_hash_and_no_other_url_has_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
