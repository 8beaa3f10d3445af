/* SPDX-License-Identifier: MIT */
/*
 * The responder as a peer meets it: real protocol, real store; the exchange is a double that keeps
 * what would go out.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/metric.h"
#include "common/steady.h"
#include "worker/client_token.h"
#include "worker/pair_endpoint.h"

enum { RATE = 3, MAX_BODY = 5 << 20, LIFETIME_MS = 600 * 1000, MAC_AT = PAIRING_M1_LEN - 32 };

/* ---- the exchange ---- */

struct exchange {
    struct services services;
    struct exchange_request request;
    void *state;
    unsigned n_heads, n_ends;
    char type[64], cache[64];
    struct buffer out;
};

static struct exchange x;

void *exchange_state(struct exchange *exchange)
{
    return exchange->state;
}

struct services *exchange_services(struct exchange *exchange)
{
    return &exchange->services;
}

struct exchange_request *exchange_request(struct exchange *exchange)
{
    return &exchange->request;
}

struct span exchange_source(struct exchange *exchange)
{
    (void)exchange;
    return SPAN("192.0.2.1");
}

int exchange_door_head(struct exchange *exchange, unsigned status, const struct headers *fields,
                       const uint64_t *content_length)
{
    const struct header *type = headers_find(fields, SPAN("content-type"));
    const struct header *cache = headers_find(fields, SPAN("cache-control"));

    assert_int_equal(status, 200);
    assert_non_null(content_length);
    snprintf(exchange->type, sizeof(exchange->type), "%.*s", SPAN_PRINT(type->value));
    snprintf(exchange->cache, sizeof(exchange->cache), "%.*s", SPAN_PRINT(cache->value));
    exchange->n_heads++;
    return 0;
}

int exchange_door_data(struct exchange *exchange, struct span bytes)
{
    buffer_put(&exchange->out, bytes);
    return 0;
}

int exchange_door_end(struct exchange *exchange)
{
    exchange->n_ends++;
    return 0;
}

void exchange_answers_error(struct exchange *exchange, unsigned status, const char *why)
{
    (void)exchange;
    assert_in_range(status, 400, 503);
    assert_non_null(why);
}

void exchange_abort(struct exchange *exchange, const char *cause, ...)
{
    (void)exchange;
    fail_msg("aborted: %s", cause);
}

/* ---- both sides ---- */

static struct identity ours, theirs, others;
static struct conf conf = { .pair_lifetime = LIFETIME_MS, .max_request_body = MAX_BODY };
static struct shm *shm;
static struct pairing *pairing;
static uint8_t m1[PAIRING_M1_LEN + 1];
static int log_fd;

static void make_m1(const struct identity *identity, int64_t late_ms, uint8_t suite)
{
    struct pairing_offer offer = { .suites = { suite },
                                   .now_ms = clock_wall_ms() - (uint64_t)late_ms };

    pairing_free(&pairing);
    assert_int_equal(pairing_start(identity, &offer, &pairing), 0);
    memcpy(m1, pairing_m1(pairing).at, PAIRING_M1_LEN);
}

static void sign_m1(void)
{
    const struct span plain = span_of(m1, MAC_AT);

    assert_int_equal(
        crypto_hmac(span_of(ours.psk[0].m1_mac.bytes, SECRET_KEY_LEN), &plain, 1, m1 + MAC_AT), 0);
}

static void post(size_t len)
{
    buffer_clear(&x.out);
    x.n_heads = x.n_ends = 0;
    x.request.body = span_of(m1, len);
    x.state = calloc(1, pair_endpoint_ops.state_len);
    pair_endpoint_ops.begin(&x);
    pair_endpoint_ops.fini(&x);
    free(x.state);
    assert_int_equal(x.n_heads, 1);
    assert_int_equal(x.n_ends, 1);
    assert_string_equal(x.cache, "no-store, no-transform");
}

