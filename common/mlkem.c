/* SPDX-License-Identifier: MIT */
/*
 * ML-KEM-768, written from FIPS 203: K-PKE over the ring of mlkem_poly, and the KEM over K-PKE.
 * SHA-3 and SHAKE are libcrypto's; owns the fetched algorithms and nothing else. What is secret
 * between two steps stands in one struct, wiped on every path. Secrets choose neither branch nor
 * address: tests/ct holds it to that.
 */
#include "common/mlkem.h"

#include "common/mlkem_poly.h"
#include "common/secret.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/evp.h>

enum {
    RANK = 3,    /* k of FIPS 203 */
    U_BITS = 10, /* d_u */
    V_BITS = 4,  /* d_v */
    COEFFICIENT_BITS = 12,
    POLY_LEN = 32 * COEFFICIENT_BITS,
    U_LEN = 32 * U_BITS,
    V_LEN = 32 * V_BITS,
    HASH_LEN = 32,
};

/* The encapsulation key: RANK encoded polynomials, then rho. */
enum { EK_RHO = RANK * POLY_LEN };
/* The decapsulation key: RANK encoded polynomials, the encapsulation key, its hash, z. */
enum { DK_EK = RANK * POLY_LEN, DK_HASH = DK_EK + MLKEM_EK_LEN, DK_Z = DK_HASH + HASH_LEN };
/* The ciphertext: RANK polynomials of u, then v. */
enum { C_V = RANK * U_LEN };

static_assert(EK_RHO + 32 == MLKEM_EK_LEN, "the encapsulation key of FIPS 203");
static_assert(DK_Z + 32 == MLKEM_DK_LEN, "the decapsulation key of FIPS 203");
static_assert(C_V + V_LEN == MLKEM_CIPHERTEXT_LEN, "the ciphertext of FIPS 203");

static struct {
    EVP_MD *sha3_256, *sha3_512, *shake128, *shake256;
} algorithms;

int mlkem_init(void)
{
    assert(algorithms.sha3_256 == NULL);
    algorithms.sha3_256 = EVP_MD_fetch(NULL, "SHA3-256", NULL);
    algorithms.sha3_512 = EVP_MD_fetch(NULL, "SHA3-512", NULL);
    algorithms.shake128 = EVP_MD_fetch(NULL, "SHAKE128", NULL);
    algorithms.shake256 = EVP_MD_fetch(NULL, "SHAKE256", NULL);
    if (algorithms.sha3_256 != NULL && algorithms.sha3_512 != NULL && algorithms.shake128 != NULL &&
        algorithms.shake256 != NULL)
        return 0;
    ERR_clear_error();
    mlkem_fini();
    return ERR_CRYPTO;
}

void mlkem_fini(void)
{
    EVP_MD_free(algorithms.shake256);
    EVP_MD_free(algorithms.shake128);
    EVP_MD_free(algorithms.sha3_512);
    EVP_MD_free(algorithms.sha3_256);
    memset(&algorithms, 0, sizeof(algorithms));
}

/* The hash of two parts; out_len is free to choose where the algorithm is a SHAKE. */
static int hash(const EVP_MD *md, const struct span parts[2], uint8_t *out_r, size_t out_len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool xof = (EVP_MD_get_flags(md) & EVP_MD_FLAG_XOF) != 0;
    bool done =
        ctx != NULL && EVP_DigestInit_ex2(ctx, md, NULL) == 1 &&
        EVP_DigestUpdate(ctx, parts[0].at, parts[0].len) == 1 &&
        EVP_DigestUpdate(ctx, parts[1].at, parts[1].len) == 1 &&
        (xof ? EVP_DigestFinalXOF(ctx, out_r, out_len) : EVP_DigestFinal_ex(ctx, out_r, NULL)) == 1;

    EVP_MD_CTX_free(ctx);
    if (done)
        return 0;
    ERR_clear_error();
    return ERR_CRYPTO;
}

