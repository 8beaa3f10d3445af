/* SPDX-License-Identifier: MIT */
#include "worker/outbound_options.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

#include "common/buffer.h"

struct given {
    struct headers fields;
    struct conf conf;
    struct outbound_options options;
    enum refusal refusal;
    const char *cause;
};

static void add(struct given *g, const char *name, const char *value)
{
    assert_int_equal(headers_add(&g->fields, span_text(name), span_text(value)), 0);
}

static int read_them(struct given *g)
{
    return outbound_options_read(&g->fields, &g->conf, &g->options, &g->refusal, &g->cause);
}

static void the_request_names_its_peer_before_the_configuration_does(void **state)
{
    struct given g = { .conf.outbound_upstream.set = true };
    const char *why;

    (void)state;
    assert_int_equal(url_parse(SPAN("http://fallback"), &g.conf.outbound_upstream.url, &why), 0);
    assert_int_equal(read_them(&g), 0);
    assert_true(span_equal(g.options.base.host, SPAN("fallback")));
    add(&g, "x-mte-upstream", "https://named:8443/base");
    assert_int_equal(read_them(&g), 0);
    assert_true(span_equal(g.options.base.host, SPAN("named")));
    assert_int_equal(g.options.base.port, 8443);
    headers_fini(&g.fields);
}

static void no_peer_is_a_refusal_of_its_own(void **state)
{
    struct given g = { .cause = NULL };

    (void)state;
    assert_true(read_them(&g) < 0);
    assert_int_equal(g.refusal, REFUSAL_MISSING_UPSTREAM);
    add(&g, "x-mte-upstream", "gopher://there");
    assert_true(read_them(&g) < 0);
    assert_int_equal(g.refusal, REFUSAL_BAD_REQUEST);
    assert_non_null(g.cause);
    headers_fini(&g.fields);
}

