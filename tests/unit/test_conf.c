/* SPDX-License-Identifier: MIT */
/* Settings: every one can be set by each source, the later source wins, workers get the same. */
#include "tests/unit/conf_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/conf_kind.h"
#include "common/fd.h"

#define TOKEN_36 "abcdefghijklmnopqrstuvwxyz0123456789"

static const struct {
    const char *name, *value, *other;
} values[] = {
#define VALUE_ROW(name, value, other) { name, value, other },
#include "tests/unit/setting_values_table.h"
#undef VALUE_ROW
};

static const char *value_of(const char *name, bool other)
{
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        if (strcmp(values[i].name, name) == 0)
            return other ? values[i].other : values[i].value;
    }
    fail_msg("%s has no value in this test: give it two", name);
    return NULL;
}

static void put_variable(struct buffer *b, const struct conf_setting *s, bool other)
{
    buffer_printf(b, "%s=%s\n", s->name, value_of(s->name, other));
}

/* As the file has it: a string with its quotes escaped. */
static void put_line(struct buffer *b, const struct conf_setting *s, bool other)
{
    char key[CONF_KEY_LEN];

    conf_setting_key((struct conf_name){ s, false }, key);
    buffer_printf(b, "%s = \"", key);
    for (const char *c = value_of(s->name, other); *c != '\0'; c++)
        buffer_printf(b, *c == '"' ? "\\%c" : "%c", *c);
    buffer_put_text(b, "\";\n");
}

typedef void (*put_fn)(struct buffer *b, const struct conf_setting *s, bool other);

/* All settings, of which row (or none) has its other value. The caller frees it. */
static char *all_settings(put_fn put, size_t row)
{
    struct buffer b;

    buffer_init(&b, 0);
    for (size_t i = 0; i < CONF_N_SETTINGS; i++)
        put(&b, &conf_settings[i], i == row);
    buffer_put(&b, SPAN("\0"));
    assert_int_equal(buffer_error(&b), 0);
    return (char *)b.at;
}

static struct loaded load_well(const char *file, const char *environment)
{
    struct loaded loaded = conf_fixture_load(file, environment);

    assert_string_equal(loaded.problems, "");
    return loaded;
}

/* As it was written. */
static struct span text_of(const struct loaded *loaded, size_t row)
{
    struct span text = loaded->conf->store->texts[row];

    return conf_settings[row].kind->is_file ? span_cut(&text, '\0') : text;
}

static void every_setting_can_be_set_by_file_and_by_environment(void **state)
{
    char *file = all_settings(put_line, CONF_N_SETTINGS);
    char *environment = all_settings(put_variable, CONF_N_SETTINGS);
    struct loaded by_file = load_well(file, "");
    struct loaded by_environment = load_well(NULL, environment);

    (void)state;
    for (size_t i = 0; i < CONF_N_SETTINGS; i++) {
        struct span want = span_text(value_of(conf_settings[i].name, false));

        assert_true(span_equal(text_of(&by_file, i), want));
        assert_true(span_equal(text_of(&by_environment, i), want));
        assert_false(span_equal(want, span_text(conf_settings[i].fallback)));
    }
    conf_fixture_unload(&by_file);
    conf_fixture_unload(&by_environment);
    free(file);
    free(environment);
}

static void a_setting_of_the_environment_replaces_the_files_and_no_other(void **state)
{
    char *file = all_settings(put_line, CONF_N_SETTINGS);

    (void)state;
    for (size_t row = 0; row < CONF_N_SETTINGS; row++) {
        struct loaded loaded;
        struct buffer b;

        buffer_init(&b, 0);
        put_variable(&b, &conf_settings[row], true);
        buffer_put(&b, SPAN("\0"));
        loaded = load_well(file, (const char *)buffer_span(&b).at);
        for (size_t i = 0; i < CONF_N_SETTINGS; i++)
            assert_true(span_equal(text_of(&loaded, i),
                                   span_text(value_of(conf_settings[i].name, i == row))));
        conf_fixture_unload(&loaded);
        buffer_fini(&b);
    }
    free(file);
}