/* H, J and G of FIPS 203, 4.1. */
static int hash_h(struct span text, uint8_t out_r[static HASH_LEN])
{
    return hash(algorithms.sha3_256, (struct span[2]){ text }, out_r, HASH_LEN);
}

static int hash_j(struct span a, struct span b, uint8_t out_r[static HASH_LEN])
{
    return hash(algorithms.shake256, (struct span[2]){ a, b }, out_r, HASH_LEN);
}

static int hash_g(struct span a, struct span b, uint8_t out_r[static 2 * HASH_LEN])
{
    return hash(algorithms.sha3_512, (struct span[2]){ a, b }, out_r, 2 * HASH_LEN);
}

/* The number-th polynomial of small coefficients out of a seed of 32 bytes: PRF, then CBD. */
static int sample_small(const uint8_t *seed, uint8_t number, struct poly *f_r)
{
    uint8_t bytes[POLY_N / 2];
    int r = hash(algorithms.shake256, (struct span[2]){ span_of(seed, 32), span_of(&number, 1) },
                 bytes, sizeof(bytes));

    if (r == 0)
        poly_sample_small(bytes, f_r);
    secret_wipe(bytes, sizeof(bytes));
    return r;
}

/* The matrix element (row, column), already in the NTT domain. Everything here is public. */
static int sample_matrix(const uint8_t *rho, uint8_t row, uint8_t column, struct poly *f_r)
{
    /* 3 blocks of SHAKE128 are enough in 99 of 100 cases; that 5 are not has chance 2^-261 (FIPS
     * 203, appendix B). Libcrypto 3.0 cannot squeeze on: it squeezes again. */
    static const size_t enough[] = { 3 * 168, 5 * 168 };
    uint8_t bytes[5 * 168];
    const struct span parts[2] = { span_of(rho, 32), span_of((uint8_t[]){ column, row }, 2) };

    for (size_t i = 0; i < 2; i++) {
        int r = hash(algorithms.shake128, parts, bytes, enough[i]);

        if (r != 0)
            return r;
        if (poly_sample_uniform(span_of(bytes, enough[i]), f_r))
            return 0;
    }
    return ERR_CRYPTO;
}

/* FIPS 203, algorithms 13 and 16. */
int mlkem_keygen(const uint8_t seed[static MLKEM_SEED_LEN], uint8_t ek_r[static MLKEM_EK_LEN],
                 uint8_t dk_r[static MLKEM_DK_LEN])
{
    const uint8_t rank = RANK;
    struct {
        uint8_t rho_sigma[2 * HASH_LEN];
        struct poly s[RANK], t, a;
    } w = { 0 };
    const uint8_t *rho = w.rho_sigma, *sigma = w.rho_sigma + HASH_LEN;
    int r = hash_g(span_of(seed, 32), span_of(&rank, 1), w.rho_sigma);

    for (uint8_t i = 0; r == 0 && i < RANK; i++) {
        r = sample_small(sigma, i, &w.s[i]);
        poly_ntt(&w.s[i]);
        poly_encode(&w.s[i], COEFFICIENT_BITS, dk_r + i * POLY_LEN);
    }
    for (uint8_t i = 0; r == 0 && i < RANK; i++) {
        r = sample_small(sigma, RANK + i, &w.t);
        poly_ntt(&w.t);
        for (uint8_t j = 0; r == 0 && j < RANK; j++) {
            r = sample_matrix(rho, i, j, &w.a);
            poly_multiply_add(&w.t, &w.a, &w.s[j]);
        }
        poly_encode(&w.t, COEFFICIENT_BITS, ek_r + i * POLY_LEN);
    }
    if (r == 0) {
        memcpy(ek_r + EK_RHO, rho, 32);
        memcpy(dk_r + DK_EK, ek_r, MLKEM_EK_LEN);
        memcpy(dk_r + DK_Z, seed + 32, 32);
        r = hash_h(span_of(ek_r, MLKEM_EK_LEN), dk_r + DK_HASH);
    }
    secret_wipe(&w, sizeof(w));
    return r;
}

