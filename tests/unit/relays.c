/* SPDX-License-Identifier: MIT */
/* Two deployments and their pairings. */
#include "tests/unit/relays.h"

#include <stdlib.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

void relays_identity(struct identity *identity_r, struct span secret, struct span client_id_secret,
                     const char *upstream)
{
    struct identity_config config = { .secret = secret, .client_id_secret = client_id_secret };
    const char *why = NULL;

    must(url_parse(span_text(upstream), &config.upstream, &why) == 0);
    must(identity_init(identity_r, &config) == 0);
}

void relays_init(struct relays *relays)
{
    must(crypto_init() == 0 && kem_init() == 0);
    relays_identity(&relays->initiator, SPAN(RELAYS_SECRET), SPAN(RELAYS_CLIENT_SECRET_I),
                    RELAYS_UPSTREAM_I);
    relays_identity(&relays->responder, SPAN(RELAYS_SECRET), SPAN(RELAYS_CLIENT_SECRET_R),
                    RELAYS_UPSTREAM_R);
}

void relays_fini(struct relays *relays)
{
    identity_fini(&relays->initiator);
    identity_fini(&relays->responder);
    kem_fini();
    crypto_fini();
}

uint64_t relays_now_ms(void)
{
    return UINT64_C(1767225600000); /* 2026-01-01 */
}

void relays_count(void *at, uint8_t first, size_t n)
{
    uint8_t *byte = at;

    while (n-- > 0)
        *byte++ = first++;
}

void relays_start_random(uint8_t seed, struct pairing_start_random *random_r)
{
    relays_count(random_r->nonce, seed, sizeof(random_r->nonce));
    relays_count(random_r->d_z, (uint8_t)(seed + 0x20), sizeof(random_r->d_z));
    relays_count(random_r->scalar, (uint8_t)(seed + 0x60), sizeof(random_r->scalar));
}

void relays_answer_random(uint8_t seed, struct pairing_answer_random *random_r)
{
    relays_count(random_r->nonce, seed, sizeof(random_r->nonce));
    relays_count(random_r->m, (uint8_t)(seed + 0x20), sizeof(random_r->m));
    relays_count(random_r->scalar, (uint8_t)(seed + 0x40), sizeof(random_r->scalar));
}

void relays_ask(const struct identity *initiator, uint8_t seed, enum suite suite,
                struct pairing_run *run)
{
    struct pairing_start_random random;

    memset(run, 0, sizeof(*run));
    relays_start_random(seed, &random);
    run->offer.suites[0] = (uint8_t)suite;
    run->offer.suites[1] = suite == SUITE_AES_256_GCM ? SUITE_CHACHA20_POLY1305 : SUITE_AES_256_GCM;
    run->offer.now_ms = relays_now_ms();
    relays_count(run->answer.client_token, 0xc0, CLIENT_TOKEN_LEN);
    must(pairing_start_from(initiator, &run->offer, &random, &run->pairing) == 0);
    memcpy(run->m1, pairing_m1(run->pairing).at, PAIRING_M1_LEN);
}

int relays_answer(const struct identity *responder, uint8_t seed, struct pairing_run *run)
{
    struct pairing_answer_random random;
    struct pairing_m1 m1;
    int r;

    relays_answer_random(seed, &random);
    run->answer.now_ms = relays_now_ms() + 1500;
    run->answer.lifetime_s = 3600;
    run->answer.max_body = 16 << 20;
    r = pairing_read_m1(responder, span_of(run->m1, PAIRING_M1_LEN), &m1);
    if (r == 0)
        r = pairing_choose(responder, &m1, &run->answer.suite);
    if (r == 0)
        r = pairing_check_time(&m1, relays_now_ms());
    if (r == 0)
        r = pairing_answer_from(responder, &m1, &run->answer, &random, run->m2,
                                &run->responder_secret);
    return r;
}

void relays_end(struct pairing_run *run)
{
    pairing_free(&run->pairing);
    secret_wipe(run, sizeof(*run));
}