static void the_default_file_may_be_absent(void **state)
{
    struct loaded loaded = { .r = 0 };
    char upstream[] = "UPSTREAM=http://a", client[] = "CLIENT_ID_SECRET=" TOKEN_36;
    char token[] = "OUTBOUND_TOKEN=" TOKEN_36;
    char *const environment[] = { upstream, client, token, NULL };

    (void)state;
    if (access(CONF_PATH, F_OK) == 0) {
        print_message("%s is there\n", CONF_PATH);
        skip();
    }
    loaded.r = conf_load(NULL, environment, conf_fixture_problem, conf_fixture_problem, &loaded,
                         &loaded.conf);
    assert_int_equal(loaded.r, 0);
    conf_fixture_unload(&loaded);
}

static void an_empty_value_is_no_value(void **state)
{
    struct loaded loaded;

    (void)state;
    conf_fixture_file("none", SPAN("\n"));
    loaded = load_well("port = 1; workers = \"\"; mte_routes = [ ];",
                       CONF_FIXTURE_REQUIRED "PORT=\nSECRET=\nSECRET_FILE=\n"
                                             "SECRET_ALSO_FILE=DIR/none\n");
    assert_int_equal(loaded.conf->port, 1);
    assert_int_equal(loaded.conf->workers, 0);
    assert_int_equal(loaded.conf->mte_routes.n, 0);
    assert_int_equal(loaded.conf->secret_also.len, 0);
    conf_fixture_unload(&loaded);
}

static void a_secret_may_be_in_a_file_of_its_own(void **state)
{
    struct loaded loaded;

    (void)state;
    conf_fixture_file("secret", SPAN("sharedsecret1234567890\n"));
    loaded = load_well(NULL, CONF_FIXTURE_REQUIRED "SECRET_FILE=DIR/secret");
    assert_true(span_equal(loaded.conf->secret, SPAN("sharedsecret1234567890")));
    conf_fixture_unload(&loaded);
    conf_fixture_file("secret", SPAN("no line end"));
    loaded = load_well(NULL, CONF_FIXTURE_REQUIRED "SECRET_FILE=DIR/secret");
    assert_true(span_equal(loaded.conf->secret, SPAN("no line end")));
    conf_fixture_unload(&loaded);
}

static void the_environment_wins_across_both_names_of_a_secret(void **state)
{
    struct loaded loaded;

    (void)state;
    conf_fixture_file("secret", SPAN("secret of a file\n"));
    loaded = load_well("secret = \"secret of the configuration\";",
                       CONF_FIXTURE_REQUIRED "SECRET_FILE=DIR/secret");
    assert_true(span_equal(loaded.conf->secret, SPAN("secret of a file")));
    conf_fixture_unload(&loaded);
    loaded = load_well("secret_file = \"/nonexistent\";",
                       CONF_FIXTURE_REQUIRED "SECRET=secret of the environment");
    assert_true(span_equal(loaded.conf->secret, SPAN("secret of the environment")));
    conf_fixture_unload(&loaded);
}

static void the_file_may_say_numbers_lists_and_truth_plainly(void **state)
{
    struct loaded loaded = load_well("port = 3000; upstream_timeout = 5;\n"
                                     "mte_routes = [ \"/a\", \"/b/*\" ];\n"
                                     "cors_methods = ( \"GET\", \"PATCH\" );\n"
                                     "run_user = true;\n",
                                     CONF_FIXTURE_REQUIRED);
    const struct conf *conf = loaded.conf;

    (void)state;
    assert_int_equal(conf->port, 3000);
    assert_int_equal(conf->upstream_timeout, 5000);
    assert_int_equal(conf->mte_routes.n, 2);
    assert_true(span_equal(conf->mte_routes.items[1], SPAN("/b/*")));
    assert_int_equal(conf->cors_methods.n, 2);
    assert_true(span_equal(conf->cors_methods.items[1], SPAN("PATCH")));
    assert_true(span_equal(conf->run_user, SPAN("true")));
    conf_fixture_unload(&loaded);
}

