/* SPDX-License-Identifier: MIT */
/* Who sent a request, as X-Forwarded-For and those who are trusted tell; also by a naive model. */

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "worker/source.h"

enum { ROUNDS = 20000, MAX_ENTRIES = 6 };

static struct ip_network networks[2];
static const conf_networks trusted = { networks, 2 };

static int trust(void **state)
{
    (void)state;
    return ip_network_parse(SPAN("10.0.0.0/8"), &networks[0]) < 0 ||
                   ip_network_parse(SPAN("2001:db8:1::/48"), &networks[1]) < 0
               ? -1
               : 0;
}

static struct ip ip_of(const char *text)
{
    struct ip ip;

    assert_int_equal(ip_parse(span_text(text), &ip), 0);
    return ip;
}

/* The fields are values of X-Forwarded-For, between others. */
static bool find(const char *peer_text, const char *const *values, struct ip *source_r)
{
    struct ip peer = ip_of(peer_text);
    struct headers fields;
    bool known;

    headers_init(&fields);
    assert_int_equal(headers_add(&fields, SPAN("x-forwarded-fo"), SPAN("192.0.2.9")), 0);
    for (; *values != NULL; values++) {
        assert_int_equal(headers_add(&fields, SPAN("x-forwarded-for"), span_text(*values)), 0);
        assert_int_equal(headers_add(&fields, SPAN("connection"), SPAN("x-forwarded-for")), 0);
    }
    known = source_find(&trusted, &peer, &fields, source_r);
    headers_fini(&fields);
    return known;
}

static void assert_source(const char *peer, const char *want, const char *const *values)
{
    struct ip source, ip;
    bool known = find(peer, values, &source);

    if (known != (want != NULL))
        fail_msg("%s, %s: known %d", peer, values[0], known);
    if (want == NULL)
        return;
    ip = ip_of(want);
    if (!ip_equal(&source, &ip))
        fail_msg("%s, %s: not %s", peer, values[0], want);
}

#define SOURCE(peer, want, ...) assert_source(peer, want, (const char *const[]){ __VA_ARGS__ })

static void who_is_not_trusted_is_the_source(void **state)
{
    (void)state;
    SOURCE("192.0.2.1", "192.0.2.1", NULL);
    SOURCE("192.0.2.1", "192.0.2.1", "10.0.0.1", NULL);
    SOURCE("192.0.2.1", "192.0.2.1", "garbage", NULL);
    SOURCE("2001:db8:2::1", "2001:db8:2::1", "192.0.2.7", NULL);
}

static void the_rightmost_untrusted_entry_is_the_source(void **state)
{
    (void)state;
    SOURCE("10.0.0.1", "192.0.2.7", "192.0.2.7", NULL);
    SOURCE("::ffff:10.0.0.1", "192.0.2.7", "192.0.2.7", NULL);
    SOURCE("10.0.0.1", "192.0.2.7", "10.9.9.9, 192.0.2.7", NULL);
    SOURCE("10.0.0.1", "192.0.2.7", "10.9.9.9,192.0.2.7 ,\t10.0.0.2", NULL);
    SOURCE("10.0.0.1", "192.0.2.7", "192.0.2.6", "192.0.2.7", NULL);
    SOURCE("10.0.0.1", "192.0.2.6", "192.0.2.6", "10.0.0.2, 2001:db8:1::2", NULL);
    SOURCE("10.0.0.1", "192.0.2.7", "garbage, 192.0.2.7", NULL);
}

static void where_all_are_trusted_the_first_is_the_source(void **state)
{
    (void)state;
    SOURCE("10.0.0.1", "10.0.0.9", "10.0.0.9, 10.0.0.2", NULL);
    SOURCE("10.0.0.1", "10.0.0.9", "10.0.0.9", "10.0.0.2", NULL);
}

