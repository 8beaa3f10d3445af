/* SPDX-License-Identifier: MIT */
/*
 * The hybrid key encapsulation: ML-KEM-768 (FIPS 203) then X25519 (RFC 7748), laid out as the TLS
 * group X25519MLKEM768. There is no way to have one half without the other.
 */
#ifndef COMMON_KEM_H
#define COMMON_KEM_H

#include "common/error.h"
#include "common/secret.h"

enum {
    KEM_SHARE_LEN = 1184 + 32,  /* encapsulation key, X25519 public key */
    KEM_ANSWER_LEN = 1088 + 32, /* ciphertext, X25519 public key */
    KEM_SECRET_LEN = 32 + 32,   /* ML-KEM shared secret, X25519 shared secret */
};

/* An ephemeral private key. Heap; wiped by kem_key_free(). */
struct kem_key;

/* Chooses ML-KEM's implementation and runs its known-answer test. After crypto_init(). */
MUST_CHECK int kem_init(void);
void kem_fini(void);
/* "openssl" or "own", for the log. */
const char *kem_provider(void);

MUST_CHECK int kem_keygen(struct kem_key **key_r, uint8_t share_r[static KEM_SHARE_LEN]);
void kem_key_free(struct kem_key **key);

/* ERR_FORMAT: a share that FIPS 203 7.2 or the all-zero rule of RFC 7748 6.1 refuses. */
MUST_CHECK int kem_encaps(const uint8_t share[static KEM_SHARE_LEN],
                          uint8_t answer_r[static KEM_ANSWER_LEN],
                          uint8_t secret_r[static KEM_SECRET_LEN]);

/* ERR_FORMAT: an all-zero X25519 result. A wrong ciphertext gives another secret (FIPS 203 6.3). */
MUST_CHECK int kem_decaps(const struct kem_key *key, const uint8_t answer[static KEM_ANSWER_LEN],
                          uint8_t secret_r[static KEM_SECRET_LEN]);

/* The same from given randomness, for known answers: FIPS 203's d and z, m, and X25519 scalars. */
MUST_CHECK int kem_keygen_from(const uint8_t d_z[static 64], const uint8_t scalar[static 32],
                               struct kem_key **key_r, uint8_t share_r[static KEM_SHARE_LEN]);
MUST_CHECK int kem_encaps_from(const uint8_t share[static KEM_SHARE_LEN],
                               const uint8_t m[static 32], const uint8_t scalar[static 32],
                               uint8_t answer_r[static KEM_ANSWER_LEN],
                               uint8_t secret_r[static KEM_SECRET_LEN]);

#endif
