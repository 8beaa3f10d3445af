/* SPDX-License-Identifier: MIT */
/*
 * SHA-256, HMAC, HKDF, scrypt and the two AEADs over OpenSSL's EVP, random bytes from the kernel.
 * Owns the fetched algorithms; contexts belong to those who asked for them. Keeps no key: what
 * was keyed for one call is freed at its end, and OpenSSL cleanses a context that it frees.
 * Leaves nothing in OpenSSL's error queue, where the TLS of the same thread would trip over it.
 */
#include "common/crypto.h"

#include "common/log.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <sys/random.h>

struct hmac {
    EVP_MAC_CTX *ctx;
};

struct aead {
    EVP_CIPHER_CTX *ctx;
    enum aead_direction direction;
    const EVP_CIPHER *cipher; /* with the key, until the first nonce: OpenSSL takes all at once for
                                 little more than it takes each */
    struct secret_key key;
};

/* Fetched once: a fetch costs more than the work on a small message. */
static struct {
    EVP_MD *sha256;
    EVP_MD_CTX *sha256_ctx;
    EVP_MAC *hmac;
    EVP_CIPHER *aes_256_gcm;
    EVP_CIPHER *chacha20_poly1305;
} algorithms;

/* OpenSSL's verdict, 1 or anything else, as ours. */
static int verdict(int ok)
{
    if (ok == 1)
        return 0;
    ERR_clear_error();
    return ERR_CRYPTO;
}

int crypto_random(void *at, size_t len)
{
    uint8_t *to = at;

    while (len > 0) {
        ssize_t n = getrandom(to, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        to += n;
        len -= (size_t)n;
    }
    return 0;
}

int crypto_sha256(const struct span *parts, size_t n_parts,
                  uint8_t digest_r[static CRYPTO_HASH_LEN])
{
    EVP_MD_CTX *ctx = algorithms.sha256_ctx;
    int ok = EVP_DigestInit_ex2(ctx, algorithms.sha256, NULL);

    for (size_t i = 0; ok == 1 && i < n_parts; i++)
        ok = EVP_DigestUpdate(ctx, parts[i].at, parts[i].len);
    if (ok == 1)
        ok = EVP_DigestFinal_ex(ctx, digest_r, NULL);
    return verdict(ok);
}

/* NULL where OpenSSL fails. */
static EVP_MAC_CTX *hmac_context(struct span key)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(algorithms.hmac);
    /* No key at all would mean "the same as before" to OpenSSL. */
    const uint8_t *at = key.len > 0 ? key.at : (const uint8_t *)"";

    if (ctx != NULL && EVP_MAC_init(ctx, at, key.len, params) == 1)
        return ctx;
    EVP_MAC_CTX_free(ctx);
    return NULL;
}

/* From a context that was initialised and took nothing yet. */
static int hmac_finish(EVP_MAC_CTX *ctx, const struct span *parts, size_t n_parts,
                       uint8_t mac_r[static CRYPTO_HASH_LEN])
{
    size_t len;
    int ok = 1;

    for (size_t i = 0; ok == 1 && i < n_parts; i++)
        ok = EVP_MAC_update(ctx, parts[i].at, parts[i].len);
    if (ok == 1)
        ok = EVP_MAC_final(ctx, mac_r, &len, CRYPTO_HASH_LEN);
    return verdict(ok);
}

int crypto_hmac(struct span key, const struct span *parts, size_t n_parts,
                uint8_t mac_r[static CRYPTO_HASH_LEN])
{
    EVP_MAC_CTX *ctx = hmac_context(key);
    int r = verdict(ctx != NULL);

    if (r == 0)
        r = hmac_finish(ctx, parts, n_parts, mac_r);
    EVP_MAC_CTX_free(ctx);
    return r;
}

int hmac_new(struct span key, struct hmac **hmac_r)
{
    struct hmac *hmac = malloc(sizeof(*hmac));

    *hmac_r = NULL;
    if (hmac == NULL)
        return -ENOMEM;
    hmac->ctx = hmac_context(key);
    if (hmac->ctx == NULL) {
        free(hmac);
        return verdict(0);
    }
    *hmac_r = hmac;
    return 0;
}

int hmac_compute(struct hmac *hmac, const struct span *parts, size_t n_parts,
                 uint8_t mac_r[static CRYPTO_HASH_LEN])
{
    /* Without a key this goes back to the keyed state: half the price of a copy of the context. */
    if (EVP_MAC_init(hmac->ctx, NULL, 0, NULL) != 1)
        return verdict(0);
    return hmac_finish(hmac->ctx, parts, n_parts, mac_r);
}

