/* SPDX-License-Identifier: MIT */
/*
 * Our ML-KEM-768 against naive arithmetic, Wycheproof's cases and the CCTV's corners. It is the one
 * tested here whatever libcrypto has.
 */
#include "common/mlkem.h"

#include "common/crypto.h"
#include "common/mlkem_poly.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

#include <string.h>

static void random_poly(struct poly *f)
{
    assert_int_equal(crypto_random(f, sizeof(*f)), 0);
    for (size_t i = 0; i < POLY_N; i++)
        f->c[i] %= POLY_Q;
}

/* As taught at school, modulo X^256 + 1. */
static void naive_product(const struct poly *f, const struct poly *g, struct poly *fg_r)
{
    int64_t sums[POLY_N] = { 0 };

    for (size_t i = 0; i < POLY_N; i++) {
        for (size_t j = 0; j < POLY_N; j++)
            sums[(i + j) % POLY_N] += (int64_t)f->c[i] * g->c[j] * (i + j < POLY_N ? 1 : -1);
    }
    for (size_t i = 0; i < POLY_N; i++)
        fg_r->c[i] = (uint16_t)((sums[i] % POLY_Q + POLY_Q) % POLY_Q);
}

static void a_product_in_the_ntt_domain_is_the_product(void **state)
{
    struct poly f, g, expected, sum;

    (void)state;
    for (int round = 0; round < 50; round++) {
        random_poly(&f);
        random_poly(&g);
        if (round == 0) {
            for (size_t i = 0; i < POLY_N; i++)
                f.c[i] = g.c[i] = POLY_Q - 1;
        }
        naive_product(&f, &g, &expected);
        memset(&sum, 0, sizeof(sum));
        poly_ntt(&f);
        poly_ntt(&g);
        poly_multiply_add(&sum, &f, &g);
        poly_ntt_inverse(&sum);
        assert_memory_equal(&sum, &expected, sizeof(sum));
    }
}

/* 2^d / q * x rounded to a whole number, modulo 2^d: FIPS 203, (4.7). */
static unsigned rounded(unsigned x, unsigned d)
{
    return (2 * (x << d) + POLY_Q) / (2 * POLY_Q) % (1u << d);
}

static void compression_rounds_every_coefficient_as_the_standard_says(void **state)
{
    static const unsigned widths[] = { 1, 4, 10 };
    struct poly f, g;

    (void)state;
    for (size_t w = 0; w < 3; w++) {
        for (unsigned x = 0; x < POLY_Q; x += POLY_N) {
            for (unsigned i = 0; i < POLY_N; i++)
                f.c[i] = (uint16_t)(x + i < POLY_Q ? x + i : 0);
            g = f;
            poly_compress(&g, widths[w]);
            for (size_t i = 0; i < POLY_N; i++)
                assert_int_equal(g.c[i], rounded(f.c[i], widths[w]));
        }
    }
}

static void what_was_decompressed_compresses_to_the_same(void **state)
{
    static const unsigned widths[] = { 1, 4, 10 };
    struct poly f, g;

    (void)state;
    for (size_t w = 0; w < 3; w++) {
        for (unsigned y = 0; y < 1u << widths[w]; y++) {
            memset(&f, 0, sizeof(f));
            f.c[7] = (uint16_t)y;
            g = f;
            poly_decompress(&g, widths[w]);
            assert_int_equal(g.c[7], (2 * y * POLY_Q + (1u << widths[w])) / (2u << widths[w]));
            poly_compress(&g, widths[w]);
            assert_memory_equal(&g, &f, sizeof(f));
        }
    }
}

static void encoding_keeps_every_bit_in_its_place(void **state)
{
    static const unsigned widths[] = { 1, 4, 10, 12 };
    uint8_t bytes[32 * 12];
    struct poly f, g;

    (void)state;
    for (size_t w = 0; w < 4; w++) {
        const unsigned d = widths[w];

        random_poly(&f);
        for (size_t i = 0; i < POLY_N; i++)
            f.c[i] &= (uint16_t)((1u << d) - 1);
        poly_encode(&f, d, bytes);
        for (size_t bit = 0; bit < POLY_N * d; bit++)
            assert_int_equal(bytes[bit / 8] >> bit % 8 & 1, f.c[bit / d] >> bit % d & 1);
        poly_decode(bytes, d, &g);
        assert_memory_equal(&g, &f, sizeof(f));
    }
}

