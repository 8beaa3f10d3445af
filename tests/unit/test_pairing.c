/* SPDX-License-Identifier: MIT */
/* The laws of common/pairing.h: layouts, the order of checks, and that both sides end alike. */
#include "common/pairing.h"

#include "tests/unit/relays.h"
#include "tests/unit/unit.h"

#include "common/wire.h"

static struct relays relays;

static struct span m1_of(const struct pairing_run *run)
{
    return span_of(run->m1, PAIRING_M1_LEN);
}

static struct span m2_of(const struct pairing_run *run)
{
    return span_of(run->m2, PAIRING_M2_LEN);
}

/* mac1 over whatever M1 has become. */
static void mac_again(struct pairing_run *run)
{
    const struct span plain = span_of(run->m1, PAIRING_M1_LEN - CRYPTO_HASH_LEN);
    const struct secret_key *key = &relays.initiator.psk[0].m1_mac;

    assert_int_equal(
        crypto_hmac(span_of(key->bytes, SECRET_KEY_LEN), &plain, 1, run->m1 + plain.len), 0);
}

static void both_sides_end_with_the_same_pair(void **state)
{
    (void)state;
    for (enum suite suite = SUITE_AES_256_GCM; suite <= SUITE_CHACHA20_POLY1305; suite++) {
        struct pairing_result result;
        struct pairing_run run;

        relays_ask(&relays.initiator, 1, suite, &run);
        assert_int_equal(relays_answer(&relays.responder, 2, &run), 0);
        assert_int_equal(pairing_finish(run.pairing, m2_of(&run), relays_now_ms() + 500, &result),
                         0);
        assert_int_equal(result.secret.suite, suite);
        assert_memory_equal(&result.secret, &run.responder_secret, sizeof(result.secret));
        assert_memory_equal(result.secret.id, relays.initiator.psk[0].id, PAIR_ID_PSK_LEN);
        assert_memory_equal(result.node, relays.responder.node[0].node, NODE_LEN);
        assert_int_equal(result.skew_ms, 1000);
        assert_int_equal(result.lifetime_s, 3600);
        assert_int_equal(result.max_body, 16 << 20);
        assert_memory_equal(result.client_token, run.answer.client_token, CLIENT_TOKEN_LEN);
        relays_end(&run);
    }
}

static void the_real_functions_agree_and_never_twice_alike(void **state)
{
    struct pairing_offer offer = { .suites = { 1, 2 }, .now_ms = relays_now_ms() };
    struct pairing_answer answer = { .suite = SUITE_AES_256_GCM, .now_ms = relays_now_ms() };
    uint8_t m2[2][PAIRING_M2_LEN];
    struct pairing *pairing[2] = { NULL, NULL };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pairing_result result;
        struct pair_secret secret;
        struct pairing_m1 m1;

        assert_int_equal(pairing_start(&relays.initiator, &offer, &pairing[i]), 0);
        assert_int_equal(pairing_read_m1(&relays.responder, pairing_m1(pairing[i]), &m1), 0);
        assert_int_equal(pairing_answer(&relays.responder, &m1, &answer, m2[i], &secret), 0);
        assert_int_equal(pairing_finish(pairing[i], span_of(m2[i], PAIRING_M2_LEN), 0, &result), 0);
        assert_memory_equal(&result.secret, &secret, sizeof(secret));
    }
    assert_memory_not_equal(pairing_m1(pairing[0]).at + 76, pairing_m1(pairing[1]).at + 76,
                            PAIRING_NONCE_LEN);
    assert_memory_not_equal(pairing_m1(pairing[0]).at + 108, pairing_m1(pairing[1]).at + 108,
                            KEM_SHARE_LEN);
    assert_memory_not_equal(m2[0] + 76, m2[1] + 76, PAIRING_NONCE_LEN);
    assert_memory_not_equal(m2[0] + 108, m2[1] + 108, KEM_ANSWER_LEN);
    pairing_free(&pairing[0]);
    pairing_free(&pairing[1]);
}

