/* SPDX-License-Identifier: MIT */
/* Each kind of configuration mistake is named with its place, and no secret is said. */
#include "tests/unit/conf_fixture.h"

#include <stdio.h>

/* Loaded on top of the required settings, from one source or the other. */
static const struct {
    const char *file, *environment, *problems;
} mistakes[] = {
    /* The file as such. */
    { "port = 1\nlisten = ;\n", "", "DIR/conf:2: syntax error\n" },
    { "port = 1;\nport = 2;\n", "", "DIR/conf:2: duplicate setting name\n" },
    { "# first\n@include \"/etc/passwd\"\n", "", "DIR/conf:2: @include is not for this file\n" },
    { "secret = \"hunter2\\x00hunter2\";\n", "",
      "DIR/conf:1: there is a NUL, which no value can have\n" },
    { "\nprot = 8080;\n", "", "DIR/conf:2: prot: is not a setting; the nearest is port\n" },
    { "PORT = 8080;\n", "", "DIR/conf:1: PORT: is not a setting; the nearest is port\n" },
    { "secret_fil = \"x\";\n", "",
      "DIR/conf:1: secret_fil: is not a setting; the nearest is secret_file\n" },
    { "upstream_file = \"x\";\n", "",
      "DIR/conf:1: upstream_file: is not a setting; the nearest is upstream_ca_file\n" },
    { "port = { };\n", "",
      "DIR/conf:1: port: is a group or a fraction: a value is a string, a whole number, true, "
      "false or a list\n" },
    { "port = 1.5;\n", "",
      "DIR/conf:1: port: is a group or a fraction: a value is a string, a whole number, true, "
      "false or a list\n" },
    { "port = 0x50;\n", "", "DIR/conf:1: port: is a hexadecimal number: write it in decimal\n" },
    { "port = [ \"80\", \"81\" ];\n", "", "DIR/conf:1: port: is a list, and takes one value\n" },
    { "secret_file = [ \"a\" ];\n", "",
      "DIR/conf:1: secret_file: is a list, and takes one value\n" },
    { "mte_routes = [ 1, 2 ];\n", "",
      "DIR/conf:1: mte_routes: is a list of other things than strings: write [\"a\", \"b\"]\n" },
    { "mte_routes = ( \"/a\", ( \"/b\" ) );\n", "",
      "DIR/conf:1: mte_routes: is a list of other things than strings: write [\"a\", \"b\"]\n" },
    { "mte_routes = [ \"/a,/b\" ];\n", "",
      "DIR/conf:1: mte_routes: has a comma in an item of its list: write each item as a string of "
      "its own\n" },
    /* Numbers. */
    { NULL, "PORT=http", "environment: PORT: \"http\" is not a whole number from 0 to 65535\n" },
    { NULL, "PORT=65536", "environment: PORT: \"65536\" is not a whole number from 0 to 65535\n" },
    { NULL, "PORT=-1", "environment: PORT: \"-1\" is not a whole number from 0 to 65535\n" },
    { NULL, "PORT= 80", "environment: PORT: \" 80\" is not a whole number from 0 to 65535\n" },
    { NULL, "PORT=80\t",
      "environment: PORT: \"80?\" has a control byte or a line end in it, as byte 3 of 3\n" },
    { "\n\nport = 99999;", "",
      "DIR/conf:3: port: \"99999\" is not a whole number from 0 to 65535\n" },
    { "port = true;", "", "DIR/conf:1: port: \"true\" is not a whole number from 0 to 65535\n" },
    { NULL, "UPSTREAM_MAX_CONNECTIONS=0",
      "environment: UPSTREAM_MAX_CONNECTIONS: \"0\" is not a whole number from 1 to 65536\n" },
    { NULL, "MAX_REQUEST_BODY=2GiB",
      "environment: MAX_REQUEST_BODY: \"2GiB\" is not a size (4096, 64 KiB, 16 MiB, 1 GiB) from "
      "1 KiB to 1 GiB\n" },
    { NULL, "MAX_REQUEST_BODY=16 MiBs",
      "environment: MAX_REQUEST_BODY: \"16 MiBs\" is not a size (4096, 64 KiB, 16 MiB, 1 GiB) "
      "from 1 KiB to 1 GiB\n" },
    { NULL, "CONNECT_TIMEOUT=5 fortnights",
      "environment: CONNECT_TIMEOUT: \"5 fortnights\" is not a duration (500ms, 30s, 5m, 1h) from "
      "10ms to 1h\n" },
    { NULL, "PAIR_LIFETIME=59s",
      "environment: PAIR_LIFETIME: \"59s\" is not a duration (500ms, 30s, 5m, 1h) from 1m to 1d\n" },
    { NULL, "PAIR_LIFETIME=25h",
      "environment: PAIR_LIFETIME: \"25h\" is not a duration (500ms, 30s, 5m, 1h) from 1m to 1d\n" },
    { NULL, "UPSTREAM_TIMEOUT=18446744073709551616",
      "environment: UPSTREAM_TIMEOUT: \"18446744073709551616\" is not a duration (500ms, 30s, 5m, "
      "1h) from 0ms to 1d\n" },
    /* Words. */
    { NULL, "LOG_LEVEL=loud",
      "environment: LOG_LEVEL: \"loud\" is not a level: trace, debug, info, warning, error, panic "
      "or off\n" },
    { NULL, "LISTEN=localhost",
      "environment: LISTEN: \"localhost\" is not an address: 0.0.0.0, 127.0.0.1, [::], [::1] and "
      "the like\n" },
    { NULL, "LISTEN=[127.0.0.1]",
      "environment: LISTEN: \"[127.0.0.1]\" is not an address: 0.0.0.0, 127.0.0.1, [::], [::1] and "
      "the like\n" },
    { NULL, "ADMIN_LISTEN=::1:8081",
      "environment: ADMIN_LISTEN: \"::1:8081\" is not off and no address with a port: "
      "127.0.0.1:8081, [::1]:8081 and the like\n" },
    { NULL, "LISTEN=[",
      "environment: LISTEN: \"[\" is not an address: 0.0.0.0, 127.0.0.1, [::], [::1] and the "
      "like\n" },
    /* URLs. */
    { NULL, "OUTBOUND_UPSTREAM=api.example.com",
      "environment: OUTBOUND_UPSTREAM: \"api.example.com\" is not a URL for this: a URL begins "
      "with http:// or https://\n" },
    { NULL, "OUTBOUND_UPSTREAM=http://user:hunter2@api.example.com",
      "environment: OUTBOUND_UPSTREAM: the value (not shown: there is an @ in it) is not a URL for "
      "this: user and password have no place here\n" },
    { NULL, "REDIS_URL=http://hunter2",
      "environment: REDIS_URL: the value is not a URL of Redis: it is not redis://..., rediss://... "
      "or unix:/path/of/the/socket\n" },
    { NULL, "REDIS_URL=redis://u:hunter2%4@h",
      "environment: REDIS_URL: the value is not a URL of Redis: a % in user or password begins no "
      "escape; write %25\n" },
    { NULL, "REDIS_URL=redis://u:hunt@er2@h",
      "environment: REDIS_URL: the value is not a URL of Redis: there is more than one @: write "
      "those of the password as %40\n" },
    { NULL, "REDIS_URL=redis://h:port",
      "environment: REDIS_URL: the value is not a URL of Redis: the port is not a number from 1 to "
      "65535\n" },
    /* Lists. */
    { NULL, "CORS_METHODS=GET,,POST",
      "environment: CORS_METHODS: \"GET,,POST\" has an empty item: one comma between two items is "
      "enough\n" },
    { NULL, "CORS_METHODS=GET POST",
      "environment: CORS_METHODS: \"GET POST\" is not one word; commas go between words\n" },
    { NULL, "MTE_ROUTES=/a,api/*",
      "environment: MTE_ROUTES: \"api/*\" is not a route: it begins with /\n" },
    { "pass_through_routes = [ \"/a\",\n \"/api/*/x\" ];", "",
      "DIR/conf:1: pass_through_routes: \"/api/*/x\" is not a route: * stands only at the end, for "
      "all that may follow\n" },
    { NULL, "MTE_ROUTES=/a?b",
      "environment: MTE_ROUTES: \"/a?b\" is not a route: a path of printable ASCII without ? and "
      "#\n" },
    { NULL, "MTE_ROUTES=/a b",
      "environment: MTE_ROUTES: \"/a b\" is not a route: a path of printable ASCII without ? and "
      "#\n" },
    { NULL, "CORS_ORIGINS=*",
      "environment: CORS_ORIGINS: \"*\" is not an origin: scheme://host[:port], such as "
      "https://example.com\n" },
    { NULL, "CORS_ORIGINS=https://a.com,https://b.com/",
      "environment: CORS_ORIGINS: \"https://b.com/\" is not an origin: nothing stands behind host "
      "and port, not even /\n" },
    { NULL, "CORS_ORIGINS=https://a.com/x",
      "environment: CORS_ORIGINS: \"https://a.com/x\" is not an origin: nothing stands behind host "
      "and port, not even /\n" },
    { NULL, "CORS_ORIGINS=https://u:hunter2@a.com",
      "environment: CORS_ORIGINS: the value (not shown: there is an @ in it) is not an origin: "
      "scheme://host[:port], such as https://example.com\n" },
    { NULL, "OUTBOUND_ALLOW=https://*",
      "environment: OUTBOUND_ALLOW: \"https://*\" is not an origin of a peer: "
      "https://relay.example.com[:port] or https://*.example.com\n" },
    { NULL, "OUTBOUND_ALLOW=https://a.example,relay.*.example",
      "environment: OUTBOUND_ALLOW: \"relay.*.example\" is not an origin of a peer: "
      "https://relay.example.com[:port] or https://*.example.com\n" },
    { NULL, "OUTBOUND_ALLOW=https://*.a.*.example",
      "environment: OUTBOUND_ALLOW: \"https://*.a.*.example\" is not an origin of a peer: "
      "https://relay.example.com[:port] or https://*.example.com\n" },
    { NULL, "OUTBOUND_ALLOW=https://*.",
      "environment: OUTBOUND_ALLOW: \"https://*.\" is not an origin of a peer: "
      "https://relay.example.com[:port] or https://*.example.com\n" },
    { NULL, "OUTBOUND_ALLOW=https://a.example/",
      "environment: OUTBOUND_ALLOW: \"https://a.example/\" is not an origin of a peer: "
      "https://relay.example.com[:port] or https://*.example.com, with nothing behind host and "
      "port, not even /\n" },
    { NULL, "OUTBOUND_ALLOW=http://*.0.0.1",
      "environment: OUTBOUND_ALLOW: \"http://*.0.0.1\" is not an origin of a peer: "
      "https://relay.example.com[:port] or https://*.example.com: only names have names below "
      "them\n" },
    { NULL, "OUTBOUND_FROM=10.0.0.0/33",
      "environment: OUTBOUND_FROM: \"10.0.0.0/33\" is not a network: 10.0.0.0/8, 192.0.2.1, "
      "2001:db8::/32\n" },
    { NULL, "OUTBOUND_FROM=localhost",
      "environment: OUTBOUND_FROM: \"localhost\" is not a network: 10.0.0.0/8, 192.0.2.1, "
      "2001:db8::/32\n" },
    { NULL, "TRUSTED_PROXIES=10.0.0.0/8,10.0.0.1/8",
      "environment: TRUSTED_PROXIES: \"10.0.0.1/8\" is not a network: there are bits behind the "
      "prefix; 10.0.0.0/8 begins with zeros there, an address alone has no prefix\n" },
    /* Header fields. */
    { NULL, "HEADERS={\"x\":\"hunter2\"",
      "environment: HEADERS: the value is not JSON: {\"name\":\"value\", ...}\n" },
    { NULL, "HEADERS=[\"hunter2\"]",
      "environment: HEADERS: the value is not a JSON object: {\"name\":\"value\", ...}\n" },
    { NULL, "HEADERS={\"x\":2}",
      "environment: HEADERS: the value has a value that is not a string: {\"name\":\"value\", "
      "...}\n" },
    { NULL, "HEADERS={\"x\":\"hunter2\",\"x\":\"hunter2\"}",
      "environment: HEADERS: the value has a name twice: {\"name\":\"value\", ...}\n" },
    { NULL, "HEADERS={\"X-A\":\"hunter2\",\"x-a\":\"hunter2\"}",
      "environment: HEADERS: the field \"x-a\" is there twice\n" },
    { NULL, "HEADERS={\"x a\":\"hunter2\"}",
      "environment: HEADERS: the field \"x a\" has a name that no header field can have\n" },
    { NULL, "HEADERS={\"\":\"hunter2\"}",
      "environment: HEADERS: the field \"\" has a name that no header field can have\n" },
    { NULL, "HEADERS={\"x\":\"hunter2\\r\\nevil: 1\"}",
      "environment: HEADERS: the field \"x\" has a control byte in its value\n" },
    { NULL, "HEADERS={\"Host\":\"h\"}",
      "environment: HEADERS: the field \"host\" is not to be set: it belongs to one connection, one "
      "message or the relays\n" },
    { NULL, "HEADERS={\"X-MTE-Upstream\":\"h\"}",
      "environment: HEADERS: the field \"x-mte-upstream\" is not to be set: it belongs to one "
      "connection, one message or the relays\n" },
    /* Secrets. */
    { NULL, "CLIENT_ID_SECRET_ALSO=hunter2",
      "environment: CLIENT_ID_SECRET_ALSO: the value is 7 characters long; at least 32 are "
      "needed\n" },
    { "outbound_token_also = \" hunter2\";", "",
      "DIR/conf:1: outbound_token_also: the value cannot be sent in a header field: it has spaces "
      "around it\n" },
    { NULL, "OUTBOUND_TOKEN_ALSO=hunter\xc3\xa9",
      "environment: OUTBOUND_TOKEN_ALSO: the value cannot be sent in a header field: byte 7 is not "
      "ASCII\n" },
    { "secret = \"hunter2\\n\";", "",
      "DIR/conf:1: secret: the value has a control byte or a line end in it, as byte 8 of 8\n" },
    { NULL, "SECRET=hunter2\nSECRET_FILE=DIR/secret",
      "environment: SECRET_FILE: is one too many: environment: SECRET has the same setting\n" },
    { "secret_file = \"/nonexistent/x\";\nsecret = \"hunter2\";", "",
      "DIR/conf:2: secret: is one too many: DIR/conf:1: secret_file has the same setting\n"
      "DIR/conf:1: secret_file: \"/nonexistent/x\" cannot be read: No such file or directory\n" },
    { NULL, "PORT=1\nPORT=1",
      "environment: PORT: is one too many: environment: PORT has the same setting\n" },
    { NULL, "SECRET_FILE=DIR/nowhere",
      "environment: SECRET_FILE: \"DIR/nowhere\" cannot be read: No such file or directory\n" },
    { NULL, "SECRET_FILE=DIR/empty",
      "environment: SECRET_FILE: the file \"DIR/empty\" is empty\n" },
    { NULL, "SECRET_FILE=DIR/line", "environment: SECRET_FILE: the file \"DIR/line\" is empty\n" },
    { NULL, "SECRET_FILE=DIR/two",
      "environment: SECRET_FILE: the value has a control byte or a line end in it, as byte 8 of "
      "8\n" },
    { NULL, "SECRET_FILE=DIR/large",
      "environment: SECRET_FILE: \"DIR/large\" cannot be read: over a limit\n" },
    { NULL, "PEER_CA_FILE=DIR/nowhere",
      "environment: PEER_CA_FILE: \"DIR/nowhere\" cannot be read: No such file or directory\n" },
    { NULL, "PEER_CA_FILE=DIR/empty",
      "environment: PEER_CA_FILE: the file \"DIR/empty\" is empty\n" },
    { NULL, "PEER_CA_FILE=DIR/huge",
      "environment: PEER_CA_FILE: \"DIR/huge\" cannot be read: over a limit\n" },
    { NULL, "PEER_CA_FILE=DIR/",
      "environment: PEER_CA_FILE: \"DIR/\" cannot be read: Is a directory\n" },
    { "tls_cert_file = \"/etc/passwd\";", "",
      "DIR/conf:1: tls_cert_file: needs TLS_KEY_FILE beside it\n" },
    { NULL, "TLS_KEY_FILE=/etc/passwd",
      "environment: TLS_KEY_FILE: needs TLS_CERT_FILE beside it\n" },
    { NULL, "TLS_CLIENT_CA_FILE=/etc/passwd",
      "environment: TLS_CLIENT_CA_FILE: needs TLS_CERT_FILE beside it\n" },
    { NULL, "PEER_CERT_FILE=/etc/passwd",
      "environment: PEER_CERT_FILE: needs PEER_KEY_FILE beside it\n" },
    { NULL, "PEER_KEY_FILE=/etc/passwd",
      "environment: PEER_KEY_FILE: needs PEER_CERT_FILE beside it\n" },
};