static void values_arrive_in_the_units_of_their_kind(void **state)
{
    struct loaded loaded =
        load_well(NULL, CONF_FIXTURE_REQUIRED
                  "LISTEN=[::]\nLOG_LEVEL=warn\nMAX_REQUEST_BODY=64 KiB\nPAIR_LIFETIME=2h\n"
                  "HEADERS={\"X-Service-Name\":\"mte, \\u00e9\",\"x-b\":\"\"}\n"
                  "CORS_ORIGINS=HTTPS://A.Example:443 ,http://b.example:8080\n"
                  "CORS_METHODS= GET ,POST\n");
    const struct conf *conf = loaded.conf;

    (void)state;
    assert_true(conf->upstream.set && conf->upstream.url.tls);
    assert_true(span_equal(conf->upstream.url.host, SPAN("api.my-company.com")));
    assert_false(conf->outbound_upstream.set);
    assert_true(span_equal(conf->listen, SPAN("::")));
    assert_int_equal(conf->log_level, LOG_LEVEL_WARNING);
    assert_int_equal(conf->max_request_body, 65536);
    assert_int_equal(conf->pair_lifetime, 7200000);
    assert_int_equal(conf->headers.n, 2);
    assert_true(span_equal(conf->headers.items[0].name, SPAN("x-service-name")));
    assert_true(span_equal(conf->headers.items[0].value, SPAN("mte, \xc3\xa9")));
    assert_int_equal(conf->headers.items[1].value.len, 0);
    assert_int_equal(conf->cors_origins.n, 2);
    assert_true(span_equal(conf->cors_origins.items[0], SPAN("https://a.example")));
    assert_true(span_equal(conf->cors_origins.items[1], SPAN("http://b.example:8080")));
    assert_true(span_equal(conf->cors_methods.items[0], SPAN("GET")));
    conf_fixture_unload(&loaded);
}

static void the_sentence_about_levels_has_them_all(void **state)
{
    struct loaded loaded = conf_fixture_load(NULL, CONF_FIXTURE_REQUIRED "LOG_LEVEL=?");

    (void)state;
#define LOG_ROW(name, word, alias, severity) assert_non_null(strstr(loaded.problems, " " word));
#include "common/log_table.h"
#undef LOG_ROW
    conf_fixture_unload(&loaded);
}

static struct conf *through_a_boot_record(const struct conf *conf)
{
    struct boot_writer w;
    struct boot *boot = NULL;
    struct conf *copy = NULL;
    int fd = -1;

    boot_writer_init(&w);
    assert_int_equal(conf_to_boot(conf, &w), 0);
    assert_int_equal(boot_seal(&w, &fd), 0);
    boot_writer_fini(&w);
    assert_int_equal(boot_open(fd, &boot), 0);
    fd_close(&fd);
    assert_int_equal(conf_from_boot(boot, &copy), 0);
    boot_close(&boot); /* the copy stands on its own */
    return copy;
}

/* Line ends, control bytes and all; only a secret's own file loses a line end. */
static void a_file_is_taken_as_it_is_and_shown_by_its_path(void **state)
{
    struct span content = SPAN("\0-- a key --\r\n\x7f\n");
    char *path = strdup(conf_fixture_file("key", content));
    struct loaded loaded = load_well(NULL, CONF_FIXTURE_REQUIRED "PEER_CA_FILE=DIR/key\n");
    struct conf *copy = through_a_boot_record(loaded.conf);
    char *text = conf_fixture_describe(copy);
    char want[512];

    (void)state;
    assert_true(span_equal(copy->peer_ca_file.path, span_text(path)));
    assert_true(span_equal(copy->peer_ca_file.content, content));
    snprintf(want, sizeof(want), "\nPEER_CA_FILE = %s (16 bytes)\n", path);
    assert_non_null(strstr(text, want));
    assert_null(strstr(text, "a key"));
    free(path);
    free(text);
    conf_free(&copy);
    conf_fixture_unload(&loaded);
}