static void m1_has_its_fields_in_their_places(void **state)
{
    struct pairing_run run;
    struct pairing_m1 m1;
    uint8_t nonce[PAIRING_NONCE_LEN];

    (void)state;
    relays_ask(&relays.initiator, 1, SUITE_CHACHA20_POLY1305, &run);
    assert_memory_equal(run.m1, "\1\1\2\1", 4);
    assert_memory_equal(run.m1 + 4, relays.initiator.psk[0].id, PSK_ID_LEN);
    assert_memory_equal(run.m1 + 12, relays.initiator.node[0].node, NODE_LEN);
    assert_int_equal(pairing_read_m1(&relays.responder, m1_of(&run), &m1), 0);
    assert_int_equal(m1.time_ms, relays_now_ms());
    relays_count(nonce, 1, sizeof(nonce));
    assert_memory_equal(m1.nonce, nonce, sizeof(nonce));
    assert_memory_equal(run.m1 + 76, nonce, sizeof(nonce));
    assert_memory_equal(m1.node, run.m1 + 12, NODE_LEN);
    assert_memory_equal(m1.suites, "\2\1", N_SUITES_OFFERED);
    assert_ptr_equal(m1.psk, &relays.responder.psk[0]);
    relays_end(&run);
}

static void m1_of_another_length_version_or_type_is_malformed(void **state)
{
    struct pairing_run run;
    struct pairing_m1 m1;

    (void)state;
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
    for (size_t len = 0; len < PAIRING_M1_LEN; len++)
        assert_int_equal(pairing_read_m1(&relays.responder, span_of(run.m1, len), &m1), ERR_FORMAT);
    for (size_t at = 0; at < 2; at++) {
        run.m1[at] ^= 2;
        mac_again(&run);
        assert_int_equal(pairing_read_m1(&relays.responder, m1_of(&run), &m1), ERR_FORMAT);
        run.m1[at] ^= 2;
    }
    relays_end(&run);
}

static void m1_under_an_unknown_psk_is_not_macd(void **state)
{
    struct pairing_run run;
    struct pairing_m1 m1;

    (void)state;
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
    run.m1[11] ^= 1;
    mac_again(&run);
    assert_int_equal(pairing_read_m1(&relays.responder, m1_of(&run), &m1), ERR_UNKNOWN);
    relays_end(&run);
}