void hmac_free(struct hmac **hmac)
{
    if (*hmac == NULL)
        return;
    EVP_MAC_CTX_free((*hmac)->ctx);
    free(*hmac);
    *hmac = NULL;
}

int crypto_hkdf_extract(struct span salt, struct span ikm, struct secret_key *prk_r)
{
    return crypto_hmac(salt, &ikm, 1, prk_r->bytes);
}

int crypto_hkdf_expand(const struct secret_key *prk, struct span info, void *out_r, size_t out_len)
{
    struct hmac *hmac = NULL;
    uint8_t block[CRYPTO_HASH_LEN], number = 0;
    uint8_t *out = out_r;
    int r;

    if (out_len > 255 * sizeof(block))
        return ERR_LIMIT;
    r = hmac_new(span_of(prk->bytes, sizeof(prk->bytes)), &hmac);
    while (r == 0 && out_len > 0) {
        /* T(n) = HMAC(prk, T(n - 1), info, n), and T(0) is empty. */
        struct span last = number > 0 ? span_of(block, sizeof(block)) : SPAN_NONE;
        size_t len = out_len < sizeof(block) ? out_len : sizeof(block);

        number++;
        r = hmac_compute(hmac, (struct span[]){ last, info, span_of(&number, 1) }, 3, block);
        if (r == 0)
            memcpy(out, block, len);
        out += len;
        out_len -= len;
    }
    hmac_free(&hmac);
    secret_wipe(block, sizeof(block));
    return r;
}

int crypto_scrypt(struct span password, struct span salt, uint64_t n, uint64_t r, uint64_t p,
                  void *out_r, size_t out_len)
{
    uint64_t rows, memory;

    /* OpenSSL counts p blocks, and n + 2 of its table, of 128 r bytes against its bound. */
    if (__builtin_add_overflow(n, p, &rows) || __builtin_add_overflow(rows, 2, &rows) ||
        __builtin_mul_overflow(rows, r, &memory) || __builtin_mul_overflow(memory, 128, &memory))
        return ERR_LIMIT;
    return verdict(EVP_PBE_scrypt((const char *)password.at, password.len, salt.at, salt.len, n, r,
                                  p, memory, out_r, out_len));
}

/*
 * No list of idle contexts: OpenSSL wipes one only by freeing what is in it, and to make, key and
 * free one takes 0.4 microseconds in all.
 */
int aead_new(enum suite suite, enum aead_direction direction, const struct secret_key *key,
             struct aead **aead_r)
{
    struct aead *aead = malloc(sizeof(*aead));

    assert(suite == SUITE_AES_256_GCM || suite == SUITE_CHACHA20_POLY1305);
    *aead_r = NULL;
    if (aead == NULL)
        return -ENOMEM;
    aead->direction = direction;
    aead->cipher =
        suite == SUITE_AES_256_GCM ? algorithms.aes_256_gcm : algorithms.chacha20_poly1305;
    aead->key = *key;
    aead->ctx = EVP_CIPHER_CTX_new();
    if (aead->ctx == NULL) {
        aead_free(&aead);
        return verdict(0);
    }
    *aead_r = aead;
    return 0;
}

void aead_free(struct aead **aead)
{
    if (*aead == NULL)
        return;
    EVP_CIPHER_CTX_free((*aead)->ctx);
    secret_wipe(*aead, sizeof(**aead));
    free(*aead);
    *aead = NULL;
}

/* Everything but the tag: nonce, additional data, and the text from in to out_r. */
static int aead_run(struct aead *aead, const uint8_t *nonce, const struct span in[2],
                    uint8_t *out_r)
{
    const struct span aad = in[0], text = in[1];
    EVP_CIPHER_CTX *ctx = aead->ctx;
    int len;
    int ok = EVP_CipherInit_ex2(ctx, aead->cipher, aead->cipher != NULL ? aead->key.bytes : NULL,
                                nonce, aead->direction == AEAD_SEAL, NULL);

    if (aead->cipher != NULL && ok == 1) {
        aead->cipher = NULL;
        secret_wipe(&aead->key, sizeof(aead->key));
    }
    if (ok == 1 && aad.len > 0)
        ok = EVP_CipherUpdate(ctx, NULL, &len, aad.at, (int)aad.len);
    if (ok == 1 && text.len > 0)
        ok = EVP_CipherUpdate(ctx, out_r, &len, text.at, (int)text.len);
    return verdict(ok);
}

