/* SPDX-License-Identifier: MIT */
/*
 * The hybrid KEM: one half is ML-KEM-768, by libcrypto where it has one (3.5 on), else by our own
 * mlkem; the other is libcrypto's X25519. Chosen once, at kem_init(), and never changed: an
 * implementation that fails its known answer ends the start. Owns the choice; keys belong to
 * whoever made them. Every random byte is drawn here, from the kernel, whoever computes with it.
 */
#include "common/kem.h"

#include "common/crypto.h"
#include "common/log.h"
#include "common/mlkem.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

enum { SCALAR_LEN = 32, POINT_LEN = 32 };

static_assert(KEM_SHARE_LEN == MLKEM_EK_LEN + POINT_LEN, "ML-KEM, then X25519");
static_assert(KEM_ANSWER_LEN == MLKEM_CIPHERTEXT_LEN + POINT_LEN, "ML-KEM, then X25519");
static_assert(KEM_SECRET_LEN == MLKEM_SECRET_LEN + POINT_LEN, "ML-KEM, then X25519");

struct kem_key {
    uint8_t dk[MLKEM_DK_LEN]; /* our own ML-KEM's */
    EVP_PKEY *mlkem;          /* libcrypto's */
    EVP_PKEY *x25519;
};

/* An implementation of ML-KEM-768, with the contracts of mlkem.h. */
struct provider {
    const char *name;
    int (*keygen)(const uint8_t *seed, struct kem_key *key, uint8_t *ek_r);
    int (*encaps)(const uint8_t *ek, const uint8_t *m, uint8_t *ciphertext_r, uint8_t *secret_r);
    int (*decaps)(const struct kem_key *key, const uint8_t *ciphertext, uint8_t *secret_r);
};

static const struct provider *provider;

/* Libcrypto is asked by name only, so that one build runs with 3.0 and uses what 3.5 has. */
static const char mlkem_name[] = "ML-KEM-768", x25519_name[] = "X25519";

static int failed(int r)
{
    ERR_clear_error();
    return r;
}

static int openssl_keygen(const uint8_t *seed, struct kem_key *key, uint8_t *ek_r)
{
    uint8_t copy[MLKEM_SEED_LEN];
    const OSSL_PARAM params[] = { OSSL_PARAM_octet_string("seed", copy, sizeof(copy)),
                                  OSSL_PARAM_END };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, mlkem_name, NULL);
    size_t len = 0;
    bool done;

    memcpy(copy, seed, sizeof(copy));
    done = ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1 &&
           EVP_PKEY_CTX_set_params(ctx, params) == 1 && EVP_PKEY_generate(ctx, &key->mlkem) == 1 &&
           EVP_PKEY_get_octet_string_param(key->mlkem, "pub", ek_r, MLKEM_EK_LEN, &len) == 1 &&
           len == MLKEM_EK_LEN;
    EVP_PKEY_CTX_free(ctx);
    secret_wipe(copy, sizeof(copy));
    return done ? 0 : failed(ERR_CRYPTO);
}

static int openssl_encaps(const uint8_t *ek, const uint8_t *m, uint8_t *ciphertext_r,
                          uint8_t *secret_r)
{
    uint8_t copy[MLKEM_MESSAGE_LEN];
    const OSSL_PARAM params[] = { OSSL_PARAM_octet_string("ikme", copy, sizeof(copy)),
                                  OSSL_PARAM_END };
    /* What 7.2 of FIPS 203 refuses does not become a key. */
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(NULL, mlkem_name, NULL, ek, MLKEM_EK_LEN);
    size_t ciphertext_len = MLKEM_CIPHERTEXT_LEN, secret_len = MLKEM_SECRET_LEN;
    EVP_PKEY_CTX *ctx;
    bool done;

    if (key == NULL)
        return failed(ERR_FORMAT);
    memcpy(copy, m, sizeof(copy));
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    done = ctx != NULL && EVP_PKEY_encapsulate_init(ctx, params) == 1 &&
           EVP_PKEY_encapsulate(ctx, ciphertext_r, &ciphertext_len, secret_r, &secret_len) == 1 &&
           ciphertext_len == MLKEM_CIPHERTEXT_LEN && secret_len == MLKEM_SECRET_LEN;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    secret_wipe(copy, sizeof(copy));
    return done ? 0 : failed(ERR_CRYPTO);
}