static void write_secret_files(void)
{
    static uint8_t huge[(1 << 20) + 1];

    memset(huge, 'x', sizeof(huge));
    conf_fixture_file("empty", SPAN(""));
    conf_fixture_file("line", SPAN("\n"));
    conf_fixture_file("two", SPAN("hunter2\n\n"));
    conf_fixture_file("large", span_of(huge, 65537));
    conf_fixture_file("huge", span_of(huge, sizeof(huge)));
}

static void each_mistake_is_named_with_its_place(void **state)
{
    char environment[1024];

    (void)state;
    write_secret_files();
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
        struct loaded loaded;

        snprintf(environment, sizeof(environment), CONF_FIXTURE_REQUIRED "%s",
                 mistakes[i].environment);
        loaded = conf_fixture_load(mistakes[i].file, environment);
        if (strcmp(loaded.problems, mistakes[i].problems) != 0)
            print_error("row %zu\n", i);
        assert_string_equal(loaded.problems, mistakes[i].problems);
        assert_int_equal(loaded.r, ERR_FORMAT);
        assert_string_equal(loaded.warnings, "");
        assert_null(strstr(loaded.problems, "hunter"));
        conf_fixture_unload(&loaded);
    }
}

static void all_mistakes_are_named_at_once(void **state)
{
    struct loaded loaded = conf_fixture_load("prot = 1;\nport = \"x\";\nlisten = \"here\";\n",
                                             "CLIENT_ID_SECRET=hunter2\nWORKERS=many\n");

    (void)state;
    assert_string_equal(
        loaded.problems,
        "DIR/conf:1: prot: is not a setting; the nearest is port\n"
        "UPSTREAM: is not set, and has to be: http(s) URL of the API that decoded requests go to; "
        "a base path is allowed\n"
        "environment: CLIENT_ID_SECRET: the value is 7 characters long; at least 32 are needed\n"
        "OUTBOUND_TOKEN: is not set, and has to be: the local application shows it to send a "
        "request out; 16 characters or more\n"
        "DIR/conf:2: port: \"x\" is not a whole number from 0 to 65535\n"
        "DIR/conf:3: listen: \"here\" is not an address: 0.0.0.0, 127.0.0.1, [::], [::1] and the "
        "like\n"
        "environment: WORKERS: \"many\" is not a whole number from 0 to 512\n");
    conf_fixture_unload(&loaded);
}

