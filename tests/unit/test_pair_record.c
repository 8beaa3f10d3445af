/* SPDX-License-Identifier: MIT */
/* Pairs at rest: sealed for their key's name and for this deployment, and for nobody else. */
#include "tests/unit/unit.h"

#include <string.h>

#include "common/text.h"
#include "tests/unit/relays.h"
#include "worker/pair_record.h"

static struct relays relays;
static struct pair_record record;

static int start(void **state)
{
    (void)state;
    relays_init(&relays);
    relays_count(record.secret.id, 0, PAIR_ID_LEN);
    record.secret.suite = SUITE_CHACHA20_POLY1305;
    relays_count(record.secret.key.bytes, 0x20, SECRET_KEY_LEN);
    record.created_s = 1700000000;
    record.expires_s = 1700003600;
    relays_count(record.client_id, 0x60, CLIENT_ID_LEN);
    relays_count(record.node, 0x80, NODE_LEN);
    memcpy(record.run_id, "0123456789abcdef0123456789abcdef01234567", REDIS_RUN_ID_LEN);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    relays_fini(&relays);
    return 0;
}

static int open_by(const struct identity *identity, struct span sealed, struct pair_record *opened)
{
    memset(opened, 0, sizeof(*opened));
    return pair_record_open(identity, record.secret.id, sealed, opened);
}

/* Field by field: a struct has holes. */
static void assert_is_the_record(const struct pair_record *opened)
{
    assert_memory_equal(record.secret.id, opened->secret.id, PAIR_ID_LEN);
    assert_int_equal(record.secret.suite, opened->secret.suite);
    assert_memory_equal(record.secret.key.bytes, opened->secret.key.bytes, SECRET_KEY_LEN);
    assert_int_equal(record.created_s, opened->created_s);
    assert_int_equal(record.expires_s, opened->expires_s);
    assert_memory_equal(record.client_id, opened->client_id, CLIENT_ID_LEN);
    assert_memory_equal(record.node, opened->node, NODE_LEN);
    assert_string_equal(record.run_id, opened->run_id);
}

/* Made from docs/protocol.md by Python's hmac and the AESGCM of its package cryptography. */
static const char KNOWN[] =
    "4bb249340737c021a0a1a2a3a4a5a6a7a8a9aaabe4d065f09b32a9dccb005d3177c194e7f109"
    "89c9352f87dbd8cbf797cf07ff090fc870423a013639a6d7950eeecfceceebaa383e590ea1eb"
    "528733c41f0f766fb544662460feb60cfdba3f7fa807b3b86292b79c8e07ca275dff8729a149"
    "48965640244a34fccc9b08c4a9550e056c8250d067a6a730cdeaa453bc03dbae920224af75a4"
    "73e2c143c995";

static void a_record_made_by_another_hand_opens(void **state)
{
    uint8_t sealed[PAIR_RECORD_LEN];
    struct pair_record opened;

    (void)state;
    assert_int_equal(2 * PAIR_RECORD_LEN, strlen(KNOWN));
    for (size_t i = 0; i < sizeof(sealed); i++)
        sealed[i] = (uint8_t)(text_hex_digit((uint8_t)KNOWN[2 * i]) << 4 |
                              text_hex_digit((uint8_t)KNOWN[2 * i + 1]));
    assert_int_equal(0, open_by(&relays.responder, span_of(sealed, sizeof(sealed)), &opened));
    assert_is_the_record(&opened);
}

static void the_name_is_the_pairs_id_in_braces(void **state)
{
    char name[PAIR_RECORD_NAME_LEN + 1];

    (void)state;
    pair_record_name(record.secret.id, name);
    assert_string_equal("mar1:pair:{000102030405060708090a0b0c0d0e0f}", name);
    assert_int_equal(PAIR_RECORD_NAME_LEN, strlen(name));
}