/* What K-PKE.Encrypt holds. */
struct encryption {
    struct poly y[RANK]; /* in the NTT domain */
    struct poly sum;     /* a polynomial of u, then v */
    struct poly a;       /* whatever is multiplied or added */
};

/* The row-th polynomial of u. */
static int encrypt_u(struct encryption *w, const uint8_t *rho, const uint8_t *coins, uint8_t row)
{
    int r = 0;

    memset(&w->sum, 0, sizeof(w->sum));
    for (uint8_t j = 0; r == 0 && j < RANK; j++) {
        r = sample_matrix(rho, j, row, &w->a); /* the matrix is transposed */
        poly_multiply_add(&w->sum, &w->a, &w->y[j]);
    }
    if (r == 0)
        r = sample_small(coins, RANK + row, &w->a);
    poly_ntt_inverse(&w->sum);
    poly_add(&w->sum, &w->a);
    return r;
}

static int encrypt_v(struct encryption *w, const uint8_t *ek, const uint8_t *coins,
                     const uint8_t *m)
{
    int r;

    memset(&w->sum, 0, sizeof(w->sum));
    for (size_t i = 0; i < RANK; i++) {
        poly_decode(ek + i * POLY_LEN, COEFFICIENT_BITS, &w->a);
        poly_multiply_add(&w->sum, &w->a, &w->y[i]);
    }
    poly_ntt_inverse(&w->sum);
    r = sample_small(coins, 2 * RANK, &w->a);
    poly_add(&w->sum, &w->a);
    poly_decode(m, 1, &w->a);
    poly_decompress(&w->a, 1);
    poly_add(&w->sum, &w->a);
    return r;
}

/* FIPS 203, algorithm 14. */
static int encrypt(const uint8_t *ek, const uint8_t *m, const uint8_t *coins, uint8_t *c_r)
{
    struct encryption w = { 0 };
    int r = 0;

    for (uint8_t i = 0; r == 0 && i < RANK; i++) {
        r = sample_small(coins, i, &w.y[i]);
        poly_ntt(&w.y[i]);
    }
    for (uint8_t i = 0; r == 0 && i < RANK; i++) {
        r = encrypt_u(&w, ek + EK_RHO, coins, i);
        poly_compress(&w.sum, U_BITS);
        poly_encode(&w.sum, U_BITS, c_r + i * U_LEN);
    }
    if (r == 0)
        r = encrypt_v(&w, ek, coins, m);
    poly_compress(&w.sum, V_BITS);
    poly_encode(&w.sum, V_BITS, c_r + C_V);
    secret_wipe(&w, sizeof(w));
    return r;
}

/* FIPS 203, algorithm 15: v less s * u, each coefficient rounded to a bit. */
static void decrypt(const uint8_t *dk, const uint8_t *c, uint8_t *m_r)
{
    struct {
        struct poly s, u, sum, v;
    } w;

    memset(&w.sum, 0, sizeof(w.sum));
    for (size_t i = 0; i < RANK; i++) {
        poly_decode(c + i * U_LEN, U_BITS, &w.u);
        poly_decompress(&w.u, U_BITS);
        poly_ntt(&w.u);
        poly_decode(dk + i * POLY_LEN, COEFFICIENT_BITS, &w.s);
        poly_multiply_add(&w.sum, &w.s, &w.u);
    }
    poly_ntt_inverse(&w.sum);
    poly_decode(c + C_V, V_BITS, &w.v);
    poly_decompress(&w.v, V_BITS);
    poly_sub(&w.v, &w.sum);
    poly_compress(&w.v, 1);
    poly_encode(&w.v, 1, m_r);
    secret_wipe(&w, sizeof(w));
}

