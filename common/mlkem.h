/* SPDX-License-Identifier: MIT */
/*
 * ML-KEM-768 (FIPS 203), our own, for where libcrypto has none. All randomness is given by the
 * caller. Time and memory access depend on nothing secret. ERR_CRYPTO: libcrypto's SHA-3 failed.
 */
#ifndef COMMON_MLKEM_H
#define COMMON_MLKEM_H

#include "common/error.h"

#include <stdint.h>

enum {
    MLKEM_SEED_LEN = 64, /* d, z */
    MLKEM_EK_LEN = 1184, /* encapsulation key */
    MLKEM_DK_LEN = 2400, /* decapsulation key */
    MLKEM_MESSAGE_LEN = 32,
    MLKEM_CIPHERTEXT_LEN = 1088,
    MLKEM_SECRET_LEN = 32,
};

/* Fetches SHA-3; once, before all else. */
MUST_CHECK int mlkem_init(void);
void mlkem_fini(void);

/* ML-KEM.KeyGen_internal. */
MUST_CHECK int mlkem_keygen(const uint8_t seed[static MLKEM_SEED_LEN],
                            uint8_t ek_r[static MLKEM_EK_LEN], uint8_t dk_r[static MLKEM_DK_LEN]);

/* ML-KEM.Encaps_internal. ERR_FORMAT: a key with a coefficient of q or more (FIPS 203, 7.2). */
MUST_CHECK int mlkem_encaps(const uint8_t ek[static MLKEM_EK_LEN],
                            const uint8_t m[static MLKEM_MESSAGE_LEN],
                            uint8_t ciphertext_r[static MLKEM_CIPHERTEXT_LEN],
                            uint8_t secret_r[static MLKEM_SECRET_LEN]);

/*
 * ML-KEM.Decaps_internal: a wrong ciphertext gives another secret. ERR_FORMAT: a key that does not
 * agree with the hash in it (FIPS 203, 7.3).
 */
MUST_CHECK int mlkem_decaps(const uint8_t dk[static MLKEM_DK_LEN],
                            const uint8_t ciphertext[static MLKEM_CIPHERTEXT_LEN],
                            uint8_t secret_r[static MLKEM_SECRET_LEN]);

#endif
