/* SPDX-License-Identifier: MIT */
/* What the settings say of TLS: each mistake by its setting's name, and what ends soon. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/unit/issue.h"
#include "worker/certificates.h"

enum { DAY_S = 86400 };

static char logged[4096];

/* What was logged since begin_log(). */
static void gather_log(int log[static 2])
{
    ssize_t n;

    log_open(STDERR_FILENO, LOG_LEVEL_INFO, "test");
    close(log[1]);
    n = read(log[0], logged, sizeof(logged) - 1);
    logged[n > 0 ? n : 0] = '\0';
    close(log[0]);
}

static void begin_log(int log[static 2])
{
    assert_int_equal(pipe(log), 0);
    log_open(log[1], LOG_LEVEL_INFO, "test");
}

static int read_conf(struct certificates *c, const struct conf *conf)
{
    int log[2], r;

    begin_log(log);
    r = certificates_read(c, conf);
    gather_log(log);
    return r;
}

static void tell_ends(const struct certificates *c, int64_t now_s)
{
    int log[2];

    begin_log(log);
    certificates_tell_ends(c, now_s);
    gather_log(log);
}

static void every_mistake_is_told_by_its_settings_name(void **state)
{
    struct certificates c = { .door = NULL };
    struct conf conf = { .store = NULL };

    (void)state;
    conf.tls_cert_file.content = conf.tls_key_file.content = SPAN("no PEM");
    conf.upstream_ca_file.content = conf.peer_ca_file.content = SPAN("no PEM");
    assert_int_equal(read_conf(&c, &conf), ERR_FORMAT);
    assert_non_null(strstr(logged, "TLS_CERT_FILE: has no certificate in it"));
    assert_non_null(strstr(logged, "UPSTREAM_CA_FILE: has no certificate in it"));
    assert_non_null(strstr(logged, "PEER_CA_FILE: has no certificate in it"));
    certificates_fini(&c);
}

static void without_settings_there_is_no_door_and_nothing_ends(void **state)
{
    struct certificates c = { .door = NULL };
    const struct conf conf = { .store = NULL };

    (void)state;
    assert_int_equal(read_conf(&c, &conf), 0);
    assert_null(c.door);
    tell_ends(&c, INT64_C(1) << 40);
    assert_string_equal(logged, "");
    certificates_fini(&c);
}

static uint64_t end_of(const struct metric_block *metrics, enum certificate certificate)
{
    return metrics->values[metric_of(METRIC_certificate_expiry, certificate, 0)];
}

static void what_ends_is_counted_and_within_30_days_told_and_what_has_ended_loudly(void **state)
{
    struct issued ca = issue(NULL, NULL, 99), own = issue(&ca, "DNS:relay.test", 49);
    struct buffer ca_text, ca_key, text, key;
    struct certificates c = { .door = NULL };
    struct conf conf = { .store = NULL };
    struct metric_block metrics = { 0 };
    int64_t now = time(NULL);

    (void)state;
    put_pem(&ca, &ca_text, &ca_key);
    put_pem(&own, &text, &key);
    conf.tls_cert_file.content = buffer_span(&text); /* for 50 days */
    conf.tls_key_file.content = buffer_span(&key);
    conf.peer_ca_file.content = buffer_span(&ca_text); /* for 100 */
    assert_int_equal(read_conf(&c, &conf), 0);
    certificates_count_ends(&c, &metrics);
    assert_in_range(end_of(&metrics, CERTIFICATE_TLS_CERT_FILE), now + 48 * DAY_S,
                    now + 51 * DAY_S);
    assert_in_range(end_of(&metrics, CERTIFICATE_PEER_CA_FILE), now + 98 * DAY_S,
                    now + 101 * DAY_S);
    assert_int_equal(end_of(&metrics, CERTIFICATE_PEER_CERT_FILE), 0);
    assert_int_equal(end_of(&metrics, CERTIFICATE_UPSTREAM_CA_FILE), 0);
    assert_int_equal(end_of(&metrics, CERTIFICATE_TLS_CLIENT_CA_FILE), 0);
    tell_ends(&c, now + 19 * DAY_S);
    assert_string_equal(logged, "");
    tell_ends(&c, now + 21 * DAY_S);
    assert_non_null(strstr(logged, "warning"));
    assert_non_null(
        strstr(logged, "TLS_CERT_FILE: its certificate or one of its chain expires in "));
    assert_null(strstr(logged, "PEER_CA_FILE"));
    tell_ends(&c, now + 101 * DAY_S);
    assert_non_null(strstr(logged, "error"));
    assert_non_null(
        strstr(logged, "TLS_CERT_FILE: its certificate or one of its chain has expired"));
    assert_non_null(strstr(logged, "PEER_CA_FILE: the last of its CAs has expired"));
    certificates_fini(&c);
    buffer_fini(&ca_text);
    buffer_fini(&ca_key);
    buffer_fini(&text);
    buffer_fini(&key);
    issued_fini(&ca);
    issued_fini(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_told_by_its_settings_name),
        cmocka_unit_test(without_settings_there_is_no_door_and_nothing_ends),
        cmocka_unit_test(what_ends_is_counted_and_within_30_days_told_and_what_has_ended_loudly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
