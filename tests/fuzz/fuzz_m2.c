/* SPDX-License-Identifier: MIT */
/*
 * M2, as the answer to one M1. First byte: 1 = mac2 is made right, as a hostile peer who knows
 * SECRET could; 0 = as it comes.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/relays.h"

#include <stdlib.h>

enum { SEED = 1, ANSWER_AT = 108, MAC_AT = PAIRING_M2_LEN - CRYPTO_HASH_LEN };

static struct relays relays;
static struct pairing_run run;
static struct kem_key *key; /* the one within run, made once more */

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void begin(void)
{
    struct pairing_start_random random;
    uint8_t share[KEM_SHARE_LEN];

    relays_init(&relays);
    relays_ask(&relays.initiator, SEED, SUITE_AES_256_GCM, &run);
    relays_start_random(SEED, &random);
    must(kem_keygen_from(random.d_z, random.scalar, &key, share) == 0);
    must(memcmp(share, run.m1 + 108, sizeof(share)) == 0);
}

static void authenticate(uint8_t m2[static PAIRING_M2_LEN])
{
    uint8_t z[KEM_SECRET_LEN];
    const struct pairing_transcript transcript = {
        .psk = &relays.initiator.psk[0],
        .m1 = span_of(run.m1, PAIRING_M1_LEN),
        .m2 = span_of(m2, MAC_AT),
        .z = span_of(z, sizeof(z)),
    };
    struct pair_secret secret;

    if (kem_decaps(key, m2 + ANSWER_AT, z) == 0)
        must(pairing_derive(&transcript, m2 + MAC_AT, &secret) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = span_from(span_of(data, size), 1);
    struct pairing_result result;
    uint8_t m2[PAIRING_M2_LEN];

    if (key == NULL)
        begin();
    if (size == 1 + PAIRING_M2_LEN && data[0] == 1) {
        memcpy(m2, bytes.at, PAIRING_M2_LEN);
        authenticate(m2);
        bytes = span_of(m2, PAIRING_M2_LEN);
    }
    if (pairing_finish(run.pairing, bytes, relays_now_ms(), &result) == 0) {
        must(memchr(run.offer.suites, (int)result.secret.suite, N_SUITES_OFFERED) != NULL);
        must(!identity_is_self(&relays.initiator, result.node));
        must(memcmp(result.secret.id, relays.initiator.psk[0].id, PAIR_ID_PSK_LEN) == 0);
    }
    return 0;
}