static int openssl_decaps(const struct kem_key *key, const uint8_t *ciphertext, uint8_t *secret_r)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->mlkem, NULL);
    size_t len = MLKEM_SECRET_LEN;
    bool done = ctx != NULL && EVP_PKEY_decapsulate_init(ctx, NULL) == 1 &&
                EVP_PKEY_decapsulate(ctx, secret_r, &len, ciphertext, MLKEM_CIPHERTEXT_LEN) == 1 &&
                len == MLKEM_SECRET_LEN;

    EVP_PKEY_CTX_free(ctx);
    return done ? 0 : failed(ERR_CRYPTO);
}

static const struct provider openssl = { "openssl", openssl_keygen, openssl_encaps,
                                         openssl_decaps };

static int own_keygen(const uint8_t *seed, struct kem_key *key, uint8_t *ek_r)
{
    return mlkem_keygen(seed, ek_r, key->dk);
}

static int own_encaps(const uint8_t *ek, const uint8_t *m, uint8_t *ciphertext_r, uint8_t *secret_r)
{
    return mlkem_encaps(ek, m, ciphertext_r, secret_r);
}

static int own_decaps(const struct kem_key *key, const uint8_t *ciphertext, uint8_t *secret_r)
{
    return mlkem_decaps(key->dk, ciphertext, secret_r);
}

static const struct provider own = { "own", own_keygen, own_encaps, own_decaps };

static int x25519_key(const uint8_t *scalar, EVP_PKEY **key_r, uint8_t *point_r)
{
    size_t len = POINT_LEN;

    *key_r = EVP_PKEY_new_raw_private_key_ex(NULL, x25519_name, NULL, scalar, SCALAR_LEN);
    if (*key_r == NULL || EVP_PKEY_get_raw_public_key(*key_r, point_r, &len) != 1 ||
        len != POINT_LEN)
        return failed(ERR_CRYPTO);
    return 0;
}

/* RFC 7748, 6.1. */
static int x25519_shared(EVP_PKEY *key, const uint8_t *point, uint8_t *secret_r)
{
    static const uint8_t zeros[POINT_LEN];
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(NULL, x25519_name, NULL, point, POINT_LEN);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    size_t len = POINT_LEN;
    int r = 0;

    if (peer == NULL || ctx == NULL || EVP_PKEY_derive_init(ctx) != 1 ||
        EVP_PKEY_derive_set_peer(ctx, peer) != 1)
        r = failed(ERR_CRYPTO);
    /* Libcrypto refuses an all-zero result, and has nothing else to refuse here. */
    else if (EVP_PKEY_derive(ctx, secret_r, &len) != 1)
        r = failed(ERR_FORMAT);
    else if (len != POINT_LEN)
        r = ERR_CRYPTO;
    else if (secret_equal(span_of(secret_r, POINT_LEN), span_of(zeros, POINT_LEN)))
        r = ERR_FORMAT;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    return r;
}

int kem_keygen_from(const uint8_t d_z[static 64], const uint8_t scalar[static 32],
                    struct kem_key **key_r, uint8_t share_r[static KEM_SHARE_LEN])
{
    struct kem_key *key = calloc(1, sizeof(*key));
    int r;

    *key_r = NULL;
    if (key == NULL)
        return -ENOMEM;
    r = provider->keygen(d_z, key, share_r);
    if (r == 0)
        r = x25519_key(scalar, &key->x25519, share_r + MLKEM_EK_LEN);
    if (r == 0)
        *key_r = key;
    else
        kem_key_free(&key);
    return r;
}

