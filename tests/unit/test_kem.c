/* SPDX-License-Identifier: MIT */
/*
 * The hybrid KEM with whichever ML-KEM this libcrypto gives it: our own, Wycheproof's cases and,
 * where there is one, the TLS group X25519MLKEM768 of libcrypto are the judges.
 */
#include "common/kem.h"

#include "common/crypto.h"
#include "common/mlkem.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

static const uint8_t zeros[32];

static void assert_zeros(const void *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        assert_int_equal(((const uint8_t *)at)[i], 0);
}

static void both_sides_get_one_secret_and_no_two_runs_the_same(void **state)
{
    uint8_t share[KEM_SHARE_LEN], answer[KEM_ANSWER_LEN], last[KEM_SECRET_LEN] = { 0 };
    uint8_t a[KEM_SECRET_LEN], b[KEM_SECRET_LEN];

    (void)state;
    for (int i = 0; i < 30; i++) {
        struct kem_key *key = NULL;

        assert_int_equal(kem_keygen(&key, share), 0);
        assert_int_equal(kem_encaps(share, answer, a), 0);
        assert_int_equal(kem_decaps(key, answer, b), 0);
        assert_memory_equal(a, b, sizeof(a));
        assert_memory_not_equal(a, last, 32);
        assert_memory_not_equal(a + 32, last + 32, 32);
        memcpy(last, a, sizeof(a));
        kem_key_free(&key);
        assert_null(key);
        kem_key_free(&key);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static void a_wrong_answer_changes_its_own_half_of_the_secret(void **state)
{
    uint8_t share[KEM_SHARE_LEN], answer[KEM_ANSWER_LEN];
    uint8_t right[KEM_SECRET_LEN], wrong[KEM_SECRET_LEN];
    struct kem_key *key = NULL;

    (void)state;
    assert_int_equal(kem_keygen(&key, share), 0);
    assert_int_equal(kem_encaps(share, answer, right), 0);
    for (size_t i = 0; i < KEM_ANSWER_LEN; i += 37) {
        answer[i] ^= 4;
        assert_int_equal(kem_decaps(key, answer, wrong), 0);
        assert_int_equal(memcmp(wrong, right, 32) != 0, i < MLKEM_CIPHERTEXT_LEN);
        assert_int_equal(memcmp(wrong + 32, right + 32, 32) != 0, i >= MLKEM_CIPHERTEXT_LEN);
        answer[i] ^= 4;
    }
    kem_key_free(&key);
}

/* The orders 0, 1 and 8 of the curve's small subgroup: each gives the all-zero point. */
static void a_point_of_small_order_is_refused_on_both_sides(void **state)
{
    static const uint8_t points[3][32] = {
        { 0 },
        { 1 },
        { 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
          0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
          0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
    };
    uint8_t share[KEM_SHARE_LEN], answer[KEM_ANSWER_LEN], secret[KEM_SECRET_LEN];
    struct kem_key *key = NULL;

    (void)state;
    assert_int_equal(kem_keygen(&key, share), 0);
    assert_int_equal(kem_encaps(share, answer, secret), 0);
    for (size_t i = 0; i < 3; i++) {
        memcpy(share + MLKEM_EK_LEN, points[i], 32);
        memcpy(answer + MLKEM_CIPHERTEXT_LEN, points[i], 32);
        memset(secret, 'x', sizeof(secret));
        assert_int_equal(kem_decaps(key, answer, secret), ERR_FORMAT);
        assert_zeros(secret, sizeof(secret));
        assert_int_equal(kem_encaps(share, answer, secret), ERR_FORMAT);
        assert_zeros(secret, sizeof(secret));
    }
    assert_int_equal(ERR_peek_error(), 0);
    kem_key_free(&key);
}

static void a_share_past_the_modulus_is_refused(void **state)
{
    uint8_t share[KEM_SHARE_LEN], answer[KEM_ANSWER_LEN], secret[KEM_SECRET_LEN];
    struct kem_key *key = NULL;

    (void)state;
    assert_int_equal(kem_keygen(&key, share), 0);
    share[3] = 0xff;
    share[4] |= 0x0f;
    assert_int_equal(kem_encaps(share, answer, secret), ERR_FORMAT);
    assert_int_equal(ERR_peek_error(), 0);
    kem_key_free(&key);
}

/* On a libcrypto without ML-KEM both are the same code; on one with it they are strangers. */
static void libcrypto_and_our_own_give_the_same_bytes(void **state)
{
    uint8_t random[MLKEM_SEED_LEN + MLKEM_MESSAGE_LEN], ek[MLKEM_EK_LEN], dk[MLKEM_DK_LEN];
    uint8_t share[KEM_SHARE_LEN], answer[KEM_ANSWER_LEN], secret[KEM_SECRET_LEN];
    uint8_t c[MLKEM_CIPHERTEXT_LEN], same[MLKEM_SECRET_LEN];

    (void)state;
    if (strcmp(kem_provider(), "own") != 0)
        assert_int_equal(mlkem_init(), 0);
    for (int i = 0; i < 50; i++) {
        const uint8_t *m = random + MLKEM_SEED_LEN;
        struct kem_key *key = NULL;

        assert_int_equal(crypto_random(random, sizeof(random)), 0);
        assert_int_equal(kem_keygen_from(random, random, &key, share), 0);
        assert_int_equal(mlkem_keygen(random, ek, dk), 0);
        assert_memory_equal(ek, share, sizeof(ek));
        assert_int_equal(kem_encaps_from(share, m, m, answer, secret), 0);
        assert_int_equal(mlkem_encaps(ek, m, c, same), 0);
        assert_memory_equal(c, answer, sizeof(c));
        assert_memory_equal(same, secret, sizeof(same));
        answer[i] ^= (uint8_t)(i % 2);
        assert_int_equal(kem_decaps(key, answer, secret), 0);
        assert_int_equal(mlkem_decaps(dk, answer, same), 0);
        assert_memory_equal(same, secret, sizeof(same));
        kem_key_free(&key);
    }
    if (strcmp(kem_provider(), "own") != 0)
        mlkem_fini();
}

static void libcrypto_s_tls_group_answers_our_share(void **state)
{
    uint8_t share[KEM_SHARE_LEN], answer[KEM_ANSWER_LEN];
    uint8_t theirs[KEM_SECRET_LEN], ours[KEM_SECRET_LEN];
    size_t answer_len = sizeof(answer), secret_len = sizeof(theirs);
    struct kem_key *key = NULL;
    EVP_PKEY *peer = NULL;
    EVP_PKEY_CTX *ctx;

    (void)state;
    assert_int_equal(kem_keygen(&key, share), 0);
    peer = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519MLKEM768", NULL, share, sizeof(share));
    if (peer == NULL) {
        ERR_clear_error();
        kem_key_free(&key);
        print_message("skipped: this libcrypto has no X25519MLKEM768\n");
        skip();
    }
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, peer, NULL);
    assert_int_equal(EVP_PKEY_encapsulate_init(ctx, NULL), 1);
    assert_int_equal(EVP_PKEY_encapsulate(ctx, answer, &answer_len, theirs, &secret_len), 1);
    assert_int_equal(answer_len, sizeof(answer));
    assert_int_equal(secret_len, sizeof(theirs));
    assert_int_equal(kem_decaps(key, answer, ours), 0);
    assert_memory_equal(ours, theirs, sizeof(ours));
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    kem_key_free(&key);
}

/* Through the encapsulation: the case's private key is the scalar, its public key in the share. */
static bool check_x25519(struct vector *v)
{
    struct span shared = vector_bytes(v, "shared");
    uint8_t share[KEM_SHARE_LEN], answer[KEM_ANSWER_LEN], secret[KEM_SECRET_LEN];
    struct kem_key *key = NULL;
    bool all_zero = span_equal(shared, span_of(zeros, sizeof(zeros)));

    assert_int_equal(kem_keygen(&key, share), 0);
    memcpy(share + MLKEM_EK_LEN, vector_bytes(v, "public").at, 32);
    assert_int_equal(kem_encaps_from(share, zeros, vector_bytes(v, "private").at, answer, secret),
                     all_zero ? ERR_FORMAT : 0);
    if (!all_zero)
        assert_memory_equal(secret + MLKEM_SECRET_LEN, shared.at, 32);
    kem_key_free(&key);
    return true;
}

static bool check_keygen(struct vector *v)
{
    uint8_t share[KEM_SHARE_LEN];
    struct kem_key *key = NULL;

    assert_int_equal(kem_keygen_from(vector_bytes(v, "seed").at, zeros, &key, share), 0);
    assert_memory_equal(share, vector_bytes(v, "ek").at, MLKEM_EK_LEN);
    kem_key_free(&key);
    return true;
}

static bool check_encaps(struct vector *v)
{
    uint8_t share[KEM_SHARE_LEN] = { 0 }, answer[KEM_ANSWER_LEN], secret[KEM_SECRET_LEN];
    struct span ek = vector_bytes(v, "ek");

    if (ek.len != MLKEM_EK_LEN)
        return false;
    memcpy(share, ek.at, ek.len);
    share[MLKEM_EK_LEN] = 9;
    assert_int_equal(kem_encaps_from(share, vector_bytes(v, "m").at, zeros, answer, secret),
                     vector_is_valid(v) ? 0 : ERR_FORMAT);
    if (vector_is_valid(v)) {
        assert_memory_equal(answer, vector_bytes(v, "c").at, MLKEM_CIPHERTEXT_LEN);
        assert_memory_equal(secret, vector_bytes(v, "K").at, MLKEM_SECRET_LEN);
    }
    return true;
}

static bool check_decaps(struct vector *v)
{
    uint8_t share[KEM_SHARE_LEN], answer[KEM_ANSWER_LEN] = { 0 }, secret[KEM_SECRET_LEN];
    struct span seed = vector_bytes(v, "seed"), c = vector_bytes(v, "c");
    struct kem_key *key = NULL;

    if (seed.len != MLKEM_SEED_LEN || c.len != MLKEM_CIPHERTEXT_LEN)
        return false;
    memcpy(answer, c.at, c.len);
    answer[MLKEM_CIPHERTEXT_LEN] = 9;
    assert_int_equal(kem_keygen_from(seed.at, zeros, &key, share), 0);
    assert_int_equal(kem_decaps(key, answer, secret), 0);
    assert_memory_equal(secret, vector_bytes(v, "K").at, MLKEM_SECRET_LEN);
    kem_key_free(&key);
    return true;
}

static void x25519_agrees_with_wycheproof(void **state)
{
    (void)state;
    vectors_run("x25519_test.json", NULL, check_x25519);
}

static void key_generation_agrees_with_wycheproof(void **state)
{
    (void)state;
    vectors_run("mlkem_768_keygen_seed_test.json", NULL, check_keygen);
}

static void encapsulation_agrees_with_wycheproof(void **state)
{
    (void)state;
    vectors_run("mlkem_768_encaps_test.json", "a key of another length, which our types exclude",
                check_encaps);
}

static void decapsulation_agrees_with_wycheproof(void **state)
{
    (void)state;
    vectors_run("mlkem_768_test.json",
                "a seed or ciphertext of another length, which our types exclude", check_decaps);
}

static int start(void **state)
{
    int r = crypto_init();

    (void)state;
    if (r == 0)
        r = kem_init();
    if (r == 0)
        print_message("ML-KEM by: %s\n", kem_provider());
    return r;
}

static int stop(void **state)
{
    (void)state;
    kem_fini();
    crypto_fini();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_get_one_secret_and_no_two_runs_the_same),
        cmocka_unit_test(a_wrong_answer_changes_its_own_half_of_the_secret),
        cmocka_unit_test(a_point_of_small_order_is_refused_on_both_sides),
        cmocka_unit_test(a_share_past_the_modulus_is_refused),
        cmocka_unit_test(libcrypto_and_our_own_give_the_same_bytes),
        cmocka_unit_test(libcrypto_s_tls_group_answers_our_share),
        cmocka_unit_test(x25519_agrees_with_wycheproof),
        cmocka_unit_test(key_generation_agrees_with_wycheproof),
        cmocka_unit_test(encapsulation_agrees_with_wycheproof),
        cmocka_unit_test(decapsulation_agrees_with_wycheproof),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