static void the_first_offered_suite_that_we_have_is_chosen(void **state)
{
    static const struct {
        uint8_t offered[N_SUITES_OFFERED];
        int r, suite;
    } rows[] = {
        { { 1, 2 }, 0, 1 },
        { { 2, 1 }, 0, 2 },
        { { 2, 0 }, 0, 2 },
        { { 0, 1 }, 0, 1 },
        { { 3, 2 }, 0, 2 },
        { { 255, 1 }, 0, 1 },
        { { 0, 0 }, ERR_UNSUPPORTED, 0 },
        { { 3, 255 }, ERR_UNSUPPORTED, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pairing_m1 m1 = { .suites = { rows[i].offered[0], rows[i].offered[1] } };
        enum suite suite = 0;

        assert_int_equal(pairing_choose(&relays.responder, &m1, &suite), rows[i].r);
        assert_int_equal(suite, rows[i].suite);
    }
}

static void a_deployment_does_not_pair_with_itself(void **state)
{
    struct pairing_result result;
    struct pairing_run run;

    (void)state;
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
    assert_int_equal(relays_answer(&relays.initiator, 2, &run), ERR_SELF);
    /* Told so by the answer, too. */
    memcpy(run.m1 + 12, relays.responder.node[0].node, NODE_LEN);
    mac_again(&run);
    assert_int_equal(relays_answer(&relays.initiator, 2, &run), 0);
    assert_int_equal(pairing_finish(run.pairing, m2_of(&run), 0, &result), ERR_SELF);
    relays_end(&run);
}

static void clocks_may_differ_by_two_minutes(void **state)
{
    const uint64_t now = relays_now_ms();
    struct pairing_m1 m1 = { .time_ms = now };

    (void)state;
    assert_int_equal(pairing_check_time(&m1, now + 120000), 0);
    assert_int_equal(pairing_check_time(&m1, now - 120000), 0);
    assert_int_equal(pairing_check_time(&m1, now + 120001), ERR_CLOCK);
    assert_int_equal(pairing_check_time(&m1, now - 120001), ERR_CLOCK);
    m1.time_ms = 0;
    assert_int_equal(pairing_check_time(&m1, now), ERR_CLOCK);
    m1.time_ms = UINT64_MAX;
    assert_int_equal(pairing_check_time(&m1, now), ERR_CLOCK);
    assert_int_equal(pairing_check_time(&m1, 0), ERR_CLOCK);
}

static void a_share_that_the_kem_refuses_leaves_nothing_behind(void **state)
{
    static const uint8_t nothing[PAIRING_M2_LEN];
    static const struct pair_secret no_secret;
    struct pairing_run run;

    (void)state;
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
    memset(run.m1 + 108 + 1184, 0, 32); /* X25519: the result would be all zeros */
    mac_again(&run);
    memset(run.m2, 0xff, sizeof(run.m2));
    assert_int_equal(relays_answer(&relays.responder, 2, &run), ERR_FORMAT);
    assert_memory_equal(run.m2, nothing, sizeof(nothing));
    assert_memory_equal(&run.responder_secret, &no_secret, sizeof(no_secret));
    memset(run.m1 + 108, 0xff, 1184); /* ML-KEM: coefficients of 4095 */
    mac_again(&run);
    assert_int_equal(relays_answer(&relays.responder, 2, &run), ERR_FORMAT);
    relays_end(&run);
}

static void m2_is_judged_in_its_order(void **state)
{
    static const struct {
        size_t at;
        uint8_t flip;
        int want;
    } rows[] = {
        { 0, 2, ERR_FORMAT },         { 1, 1, ERR_FORMAT },  { 2, 2, ERR_UNSUPPORTED },
        { 2, 0x80, ERR_UNSUPPORTED }, { 3, 1, ERR_FORMAT },  { 19, 1, ERR_AUTH },
        { 107, 1, ERR_AUTH },         { 1259, 1, ERR_AUTH },
    };
    struct pairing_result result;
    struct pairing_run run;

    (void)state;
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
    assert_int_equal(relays_answer(&relays.responder, 2, &run), 0);
    for (size_t len = 0; len < PAIRING_M2_LEN; len++)
        assert_int_equal(pairing_finish(run.pairing, span_of(run.m2, len), 0, &result), ERR_FORMAT);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        run.m2[rows[i].at] ^= rows[i].flip;
        assert_int_equal(pairing_finish(run.pairing, m2_of(&run), 0, &result), rows[i].want);
        run.m2[rows[i].at] ^= rows[i].flip;
    }
    assert_int_equal(pairing_finish(run.pairing, m2_of(&run), 0, &result), 0);
    relays_end(&run);
}

static void a_suite_that_was_not_offered_is_not_taken(void **state)
{
    struct pairing_offer offer = { .suites = { SUITE_CHACHA20_POLY1305, 0 } };
    struct pairing_answer answer = { .suite = SUITE_AES_256_GCM };
    struct pairing_result result;
    struct pairing *pairing = NULL;
    struct pair_secret secret;
    struct pairing_m1 m1;
    uint8_t m2[PAIRING_M2_LEN];

    (void)state;
    assert_int_equal(pairing_start(&relays.initiator, &offer, &pairing), 0);
    assert_int_equal(pairing_read_m1(&relays.responder, pairing_m1(pairing), &m1), 0);
    assert_int_equal(pairing_answer(&relays.responder, &m1, &answer, m2, &secret), 0);
    assert_int_equal(pairing_finish(pairing, span_of(m2, sizeof(m2)), 0, &result), ERR_UNSUPPORTED);
    answer.suite = 0; /* the empty place of the offer is no suite */
    assert_int_equal(pairing_answer(&relays.responder, &m1, &answer, m2, &secret), 0);
    assert_int_equal(pairing_finish(pairing, span_of(m2, sizeof(m2)), 0, &result), ERR_UNSUPPORTED);
    pairing_free(&pairing);
}