static void a_given_file_must_be_there(void **state)
{
    struct loaded loaded = { .r = 0 };
    char *const nothing[] = { NULL };

    (void)state;
    loaded = conf_fixture_load("", CONF_FIXTURE_REQUIRED);
    assert_int_equal(loaded.r, 0);
    conf_fixture_unload(&loaded);
    loaded.r = conf_load("/nonexistent/file.conf", nothing, conf_fixture_problem,
                         conf_fixture_problem, &loaded, &loaded.conf);
    assert_int_equal(loaded.r, ERR_FORMAT);
    assert_ptr_equal(strstr(loaded.problems,
                            "/nonexistent/file.conf: cannot be read: No such file or directory\n"),
                     loaded.problems);
    loaded.problems[0] = '\0';
    loaded.r =
        conf_load("/", nothing, conf_fixture_problem, conf_fixture_problem, &loaded, &loaded.conf);
    assert_int_equal(loaded.r, ERR_FORMAT);
    assert_ptr_equal(strstr(loaded.problems, "/: cannot be read: Is a directory\n"),
                     loaded.problems);
}

static void a_file_that_is_too_large_is_not_read(void **state)
{
    static char text[(1 << 20) + 2];
    struct loaded loaded;

    (void)state;
    memset(text, ' ', sizeof(text) - 1);
    loaded = conf_fixture_load(text, CONF_FIXTURE_REQUIRED);
    assert_string_equal(loaded.problems, "DIR/conf: is larger than 1 MiB\n");
    conf_fixture_unload(&loaded);
    text[sizeof(text) - 2] = '\0';
    loaded = conf_fixture_load(text, CONF_FIXTURE_REQUIRED);
    assert_int_equal(loaded.r, 0);
    conf_fixture_unload(&loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_mistake_is_named_with_its_place, conf_fixture_open,
                                        conf_fixture_close),
        cmocka_unit_test_setup_teardown(all_mistakes_are_named_at_once, conf_fixture_open,
                                        conf_fixture_close),
        cmocka_unit_test_setup_teardown(a_given_file_must_be_there, conf_fixture_open,
                                        conf_fixture_close),
        cmocka_unit_test_setup_teardown(a_file_that_is_too_large_is_not_read, conf_fixture_open,
                                        conf_fixture_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