int aead_seal(struct aead *aead, const uint8_t nonce[static CRYPTO_NONCE_LEN], struct span aad,
              struct span plain, uint8_t *out_r)
{
    uint8_t none;
    int r, len;

    assert(aead->direction == AEAD_SEAL);
    if (aad.len > INT_MAX || plain.len > INT_MAX)
        return ERR_LIMIT;
    r = aead_run(aead, nonce, (struct span[2]){ aad, plain }, out_r);
    if (r == 0)
        r = verdict(EVP_CipherFinal_ex(aead->ctx, &none, &len));
    if (r == 0)
        r = verdict(EVP_CIPHER_CTX_ctrl(aead->ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_LEN,
                                        out_r + plain.len));
    return r;
}

int aead_open(struct aead *aead, const uint8_t nonce[static CRYPTO_NONCE_LEN], struct span aad,
              struct span sealed, uint8_t *out_r)
{
    uint8_t tag[CRYPTO_TAG_LEN], none;
    struct span text;
    int r, len;

    assert(aead->direction == AEAD_OPEN);
    if (sealed.len < sizeof(tag))
        return ERR_AUTH;
    if (aad.len > INT_MAX || sealed.len > INT_MAX)
        return ERR_LIMIT;
    text = span_part(sealed, 0, sealed.len - sizeof(tag));
    memcpy(tag, sealed.at + text.len, sizeof(tag));
    r = aead_run(aead, nonce, (struct span[2]){ aad, text }, out_r);
    if (r == 0)
        r = verdict(EVP_CIPHER_CTX_ctrl(aead->ctx, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag));
    /* Only the tag can be wrong in the last step. */
    if (r == 0 && verdict(EVP_CipherFinal_ex(aead->ctx, &none, &len)) != 0)
        r = ERR_AUTH;
    if (r != 0)
        secret_wipe(out_r, text.len);
    return r;
}

static bool is(const uint8_t *at, struct span expected)
{
    return memcmp(at, expected.at, expected.len) == 0;
}

/* FIPS 180-4: "abc". */
static bool sha256_is_right(void)
{
    uint8_t digest[CRYPTO_HASH_LEN];

    return crypto_sha256(&SPAN("abc"), 1, digest) == 0 &&
           is(digest, SPAN("\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
                           "\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad"));
}

/* RFC 4231, test case 2. */
static bool hmac_is_right(void)
{
    uint8_t mac[CRYPTO_HASH_LEN];

    return crypto_hmac(SPAN("Jefe"), &SPAN("what do ya want for nothing?"), 1, mac) == 0 &&
           is(mac, SPAN("\x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95\x75\xc7"
                        "\x5a\x00\x3f\x08\x9d\x27\x39\x83\x9d\xec\x58\xb9\x64\xec\x38\x43"));
}

/* RFC 5869, A.1. */
static bool hkdf_is_right(void)
{
    struct secret_key prk;
    uint8_t ikm[22], okm[42];

    memset(ikm, 0x0b, sizeof(ikm));
    return crypto_hkdf_extract(SPAN("\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc"), span_of(ikm, sizeof(ikm)),
                               &prk) == 0 &&
           crypto_hkdf_expand(&prk, SPAN("\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9"), okm,
                              sizeof(okm)) == 0 &&
           is(okm, SPAN("\x3c\xb2\x5f\x25\xfa\xac\xd5\x7a\x90\x43\x4f\x64\xd0\x36\x2f\x2a"
                        "\x2d\x2d\x0a\x90\xcf\x1a\x5a\x4c\x5d\xb0\x2d\x56\xec\xc4\xc5\xbf"
                        "\x34\x00\x72\x08\xd5\xb8\x87\x18\x58\x65"));
}

/* The tag stands for the ciphertext, of which it is the MAC. */
static bool aead_is_right(enum suite suite, const struct secret_key *key, const uint8_t *nonce,
                          const struct span expected[3])
{
    const struct span aad = expected[0], plain = expected[1], tag = expected[2];
    struct aead *seal = NULL, *open = NULL;
    uint8_t sealed[256] = { 0 }, opened[256];
    struct span all = span_of(sealed, plain.len + CRYPTO_TAG_LEN);
    bool right = aead_new(suite, AEAD_SEAL, key, &seal) == 0 &&
                 aead_new(suite, AEAD_OPEN, key, &open) == 0 &&
                 aead_seal(seal, nonce, aad, plain, sealed) == 0 && is(sealed + plain.len, tag) &&
                 aead_open(open, nonce, aad, all, opened) == 0 && is(opened, plain);

    sealed[0] ^= 1;
    right = right && aead_open(open, nonce, aad, all, opened) == ERR_AUTH;
    aead_free(&seal);
    aead_free(&open);
    return right;
}