static void assert_error(size_t len, enum errframe_code want)
{
    struct span about = span_part(span_of(m1, len), 0, PAIRING_M1_LEN);
    enum errframe_code code;
    uint64_t time_ms;

    post(len);
    assert_string_equal(x.type, "application/mte-error");
    assert_int_equal(errframe_read(&ours.psk[0], buffer_span(&x.out), about, &code, &time_ms), 0);
    assert_int_equal(code, want);
    assert_in_range(time_ms, steady_ms() - 1000, steady_ms());
}

static struct pairing_result assert_paired(void)
{
    struct pairing_result result;

    post(PAIRING_M1_LEN);
    assert_string_equal(x.type, "application/mte-pair");
    assert_int_equal(pairing_finish(pairing, buffer_span(&x.out), clock_wall_ms(), &result), 0);
    return result;
}

static unsigned n_logged(const char *phrase)
{
    static char text[1 << 16];
    ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);
    unsigned count = 0;

    assert_true(n >= 0);
    text[n] = '\0';
    for (const char *at = text; (at = strstr(at, phrase)) != NULL; at++)
        count++;
    return count;
}

/* ---- before and after ---- */

static int open_all(void **state)
{
    struct shm_sizes sizes = { { 4096, 4096, 1 << 18, 64 * 4160 } };
    struct session_store_config config = { .pairs_per_node = 100,
                                           .pairing_rate = RATE,
                                           .max_cached = 8 };

    (void)state;
    memset(&x, 0, sizeof(x));
    buffer_init(&x.out, 0);
    assert_int_equal(shm_create(&sizes, &shm), 0);
    config.shm = shm;
    x.services.metrics = calloc(1, sizeof(*x.services.metrics));
    config.metrics = x.services.metrics;
    assert_int_equal(session_store_new(&config, &x.services.store), 0);
    x.services.conf = &conf;
    x.services.identity = &ours;
    log_fd = memfd_create("log", MFD_CLOEXEC);
    log_open(log_fd, LOG_LEVEL_INFO, "test");
    make_m1(&theirs, 0, SUITE_AES_256_GCM);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    log_open(STDERR_FILENO, LOG_LEVEL_INFO, "test");
    close(log_fd);
    free(x.services.metrics);
    session_store_free(&x.services.store);
    shm_close(&shm);
    pairing_free(&pairing);
    buffer_fini(&x.out);
    return 0;
}

/* ---- the laws ---- */

static struct session_ref *got;

static void on_got(struct store_wait *wait, int result)
{
    (void)wait;
    assert_int_equal(result, 0);
}

static void who_has_m2_finds_the_pair_stored(void **state)
{
    (void)state;
    struct pairing_result result = assert_paired();
    struct store_wait wait = { .done = on_got };
    const struct session *session;

    assert_int_equal(result.lifetime_s, LIFETIME_MS / 1000);
    assert_int_equal(result.max_body, MAX_BODY);
    assert_memory_equal(result.node, ours.node[0].node, NODE_LEN);
    session_store_get(x.services.store, result.secret.id, &got, &wait);
    session = &got->session;
    assert_memory_equal(session->node, theirs.node[0].node, NODE_LEN);
    assert_memory_equal(session->client_id, result.client_token, CLIENT_ID_LEN);
    assert_int_equal(session->expires_mono_ms - session->created_mono_ms, LIFETIME_MS);
    session_ref_put(&got);
    assert_int_equal(x.services.metrics->values[METRIC_pairings_answered], 1);
    assert_int_equal(x.services.metrics->values[METRIC_pairings_refused + PAIRING_BUSY], 0);
}

static void what_is_not_an_authentic_m1_is_rejected_all_alike(void **state)
{
    (void)state;
    const size_t lens[] = { 0, 1, PAIRING_M1_LEN - 1, PAIRING_M1_LEN + 1 };

    for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++)
        assert_error(lens[i], ERRFRAME_REJECT);
    for (size_t i = 0; i < PAIRING_M1_LEN; i++) {
        m1[i] ^= 0x40;
        assert_error(PAIRING_M1_LEN, ERRFRAME_REJECT);
        m1[i] ^= 0x40;
    }
    /* None of these cost the peer a part of its rate. */
    assert_paired();
}