static void a_failed_finish_leaves_no_secret(void **state)
{
    static const struct pairing_result nothing;
    struct pairing_result result;
    struct pairing_run run;

    (void)state;
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
    assert_int_equal(relays_answer(&relays.responder, 2, &run), 0);
    run.m2[PAIRING_M2_LEN - 1] ^= 1;
    memset(&result, 0xff, sizeof(result));
    assert_int_equal(pairing_finish(run.pairing, m2_of(&run), 0, &result), ERR_AUTH);
    assert_memory_equal(&result, &nothing, sizeof(result));
    relays_end(&run);
}

static void the_second_secret_is_accepted_and_not_offered(void **state)
{
    struct identity_config config = { .secret = SPAN("the new secret"),
                                      .secret_also = SPAN(RELAYS_SECRET),
                                      .client_id_secret = SPAN(RELAYS_CLIENT_SECRET_R) };
    struct pairing_result result;
    struct identity rotating;
    struct pairing_run run;
    const char *why = NULL;

    (void)state;
    assert_int_equal(url_parse(SPAN(RELAYS_UPSTREAM_R), &config.upstream, &why), 0);
    assert_int_equal(identity_init(&rotating, &config), 0);
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
    assert_int_equal(relays_answer(&rotating, 2, &run), 0);
    assert_int_equal(pairing_finish(run.pairing, m2_of(&run), 0, &result), 0);
    assert_memory_equal(result.secret.id, rotating.psk[1].id, PAIR_ID_PSK_LEN);
    relays_end(&run);
    relays_ask(&rotating, 1, SUITE_AES_256_GCM, &run);
    assert_memory_equal(run.m1 + 4, rotating.psk[0].id, PSK_ID_LEN);
    assert_int_equal(relays_answer(&relays.responder, 2, &run), ERR_UNKNOWN);
    relays_end(&run);
    identity_fini(&rotating);
}

static void the_largest_body_is_said_in_whole_kib(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *said;
    } rows[] = { { 1023, "\0\0\0\0" },
                 { 2047, "\0\0\0\1" },
                 { 16 << 20, "\0\0\x40\0" },
                 { UINT64_MAX, "\xff\xff\xff\xff" } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pairing_answer answer = { .suite = SUITE_AES_256_GCM, .max_body = rows[i].bytes };
        uint8_t m2[PAIRING_M2_LEN];
        struct pair_secret secret;
        struct pairing_run run;
        struct pairing_m1 m1;

        relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
        assert_int_equal(pairing_read_m1(&relays.responder, m1_of(&run), &m1), 0);
        assert_int_equal(pairing_answer(&relays.responder, &m1, &answer, m2, &secret), 0);
        assert_memory_equal(m2 + 32, rows[i].said, 4);
        relays_end(&run);
    }
}

static int setup(void **state)
{
    (void)state;
    relays_init(&relays);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    relays_fini(&relays);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_end_with_the_same_pair),
        cmocka_unit_test(the_real_functions_agree_and_never_twice_alike),
        cmocka_unit_test(m1_has_its_fields_in_their_places),
        cmocka_unit_test(m1_of_another_length_version_or_type_is_malformed),
        cmocka_unit_test(m1_under_an_unknown_psk_is_not_macd),
        cmocka_unit_test(the_first_offered_suite_that_we_have_is_chosen),
        cmocka_unit_test(a_deployment_does_not_pair_with_itself),
        cmocka_unit_test(clocks_may_differ_by_two_minutes),
        cmocka_unit_test(a_share_that_the_kem_refuses_leaves_nothing_behind),
        cmocka_unit_test(m2_is_judged_in_its_order),
        cmocka_unit_test(a_suite_that_was_not_offered_is_not_taken),
        cmocka_unit_test(a_failed_finish_leaves_no_secret),
        cmocka_unit_test(the_second_secret_is_accepted_and_not_offered),
        cmocka_unit_test(the_largest_body_is_said_in_whole_kib),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