void kem_key_free(struct kem_key **key)
{
    if (*key == NULL)
        return;
    EVP_PKEY_free((*key)->mlkem);
    EVP_PKEY_free((*key)->x25519);
    secret_wipe(*key, sizeof(**key));
    free(*key);
    *key = NULL;
}

int kem_encaps_from(const uint8_t share[static KEM_SHARE_LEN], const uint8_t m[static 32],
                    const uint8_t scalar[static 32], uint8_t answer_r[static KEM_ANSWER_LEN],
                    uint8_t secret_r[static KEM_SECRET_LEN])
{
    EVP_PKEY *x25519 = NULL;
    int r = provider->encaps(share, m, answer_r, secret_r);

    if (r == 0)
        r = x25519_key(scalar, &x25519, answer_r + MLKEM_CIPHERTEXT_LEN);
    if (r == 0)
        r = x25519_shared(x25519, share + MLKEM_EK_LEN, secret_r + MLKEM_SECRET_LEN);
    EVP_PKEY_free(x25519);
    if (r != 0)
        secret_wipe(secret_r, KEM_SECRET_LEN);
    return r;
}

int kem_decaps(const struct kem_key *key, const uint8_t answer[static KEM_ANSWER_LEN],
               uint8_t secret_r[static KEM_SECRET_LEN])
{
    int r = provider->decaps(key, answer, secret_r);

    if (r == 0)
        r = x25519_shared(key->x25519, answer + MLKEM_CIPHERTEXT_LEN, secret_r + MLKEM_SECRET_LEN);
    if (r != 0)
        secret_wipe(secret_r, KEM_SECRET_LEN);
    return r;
}

int kem_keygen(struct kem_key **key_r, uint8_t share_r[static KEM_SHARE_LEN])
{
    struct {
        uint8_t d_z[MLKEM_SEED_LEN], scalar[SCALAR_LEN];
    } w;
    int r = crypto_random(&w, sizeof(w));

    *key_r = NULL;
    if (r == 0)
        r = kem_keygen_from(w.d_z, w.scalar, key_r, share_r);
    secret_wipe(&w, sizeof(w));
    return r;
}

int kem_encaps(const uint8_t share[static KEM_SHARE_LEN], uint8_t answer_r[static KEM_ANSWER_LEN],
               uint8_t secret_r[static KEM_SECRET_LEN])
{
    struct {
        uint8_t m[MLKEM_MESSAGE_LEN], scalar[SCALAR_LEN];
    } w;
    int r = crypto_random(&w, sizeof(w));

    if (r == 0)
        r = kem_encaps_from(share, w.m, w.scalar, answer_r, secret_r);
    secret_wipe(&w, sizeof(w));
    return r;
}

/*
 * The first of the round 3 seeds through FIPS 203, and Alice and Bob of RFC 7748, 6.1: the public
 * parts by their SHA-256, the secret as it is, and what comes of a wrong ciphertext.
 */
static const uint8_t known_d_z[] =
    "\x7c\x99\x35\xa0\xb0\x76\x94\xaa\x0c\x6d\x10\xe4\xdb\x6b\x1a\xdd"
    "\x2f\xd8\x1a\x25\xcc\xb1\x48\x03\x2d\xcd\x73\x99\x36\x73\x7f\x2d"
    "\x86\x26\xed\x79\xd4\x51\x14\x08\x00\xe0\x3b\x59\xb9\x56\xf8\x21"
    "\x0e\x55\x60\x67\x40\x7d\x13\xdc\x90\xfa\x9e\x8b\x87\x2b\xfb\x8f";
static const uint8_t known_m[] = "\x14\x7c\x03\xf7\xa5\xbe\xbb\xa4\x06\xc8\xfa\xe1\x87\x4d\x7f\x13"
                                 "\xc8\x0e\xfe\x79\xa3\xa9\xa8\x74\xcc\x09\xfe\x76\xf6\x99\x76\x15";