/* The GCM specification (McGrew, Viega), test case 16. */
static bool aes_256_gcm_is_right(void)
{
    static const struct secret_key key = { "\xfe\xff\xe9\x92\x86\x65\x73\x1c"
                                           "\x6d\x6a\x8f\x94\x67\x30\x83\x08"
                                           "\xfe\xff\xe9\x92\x86\x65\x73\x1c"
                                           "\x6d\x6a\x8f\x94\x67\x30\x83\x08" };
    static const uint8_t nonce[] = "\xca\xfe\xba\xbe\xfa\xce\xdb\xad\xde\xca\xf8\x88";
    const struct span expected[3] = {
        SPAN("\xfe\xed\xfa\xce\xde\xad\xbe\xef\xfe\xed\xfa\xce\xde\xad\xbe\xef\xab\xad\xda\xd2"),
        SPAN("\xd9\x31\x32\x25\xf8\x84\x06\xe5\xa5\x59\x09\xc5\xaf\xf5\x26\x9a"
             "\x86\xa7\xa9\x53\x15\x34\xf7\xda\x2e\x4c\x30\x3d\x8a\x31\x8a\x72"
             "\x1c\x3c\x0c\x95\x95\x68\x09\x53\x2f\xcf\x0e\x24\x49\xa6\xb5\x25"
             "\xb1\x6a\xed\xf5\xaa\x0d\xe6\x57\xba\x63\x7b\x39"),
        SPAN("\x76\xfc\x6e\xce\x0f\x4e\x17\x68\xcd\xdf\x88\x53\xbb\x2d\x55\x1b"),
    };

    return aead_is_right(SUITE_AES_256_GCM, &key, nonce, expected);
}

/* RFC 8439, 2.8.2. */
static bool chacha20_poly1305_is_right(void)
{
    static const uint8_t nonce[] = "\x07\0\0\0\x40\x41\x42\x43\x44\x45\x46\x47";
    const struct span expected[3] = {
        SPAN("\x50\x51\x52\x53\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7"),
        SPAN("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
             "future, sunscreen would be it."),
        SPAN("\x1a\xe1\x0b\x59\x4f\x09\xe2\x6a\x7e\x90\x2e\xcb\xd0\x60\x06\x91"),
    };
    struct secret_key key;

    for (size_t i = 0; i < sizeof(key.bytes); i++)
        key.bytes[i] = (uint8_t)(0x80 + i);
    return aead_is_right(SUITE_CHACHA20_POLY1305, &key, nonce, expected);
}

static const struct {
    const char *name;
    bool (*is_right)(void);
} known_answers[] = {
    { "SHA-256", sha256_is_right },
    { "HMAC-SHA-256", hmac_is_right },
    { "HKDF-SHA-256", hkdf_is_right },
    { "AES-256-GCM", aes_256_gcm_is_right },
    { "ChaCha20-Poly1305", chacha20_poly1305_is_right },
};

int crypto_init(void)
{
    assert(algorithms.sha256 == NULL);
    algorithms.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    algorithms.sha256_ctx = EVP_MD_CTX_new();
    algorithms.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    algorithms.aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    algorithms.chacha20_poly1305 = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    if (algorithms.sha256 == NULL || algorithms.sha256_ctx == NULL || algorithms.hmac == NULL ||
        algorithms.aes_256_gcm == NULL || algorithms.chacha20_poly1305 == NULL) {
        crypto_fini();
        return verdict(0);
    }
    for (size_t i = 0; i < sizeof(known_answers) / sizeof(known_answers[0]); i++) {
        if (!known_answers[i].is_right()) {
            log_error("the cryptographic self-test failed algorithm=%s", known_answers[i].name);
            crypto_fini();
            return ERR_CRYPTO;
        }
    }
    return 0;
}

void crypto_fini(void)
{
    EVP_CIPHER_free(algorithms.chacha20_poly1305);
    EVP_CIPHER_free(algorithms.aes_256_gcm);
    EVP_MAC_free(algorithms.hmac);
    EVP_MD_CTX_free(algorithms.sha256_ctx);
    EVP_MD_free(algorithms.sha256);
    memset(&algorithms, 0, sizeof(algorithms));
}