static void small_coefficients_count_their_bits(void **state)
{
    uint8_t bytes[POLY_N / 2];
    struct poly f;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 2 + i % 2);
    poly_sample_small(bytes, &f);
    for (size_t i = 0; i < POLY_N; i++) {
        unsigned nibble = bytes[i / 2] >> 4 * (i % 2) & 15;
        int count = __builtin_popcount(nibble & 3) - __builtin_popcount(nibble >> 2);

        assert_int_equal(f.c[i], (count + POLY_Q) % POLY_Q);
    }
}

/* The first seed of FIPS 203's intermediate values (the round 3 seeds). */
static const uint8_t known_seed[MLKEM_SEED_LEN + 1] =
    "\x7c\x99\x35\xa0\xb0\x76\x94\xaa\x0c\x6d\x10\xe4\xdb\x6b\x1a\xdd"
    "\x2f\xd8\x1a\x25\xcc\xb1\x48\x03\x2d\xcd\x73\x99\x36\x73\x7f\x2d"
    "\x86\x26\xed\x79\xd4\x51\x14\x08\x00\xe0\x3b\x59\xb9\x56\xf8\x21"
    "\x0e\x55\x60\x67\x40\x7d\x13\xdc\x90\xfa\x9e\x8b\x87\x2b\xfb\x8f";

static void assert_digest(const void *at, size_t len, struct span expected)
{
    uint8_t digest[CRYPTO_HASH_LEN];

    assert_int_equal(crypto_sha256((struct span[]){ span_of(at, len) }, 1, digest), 0);
    assert_memory_equal(digest, expected.at, expected.len);
}

static void a_known_seed_gives_the_known_keys_and_secret(void **state)
{
    static const uint8_t m[] = "\x14\x7c\x03\xf7\xa5\xbe\xbb\xa4\x06\xc8\xfa\xe1\x87\x4d\x7f\x13"
                               "\xc8\x0e\xfe\x79\xa3\xa9\xa8\x74\xcc\x09\xfe\x76\xf6\x99\x76\x15";
    uint8_t ek[MLKEM_EK_LEN], dk[MLKEM_DK_LEN], c[MLKEM_CIPHERTEXT_LEN];
    uint8_t secret[MLKEM_SECRET_LEN], same[MLKEM_SECRET_LEN];

    (void)state;
    assert_int_equal(mlkem_keygen(known_seed, ek, dk), 0);
    assert_digest(ek, sizeof(ek),
                  SPAN("\x86\xad\xbc\xa8\x1f\x4f\xee\x89\x3e\x2f\xb5\x8f\xb9\x8a\xa2\xfe"
                       "\x18\x8f\x50\x1f\xed\x26\x8d\x7f\x40\x56\xf8\xc0\x5c\x4e\x53\xc4"));
    assert_digest(dk, sizeof(dk),
                  SPAN("\x87\x57\xe8\xae\xe5\xe4\x41\xae\xe0\x7a\x43\xaf\x40\x46\x7d\x32"
                       "\xf8\x0a\xee\x5c\x51\xaa\xe4\xeb\xd2\xbd\xb8\x44\xc0\x38\xaa\xc7"));
    assert_int_equal(mlkem_encaps(ek, m, c, secret), 0);
    assert_memory_equal(secret,
                        "\xe7\x18\x4a\x09\x75\xee\x34\x70\x87\x8d\x2d\x15\x9e\xc8\x31\x29"
                        "\xc8\xae\xc2\x53\xd4\xee\x17\xb4\x81\x03\x11\xd1\x98\xcd\x03\x68",
                        sizeof(secret));
    assert_int_equal(mlkem_decaps(dk, c, same), 0);
    assert_memory_equal(same, secret, sizeof(secret));
}

static void random_keys_agree_and_a_wrong_ciphertext_gives_another_secret(void **state)
{
    uint8_t seed[MLKEM_SEED_LEN], m[MLKEM_MESSAGE_LEN], ek[MLKEM_EK_LEN], dk[MLKEM_DK_LEN];
    uint8_t c[MLKEM_CIPHERTEXT_LEN], rejection[MLKEM_SECRET_LEN];
    uint8_t secret[MLKEM_SECRET_LEN], same[MLKEM_SECRET_LEN];

    (void)state;
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(crypto_random(seed, sizeof(seed)), 0);
        assert_int_equal(crypto_random(m, sizeof(m)), 0);
        assert_int_equal(mlkem_keygen(seed, ek, dk), 0);
        assert_int_equal(mlkem_encaps(ek, m, c, secret), 0);
        assert_int_equal(mlkem_decaps(dk, c, same), 0);
        assert_memory_equal(same, secret, sizeof(secret));

        c[i * 11 % sizeof(c)] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(mlkem_decaps(dk, c, rejection), 0);
        assert_memory_not_equal(rejection, secret, sizeof(secret));
        assert_int_equal(mlkem_decaps(dk, c, same), 0);
        assert_memory_equal(same, rejection, sizeof(rejection));
    }
}