static const uint8_t known_alice[] =
    "\x77\x07\x6d\x0a\x73\x18\xa5\x7d\x3c\x16\xc1\x72\x51\xb2\x66\x45"
    "\xdf\x4c\x2f\x87\xeb\xc0\x99\x2a\xb1\x77\xfb\xa5\x1d\xb9\x2c\x2a";
static const uint8_t known_bob[] =
    "\x5d\xab\x08\x7e\x62\x4a\x8a\x4b\x79\xe1\x7f\x8b\x83\x80\x0e\xe6"
    "\x6f\x3b\xb1\x29\x26\x18\xb6\xfd\x1c\x2f\x8b\x27\xff\x88\xe0\xeb";
static const uint8_t known_public[] =
    "\x31\xad\xa2\x60\xbf\x6b\x7e\xf5\x44\x87\x2c\x9e\x4a\x25\x8a\x3d"
    "\x81\xa0\xd7\x64\xba\xaf\xd6\x9b\x50\x1b\x22\x06\x55\xf8\x6b\x1f";
static const uint8_t known_secret[] =
    "\xe7\x18\x4a\x09\x75\xee\x34\x70\x87\x8d\x2d\x15\x9e\xc8\x31\x29"
    "\xc8\xae\xc2\x53\xd4\xee\x17\xb4\x81\x03\x11\xd1\x98\xcd\x03\x68"
    "\x4a\x5d\x9d\x5b\xa4\xce\x2d\xe1\x72\x8e\x3b\xf4\x80\x35\x0f\x25"
    "\xe0\x7e\x21\xc9\x47\xd1\x9e\x33\x76\xf0\x9b\x3c\x1e\x16\x17\x42";

static bool answer_is_right(const struct kem_key *key, const uint8_t *share)
{
    uint8_t answer[KEM_ANSWER_LEN], secret[KEM_SECRET_LEN], digest[CRYPTO_HASH_LEN];
    const struct span parts[2] = { span_of(share, KEM_SHARE_LEN), span_of(answer, sizeof(answer)) };

    if (kem_encaps_from(share, known_m, known_bob, answer, secret) != 0 ||
        memcmp(secret, known_secret, sizeof(secret)) != 0 || crypto_sha256(parts, 2, digest) != 0 ||
        memcmp(digest, known_public, sizeof(digest)) != 0)
        return false;
    memset(secret, 0, sizeof(secret));
    if (kem_decaps(key, answer, secret) != 0 || memcmp(secret, known_secret, sizeof(secret)) != 0)
        return false;
    answer[0] ^= 1;
    return kem_decaps(key, answer, secret) == 0 &&
           memcmp(secret, known_secret, MLKEM_SECRET_LEN) != 0 &&
           memcmp(secret + MLKEM_SECRET_LEN, known_secret + MLKEM_SECRET_LEN, POINT_LEN) == 0;
}

static bool known_answer_is_right(void)
{
    struct kem_key *key = NULL;
    uint8_t share[KEM_SHARE_LEN];
    bool right =
        kem_keygen_from(known_d_z, known_alice, &key, share) == 0 && answer_is_right(key, share);

    kem_key_free(&key);
    return right;
}

int kem_init(void)
{
    EVP_KEM *there = EVP_KEM_fetch(NULL, mlkem_name, NULL);
    int r;

    assert(provider == NULL);
    ERR_clear_error(); /* not to have it is no error */
    provider = there != NULL ? &openssl : &own;
    EVP_KEM_free(there);
    r = provider == &own ? mlkem_init() : 0;
    if (r == 0 && !known_answer_is_right())
        r = ERR_CRYPTO;
    if (r != 0) {
        log_error("the self-test of the hybrid key encapsulation failed provider=%s",
                  provider->name);
        kem_fini();
    }
    return r;
}

void kem_fini(void)
{
    if (provider == &own)
        mlkem_fini();
    provider = NULL;
}

const char *kem_provider(void)
{
    return provider->name;
}