/* FIPS 203, 7.2: decoding and encoding it again gives the same bytes. */
static bool is_reduced(const uint8_t *ek)
{
    uint8_t again[POLY_LEN];
    struct poly t;

    for (size_t i = 0; i < RANK; i++) {
        poly_decode(ek + i * POLY_LEN, COEFFICIENT_BITS, &t);
        poly_encode(&t, COEFFICIENT_BITS, again);
        if (memcmp(ek + i * POLY_LEN, again, sizeof(again)) != 0)
            return false;
    }
    return true;
}

/* FIPS 203, algorithms 17 and 20. */
int mlkem_encaps(const uint8_t ek[static MLKEM_EK_LEN], const uint8_t m[static MLKEM_MESSAGE_LEN],
                 uint8_t ciphertext_r[static MLKEM_CIPHERTEXT_LEN],
                 uint8_t secret_r[static MLKEM_SECRET_LEN])
{
    uint8_t digest[HASH_LEN], secret_coins[2 * HASH_LEN];
    int r;

    if (!is_reduced(ek))
        return ERR_FORMAT;
    r = hash_h(span_of(ek, MLKEM_EK_LEN), digest);
    if (r == 0)
        r = hash_g(span_of(m, MLKEM_MESSAGE_LEN), span_of(digest, HASH_LEN), secret_coins);
    if (r == 0)
        r = encrypt(ek, m, secret_coins + HASH_LEN, ciphertext_r);
    if (r == 0)
        memcpy(secret_r, secret_coins, MLKEM_SECRET_LEN);
    secret_wipe(secret_coins, sizeof(secret_coins));
    return r;
}

/* secret_r = the ciphertexts are the same ? right : wrong, without asking. */
static void choose(const uint8_t *c, const uint8_t *c_again, const uint8_t *right,
                   const uint8_t *wrong, uint8_t *secret_r)
{
    uint32_t differs = 0, mask;

    for (size_t i = 0; i < MLKEM_CIPHERTEXT_LEN; i++)
        differs |= c[i] ^ c_again[i];
    mask = 0 - ((0 - poly_hidden(differs)) >> 31); /* all ones, or 0 where nothing differs */
    mask = poly_hidden(mask);
    for (size_t i = 0; i < MLKEM_SECRET_LEN; i++)
        secret_r[i] = (uint8_t)(right[i] ^ (mask & (right[i] ^ wrong[i])));
}

/* FIPS 203, algorithms 18 and 21. */
int mlkem_decaps(const uint8_t dk[static MLKEM_DK_LEN],
                 const uint8_t ciphertext[static MLKEM_CIPHERTEXT_LEN],
                 uint8_t secret_r[static MLKEM_SECRET_LEN])
{
    const uint8_t *ek = dk + DK_EK;
    struct span digest = span_of(dk + DK_HASH, HASH_LEN);
    struct {
        uint8_t m[MLKEM_MESSAGE_LEN];
        uint8_t secret_coins[2 * HASH_LEN];
        uint8_t rejection[MLKEM_SECRET_LEN];
        uint8_t ciphertext[MLKEM_CIPHERTEXT_LEN];
    } w;
    uint8_t ek_digest[HASH_LEN];
    int r = hash_h(span_of(ek, MLKEM_EK_LEN), ek_digest);

    if (r != 0)
        return r;
    if (memcmp(ek_digest, digest.at, HASH_LEN) != 0)
        return ERR_FORMAT;
    decrypt(dk, ciphertext, w.m);
    r = hash_g(span_of(w.m, sizeof(w.m)), digest, w.secret_coins);
    if (r == 0)
        r = hash_j(span_of(dk + DK_Z, 32), span_of(ciphertext, MLKEM_CIPHERTEXT_LEN), w.rejection);
    if (r == 0)
        r = encrypt(ek, w.m, w.secret_coins + HASH_LEN, w.ciphertext);
    if (r == 0)
        choose(ciphertext, w.ciphertext, w.secret_coins, w.rejection, secret_r);
    secret_wipe(&w, sizeof(w));
    return r;
}
