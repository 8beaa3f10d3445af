/* SPDX-License-Identifier: MIT */
/*
 * M1, through all of the responder's steps. First byte: 1 = psk_id and mac1 are made right, so that
 * what stands behind them is reached; 0 = as they come.
 */
#include "common/errframe.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/relays.h"

#include <stdlib.h>

static struct relays relays;

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void authenticate(uint8_t m1[static PAIRING_M1_LEN])
{
    const struct identity_psk *psk = &relays.responder.psk[0];
    const struct span plain = span_of(m1, PAIRING_M1_LEN - CRYPTO_HASH_LEN);

    memcpy(m1 + 4, psk->id, PSK_ID_LEN);
    must(crypto_hmac(span_of(psk->m1_mac.bytes, SECRET_KEY_LEN), &plain, 1, m1 + plain.len) == 0);
}

static void answer(struct span bytes)
{
    struct pairing_answer_random random = { .nonce = { 1 }, .m = { 2 }, .scalar = { 3 } };
    struct pairing_answer answer = { .now_ms = relays_now_ms(), .lifetime_s = 60 };
    uint8_t m2[PAIRING_M2_LEN];
    struct pair_secret secret;
    struct pairing_m1 m1;
    int r;

    if (pairing_read_m1(&relays.responder, bytes, &m1) < 0)
        return;
    must(m1.psk == errframe_psk_of_m1(&relays.responder, bytes));
    if (pairing_choose(&relays.responder, &m1, &answer.suite) < 0)
        return;
    must(memchr(m1.suites, (int)answer.suite, N_SUITES_OFFERED) != NULL);
    r = pairing_check_time(&m1, relays_now_ms());
    must(r == 0 || r == ERR_CLOCK);
    r = pairing_answer_from(&relays.responder, &m1, &answer, &random, m2, &secret);
    must(r == 0 || r == ERR_FORMAT);
    must(r < 0 || (m2[2] == answer.suite && memcmp(secret.id, m1.psk->id, PAIR_ID_PSK_LEN) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = span_from(span_of(data, size), 1);
    uint8_t m1[PAIRING_M1_LEN];

    if (relays.responder.n_psk == 0)
        relays_init(&relays);
    if (size == 1 + PAIRING_M1_LEN && data[0] == 1) {
        memcpy(m1, bytes.at, PAIRING_M1_LEN);
        authenticate(m1);
        bytes = span_of(m1, PAIRING_M1_LEN);
    }
    answer(bytes);
    return 0;
}