static void the_codec_is_mke_unless_asked_otherwise(void **state)
{
    static const struct {
        const char *value;
        int result;
        enum codec codec;
    } cases[] = {
        { "MKE", 0, CODEC_MKE }, { "mte", 0, CODEC_MTE },   { "MTE", 0, CODEC_MTE },
        { "", ERR_FORMAT, 0 },   { "none", ERR_FORMAT, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct given g = { .cause = NULL };

        add(&g, "x-mte-upstream", "http://there");
        assert_int_equal(read_them(&g), 0);
        assert_int_equal(g.options.codec, CODEC_MKE);
        add(&g, "x-mte-encode-type", cases[i].value);
        assert_int_equal(read_them(&g), cases[i].result);
        if (cases[i].result == 0)
            assert_int_equal(g.options.codec, cases[i].codec);
        headers_fini(&g.fields);
    }
}

/* The copies' names, each with a space behind it. The caller frees it. */
static char *copies_of(const char *value, const char *const *names)
{
    struct given g = { .cause = NULL };
    struct headers copies;
    struct buffer text;

    add(&g, "x-mte-upstream", "http://there");
    if (value != NULL)
        add(&g, "x-mte-encode-headers", value);
    for (; *names != NULL; names++)
        add(&g, *names, "v");
    assert_int_equal(read_them(&g), 0);
    outbound_options_strip(&g.fields);
    headers_init(&copies);
    assert_int_equal(outbound_options_copy(&g.options, &g.fields, &copies), 0);
    buffer_init(&text, 0);
    for (size_t i = 0; i < copies.n; i++)
        buffer_printf(&text, "%.*s ", SPAN_PRINT(copies.items[i].name));
    buffer_put(&text, SPAN("\0"));
    assert_int_equal(buffer_error(&text), 0);
    headers_fini(&copies);
    headers_fini(&g.fields);
    return (char *)text.at;
}

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void assert_copies(const char *value, const char *want, const char *const *names)
{
    char *got = copies_of(value, names);

    assert_string_equal(got, want);
    free(got);
}

static void fields_are_shown_only_where_that_is_asked_for(void **state)
{
    const char *const *names = NAMES("x-a", "x-b", "x-a", "user-agent");

    (void)state;
    assert_copies(NULL, "", names);
    assert_copies("true", "", names);
    assert_copies("TRUE", "", names);
    assert_copies("false", "x-a x-b x-a user-agent ", names);
    assert_copies("X-A", "x-b user-agent ", names);
    assert_copies("x-c ,\tx-a,User-Agent", "x-b ", names);
    assert_copies("x", "x-a x-b x-a user-agent ", names);
}

static void no_credential_and_nothing_about_the_post_is_ever_shown(void **state)
{
    (void)state;
    assert_copies("false", "authorizatio x-contents ",
                  NAMES("authorization", "cookie", "set-cookie", "proxy-authorization", "proxy-x",
                        "x-mte-secret", "host", "te", "trailer", "upgrade", "expect",
                        "content-type", "content-length", "content-encoding", "transfer-encoding",
                        "transfer-x", "authorizatio", "x-contents"));
    assert_copies("x-nothing", "x-last ",
                  NAMES("accept", "accept-encoding", "if-match", "if-none-match", "range",
                        "cache-control", "via", "forwarded", "x-forwarded-for", "x-real-ip",
                        "x-http-method-override", "max-forwards", "x-last"));
}

static void what_a_connection_names_is_not_shown(void **state)
{
    struct given g = { .cause = NULL };
    struct headers copies;

    (void)state;
    add(&g, "x-mte-upstream", "http://there");
    add(&g, "x-mte-encode-headers", "false");
    add(&g, "connection", "x-hop");
    add(&g, "x-hop", "1");
    assert_int_equal(read_them(&g), 0);
    outbound_options_strip(&g.fields);
    headers_init(&copies);
    assert_int_equal(outbound_options_copy(&g.options, &g.fields, &copies), 0);
    assert_int_equal(copies.n, 0);
    headers_fini(&copies);
    headers_fini(&g.fields);
}

static void what_is_in_doubt_is_refused(void **state)
{
    static const char *const bad[][2] = {
        { "x-mte-encode-headers", "" },
        { "x-mte-encode-headers", "x-a," },
        { "x-mte-encode-headers", "x-a x-b" },
        { "x-mte-encode-headers", "false, x-a" },
        { "x-mte-encode-headers", "x-a,TRUE" },
        { "x-mte-encode-headers", ",x-a" },
        { "x-mte-encode-headers", "[\"x-a\"]" },
        { "x-mte-encode-headers", "x-a;x-b" },
        { "x-mte-encode-url", "" },
        { "x-mte-encode-url", "no" },
        { "x-mte-encode-url", "0" },
        { "x-mte-encode-url", "true,false" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct given g = { .cause = NULL };

        add(&g, "x-mte-upstream", "http://there");
        add(&g, bad[i][0], bad[i][1]);
        if (read_them(&g) == 0)
            fail_msg("%s: %s", bad[i][0], bad[i][1]);
        assert_int_equal(g.refusal, REFUSAL_BAD_REQUEST);
        assert_non_null(g.cause);
        headers_fini(&g.fields);
    }
}

static void two_of_one_option_are_refused(void **state)
{
    static const char *const options[][2] = {
        { "x-mte-upstream", "http://there" },
        { "x-mte-encode-type", "MKE" },
        { "x-mte-encode-url", "false" },
        { "x-mte-encode-headers", "x-a" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
        struct given g = { .conf.outbound_upstream.set = true };

        add(&g, options[i][0], options[i][1]);
        assert_int_equal(read_them(&g), 0);
        add(&g, options[i][0], options[i][1]);
        assert_true(read_them(&g) < 0);
        assert_int_equal(g.refusal, REFUSAL_BAD_REQUEST);
        headers_fini(&g.fields);
    }
}

static bool may_show(const char *base_text, const char *target)
{
    struct outbound_options options = { .show_url = true };
    struct span shown;
    const char *why;

    assert_int_equal(url_parse(span_text(base_text), &options.base, &why), 0);
    shown = outbound_options_target(&options, span_text(target));
    assert_true(span_equal(shown, span_text(target)) || span_equal(shown, SPAN("/api/mte-relay")));
    return span_equal(shown, span_text(target));
}

/* The peer would take them for itself, sealed or not. */
static void no_path_of_a_relay_is_shown_as_the_target(void **state)
{
    (void)state;
    assert_true(may_show("http://there", "/"));
    assert_true(may_show("http://there/gateway", "/api/v1?q=/api/mte-echo"));
    assert_true(may_show("http://there", "/api/mte-echo/x"));
    assert_false(may_show("http://there", "/api/mte-echo"));
    assert_false(may_show("http://there", "/api/%6dte-pair?x"));
    assert_false(may_show("http://there/gateway", "/x/../api/mte-relay"));
    assert_false(may_show("http://there/api", "/mte-echo"));
    assert_false(may_show("http://there", "*"));
}

static void the_url_is_shown_only_where_that_is_asked_for(void **state)
{
    struct given g = { .cause = NULL };

    (void)state;
    add(&g, "x-mte-upstream", "http://there");
    assert_int_equal(read_them(&g), 0);
    assert_false(g.options.show_url);
    assert_true(
        span_equal(outbound_options_target(&g.options, SPAN("/x?q")), SPAN("/api/mte-relay")));
    add(&g, "x-mte-encode-url", "True");
    assert_int_equal(read_them(&g), 0);
    assert_false(g.options.show_url);
    g.fields.items[1].value = SPAN("false");
    assert_int_equal(read_them(&g), 0);
    assert_true(g.options.show_url);
    assert_true(span_equal(outbound_options_target(&g.options, SPAN("/x?q")), SPAN("/x?q")));
    headers_fini(&g.fields);
}

static void nothing_of_this_hop_leaves(void **state)
{
    struct given g = { .cause = NULL };

    (void)state;
    add(&g, "x-mte-outbound-token", "secret");
    add(&g, "accept", "1");
    add(&g, "connection", "x-hop");
    add(&g, "x-hop", "2");
    add(&g, "x-mte-upstream", "http://there");
    add(&g, "accept", "3");
    add(&g, "x-mte-anything", "4");
    outbound_options_strip(&g.fields);
    assert_int_equal(g.fields.n, 2);
    assert_true(span_equal(g.fields.items[0].value, SPAN("1")));
    assert_true(span_equal(g.fields.items[1].value, SPAN("3")));
    headers_fini(&g.fields);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_names_its_peer_before_the_configuration_does),
        cmocka_unit_test(no_peer_is_a_refusal_of_its_own),
        cmocka_unit_test(the_codec_is_mke_unless_asked_otherwise),
        cmocka_unit_test(fields_are_shown_only_where_that_is_asked_for),
        cmocka_unit_test(no_credential_and_nothing_about_the_post_is_ever_shown),
        cmocka_unit_test(what_a_connection_names_is_not_shown),
        cmocka_unit_test(what_is_in_doubt_is_refused),
        cmocka_unit_test(two_of_one_option_are_refused),
        cmocka_unit_test(no_path_of_a_relay_is_shown_as_the_target),
        cmocka_unit_test(the_url_is_shown_only_where_that_is_asked_for),
        cmocka_unit_test(nothing_of_this_hop_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