static void keys_are_forgotten_and_their_lengths_are_not(void **state)
{
    struct loaded loaded = load_well(NULL, CONF_FIXTURE_REQUIRED
                                     "SECRET=1234567890123456\nSECRET_ALSO=abcdefghijklmnop"
                                     "\nCLIENT_ID_SECRET_ALSO=" TOKEN_36 "\n");
    struct conf *copy = through_a_boot_record(loaded.conf);
    const struct span *keys[] = { &copy->secret, &copy->secret_also, &copy->client_id_secret,
                                  &copy->client_id_secret_also };
    const size_t lens[] = { 16, 16, 32, 36 };

    (void)state;
    conf_forget_keys(copy);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(keys[i]->len, lens[i]);
        for (size_t at = 0; at < lens[i]; at++)
            assert_int_equal(keys[i]->at[at], 0);
    }
    assert_true(span_equal(copy->outbound_token, loaded.conf->outbound_token));
    conf_free(&copy);
    conf_fixture_unload(&loaded);
}

static void a_description_shows_no_secret(void **state)
{
    struct loaded loaded =
        load_well(NULL, CONF_FIXTURE_REQUIRED "HEADERS={\"x-api-key\":\"hunter2\",\"x-b\":\"\"}\n"
                                              "REDIS_URL=redis://u:hunter2@h\n");
    char *text = conf_fixture_describe(loaded.conf);

    (void)state;
    assert_non_null(strstr(text, "UPSTREAM = https://api.my-company.com\n"));
    assert_non_null(strstr(text, "\nCLIENT_ID_SECRET = set (32 characters)\n"));
    assert_non_null(strstr(text, "\nSECRET = not set\n"));
    assert_non_null(strstr(text, "\nPORT = 8080\n"));
    assert_non_null(strstr(text, "\nMTE_ROUTES = not set\n"));
    assert_non_null(strstr(text, "\nREDIS_URL = set (19 characters)\n"));
    assert_non_null(strstr(text, "\nHEADERS = 2 fields: x-api-key (7 characters), x-b (0 "
                                 "characters)\n"));
    assert_null(strstr(text, "hunter2"));
    assert_null(strstr(text, "2DkV4"));
    free(text);
    conf_fixture_unload(&loaded);
}

static void assert_same_in_a_worker(const struct conf *conf)
{
    struct conf *copy = through_a_boot_record(conf);
    char *want = conf_fixture_describe(conf), *got = conf_fixture_describe(copy);

    assert_string_equal(got, want);
    for (size_t i = 0; i < CONF_N_SETTINGS; i++)
        assert_true(span_equal(copy->store->texts[i], conf->store->texts[i]));
    free(want);
    free(got);
    conf_free(&copy);
}

static void a_worker_has_the_masters_settings(void **state)
{
    struct loaded loaded = load_well(NULL, CONF_FIXTURE_REQUIRED);

    (void)state;
    assert_same_in_a_worker(loaded.conf);
    conf_fixture_unload(&loaded);
    conf_fixture_file("secret", SPAN("secret of a file\n"));
    loaded = load_well("port = 1;", CONF_FIXTURE_REQUIRED "SECRET_FILE=DIR/secret");
    assert_same_in_a_worker(loaded.conf);
    conf_fixture_unload(&loaded);
    for (size_t row = 0; row <= CONF_N_SETTINGS; row++) {
        char *environment = all_settings(put_variable, row);

        loaded = load_well(NULL, environment);
        assert_same_in_a_worker(loaded.conf);
        conf_fixture_unload(&loaded);
        free(environment);
    }
}

