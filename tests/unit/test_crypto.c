/* SPDX-License-Identifier: MIT */
/* The laws of common/crypto.h, on known answers and on all that Wycheproof knows to go wrong. */
#include "common/crypto.h"

#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

#include <openssl/err.h>
#include <stdlib.h>

static void assert_bytes(const void *at, struct span expected)
{
    assert_memory_equal(at, expected.at, expected.len);
}

static void a_digest_is_that_of_the_parts_joined(void **state)
{
    const struct span parts[] = { SPAN("abcdbcdecdefdefgefghfghi"), SPAN_NONE,
                                  SPAN("ghijhijkijkljklmklmnlmnomnopnopq") };
    uint8_t digest[CRYPTO_HASH_LEN];

    (void)state;
    assert_int_equal(crypto_sha256(parts, 3, digest), 0);
    assert_bytes(digest, SPAN("\x24\x8d\x6a\x61\xd2\x06\x38\xb8\xe5\xc0\x26\x93\x0c\x3e\x60\x39"
                              "\xa3\x3c\xe4\x59\x64\xff\x21\x67\xf6\xec\xed\xd4\x19\xdb\x06\xc1"));
    assert_int_equal(crypto_sha256(NULL, 0, digest), 0);
    assert_bytes(digest, SPAN("\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24"
                              "\x27\xae\x41\xe4\x64\x9b\x93\x4c\xa4\x95\x99\x1b\x78\x52\xb8\x55"));
}

/* RFC 4231, test case 6. */
static void a_mac_takes_a_key_longer_than_a_block(void **state)
{
    uint8_t key[131], mac[CRYPTO_HASH_LEN];
    const struct span parts[] = { SPAN("Test Using Larger Than Block-Size Key"),
                                  SPAN(" - Hash Key First") };

    (void)state;
    memset(key, 0xaa, sizeof(key));
    assert_int_equal(crypto_hmac(span_of(key, sizeof(key)), parts, 2, mac), 0);
    assert_bytes(mac, SPAN("\x60\xe4\x31\x59\x1e\xe0\xb6\x7f\x0d\x8a\x26\xaa\xcb\xf5\xb7\x7f"
                           "\x8e\x0b\xc6\x21\x37\x28\xc5\x14\x05\x46\x04\x0f\x0e\xe3\x7f\x54"));
}

static void an_empty_key_is_a_key_of_its_own(void **state)
{
    uint8_t zeros[64] = { 0 }, other[CRYPTO_HASH_LEN], mac[CRYPTO_HASH_LEN], same[CRYPTO_HASH_LEN];

    (void)state;
    assert_int_equal(crypto_hmac(SPAN("key"), &SPAN("text"), 1, other), 0);
    assert_int_equal(crypto_hmac(SPAN_NONE, &SPAN("text"), 1, mac), 0);
    assert_int_equal(crypto_hmac(span_of(zeros, sizeof(zeros)), &SPAN("text"), 1, same), 0);
    assert_memory_equal(mac, same, sizeof(mac));
    assert_memory_not_equal(mac, other, sizeof(mac));
}

static void a_keyed_mac_gives_the_same_each_time(void **state)
{
    struct secret_key key;
    struct hmac *hmac = NULL;
    uint8_t once[CRYPTO_HASH_LEN], mac[CRYPTO_HASH_LEN];

    (void)state;
    assert_int_equal(crypto_random(&key, sizeof(key)), 0);
    assert_int_equal(crypto_hmac(span_of(key.bytes, sizeof(key.bytes)), &SPAN("text"), 1, once), 0);
    assert_int_equal(hmac_new(span_of(key.bytes, sizeof(key.bytes)), &hmac), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hmac_compute(hmac, &SPAN("other"), 1, mac), 0);
        assert_memory_not_equal(mac, once, sizeof(mac));
        assert_int_equal(hmac_compute(hmac, (struct span[]){ SPAN("te"), SPAN("xt") }, 2, mac), 0);
        assert_memory_equal(mac, once, sizeof(mac));
    }
    hmac_free(&hmac);
    assert_null(hmac);
    hmac_free(&hmac);
}

/* RFC 5869, A.3. */
static void hkdf_goes_without_salt_and_info(void **state)
{
    struct secret_key prk;
    uint8_t ikm[22], okm[42];

    (void)state;
    memset(ikm, 0x0b, sizeof(ikm));
    assert_int_equal(crypto_hkdf_extract(SPAN_NONE, span_of(ikm, sizeof(ikm)), &prk), 0);
    assert_bytes(prk.bytes, SPAN("\x19\xef\x24\xa3\x2c\x71\x7b\x16\x7f\x33\xa9\x1d\x6f\x64\x8b\xdf"
                                 "\x96\x59\x67\x76\xaf\xdb\x63\x77\xac\x43\x4c\x1c\x29\x3c\xcb"
                                 "\x04"));
    assert_int_equal(crypto_hkdf_expand(&prk, SPAN_NONE, okm, sizeof(okm)), 0);
    assert_bytes(okm, SPAN("\x8d\xa4\xe7\x75\xa5\x63\xc1\x8f\x71\x5f\x80\x2a\x06\x3c\x5a\x31"
                           "\xb8\xa1\x1f\x5c\x5e\xe1\x87\x9e\xc3\x45\x4e\x5f\x3c\x73\x8d\x2d"
                           "\x9d\x20\x13\x95\xfa\xa4\xb6\x1a\x96\xc8"));
}

