/* SPDX-License-Identifier: MIT */
/* Which peers OUTBOUND_ALLOW allows, as a configuration has it. */

#include "tests/unit/conf_fixture.h"

#include <stdio.h>

#include "worker/allow.h"

static bool allows(const struct conf_peers *peers, const char *text)
{
    struct url url;
    const char *why;

    assert_int_equal(url_parse(span_text(text), &url, &why), 0);
    return allow_peer(peers, &url);
}

struct row {
    const char *url;
    bool allowed;
};

static void check(const char *setting, const struct row *rows, size_t n)
{
    char environment[1024];
    struct loaded loaded;

    snprintf(environment, sizeof(environment), CONF_FIXTURE_REQUIRED "OUTBOUND_ALLOW=%s", setting);
    loaded = conf_fixture_load(NULL, environment);
    assert_string_equal(loaded.problems, "");
    for (size_t i = 0; i < n; i++) {
        if (allows(&loaded.conf->outbound_allow, rows[i].url) != rows[i].allowed)
            fail_msg("%s: %s", setting, rows[i].url);
    }
    conf_fixture_unload(&loaded);
}

#define CHECK(setting, ...)                                                                        \
    do {                                                                                           \
        static const struct row rows[] = { __VA_ARGS__ };                                          \
        check(setting, rows, sizeof(rows) / sizeof(*rows));                                        \
    } while (0)

static void without_a_list_all_but_forbidden_addresses_are_allowed(void **state)
{
    (void)state;
    CHECK("", { "http://anything.example", true }, { "https://10.0.0.1:1", true },
          { "http://169.254.169.254", false }, { "http://169.254.169.254:8080/base", false },
          { "http://[fe80::1]", false }, { "http://[::ffff:169.254.1.1]", false },
          { "http://0.0.0.0", false }, { "http://[::]", false }, { "http://224.0.0.1", false });
}

static void an_origin_is_scheme_host_and_port(void **state)
{
    (void)state;
    CHECK("https://Relay.Example.com, http://b.example:8080", { "https://relay.example.com", true },
          { "https://RELAY.example.COM:443/any/base", true }, { "http://relay.example.com", false },
          { "http://relay.example.com:443", false }, { "https://relay.example.com:8443", false },
          { "https://xrelay.example.com", false }, { "https://a.relay.example.com", false },
          { "https://relay.example.com.", false }, { "http://b.example:8080", true },
          { "http://b.example", false }, { "https://example.com", false });
}

static void a_wildcard_is_for_what_is_below_and_nothing_else(void **state)
{
    (void)state;
    CHECK("https://*.Example.com,http://*.b.example:8080", { "https://a.example.com", true },
          { "https://a.b.EXAMPLE.com:443", true }, { "https://example.com", false },
          { "https://.example.com", false }, { "https://notexample.com", false },
          { "https://a.example.com.evil.example", false }, { "https://a-example.com", false },
          { "https://a.example.com:8443", false }, { "http://a.example.com", false },
          { "https://a.example.com.", false }, { "http://a.b.example:8080", true },
          { "http://b.example:8080", false }, { "http://a.b.example", false },
          { "https://com", false }, { "https://..example.com", false });
}

static void an_address_is_the_same_however_it_is_spelled(void **state)
{
    (void)state;
    CHECK("http://10.0.0.1:8080,https://[2001:db8::1]", { "http://10.0.0.1:8080", true },
          { "http://[::ffff:10.0.0.1]:8080", true }, { "http://10.0.0.1", false },
          { "http://10.0.0.2:8080", false }, { "https://[2001:DB8:0::1]", true },
          { "https://[2001:db8::2]", false }, { "http://010.0.0.1:8080", false });
}

static void a_list_cannot_allow_what_may_not_be_called(void **state)
{
    (void)state;
    CHECK("http://169.254.169.254, http://[fe80::1]", { "http://169.254.169.254", false },
          { "http://[fe80::1]", false });
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, conf_fixture_open, conf_fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_list_all_but_forbidden_addresses_are_allowed),
        TEST(an_origin_is_scheme_host_and_port),
        TEST(a_wildcard_is_for_what_is_below_and_nothing_else),
        TEST(an_address_is_the_same_however_it_is_spelled),
        TEST(a_list_cannot_allow_what_may_not_be_called),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