static void what_is_sealed_opens_and_never_looks_the_same_nor_shows_the_key(void **state)
{
    uint8_t sealed[PAIR_RECORD_LEN], again[PAIR_RECORD_LEN];
    struct pair_record opened;

    (void)state;
    assert_int_equal(0, pair_record_seal(&relays.responder, &record, sealed));
    assert_int_equal(0, pair_record_seal(&relays.responder, &record, again));
    assert_int_equal(0, open_by(&relays.responder, span_of(sealed, sizeof(sealed)), &opened));
    assert_is_the_record(&opened);
    assert_memory_equal(sealed, again, PAIR_RECORD_KEY_ID_LEN);
    assert_memory_not_equal(sealed + PAIR_RECORD_KEY_ID_LEN, again + PAIR_RECORD_KEY_ID_LEN,
                            CRYPTO_NONCE_LEN);
    assert_null(memmem(sealed, sizeof(sealed), record.secret.key.bytes, 4));
}

static void a_record_with_any_bit_changed_is_not_there(void **state)
{
    uint8_t sealed[PAIR_RECORD_LEN];
    struct pair_record opened;

    (void)state;
    assert_int_equal(0, pair_record_seal(&relays.responder, &record, sealed));
    for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(ERR_UNKNOWN,
                         open_by(&relays.responder, span_of(sealed, sizeof(sealed)), &opened));
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(0, open_by(&relays.responder, span_of(sealed, sizeof(sealed)), &opened));
}

static void a_record_of_another_length_is_not_there(void **state)
{
    uint8_t sealed[PAIR_RECORD_LEN + 1] = { 0 };
    struct pair_record opened;

    (void)state;
    assert_int_equal(0, pair_record_seal(&relays.responder, &record, sealed));
    for (size_t len = 0; len <= sizeof(sealed); len++)
        assert_int_equal(len == PAIR_RECORD_LEN ? 0 : ERR_UNKNOWN,
                         open_by(&relays.responder, span_of(sealed, len), &opened));
}

static void a_record_is_that_of_no_other_pair(void **state)
{
    uint8_t sealed[PAIR_RECORD_LEN], id[PAIR_ID_LEN];
    struct pair_record opened;

    (void)state;
    assert_int_equal(0, pair_record_seal(&relays.responder, &record, sealed));
    memcpy(id, record.secret.id, sizeof(id));
    id[15] ^= 1;
    assert_int_equal(ERR_UNKNOWN, pair_record_open(&relays.responder, id,
                                                   span_of(sealed, sizeof(sealed)), &opened));
}

static void another_secret_opens_nothing_and_an_also_does(void **state)
{
    struct identity rotated, stranger;
    uint8_t sealed[PAIR_RECORD_LEN];
    struct pair_record opened;

    (void)state;
    relays_identity(&rotated, SPAN(RELAYS_SECRET), SPAN(RELAYS_CLIENT_SECRET_I), RELAYS_UPSTREAM_R);
    relays_identity(&stranger, SPAN(RELAYS_SECRET), SPAN(RELAYS_CLIENT_SECRET_I),
                    RELAYS_UPSTREAM_R);
    assert_int_equal(0, pair_record_seal(&relays.responder, &record, sealed));
    assert_int_equal(ERR_UNKNOWN, open_by(&rotated, span_of(sealed, sizeof(sealed)), &opened));
    rotated.node[rotated.n_node++] = relays.responder.node[0];
    assert_int_equal(0, open_by(&rotated, span_of(sealed, sizeof(sealed)), &opened));
    assert_is_the_record(&opened);
    /* What it makes itself is under the new one. */
    assert_int_equal(0, pair_record_seal(&rotated, &record, sealed));
    assert_int_equal(0, open_by(&stranger, span_of(sealed, sizeof(sealed)), &opened));
    rotated.n_node--;
    identity_fini(&rotated);
    identity_fini(&stranger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_made_by_another_hand_opens),
        cmocka_unit_test(the_name_is_the_pairs_id_in_braces),
        cmocka_unit_test(what_is_sealed_opens_and_never_looks_the_same_nor_shows_the_key),
        cmocka_unit_test(a_record_with_any_bit_changed_is_not_there),
        cmocka_unit_test(a_record_of_another_length_is_not_there),
        cmocka_unit_test(a_record_is_that_of_no_other_pair),
        cmocka_unit_test(another_secret_opens_nothing_and_an_also_does),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