static void hkdf_ends_after_255_blocks(void **state)
{
    const struct secret_key prk = { { 1 } };
    static uint8_t out[255 * CRYPTO_HASH_LEN + 1];

    (void)state;
    assert_int_equal(crypto_hkdf_expand(&prk, SPAN_NONE, out, sizeof(out) - 1), 0);
    assert_int_equal(crypto_hkdf_expand(&prk, SPAN_NONE, out, sizeof(out)), ERR_LIMIT);
}

/* RFC 7914, 12. */
static void scrypt_knows_its_answers(void **state)
{
    uint8_t out[64];

    (void)state;
    assert_int_equal(crypto_scrypt(SPAN_NONE, SPAN_NONE, 16, 1, 1, out, sizeof(out)), 0);
    assert_bytes(out, SPAN("\x77\xd6\x57\x62\x38\x65\x7b\x20\x3b\x19\xca\x42\xc1\x8a\x04\x97"
                           "\xf1\x6b\x48\x44\xe3\x07\x4a\xe8\xdf\xdf\xfa\x3f\xed\xe2\x14\x42"
                           "\xfc\xd0\x06\x9d\xed\x09\x48\xf8\x32\x6a\x75\x3a\x0f\xc8\x1f\x17"
                           "\xe8\xd3\xe0\xfb\x2e\x0d\x36\x28\xcf\x35\xe2\x0c\x38\xd1\x89\x06"));
    assert_int_equal(crypto_scrypt(SPAN("password"), SPAN("NaCl"), 1024, 8, 16, out, sizeof(out)),
                     0);
    assert_bytes(out, SPAN("\xfd\xba\xbe\x1c\x9d\x34\x72\x00\x78\x56\xe7\x19\x0d\x01\xe9\xfe"
                           "\x7c\x6a\xd7\xcb\xc8\x23\x78\x30\xe7\x73\x76\x63\x4b\x37\x31\x62"
                           "\x2e\xaf\x30\xd9\x2e\x22\xa3\x88\x6f\xf1\x09\x27\x9d\x98\x30\xda"
                           "\xc7\x27\xaf\xb9\x4a\x83\xee\x6d\x83\x60\xcb\xdf\xa2\xcc\x06\x40"));
}

/* The protocol's parameters are just past what OpenSSL allows by itself. */
static void scrypt_has_the_memory_that_it_needs(void **state)
{
    uint8_t out[32];

    (void)state;
    assert_int_equal(crypto_scrypt(SPAN("secret"), SPAN("salt"), 1 << 15, 8, 1, out, sizeof(out)),
                     0);
    assert_int_equal(crypto_scrypt(SPAN_NONE, SPAN_NONE, UINT64_MAX, 8, 1, out, sizeof(out)),
                     ERR_LIMIT);
}

/* libh2o's TLS reads the same queue, and would take what stands there for its own. */
static void a_failure_leaves_nothing_in_libcrypto_s_error_queue(void **state)
{
    uint8_t out[32];

    (void)state;
    assert_int_equal(crypto_scrypt(SPAN_NONE, SPAN_NONE, 15, 8, 1, out, sizeof(out)), ERR_CRYPTO);
    assert_int_equal(ERR_peek_error(), 0);
    assert_int_equal(crypto_scrypt(SPAN_NONE, SPAN_NONE, 2, 8, 1 << 28, out, sizeof(out)),
                     ERR_CRYPTO);
    assert_int_equal(ERR_peek_error(), 0);
}

static void random_bytes_fill_all_of_it_and_differ(void **state)
{
    static uint8_t a[100000], b[sizeof(a)];
    size_t n_zeros = 0;

    (void)state;
    assert_int_equal(crypto_random(a, sizeof(a)), 0);
    assert_int_equal(crypto_random(b, sizeof(b)), 0);
    assert_memory_not_equal(a, b, sizeof(a));
    for (size_t i = 0; i < sizeof(a); i++)
        n_zeros += a[i] == 0;
    assert_in_range(n_zeros, 200, 600); /* 390 on average, deviation 20 */
    assert_int_equal(crypto_random(NULL, 0), 0);
}