/* The lowest bit changes so little that the message stays: only the comparison can tell. */
static void every_byte_of_the_ciphertext_counts(void **state)
{
    static const uint8_t m[MLKEM_MESSAGE_LEN] = { 3 };
    uint8_t ek[MLKEM_EK_LEN], dk[MLKEM_DK_LEN], c[MLKEM_CIPHERTEXT_LEN];
    uint8_t right[MLKEM_SECRET_LEN], secret[MLKEM_SECRET_LEN];

    (void)state;
    assert_int_equal(mlkem_keygen(known_seed, ek, dk), 0);
    assert_int_equal(mlkem_encaps(ek, m, c, right), 0);
    for (size_t i = 0; i < sizeof(c); i++) {
        c[i] ^= 1;
        assert_int_equal(mlkem_decaps(dk, c, secret), 0);
        assert_memory_not_equal(secret, right, sizeof(secret));
        c[i] ^= 1;
    }
}

static void a_damaged_decapsulation_key_is_refused(void **state)
{
    static const size_t ek_and_hash = 1152, z = 2400 - 32;
    uint8_t ek[MLKEM_EK_LEN], dk[MLKEM_DK_LEN], c[MLKEM_CIPHERTEXT_LEN] = { 0 };
    uint8_t secret[MLKEM_SECRET_LEN];

    (void)state;
    assert_int_equal(mlkem_keygen(known_seed, ek, dk), 0);
    for (size_t i = ek_and_hash; i < z; i += 31) {
        dk[i] ^= 1;
        assert_int_equal(mlkem_decaps(dk, c, secret), ERR_FORMAT);
        dk[i] ^= 1;
    }
    assert_int_equal(mlkem_decaps(dk, c, secret), 0);
}

static bool check_keygen(struct vector *v)
{
    uint8_t ek[MLKEM_EK_LEN], dk[MLKEM_DK_LEN];
    struct span seed = vector_bytes(v, "seed");

    if (seed.len != MLKEM_SEED_LEN)
        return false;
    assert_true(vector_is_valid(v));
    assert_int_equal(mlkem_keygen(seed.at, ek, dk), 0);
    assert_true(span_equal(span_of(ek, sizeof(ek)), vector_bytes(v, "ek")));
    assert_true(span_equal(span_of(dk, sizeof(dk)), vector_bytes(v, "dk")));
    return true;
}

static bool check_encaps(struct vector *v)
{
    uint8_t c[MLKEM_CIPHERTEXT_LEN], secret[MLKEM_SECRET_LEN];
    struct span ek = vector_bytes(v, "ek"), m = vector_bytes(v, "m");

    if (ek.len != MLKEM_EK_LEN || m.len != MLKEM_MESSAGE_LEN)
        return false;
    assert_int_equal(mlkem_encaps(ek.at, m.at, c, secret), vector_is_valid(v) ? 0 : ERR_FORMAT);
    if (vector_is_valid(v)) {
        assert_true(span_equal(span_of(c, sizeof(c)), vector_bytes(v, "c")));
        assert_true(span_equal(span_of(secret, sizeof(secret)), vector_bytes(v, "K")));
    }
    return true;
}