static void a_proxy_that_says_nothing_leaves_the_source_unknown(void **state)
{
    (void)state;
    SOURCE("10.0.0.1", NULL, NULL);
    SOURCE("10.0.0.1", NULL, "", NULL);
    SOURCE("10.0.0.1", NULL, "192.0.2.1,", NULL);
    SOURCE("10.0.0.1", NULL, ", 10.0.0.2", NULL);
    SOURCE("10.0.0.1", NULL, "192.0.2.1, , 10.0.0.2", NULL);
}

static void what_is_no_address_leaves_the_source_unknown(void **state)
{
    static const char *const bad[] = {
        "unknown",
        "_hidden",
        "192.0.2",
        "192.0.2.1.",
        "192.0.2.1:",
        "192.0.2.1:65536",
        "192.0.2.1:8o",
        "[192.0.2.1]",
        "[192.0.2.1]:80",
        "[2001:db8:2::1",
        "[2001:db8:2::1]80",
        "[2001:db8:2::1]:",
        "[]",
        "\"192.0.2.1\"",
        "192.0.2.1 192.0.2.2",
        "192.0.2.1;10.0.0.1",
        "fe80::1%eth0",
        "for=192.0.2.1",
        ":80",
        "2001:db8:2::1::",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        SOURCE("10.0.0.1", NULL, bad[i], NULL);
}

static void gateways_may_write_the_port(void **state)
{
    (void)state;
    SOURCE("10.0.0.1", "192.0.2.7", "192.0.2.7:51234", NULL);
    SOURCE("10.0.0.1", "2001:db8:2::7", "[2001:db8:2::7]:51234", NULL);
    SOURCE("10.0.0.1", "2001:db8:2::7", "[2001:db8:2::7], 10.0.0.3:1", NULL);
    SOURCE("10.0.0.1", "2001:db8:2::7", "2001:db8:2::7", NULL);
    SOURCE("10.0.0.1", "192.0.2.7", "::ffff:192.0.2.7", NULL);
}

/* The model has the entries apart and walks over them once; the text joins them at random. */
static void the_source_agrees_with_a_naive_model(void **state)
{
    static const struct {
        const char *text;
        bool good, trusted;
    } kinds[] = {
        { "10.0.0.7", true, true },   { "10.1.2.3:9", true, true }, { "2001:db8:1::9", true, true },
        { "192.0.2.1", true, false }, { "192.0.2.2", true, false }, { "x", false, false },
    };
    unsigned n_known = 0;

    (void)state;
    srand(1);
    for (int round = 0; round < ROUNDS; round++) {
        const char *values[MAX_ENTRIES + 1] = { NULL }, *want = NULL;
        char texts[MAX_ENTRIES * 32], *end = texts;
        int n = rand() % (MAX_ENTRIES + 1), n_values = 0, chosen[MAX_ENTRIES];

        for (int i = 0; i < n; i++) {
            chosen[i] = rand() % (round % 2 == 0 ? 4 : 6);
            if (i == 0 || rand() % 2 == 0)
                values[n_values++] = end;
            else
                end[-1] = ',';
            end += 1 + snprintf(end, 32, "%s%s", rand() % 2 == 0 ? " " : "", kinds[chosen[i]].text);
        }
        for (int i = n - 1; i >= 0; i--) {
            want = kinds[chosen[i]].good ? kinds[chosen[i]].text : NULL;
            if (!kinds[chosen[i]].trusted)
                break;
        }
        if (want != NULL && strcmp(want, "10.1.2.3:9") == 0)
            want = "10.1.2.3";
        n_known += want != NULL;
        assert_source("10.0.0.1", want, values);
    }
    assert_in_range(n_known, ROUNDS / 4, ROUNDS - ROUNDS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_not_trusted_is_the_source),
        cmocka_unit_test(the_rightmost_untrusted_entry_is_the_source),
        cmocka_unit_test(where_all_are_trusted_the_first_is_the_source),
        cmocka_unit_test(a_proxy_that_says_nothing_leaves_the_source_unknown),
        cmocka_unit_test(what_is_no_address_leaves_the_source_unknown),
        cmocka_unit_test(gateways_may_write_the_port),
        cmocka_unit_test(the_source_agrees_with_a_naive_model),
    };

    return cmocka_run_group_tests(tests, trust, NULL);
}