/* One key of a suite in both directions. */
struct pair {
    struct aead *seal, *open;
};

static struct pair pair_new(enum suite suite, const struct secret_key *key)
{
    struct pair p;

    assert_int_equal(aead_new(suite, AEAD_SEAL, key, &p.seal), 0);
    assert_int_equal(aead_new(suite, AEAD_OPEN, key, &p.open), 0);
    return p;
}

static void pair_free(struct pair *p)
{
    aead_free(&p->seal);
    aead_free(&p->open);
    assert_null(p->seal);
    aead_free(&p->seal);
}

static const enum suite suites[] = { SUITE_AES_256_GCM, SUITE_CHACHA20_POLY1305 };
static const uint8_t nonce[CRYPTO_NONCE_LEN] = { 0, 0, 0, 7 };

/* The GCM specification (McGrew, Viega), test case 14. */
static void a_seal_knows_its_answer(void **state)
{
    const struct secret_key key = { { 0 } };
    const uint8_t zeros[16] = { 0 };
    struct pair p = pair_new(SUITE_AES_256_GCM, &key);
    uint8_t sealed[sizeof(zeros) + CRYPTO_TAG_LEN];

    (void)state;
    assert_int_equal(aead_seal(p.seal, zeros, SPAN_NONE, span_of(zeros, sizeof(zeros)), sealed), 0);
    assert_bytes(sealed, SPAN("\xce\xa7\x40\x3d\x4d\x60\x6b\x6e\x07\x4e\xc5\xd3\xba\xf3\x9d\x18"
                              "\xd0\xd1\xc8\xa7\x99\x99\x6b\xf0\x26\x5b\x98\xb5\xd4\x8a\xb9\x19"));
    pair_free(&p);
}

static void a_flipped_bit_is_rejected_and_nothing_is_shown(void **state)
{
    const struct secret_key key = { { 9 } };
    const struct span aad = SPAN("head"), plain = SPAN("twenty bytes of text");
    uint8_t sealed[20 + CRYPTO_TAG_LEN], opened[20], zeros[20] = { 0 };

    (void)state;
    for (size_t s = 0; s < 2; s++) {
        struct pair p = pair_new(suites[s], &key);

        assert_int_equal(aead_seal(p.seal, nonce, aad, plain, sealed), 0);
        for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
            sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
            memset(opened, 'x', sizeof(opened));
            assert_int_equal(aead_open(p.open, nonce, aad, span_of(sealed, sizeof(sealed)), opened),
                             ERR_AUTH);
            assert_memory_equal(opened, zeros, sizeof(zeros));
            sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_int_equal(ERR_peek_error(), 0);
        assert_int_equal(aead_open(p.open, nonce, SPAN("heat"), span_of(sealed, sizeof(sealed)),
                                   opened),
                         ERR_AUTH);
        assert_int_equal(aead_open(p.open, nonce, aad, span_of(sealed, 15), opened), ERR_AUTH);
        assert_int_equal(aead_open(p.open, nonce, aad, SPAN_NONE, opened), ERR_AUTH);
        /* and a context that refused goes on working */
        assert_int_equal(aead_open(p.open, nonce, aad, span_of(sealed, sizeof(sealed)), opened), 0);
        assert_memory_equal(opened, plain.at, plain.len);
        pair_free(&p);
    }
}

static void random_messages_come_back_in_place(void **state)
{
    static uint8_t text[70000], work[sizeof(text) + CRYPTO_TAG_LEN];
    struct secret_key key;

    (void)state;
    for (size_t i = 0; i < 200; i++) {
        uint32_t len;
        struct pair p;
        struct span aad, sealed;

        assert_int_equal(crypto_random(&key, sizeof(key)), 0);
        assert_int_equal(crypto_random(&len, sizeof(len)), 0);
        len %= i % 10 == 0 ? sizeof(text) : 100;
        assert_int_equal(crypto_random(text, len), 0);
        memcpy(work, text, len);
        aad = span_of(key.bytes, i % sizeof(key.bytes));
        sealed = span_of(work, len + CRYPTO_TAG_LEN);
        p = pair_new(suites[i % 2], &key);
        assert_int_equal(aead_seal(p.seal, nonce, aad, span_of(work, len), work), 0);
        assert_int_equal(aead_open(p.open, nonce, aad, sealed, work), 0);
        assert_memory_equal(work, text, len);
        pair_free(&p);
    }
}

