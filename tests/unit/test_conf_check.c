/* SPDX-License-Identifier: MIT */
/* What loads with a warning: the examples of the manual must load, and are not silent. */
#include "tests/unit/conf_fixture.h"

#include <stdio.h>

#include "common/conf_check.h"
#include "common/conf_setting.h"

static struct loaded load_well(const char *file, const char *environment)
{
    struct loaded loaded = conf_fixture_load(file, environment);

    assert_string_equal(loaded.problems, "");
    return loaded;
}

/* The examples of the manual, and the environment of its deployment manifest. */
#define EXAMPLE                                                                                    \
    "UPSTREAM=https://api.my-company.com\n"                                                        \
    "CLIENT_ID_SECRET=2DkV4DDabehO8cifDktdF9elKJL0CKrk\n"                                          \
    "OUTBOUND_TOKEN=abcdefg1234567\n"                                                              \
    "CORS_ORIGINS=https://www.my-company.com,https://dashboard.my-company.com\n"
#define SHORT_TOKEN                                                                                \
    "OUTBOUND_TOKEN: is only 14 characters long, 16 or more are advised: whoever guesses it can "  \
    "send requests out\n"

static void the_first_example_loads_and_says_that_pairing_is_open(void **state)
{
    struct loaded loaded = load_well(NULL, EXAMPLE);

    (void)state;
    assert_string_equal(loaded.warnings,
                        SHORT_TOKEN "SECRET: is not set: pairing is unauthenticated, anybody on "
                                    "the way can pose as either relay\n");
    assert_int_equal(loaded.conf->port, 8080);
    conf_fixture_unload(&loaded);
}

static void the_second_example_loads(void **state)
{
    struct loaded loaded = load_well(
        NULL, EXAMPLE
        "SECRET=sharedsecret1234567890\nREDIS_URL=redis://10.0.1.230:6379\nPORT=3000\n"
        "LOG_LEVEL=info\nPASS_THROUGH_ROUTES=/health,/version\nMTE_ROUTES=/api/v1/*,/api/v2/*\n"
        "CORS_METHODS=GET,POST,DELETE\nHEADERS={\"x-service-name\":\"mte-api-relay\"}\n");

    (void)state;
    assert_string_equal(loaded.warnings, SHORT_TOKEN);
    assert_int_equal(loaded.conf->port, 3000);
    conf_fixture_unload(&loaded);
}

static void the_environment_of_the_manifest_loads(void **state)
{
    struct loaded loaded =
        load_well(NULL, EXAMPLE "SECRET=sharedsecret1234567890\nHOME=/\n"
                                "KUBERNETES_PORT=tcp://10.0.0.1:443\nPATH=/bin\n");

    (void)state;
    assert_string_equal(loaded.warnings, SHORT_TOKEN);
    assert_int_equal(loaded.conf->port, 8080);
    conf_fixture_unload(&loaded);
}

static void the_defaults_may_be_written_out_as_the_sample_has_them(void **state)
{
    struct loaded loaded;
    struct buffer b;
    char key[CONF_KEY_LEN];

    (void)state;
    buffer_init(&b, 0);
    for (size_t i = 0; i < CONF_N_SETTINGS; i++) {
        conf_setting_key((struct conf_name){ &conf_settings[i], false }, key);
        buffer_printf(&b, "%s = \"%s\";\n", key, conf_settings[i].fallback);
    }
    buffer_put(&b, SPAN("\0"));
    loaded = load_well((const char *)buffer_span(&b).at, CONF_FIXTURE_REQUIRED);
    conf_fixture_unload(&loaded);
    buffer_fini(&b);
}

static void short_secrets_are_warned_of(void **state)
{
    struct loaded loaded =
        load_well(NULL, CONF_FIXTURE_REQUIRED "SECRET=123456789012345\nSECRET_ALSO=x\n"
                                              "OUTBOUND_TOKEN_ALSO=x\n");

    (void)state;
    assert_string_equal(loaded.warnings,
                        "OUTBOUND_TOKEN_ALSO: is only 1 characters long, 16 or more are advised: "
                        "whoever guesses it can send requests out\n"
                        "SECRET: is only 15 characters long, 16 or more are advised: pairing is "
                        "nearly unauthenticated, who guesses it can pose as either relay\n"
                        "SECRET_ALSO: is only 1 characters long, 16 or more are advised: pairing "
                        "is nearly unauthenticated, who guesses it can pose as either relay\n");
    conf_fixture_unload(&loaded);
    loaded = load_well(NULL, CONF_FIXTURE_REQUIRED "SECRET=1234567890123456\n");
    assert_string_equal(loaded.warnings, "");
    conf_fixture_unload(&loaded);
}

