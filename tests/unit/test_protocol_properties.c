/* SPDX-License-Identifier: MIT */
/*
 * The properties of pairing in docs/protocol.md, a test each: mutual authentication by SECRET,
 * hybrid secrecy, downgrade. Those of messages are in test_message_properties.c; what needs running
 * relays (replay, reflected promises, recovery, flooding) is shown by tests/system.
 */
#include "common/pairing.h"

#include "tests/unit/relays.h"
#include "tests/unit/unit.h"

static struct relays relays;
static struct identity stranger; /* as the responder, but for SECRET */

static int finish(struct pairing_run *run)
{
    struct pairing_result result;

    return pairing_finish(run->pairing, span_of(run->m2, PAIRING_M2_LEN), relays_now_ms(), &result);
}

/* ---- mutual authentication by SECRET ---- */

static void a_responder_with_another_secret_does_not_know_the_initiator(void **state)
{
    struct pairing_run run;

    (void)state;
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
    assert_int_equal(relays_answer(&stranger, 2, &run), ERR_UNKNOWN);
    /* Nor does a psk_id help who has only seen it. */
    memcpy(run.m1 + 4, stranger.psk[0].id, PSK_ID_LEN);
    assert_int_equal(relays_answer(&stranger, 2, &run), ERR_AUTH);
    relays_end(&run);
}

static void a_responder_with_another_secret_is_not_believed(void **state)
{
    struct pairing_answer_random random = { .nonce = { 1 }, .m = { 2 }, .scalar = { 3 } };
    struct pairing_run run;
    struct pairing_m1 m1;

    (void)state;
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
    assert_int_equal(pairing_read_m1(&relays.responder, span_of(run.m1, PAIRING_M1_LEN), &m1), 0);
    m1.psk = &stranger.psk[0]; /* answers although it could not verify */
    run.answer.suite = SUITE_AES_256_GCM;
    assert_int_equal(pairing_answer_from(&stranger, &m1, &run.answer, &random, run.m2,
                                         &run.responder_secret),
                     0);
    assert_int_equal(finish(&run), ERR_AUTH);
    relays_end(&run);
}

static void any_flipped_byte_of_m1_is_refused(void **state)
{
    struct pairing_run run;

    (void)state;
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
    for (size_t at = 0; at < PAIRING_M1_LEN; at++) {
        int want = at < 2 ? ERR_FORMAT : at >= 4 && at < 12 ? ERR_UNKNOWN : ERR_AUTH;

        run.m1[at] ^= (uint8_t)(1 << at % 8);
        assert_int_equal(relays_answer(&relays.responder, 2, &run), want);
        run.m1[at] ^= (uint8_t)(1 << at % 8);
    }
    assert_int_equal(relays_answer(&relays.responder, 2, &run), 0);
    relays_end(&run);
}

static void any_flipped_byte_of_m2_is_refused(void **state)
{
    struct pairing_run run;

    (void)state;
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
    assert_int_equal(relays_answer(&relays.responder, 2, &run), 0);
    for (size_t at = 0; at < PAIRING_M2_LEN; at++) {
        run.m2[at] ^= (uint8_t)(1 << at % 8);
        assert_int_not_equal(finish(&run), 0);
        run.m2[at] ^= (uint8_t)(1 << at % 8);
    }
    assert_int_equal(finish(&run), 0);
    relays_end(&run);
}

static void m2_of_another_run_is_refused(void **state)
{
    struct pairing_run one, other;

    (void)state;
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &one);
    relays_ask(&relays.initiator, 7, SUITE_AES_256_GCM, &other);
    assert_int_equal(relays_answer(&relays.responder, 2, &one), 0);
    assert_int_equal(relays_answer(&relays.responder, 3, &other), 0);
    memcpy(one.m2, other.m2, PAIRING_M2_LEN);
    assert_int_equal(finish(&one), ERR_AUTH);
    assert_int_equal(finish(&other), 0);
    relays_end(&one);
    relays_end(&other);
}

