/* SPDX-License-Identifier: MIT */
/* Addresses and networks, against a naive model that compares bit by bit. */

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/ip.h"

enum { ROUNDS = 20000 };

static struct ip ip_of(const char *text)
{
    struct ip ip;

    assert_int_equal(ip_parse(span_text(text), &ip), 0);
    return ip;
}

static bool has(const char *network_text, const char *ip_text)
{
    struct ip_network network;
    struct ip ip = ip_of(ip_text);

    assert_int_equal(ip_network_parse(span_text(network_text), &network), 0);
    return ip_network_has(&network, &ip);
}

static void only_addresses_are_addresses(void **state)
{
    static const char *const bad[] = {
        "",           "1.2.3",         "1.2.3.4.5",
        "1.2.3.256",  "01.2.3.4",      "1.2.3.4 ",
        "0x1.2.3",    "1.2.3.4/8",     ":",
        "1::2::3",    "[::1]",         "fe80::1%lo",
        "::g",        "1.2.3.4:80",    "localhost",
        "2130706433", "::1.2.3",       "1.2.3.4\n",
        "+1.2.3.4",   "1:2:3:4:5:6:7", "::ffff:1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18",
    };
    struct ip ip;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (ip_parse(span_text(bad[i]), &ip) != ERR_FORMAT)
            fail_msg("\"%s\" was taken", bad[i]);
    }
    assert_int_equal(ip_parse(SPAN("1.2.3.4\0"), &ip), ERR_FORMAT);
}

static void a_mapped_address_is_the_ipv4_one(void **state)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    struct sockaddr local = { .sa_family = AF_UNIX };
    struct ip a = ip_of("192.0.2.1"), b = ip_of("::ffff:c000:201"), c;

    (void)state;
    assert_true(ip_equal(&a, &b));
    assert_true(ip_is_v4(&b));
    assert_int_equal(inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr), 1);
    assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1", &v6.sin6_addr), 1);
    assert_true(ip_of_sockaddr((struct sockaddr *)&v4, &c) && ip_equal(&a, &c));
    assert_true(ip_of_sockaddr((struct sockaddr *)&v6, &c) && ip_equal(&a, &c));
    assert_false(ip_of_sockaddr(&local, &c));
    c = ip_of("::192.0.2.1");
    assert_false(ip_is_v4(&c) || ip_equal(&a, &c));
}

static void a_network_holds_what_shares_its_prefix(void **state)
{
    (void)state;
    assert_true(has("10.0.0.0/8", "10.255.255.255"));
    assert_false(has("10.0.0.0/8", "11.0.0.0"));
    assert_true(has("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert_true(has("192.0.2.1", "192.0.2.1"));
    assert_false(has("192.0.2.1", "192.0.2.0"));
    assert_true(has("192.0.2.128/25", "192.0.2.129"));
    assert_false(has("192.0.2.128/25", "192.0.2.127"));
    assert_true(has("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(has("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(has("0.0.0.0/0", "255.1.2.3"));
    assert_true(has("::ffff:10.0.0.0/104", "10.9.9.9"));
}

static void families_are_apart(void **state)
{
    (void)state;
    assert_true(has("::/0", "2001:db8::1"));
    assert_false(has("::/0", "10.0.0.1"));
    assert_false(has("0.0.0.0/0", "::1"));
    assert_false(has("0.0.0.0/0", "::10.0.0.1"));
}

static void only_networks_are_networks(void **state)
{
    static const struct {
        const char *text;
        int result;
    } bad[] = {
        { "", ERR_FORMAT },
        { "10.0.0.0/", ERR_FORMAT },
        { "10.0.0.0/33", ERR_FORMAT },
        { "::/129", ERR_FORMAT },
        { "10.0.0.0/-1", ERR_FORMAT },
        { "10.0.0.0/8/8", ERR_FORMAT },
        { "10/8", ERR_FORMAT },
        { "/8", ERR_FORMAT },
        { "10.0.0.0 /8", ERR_FORMAT },
        { "10.0.0.1/31", ERR_MISUSE },
        { "2001:db8::1/64", ERR_MISUSE },
        { "0.0.0.1/0", ERR_MISUSE },
        { "10.0.0.0/255.0.0.0", ERR_FORMAT },
    };
    struct ip_network network;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (ip_network_parse(span_text(bad[i].text), &network) != bad[i].result)
            fail_msg("\"%s\"", bad[i].text);
    }
}

static bool bit(const uint8_t *bytes, unsigned i)
{
    return (bytes[i / 8] >> (7 - i % 8) & 1) != 0;
}

/* Few bits are set, so that addresses often agree for a while. */
static unsigned random_address(uint8_t bytes[static 16], bool v4, char text_r[static 46])
{
    unsigned len = v4 ? 4 : 16;

    for (unsigned i = 0; i < len; i++)
        bytes[i] = (uint8_t)(rand() % 4 == 0 ? 1 << rand() % 8 : 0);
    assert_non_null(inet_ntop(v4 ? AF_INET : AF_INET6, bytes, text_r, 46));
    return 8 * len;
}

static void networks_agree_with_a_naive_model(void **state)
{
    unsigned n_held = 0;

    (void)state;
    srand(1);
    for (int round = 0; round < ROUNDS; round++) {
        bool v4 = rand() % 2 == 0, other_v4 = rand() % 8 == 0 ? !v4 : v4, want;
        uint8_t first[16], other[16];
        char network_text[64], ip_text[46];
        unsigned n_all = random_address(first, v4, ip_text),
                 n_bits = (unsigned)rand() % (n_all + 1);

        for (unsigned i = n_bits; i < n_all; i++)
            first[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
        assert_non_null(inet_ntop(v4 ? AF_INET : AF_INET6, first, ip_text, sizeof(ip_text)));
        snprintf(network_text, sizeof(network_text), "%s/%u", ip_text, n_bits);
        random_address(other, other_v4, ip_text);
        want = v4 == other_v4;
        for (unsigned i = 0; want && i < n_bits; i++)
            want = bit(first, i) == bit(other, i);
        n_held += want;
        if (has(network_text, ip_text) != want)
            fail_msg("%s %s", network_text, ip_text);
    }
    assert_in_range(n_held, ROUNDS / 20, ROUNDS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_addresses_are_addresses),
        cmocka_unit_test(a_mapped_address_is_the_ipv4_one),
        cmocka_unit_test(a_network_holds_what_shares_its_prefix),
        cmocka_unit_test(families_are_apart),
        cmocka_unit_test(only_networks_are_networks),
        cmocka_unit_test(networks_agree_with_a_naive_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
