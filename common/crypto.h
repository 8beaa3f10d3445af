/* SPDX-License-Identifier: MIT */
/*
 * The symmetric primitives and the random numbers of the protocol, over OpenSSL 3.0 or later.
 * Algorithms are fetched once. Not for several threads. ERR_CRYPTO means that the library failed:
 * nothing may go on.
 */
#ifndef COMMON_CRYPTO_H
#define COMMON_CRYPTO_H

#include "common/error.h"
#include "common/secret.h"
#include "common/span.h"

enum {
    CRYPTO_HASH_LEN = 32, /* SHA-256 */
    CRYPTO_TAG_LEN = 16,
    CRYPTO_NONCE_LEN = 12,
};

/* AEAD suites by their number on the wire; there is no other. */
enum suite { SUITE_AES_256_GCM = 1, SUITE_CHACHA20_POLY1305 = 2 };

/* Fetches algorithms and runs a known-answer test of each. Once per process, before all else. */
MUST_CHECK int crypto_init(void);
void crypto_fini(void);

/* From getrandom(2), never from a generator in our memory: a cloned machine must not repeat. */
MUST_CHECK int crypto_random(void *at, size_t len);

/* SHA-256 (FIPS 180-4) of the parts, joined. */
MUST_CHECK int crypto_sha256(const struct span *parts, size_t n_parts,
                             uint8_t digest_r[static CRYPTO_HASH_LEN]);

/* HMAC-SHA-256 (RFC 2104) of the parts, joined; any key length. */
MUST_CHECK int crypto_hmac(struct span key, const struct span *parts, size_t n_parts,
                           uint8_t mac_r[static CRYPTO_HASH_LEN]);

/* HKDF-SHA-256 (RFC 5869). */
MUST_CHECK int crypto_hkdf_extract(struct span salt, struct span ikm, struct secret_key *prk_r);
MUST_CHECK int crypto_hkdf_expand(const struct secret_key *prk, struct span info, void *out_r,
                                  size_t out_len);

/* scrypt (RFC 7914); n, r, p as named there. Takes about 128 * n * r bytes of memory. */
MUST_CHECK int crypto_scrypt(struct span password, struct span salt, uint64_t n, uint64_t r,
                             uint64_t p, void *out_r, size_t out_len);

/* A MAC keyed once and computed often, any key length. Heap, owned by whoever called hmac_new(). */
struct hmac;
MUST_CHECK int hmac_new(struct span key, struct hmac **hmac_r);
MUST_CHECK int hmac_compute(struct hmac *hmac, const struct span *parts, size_t n_parts,
                            uint8_t mac_r[static CRYPTO_HASH_LEN]);
void hmac_free(struct hmac **hmac);

/*
 * One AEAD key in one direction: seal and open must not be mixed on one. Wiped by aead_free().
 */
struct aead;
enum aead_direction { AEAD_SEAL, AEAD_OPEN };
MUST_CHECK int aead_new(enum suite suite, enum aead_direction direction,
                        const struct secret_key *key, struct aead **aead_r);
void aead_free(struct aead **aead);

/* Writes plain.len + CRYPTO_TAG_LEN bytes. out_r may be plain.at, otherwise they do not overlap. */
MUST_CHECK int aead_seal(struct aead *aead, const uint8_t nonce[static CRYPTO_NONCE_LEN],
                         struct span aad, struct span plain, uint8_t *out_r);
/*
 * sealed ends with the tag; writes sealed.len - CRYPTO_TAG_LEN bytes. ERR_AUTH (out_r is then
 * wiped) where the tag is wrong or sealed is shorter than one. out_r may be sealed.at.
 */
MUST_CHECK int aead_open(struct aead *aead, const uint8_t nonce[static CRYPTO_NONCE_LEN],
                         struct span aad, struct span sealed, uint8_t *out_r);

#endif