static bool check_decaps(struct vector *v)
{
    uint8_t ek[MLKEM_EK_LEN], dk[MLKEM_DK_LEN], secret[MLKEM_SECRET_LEN];
    struct span seed = vector_bytes(v, "seed"), c = vector_bytes(v, "c");

    if (seed.len != MLKEM_SEED_LEN || c.len != MLKEM_CIPHERTEXT_LEN)
        return false;
    assert_true(vector_is_valid(v));
    assert_int_equal(mlkem_keygen(seed.at, ek, dk), 0);
    assert_true(span_equal(span_of(ek, sizeof(ek)), vector_bytes(v, "ek")));
    assert_int_equal(mlkem_decaps(dk, c.at, secret), 0);
    assert_true(span_equal(span_of(secret, sizeof(secret)), vector_bytes(v, "K")));
    return true;
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

static void check_modulus(const char *name, struct span ek)
{
    static const uint8_t m[MLKEM_MESSAGE_LEN] = { 1 };
    uint8_t c[MLKEM_CIPHERTEXT_LEN], secret[MLKEM_SECRET_LEN];

    assert_null(name);
    assert_int_equal(ek.len, MLKEM_EK_LEN);
    assert_int_equal(mlkem_encaps(ek.at, m, c, secret), ERR_FORMAT);
}

static void a_coefficient_past_the_modulus_is_refused(void **state)
{
    (void)state;
    assert_int_equal(vectors_lines("cctv-modulus-ML-KEM-768.txt.gz", check_modulus), 780);
}

/* What a CCTV file gives, line by line: the name of each field, its length, where it is kept. */
static struct {
    uint8_t d[32], z[32], m[MLKEM_MESSAGE_LEN], secret[MLKEM_SECRET_LEN];
    uint8_t ek[MLKEM_EK_LEN], dk[MLKEM_DK_LEN], c[MLKEM_CIPHERTEXT_LEN];
} corner;

static const struct {
    const char *name;
    void *at;
    size_t len;
} corner_fields[] = {
    { "d", corner.d, sizeof(corner.d) },    { "z", corner.z, sizeof(corner.z) },
    { "m", corner.m, sizeof(corner.m) },    { "K", corner.secret, sizeof(corner.secret) },
    { "ek", corner.ek, sizeof(corner.ek) }, { "dk", corner.dk, sizeof(corner.dk) },
    { "c", corner.c, sizeof(corner.c) },
};

static void corner_keep(const char *name, struct span value)
{
    for (size_t i = 0; i < sizeof(corner_fields) / sizeof(corner_fields[0]); i++) {
        if (strcmp(corner_fields[i].name, name) == 0) {
            assert_int_equal(value.len, corner_fields[i].len);
            memcpy(corner_fields[i].at, value.at, value.len);
            return;
        }
    }
    fail_msg("a field of no known name: %s", name);
}

/* The ciphertext differs in its last bytes only, past a zero byte. */
static void the_whole_ciphertext_is_compared(void **state)
{
    uint8_t secret[MLKEM_SECRET_LEN];

    (void)state;
    assert_int_equal(vectors_lines("cctv-strcmp-ML-KEM-768.txt", corner_keep), 3);
    assert_int_equal(mlkem_decaps(corner.dk, corner.c, secret), 0);
    assert_memory_equal(secret, corner.secret, sizeof(secret));
}

/*
 * The matrix needs 576 bytes of SHAKE128, more than is squeezed at first. The file's keys are made
 * from its seed as in the draft of FIPS 203, which hashed d without the rank: only the keys count.
 */
static void sampling_goes_on_until_there_are_enough(void **state)
{
    uint8_t c[MLKEM_CIPHERTEXT_LEN], secret[MLKEM_SECRET_LEN];

    (void)state;
    assert_int_equal(vectors_lines("cctv-unluckysample-ML-KEM-768.txt", corner_keep), 7);
    assert_int_equal(mlkem_encaps(corner.ek, corner.m, c, secret), 0);
    assert_memory_equal(c, corner.c, sizeof(c));
    assert_memory_equal(secret, corner.secret, sizeof(secret));
    memset(secret, 0, sizeof(secret));
    assert_int_equal(mlkem_decaps(corner.dk, c, secret), 0);
    assert_memory_equal(secret, corner.secret, sizeof(secret));
}

static int start(void **state)
{
    int r = crypto_init();

    (void)state;
    return r != 0 ? r : mlkem_init();
}

static int stop(void **state)
{
    (void)state;
    mlkem_fini();
    crypto_fini();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_in_the_ntt_domain_is_the_product),
        cmocka_unit_test(compression_rounds_every_coefficient_as_the_standard_says),
        cmocka_unit_test(what_was_decompressed_compresses_to_the_same),
        cmocka_unit_test(encoding_keeps_every_bit_in_its_place),
        cmocka_unit_test(small_coefficients_count_their_bits),
        cmocka_unit_test(a_known_seed_gives_the_known_keys_and_secret),
        cmocka_unit_test(random_keys_agree_and_a_wrong_ciphertext_gives_another_secret),
        cmocka_unit_test(every_byte_of_the_ciphertext_counts),
        cmocka_unit_test(a_damaged_decapsulation_key_is_refused),
        cmocka_unit_test(key_generation_agrees_with_wycheproof),
        cmocka_unit_test(encapsulation_agrees_with_wycheproof),
        cmocka_unit_test(decapsulation_agrees_with_wycheproof),
        cmocka_unit_test(a_coefficient_past_the_modulus_is_refused),
        cmocka_unit_test(the_whole_ciphertext_is_compared),
        cmocka_unit_test(sampling_goes_on_until_there_are_enough),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