static void another_secret_is_rejected(void **state)
{
    (void)state;
    make_m1(&others, 0, SUITE_AES_256_GCM);
    assert_error(PAIRING_M1_LEN, ERRFRAME_REJECT);
    assert_int_equal(n_logged("is SECRET the same on both sides?"), 1);
}

static void our_own_node_is_refused_with_the_settings_to_change(void **state)
{
    (void)state;
    make_m1(&ours, 0, SUITE_AES_256_GCM);
    assert_error(PAIRING_M1_LEN, ERRFRAME_REFUSED);
    assert_int_equal(n_logged("CLIENT_ID_SECRET and UPSTREAM"), 1);
}

static void no_common_suite_is_refused(void **state)
{
    (void)state;
    make_m1(&theirs, 0, 9);
    assert_error(PAIRING_M1_LEN, ERRFRAME_REFUSED);
    make_m1(&theirs, 0, SUITE_CHACHA20_POLY1305);
    assert_int_equal(assert_paired().secret.suite, SUITE_CHACHA20_POLY1305);
}

static void clocks_two_minutes_apart_are_refused(void **state)
{
    (void)state;
    make_m1(&theirs, 121 * 1000, SUITE_AES_256_GCM);
    assert_error(PAIRING_M1_LEN, ERRFRAME_CLOCK);
    make_m1(&theirs, -122 * 1000, SUITE_AES_256_GCM);
    assert_error(PAIRING_M1_LEN, ERRFRAME_CLOCK);
    make_m1(&theirs, 118 * 1000, SUITE_AES_256_GCM);
    assert_paired();
}

static void the_same_bytes_again_are_a_replay(void **state)
{
    (void)state;
    assert_paired();
    assert_error(PAIRING_M1_LEN, ERRFRAME_REPLAY);
}

static void a_node_that_pairs_too_fast_is_told_busy(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10 * RATE; i++) {
        make_m1(&theirs, 121 * 1000, SUITE_AES_256_GCM);
        post(PAIRING_M1_LEN);
    }
    make_m1(&theirs, 0, SUITE_AES_256_GCM);
    assert_error(PAIRING_M1_LEN, ERRFRAME_BUSY);
}

static void the_first_step_that_fails_gives_the_answer(void **state)
{
    (void)state;
    /* own node before clock, clock before nonce, nonce before the share */
    make_m1(&ours, 500 * 1000, SUITE_AES_256_GCM);
    assert_error(PAIRING_M1_LEN, ERRFRAME_REFUSED);
    make_m1(&theirs, 500 * 1000, SUITE_AES_256_GCM);
    assert_error(PAIRING_M1_LEN, ERRFRAME_CLOCK);
    assert_error(PAIRING_M1_LEN, ERRFRAME_CLOCK);
    make_m1(&theirs, 0, SUITE_AES_256_GCM);
    memset(m1 + MAC_AT - 32, 0, 32); /* X25519 of zero */
    sign_m1();
    assert_error(PAIRING_M1_LEN, ERRFRAME_REJECT);
    assert_error(PAIRING_M1_LEN, ERRFRAME_REPLAY);
    /* the rate before own node */
    for (unsigned i = 0; i < 10 * RATE; i++) {
        make_m1(&ours, 0, SUITE_AES_256_GCM);
        post(PAIRING_M1_LEN);
    }
    assert_error(PAIRING_M1_LEN, ERRFRAME_BUSY);
}

