/* SPDX-License-Identifier: MIT */
/*
 * Pairing from given randomness, for known answers and hostile tests. pairing_start() and
 * pairing_answer() are these with what crypto_random() gave; nothing else may call them.
 */
#ifndef COMMON_PAIRING_INTERNAL_H
#define COMMON_PAIRING_INTERNAL_H

#include "common/pairing.h"

struct pairing_start_random {
    uint8_t nonce[PAIRING_NONCE_LEN];
    uint8_t d_z[64];    /* ML-KEM key generation */
    uint8_t scalar[32]; /* X25519 */
};

MUST_CHECK int pairing_start_from(const struct identity *identity,
                                  const struct pairing_offer *offer,
                                  const struct pairing_start_random *random,
                                  struct pairing **pairing_r);

struct pairing_answer_random {
    uint8_t nonce[PAIRING_NONCE_LEN];
    uint8_t m[32];      /* ML-KEM encapsulation */
    uint8_t scalar[32]; /* X25519 */
};

MUST_CHECK int pairing_answer_from(const struct identity *identity, const struct pairing_m1 *m1,
                                   const struct pairing_answer *answer,
                                   const struct pairing_answer_random *random,
                                   uint8_t m2_r[static PAIRING_M2_LEN],
                                   struct pair_secret *secret_r);

/* What both sides compute once they have z, the hybrid secret. m2: of it, all before mac2. */
struct pairing_transcript {
    const struct identity_psk *psk;
    struct span m1, m2, z;
};

MUST_CHECK int pairing_derive(const struct pairing_transcript *transcript,
                              uint8_t mac2_r[static CRYPTO_HASH_LEN], struct pair_secret *secret_r);

#endif