static bool check_aead(struct vector *v, enum suite suite)
{
    struct secret_key key;
    struct span aad, iv, msg, ct, tag;
    uint8_t *sealed, *opened;
    struct pair p;

    if (vector_number(v->group, "keySize") != 8 * sizeof(key) ||
        vector_number(v->group, "ivSize") != 8 * CRYPTO_NONCE_LEN ||
        vector_number(v->group, "tagSize") != 8 * CRYPTO_TAG_LEN)
        return false;
    memcpy(key.bytes, vector_bytes(v, "key").at, sizeof(key));
    iv = vector_bytes(v, "iv"), aad = vector_bytes(v, "aad"), msg = vector_bytes(v, "msg");
    ct = vector_bytes(v, "ct"), tag = vector_bytes(v, "tag");
    sealed = malloc(ct.len + tag.len);
    opened = malloc(ct.len);
    p = pair_new(suite, &key);
    assert_int_equal(aead_seal(p.seal, iv.at, aad, msg, sealed), 0);
    if (vector_is_valid(v)) {
        assert_bytes(sealed, ct);
        assert_bytes(sealed + ct.len, tag);
    }
    memcpy(sealed, ct.at, ct.len);
    memcpy(sealed + ct.len, tag.at, tag.len);
    assert_int_equal(aead_open(p.open, iv.at, aad, span_of(sealed, ct.len + tag.len), opened),
                     vector_is_valid(v) ? 0 : ERR_AUTH);
    if (vector_is_valid(v))
        assert_bytes(opened, msg);
    pair_free(&p);
    free(sealed);
    free(opened);
    return true;
}

static bool check_aes_gcm(struct vector *v)
{
    return check_aead(v, SUITE_AES_256_GCM);
}

static bool check_chacha20_poly1305(struct vector *v)
{
    return check_aead(v, SUITE_CHACHA20_POLY1305);
}

static bool check_hmac(struct vector *v)
{
    uint8_t mac[CRYPTO_HASH_LEN];
    struct span msg = vector_bytes(v, "msg"), tag = vector_bytes(v, "tag");

    assert_int_equal(crypto_hmac(vector_bytes(v, "key"), &msg, 1, mac), 0);
    /* A shorter tag is the front of the whole one. */
    assert_int_equal(secret_equal(span_of(mac, tag.len), tag), vector_is_valid(v));
    return true;
}

static bool check_hkdf(struct vector *v)
{
    struct secret_key prk;
    size_t len = vector_number(v->test, "size");
    struct span okm = vector_bytes(v, "okm");
    uint8_t *out = malloc(len);
    int r;

    assert_int_equal(crypto_hkdf_extract(vector_bytes(v, "salt"), vector_bytes(v, "ikm"), &prk), 0);
    r = crypto_hkdf_expand(&prk, vector_bytes(v, "info"), out, len);
    assert_int_equal(r, vector_is_valid(v) ? 0 : ERR_LIMIT);
    if (r == 0)
        assert_memory_equal(out, okm.at, len);
    free(out);
    return true;
}

static void aes_256_gcm_agrees_with_wycheproof(void **state)
{
    (void)state;
    vectors_run("aes_gcm_test.json", "not a 256-bit key, 96-bit nonce and 128-bit tag",
                check_aes_gcm);
}

static void chacha20_poly1305_agrees_with_wycheproof(void **state)
{
    (void)state;
    vectors_run("chacha20_poly1305_test.json", "not a 96-bit nonce", check_chacha20_poly1305);
}

static void hmac_agrees_with_wycheproof(void **state)
{
    (void)state;
    vectors_run("hmac_sha256_test.json", NULL, check_hmac);
}

static void hkdf_agrees_with_wycheproof(void **state)
{
    (void)state;
    vectors_run("hkdf_sha256_test.json", NULL, check_hkdf);
}

static int start(void **state)
{
    (void)state;
    return crypto_init();
}

static int stop(void **state)
{
    (void)state;
    crypto_fini();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_is_that_of_the_parts_joined),
        cmocka_unit_test(a_mac_takes_a_key_longer_than_a_block),
        cmocka_unit_test(an_empty_key_is_a_key_of_its_own),
        cmocka_unit_test(a_keyed_mac_gives_the_same_each_time),
        cmocka_unit_test(hkdf_goes_without_salt_and_info),
        cmocka_unit_test(hkdf_ends_after_255_blocks),
        cmocka_unit_test(scrypt_knows_its_answers),
        cmocka_unit_test(scrypt_has_the_memory_that_it_needs),
        cmocka_unit_test(a_failure_leaves_nothing_in_libcrypto_s_error_queue),
        cmocka_unit_test(random_bytes_fill_all_of_it_and_differ),
        cmocka_unit_test(a_seal_knows_its_answer),
        cmocka_unit_test(a_flipped_bit_is_rejected_and_nothing_is_shown),
        cmocka_unit_test(random_messages_come_back_in_place),
        cmocka_unit_test(aes_256_gcm_agrees_with_wycheproof),
        cmocka_unit_test(chacha20_poly1305_agrees_with_wycheproof),
        cmocka_unit_test(hmac_agrees_with_wycheproof),
        cmocka_unit_test(hkdf_agrees_with_wycheproof),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