static void a_good_token_comes_back_any_other_is_replaced(void **state)
{
    (void)state;
    struct pairing_offer offer = { .suites = { SUITE_AES_256_GCM } };
    struct pairing_result first = assert_paired(), second, third;

    for (int i = 0; i < 2; i++) {
        memcpy(offer.client_token, first.client_token, CLIENT_TOKEN_LEN);
        offer.client_token[CLIENT_TOKEN_LEN - 1] ^= (uint8_t)i;
        offer.now_ms = clock_wall_ms();
        pairing_free(&pairing);
        assert_int_equal(pairing_start(&theirs, &offer, &pairing), 0);
        memcpy(m1, pairing_m1(pairing).at, PAIRING_M1_LEN);
        *(i == 0 ? &second : &third) = assert_paired();
    }
    assert_memory_equal(second.client_token, first.client_token, CLIENT_TOKEN_LEN);
    assert_memory_not_equal(third.client_token, first.client_token, CLIENT_ID_LEN);
    assert_int_equal(client_token_verify(&ours, theirs.node[0].node, third.client_token), 0);
}

static void on_put(struct store_wait *wait, int result)
{
    *(int *)wait->arg = result;
}

static void without_room_for_the_pair_there_is_no_m2(void **state)
{
    (void)state;
    struct session session = { .created_mono_ms = clock_mono_ms(),
                               .expires_mono_ms = clock_mono_ms() + LIFETIME_MS };
    uint32_t n = 0;
    int result = 0;
    struct store_wait wait = { .done = on_put, .arg = &result };

    while (result == 0) {
        n++;
        memcpy(session.secret.id, &n, sizeof(n));
        session_store_put(x.services.store, &session, &wait);
    }
    assert_int_equal(result, ERR_BUSY);
    assert_error(PAIRING_M1_LEN, ERRFRAME_BUSY);
}

static void a_store_that_does_not_answer_is_busy(void **state)
{
    (void)state;
    assert_int_equal(shm_lock(shm), 0);
    assert_error(PAIRING_M1_LEN, ERRFRAME_BUSY);
    shm_unlock(shm);
    assert_paired();
}

static void noise_does_not_fill_the_log_nor_hide_what_takes_secret(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        post(0);
    assert_in_range(n_logged("refused a pairing"), 10, 11);
    make_m1(&ours, 0, SUITE_AES_256_GCM);
    post(PAIRING_M1_LEN);
    assert_int_equal(n_logged("CLIENT_ID_SECRET and UPSTREAM"), 1);
    assert_int_equal(x.services.metrics->values[METRIC_pairings_refused + PAIRING_FORMAT], 1000);
    assert_int_equal(x.services.metrics->values[METRIC_pairings_refused + PAIRING_SELF], 1);
}

static void make_identity(struct identity *identity, const char *secret, const char *upstream)
{
    struct identity_config config = { .secret = span_text(secret),
                                      .client_id_secret =
                                          SPAN("01234567890123456789012345678901") };
    const char *why = NULL;

    assert_int_equal(url_parse(span_text(upstream), &config.upstream, &why), 0);
    assert_int_equal(identity_init(identity, &config), 0);
}

static int start(void **state)
{
    (void)state;
    assert_int_equal(crypto_init(), 0);
    assert_int_equal(kem_init(), 0);
    make_identity(&ours, "the secret of both", "http://ours");
    make_identity(&theirs, "the secret of both", "http://theirs");
    make_identity(&others, "another secret", "http://others");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    identity_fini(&ours);
    identity_fini(&theirs);
    identity_fini(&others);
    crypto_fini();
    return 0;
}

#define LAW(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAW(who_has_m2_finds_the_pair_stored),
        LAW(what_is_not_an_authentic_m1_is_rejected_all_alike),
        LAW(another_secret_is_rejected),
        LAW(our_own_node_is_refused_with_the_settings_to_change),
        LAW(no_common_suite_is_refused),
        LAW(clocks_two_minutes_apart_are_refused),
        LAW(the_same_bytes_again_are_a_replay),
        LAW(a_node_that_pairs_too_fast_is_told_busy),
        LAW(the_first_step_that_fails_gives_the_answer),
        LAW(a_good_token_comes_back_any_other_is_replaced),
        LAW(without_room_for_the_pair_there_is_no_m2),
        LAW(a_store_that_does_not_answer_is_busy),
        LAW(noise_does_not_fill_the_log_nor_hide_what_takes_secret),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