static void a_secret_is_as_strong_as_its_weakest_that_is_accepted(void **state)
{
    static const struct {
        const char *settings;
        enum secret_strength strength;
    } rows[] = {
        { "", SECRET_NONE },
        { "SECRET_ALSO=1234567890123456\n", SECRET_NONE },
        { "SECRET=123456789012345\n", SECRET_SHORT },
        { "SECRET=1234567890123456\n", SECRET_GOOD },
        { "SECRET=1234567890123456\nSECRET_ALSO=x\n", SECRET_SHORT },
        { "SECRET=1234567890123456\nSECRET_ALSO=6543210987654321\n", SECRET_GOOD },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char text[512];
        struct loaded loaded;

        snprintf(text, sizeof(text), CONF_FIXTURE_REQUIRED "%s", rows[i].settings);
        loaded = load_well(NULL, text);
        assert_int_equal(conf_secret_strength(loaded.conf), rows[i].strength);
        conf_fixture_unload(&loaded);
    }
}

static void cas_for_an_api_without_tls_are_warned_of(void **state)
{
    struct loaded loaded = load_well(NULL, CONF_FIXTURE_REQUIRED
                                     "SECRET=1234567890123456\nUPSTREAM_CA_FILE=/etc/passwd\n");

    (void)state;
    assert_string_equal(loaded.warnings, "");
    conf_fixture_unload(&loaded);
    loaded = load_well("upstream = \"http://h\";\nupstream_ca_file = \"/etc/passwd\";\n"
                       "secret = \"1234567890123456\";\noutbound_token = \"1234567890123456\";\n"
                       "client_id_secret = \"12345678901234567890123456789012\";",
                       "");
    assert_string_equal(loaded.warnings,
                        "UPSTREAM_CA_FILE: has no effect: UPSTREAM is not https\n");
    conf_fixture_unload(&loaded);
}

/* What is said of sound required settings and these. */
static void assert_warnings(const char *settings, const char *warnings)
{
    char environment[1024];
    struct loaded loaded;

    snprintf(environment, sizeof(environment), CONF_FIXTURE_REQUIRED "SECRET=1234567890123456\n%s",
             settings);
    loaded = load_well(NULL, environment);
    assert_string_equal(loaded.warnings, warnings);
    conf_fixture_unload(&loaded);
}

static void a_default_peer_that_is_not_allowed_is_warned_of(void **state)
{
    static const char warning[] =
        "OUTBOUND_UPSTREAM: is not in OUTBOUND_ALLOW: every request that goes there is refused\n";

    (void)state;
    assert_warnings("OUTBOUND_UPSTREAM=https://a.example/base\n", "");
    assert_warnings("OUTBOUND_UPSTREAM=https://a.example/base\n"
                    "OUTBOUND_ALLOW=https://b.example,https://A.example\n",
                    "");
    assert_warnings("OUTBOUND_UPSTREAM=https://a.b.example\nOUTBOUND_ALLOW=https://*.b.example\n",
                    "");
    assert_warnings("OUTBOUND_UPSTREAM=https://a.example\nOUTBOUND_ALLOW=https://b.example\n",
                    warning);
    assert_warnings("OUTBOUND_UPSTREAM=https://a.example\nOUTBOUND_ALLOW=https://a.example:444\n",
                    warning);
    assert_warnings("OUTBOUND_ALLOW=https://b.example\n", "");
}

static void a_body_that_could_never_be_buffered_is_warned_of(void **state)
{
    static const char warning[] = "MAX_BUFFERED: is smaller than MAX_REQUEST_BODY: a request "
                                  "between the two is always refused\n";

    (void)state;
    assert_warnings("MAX_BUFFERED=16777215\n", warning); /* MAX_REQUEST_BODY is 16 MiB */
    assert_warnings("MAX_BUFFERED=16777216\n", "");
    assert_warnings("MAX_BUFFERED=0\nMAX_REQUEST_BODY=1073741824\n", "");
    assert_warnings("MAX_BUFFERED=2048\nMAX_REQUEST_BODY=1024\n", "");
}

#define IN_A_FOLDER(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, conf_fixture_open, conf_fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(the_first_example_loads_and_says_that_pairing_is_open),
        IN_A_FOLDER(the_second_example_loads),
        IN_A_FOLDER(the_environment_of_the_manifest_loads),
        IN_A_FOLDER(the_defaults_may_be_written_out_as_the_sample_has_them),
        IN_A_FOLDER(short_secrets_are_warned_of),
        IN_A_FOLDER(a_secret_is_as_strong_as_its_weakest_that_is_accepted),
        IN_A_FOLDER(cas_for_an_api_without_tls_are_warned_of),
        IN_A_FOLDER(a_default_peer_that_is_not_allowed_is_warned_of),
        IN_A_FOLDER(a_body_that_could_never_be_buffered_is_warned_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