static void our_own_m1_reflected_is_refused(void **state)
{
    struct pairing_result result;
    struct pairing_run run;

    (void)state;
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
    assert_int_equal(relays_answer(&relays.initiator, 2, &run), ERR_SELF);
    assert_int_equal(pairing_finish(run.pairing, span_of(run.m1, PAIRING_M1_LEN), 0, &result),
                     ERR_FORMAT);
    assert_int_equal(pairing_finish(run.pairing, span_of(run.m1, PAIRING_M2_LEN), 0, &result),
                     ERR_FORMAT);
    relays_end(&run);
}

/* ---- hybrid secrecy ---- */

static void either_half_of_the_hybrid_secret_changes_every_key(void **state)
{
    uint8_t z[3][KEM_SECRET_LEN], mac[3][CRYPTO_HASH_LEN];
    struct pair_secret secret[3];
    struct pairing_run run;

    (void)state;
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
    assert_int_equal(relays_answer(&relays.responder, 2, &run), 0);
    relays_count(z[0], 0x80, KEM_SECRET_LEN);
    memcpy(z[1], z[0], KEM_SECRET_LEN);
    memset(z[1], 0, 32); /* ML-KEM's half */
    memcpy(z[2], z[0], KEM_SECRET_LEN);
    memset(z[2] + 32, 0, 32); /* X25519's half */
    for (int i = 0; i < 3; i++) {
        const struct pairing_transcript transcript = {
            .psk = &relays.initiator.psk[0],
            .m1 = span_of(run.m1, PAIRING_M1_LEN),
            .m2 = span_of(run.m2, PAIRING_M2_LEN - CRYPTO_HASH_LEN),
            .z = span_of(z[i], KEM_SECRET_LEN),
        };

        assert_int_equal(pairing_derive(&transcript, mac[i], &secret[i]), 0);
        for (int k = 0; k < i; k++) {
            assert_memory_not_equal(mac[i], mac[k], CRYPTO_HASH_LEN);
            assert_memory_not_equal(secret[i].key.bytes, secret[k].key.bytes, SECRET_KEY_LEN);
            assert_memory_not_equal(secret[i].id + PAIR_ID_PSK_LEN, secret[k].id + PAIR_ID_PSK_LEN,
                                    PAIR_ID_LEN - PAIR_ID_PSK_LEN);
        }
    }
    relays_end(&run);
}

/* ---- downgrade ---- */

static void an_altered_offer_is_refused(void **state)
{
    struct pairing_run run;

    (void)state;
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
    for (unsigned first = 0; first < 4; first++) {
        for (unsigned second = 0; second < 4; second++) {
            run.m1[2] = (uint8_t)first;
            run.m1[3] = (uint8_t)second;
            assert_int_equal(relays_answer(&relays.responder, 2, &run),
                             first == 1 && second == 2 ? 0 : ERR_AUTH);
        }
    }
    relays_end(&run);
}

static void an_altered_choice_is_refused(void **state)
{
    struct pairing_run run;

    (void)state;
    relays_ask(&relays.initiator, 1, SUITE_AES_256_GCM, &run);
    assert_int_equal(relays_answer(&relays.responder, 2, &run), 0);
    run.m2[2] = SUITE_CHACHA20_POLY1305; /* was offered, too */
    assert_int_equal(finish(&run), ERR_AUTH);
    relays_end(&run);
}

static int setup(void **state)
{
    (void)state;
    relays_init(&relays);
    relays_identity(&stranger, SPAN("another secret, as long"), SPAN(RELAYS_CLIENT_SECRET_R),
                    RELAYS_UPSTREAM_R);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    identity_fini(&stranger);
    relays_fini(&relays);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_responder_with_another_secret_does_not_know_the_initiator),
        cmocka_unit_test(a_responder_with_another_secret_is_not_believed),
        cmocka_unit_test(any_flipped_byte_of_m1_is_refused),
        cmocka_unit_test(any_flipped_byte_of_m2_is_refused),
        cmocka_unit_test(m2_of_another_run_is_refused),
        cmocka_unit_test(our_own_m1_reflected_is_refused),
        cmocka_unit_test(either_half_of_the_hybrid_secret_changes_every_key),
        cmocka_unit_test(an_altered_offer_is_refused),
        cmocka_unit_test(an_altered_choice_is_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