static int verdict_on(const char *name, struct span value)
{
    struct boot_writer w;
    struct boot *boot = NULL;
    struct conf *conf = NULL;
    int fd = -1, r;

    boot_writer_init(&w);
    boot_put(&w, SPAN("CLIENT_ID_SECRET"), SPAN(TOKEN_36));
    boot_put(&w, SPAN("OUTBOUND_TOKEN"), SPAN(TOKEN_36));
    boot_put(&w, span_text(name), value);
    assert_int_equal(boot_seal(&w, &fd), 0);
    boot_writer_fini(&w);
    assert_int_equal(boot_open(fd, &boot), 0);
    fd_close(&fd);
    r = conf_from_boot(boot, &conf);
    assert_int_equal(r == 0, conf != NULL);
    conf_free(&conf);
    boot_close(&boot);
    return r;
}

static void a_record_that_no_master_wrote_is_refused(void **state)
{
    (void)state;
    assert_int_equal(verdict_on("UPSTREAM", SPAN("http://a")), 0);
    assert_int_equal(verdict_on("UPSTREAM", SPAN("ftp://a")), ERR_FORMAT);
    assert_int_equal(verdict_on("UPSTREAM", SPAN_NONE), ERR_FORMAT);
    assert_int_equal(verdict_on("SECRET", SPAN("x")), ERR_FORMAT); /* UPSTREAM is missing */
}

static void the_names_that_workers_go_without_are_the_settings_and_their_files(void **state)
{
    char path[CONF_KEY_LEN];

    (void)state;
    for (size_t i = 0; i < CONF_N_SETTINGS; i++) {
        assert_true(conf_is_setting(span_text(conf_settings[i].name)));
        snprintf(path, sizeof(path), "%s_FILE", conf_settings[i].name);
        assert_int_equal(conf_is_setting(span_text(path)), (conf_settings[i].flags & SECRET) != 0);
    }
    assert_false(conf_is_setting(SPAN("PATH")));
    assert_false(conf_is_setting(SPAN("port")));
    assert_false(conf_is_setting(SPAN("_FILE")));
    assert_false(conf_is_setting(SPAN_NONE));
}

/* Names fit where they are written, and whatever can be printed as a secret is a secret. */
static void the_table_is_sound(void **state)
{
    char key[CONF_KEY_LEN];

    (void)state;
    for (size_t i = 0; i < CONF_N_SETTINGS; i++) {
        const struct conf_setting *s = &conf_settings[i];

        conf_setting_key((struct conf_name){ s, true }, key);
        assert_int_equal(strlen(key), strlen(s->name) + strlen("_file"));
        assert_true(s->max == 0 || s->min <= s->max);
        if (s->flags & SECRET)
            assert_true(s->kind->hidden && s->kind->show == conf_kind_show_secret);
        assert_true((s->flags & REQUIRED) == 0 || s->fallback[0] == '\0');
    }
}

#define IN_A_FOLDER(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, conf_fixture_open, conf_fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(every_setting_can_be_set_by_file_and_by_environment),
        IN_A_FOLDER(a_setting_of_the_environment_replaces_the_files_and_no_other),
        cmocka_unit_test(the_default_file_may_be_absent),
        IN_A_FOLDER(an_empty_value_is_no_value),
        IN_A_FOLDER(a_secret_may_be_in_a_file_of_its_own),
        IN_A_FOLDER(the_environment_wins_across_both_names_of_a_secret),
        IN_A_FOLDER(the_file_may_say_numbers_lists_and_truth_plainly),
        IN_A_FOLDER(values_arrive_in_the_units_of_their_kind),
        IN_A_FOLDER(the_sentence_about_levels_has_them_all),
        IN_A_FOLDER(a_file_is_taken_as_it_is_and_shown_by_its_path),
        IN_A_FOLDER(a_description_shows_no_secret),
        IN_A_FOLDER(keys_are_forgotten_and_their_lengths_are_not),
        IN_A_FOLDER(a_worker_has_the_masters_settings),
        IN_A_FOLDER(a_record_that_no_master_wrote_is_refused),
        IN_A_FOLDER(the_names_that_workers_go_without_are_the_settings_and_their_files),
        IN_A_FOLDER(the_table_is_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
