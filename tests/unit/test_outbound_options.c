/* SPDX-License-Identifier: MIT */
#include "worker/outbound_options.h"

#include "tests/unit/unit.h"

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
        cmocka_unit_test(nothing_of_this_hop_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
