/* SPDX-License-Identifier: MIT */
/*
 * The key agreement: one message each way, authenticated by the PSK, secret by the hybrid KEM and
 * the PSK together. Owns the ephemeral key until pairing_free(). Remembers nothing between runs and
 * never looks at a clock.
 */
#include "common/pairing.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/pairing_internal.h"
#include "common/wire.h"

enum {
    TYPE_M1 = 0x01,
    TYPE_M2 = 0x02,
    MAC_LEN = CRYPTO_HASH_LEN,
    M1_PLAIN_LEN = PAIRING_M1_LEN - MAC_LEN, /* all before mac1 */
    M1_SHARE = M1_PLAIN_LEN - KEM_SHARE_LEN, /* offset */
    M2_PLAIN_LEN = PAIRING_M2_LEN - MAC_LEN,
    CLOCK_TOLERANCE_MS = 120 * 1000,
};

struct pairing {
    const struct identity *identity;
    struct kem_key *key; /* owned */
    uint8_t m1[PAIRING_M1_LEN];
    uint8_t suites[N_SUITES_OFFERED];
};

struct m2 {
    struct span bytes;
    uint8_t suite;
    uint8_t node[NODE_LEN];
    uint64_t time_ms;
    uint32_t lifetime_s;
    uint32_t max_body_kib;
    uint8_t client_token[CLIENT_TOKEN_LEN];
    struct span answer;
    struct span mac;
};

static bool have_suite(uint8_t suite)
{
    return suite == SUITE_AES_256_GCM || suite == SUITE_CHACHA20_POLY1305;
}

/* ---- keys ---- */

static int derive_pair(const struct identity_psk *psk, const struct secret_key *prk, struct span th,
                       struct pair_secret *secret_r)
{
    int r;

    memcpy(secret_r->id, psk->id, PAIR_ID_PSK_LEN);
    r = identity_expand(prk, "pair", th, secret_r->key.bytes, SECRET_KEY_LEN);
    if (r == 0)
        r = identity_expand(&secret_r->key, "pair id", SPAN_NONE, secret_r->id + PAIR_ID_PSK_LEN,
                            PAIR_ID_LEN - PAIR_ID_PSK_LEN);
    return r;
}

int pairing_derive(const struct pairing_transcript *transcript,
                   uint8_t mac2_r[static CRYPTO_HASH_LEN], struct pair_secret *secret_r)
{
    const struct identity_psk *psk = transcript->psk;
    const struct span said[] = { transcript->m1, transcript->m2 };
    struct secret_key prk, mac_key;
    uint8_t hash[CRYPTO_HASH_LEN] = { 0 };
    const struct span th = span_of(hash, sizeof(hash));
    int r;

    r = crypto_sha256(said, 2, hash);
    if (r == 0)
        r = crypto_hkdf_extract(span_of(psk->psk.bytes, SECRET_KEY_LEN), transcript->z, &prk);
    if (r == 0)
        r = identity_expand(&prk, "m2 mac", th, mac_key.bytes, SECRET_KEY_LEN);
    if (r == 0)
        r = crypto_hmac(span_of(mac_key.bytes, SECRET_KEY_LEN), &th, 1, mac2_r);
    if (r == 0)
        r = derive_pair(psk, &prk, th, secret_r);
    secret_wipe(&prk, sizeof(prk));
    secret_wipe(&mac_key, sizeof(mac_key));
    return r;
}

/* ---- the side that asks ---- */

/* All of M1, where the share is already in its place. */
static int write_m1(struct pairing *pairing, const struct pairing_offer *offer,
                    const uint8_t nonce[static PAIRING_NONCE_LEN])
{
    const struct identity_psk *psk = &pairing->identity->psk[0];
    const struct span plain = span_of(pairing->m1, M1_PLAIN_LEN);
    struct buffer b = buffer_over(pairing->m1, M1_SHARE);

    wire_put_u8(&b, PROTOCOL_VERSION);
    wire_put_u8(&b, TYPE_M1);
    buffer_put(&b, span_of(offer->suites, N_SUITES_OFFERED));
    buffer_put(&b, span_of(psk->id, PSK_ID_LEN));
    buffer_put(&b, span_of(pairing->identity->node[0].node, NODE_LEN));
    wire_put_u64(&b, offer->now_ms);
    buffer_put(&b, span_of(offer->client_token, CLIENT_TOKEN_LEN));
    buffer_put(&b, span_of(nonce, PAIRING_NONCE_LEN));
    assert(buffer_error(&b) == 0 && buffer_len(&b) == M1_SHARE);
    return crypto_hmac(span_of(psk->m1_mac.bytes, SECRET_KEY_LEN), &plain, 1,
                       pairing->m1 + M1_PLAIN_LEN);
}

int pairing_start_from(const struct identity *identity, const struct pairing_offer *offer,
                       const struct pairing_start_random *random, struct pairing **pairing_r)
{
    struct pairing *pairing = calloc(1, sizeof(*pairing));
    int r;

    if (pairing == NULL)
        return -ENOMEM;
    pairing->identity = identity;
    memcpy(pairing->suites, offer->suites, N_SUITES_OFFERED);
    r = kem_keygen_from(random->d_z, random->scalar, &pairing->key, pairing->m1 + M1_SHARE);
    if (r == 0)
        r = write_m1(pairing, offer, random->nonce);
    if (r < 0) {
        pairing_free(&pairing);
        return r;
    }
    *pairing_r = pairing;
    return 0;
}

int pairing_start(const struct identity *identity, const struct pairing_offer *offer,
                  struct pairing **pairing_r)
{
    struct pairing_start_random random;
    int r = crypto_random(&random, sizeof(random));

    if (r == 0)
        r = pairing_start_from(identity, offer, &random, pairing_r);
    secret_wipe(&random, sizeof(random));
    return r;
}

void pairing_free(struct pairing **pairing)
{
    if (*pairing == NULL)
        return;
    kem_key_free(&(*pairing)->key);
    secret_wipe(*pairing, sizeof(**pairing));
    free(*pairing);
    *pairing = NULL;
}

struct span pairing_m1(const struct pairing *pairing)
{
    return span_of(pairing->m1, PAIRING_M1_LEN);
}

static int read_m2(struct span bytes, struct m2 *m2_r)
{
    struct wire w = wire_read(bytes);
    uint8_t version, type, zero;

    if (bytes.len != PAIRING_M2_LEN)
        return ERR_FORMAT;
    m2_r->bytes = bytes;
    version = wire_u8(&w);
    type = wire_u8(&w);
    m2_r->suite = wire_u8(&w);
    zero = wire_u8(&w);
    wire_copy(&w, m2_r->node, NODE_LEN);
    m2_r->time_ms = wire_u64(&w);
    m2_r->lifetime_s = wire_u32(&w);
    m2_r->max_body_kib = wire_u32(&w);
    wire_copy(&w, m2_r->client_token, CLIENT_TOKEN_LEN);
    wire_bytes(&w, PAIRING_NONCE_LEN); /* matters as a part of the transcript only */
    m2_r->answer = wire_bytes(&w, KEM_ANSWER_LEN);
    m2_r->mac = wire_bytes(&w, MAC_LEN);
    assert(wire_end(&w) == 0);
    return version == PROTOCOL_VERSION && type == TYPE_M2 && zero == 0 ? 0 : ERR_FORMAT;
}

static bool was_offered(const struct pairing *pairing, uint8_t suite)
{
    return have_suite(suite) && memchr(pairing->suites, suite, N_SUITES_OFFERED) != NULL;
}

/* Decapsulates, and believes M2 only if its mac2 is what follows. */
static int agree(const struct pairing *pairing, const struct m2 *m2, struct pair_secret *secret_r)
{
    uint8_t z[KEM_SECRET_LEN], mac2[MAC_LEN];
    const struct pairing_transcript transcript = {
        .psk = &pairing->identity->psk[0],
        .m1 = pairing_m1(pairing),
        .m2 = span_part(m2->bytes, 0, M2_PLAIN_LEN),
        .z = span_of(z, sizeof(z)),
    };
    int r;

    r = kem_decaps(pairing->key, m2->answer.at, z);
    if (r == 0)
        r = pairing_derive(&transcript, mac2, secret_r);
    if (r == 0 && !secret_equal(span_of(mac2, sizeof(mac2)), m2->mac))
        r = ERR_AUTH;
    secret_wipe(z, sizeof(z));
    secret_wipe(mac2, sizeof(mac2));
    return r;
}

int pairing_finish(struct pairing *pairing, struct span m2_bytes, uint64_t now_ms,
                   struct pairing_result *result_r)
{
    struct m2 m2;
    int r;

    memset(result_r, 0, sizeof(*result_r));
    r = read_m2(m2_bytes, &m2);
    if (r < 0)
        return r;
    if (!was_offered(pairing, m2.suite))
        return ERR_UNSUPPORTED;
    if (identity_is_self(pairing->identity, m2.node))
        return ERR_SELF;
    r = agree(pairing, &m2, &result_r->secret);
    if (r < 0) {
        secret_wipe(result_r, sizeof(*result_r));
        return r;
    }
    result_r->secret.suite = (enum suite)m2.suite;
    memcpy(result_r->node, m2.node, NODE_LEN);
    result_r->skew_ms = (int64_t)(m2.time_ms - now_ms);
    result_r->lifetime_s = m2.lifetime_s;
    result_r->max_body = (uint64_t)m2.max_body_kib << 10;
    memcpy(result_r->client_token, m2.client_token, CLIENT_TOKEN_LEN);
    return 0;
}

/* ---- the side that answers ---- */

int pairing_read_m1(const struct identity *identity, struct span bytes, struct pairing_m1 *m1_r)
{
    const struct span plain = span_part(bytes, 0, M1_PLAIN_LEN);
    struct wire w = wire_read(bytes);
    uint8_t mac[MAC_LEN], psk_id[PSK_ID_LEN];
    bool authentic;
    int r;

    if (bytes.len != PAIRING_M1_LEN || wire_u8(&w) != PROTOCOL_VERSION || wire_u8(&w) != TYPE_M1)
        return ERR_FORMAT;
    m1_r->bytes = bytes;
    wire_copy(&w, m1_r->suites, N_SUITES_OFFERED);
    wire_copy(&w, psk_id, PSK_ID_LEN);
    wire_copy(&w, m1_r->node, NODE_LEN);
    m1_r->time_ms = wire_u64(&w);
    wire_copy(&w, m1_r->client_token, CLIENT_TOKEN_LEN);
    wire_copy(&w, m1_r->nonce, PAIRING_NONCE_LEN);
    assert(wire_error(&w) == 0);
    m1_r->psk = identity_find_psk(identity, psk_id, PSK_ID_LEN);
    if (m1_r->psk == NULL)
        return ERR_UNKNOWN;
    r = crypto_hmac(span_of(m1_r->psk->m1_mac.bytes, SECRET_KEY_LEN), &plain, 1, mac);
    if (r < 0)
        return r;
    authentic = secret_equal(span_of(mac, sizeof(mac)), span_from(bytes, M1_PLAIN_LEN));
    secret_wipe(mac, sizeof(mac));
    return authentic ? 0 : ERR_AUTH;
}

int pairing_choose(const struct identity *identity, const struct pairing_m1 *m1,
                   enum suite *suite_r)
{
    if (identity_is_self(identity, m1->node))
        return ERR_SELF;
    for (size_t i = 0; i < N_SUITES_OFFERED; i++) {
        if (have_suite(m1->suites[i])) {
            *suite_r = (enum suite)m1->suites[i];
            return 0;
        }
    }
    return ERR_UNSUPPORTED;
}

int pairing_check_time(const struct pairing_m1 *m1, uint64_t now_ms)
{
    uint64_t apart = m1->time_ms > now_ms ? m1->time_ms - now_ms : now_ms - m1->time_ms;

    return apart <= CLOCK_TOLERANCE_MS ? 0 : ERR_CLOCK;
}

static void write_m2(struct buffer *b, const struct identity *identity,
                     const struct pairing_answer *answer,
                     const uint8_t nonce[static PAIRING_NONCE_LEN])
{
    uint64_t max_body_kib = answer->max_body >> 10;

    wire_put_u8(b, PROTOCOL_VERSION);
    wire_put_u8(b, TYPE_M2);
    wire_put_u8(b, (uint8_t)answer->suite);
    wire_put_u8(b, 0);
    buffer_put(b, span_of(identity->node[0].node, NODE_LEN));
    wire_put_u64(b, answer->now_ms);
    wire_put_u32(b, answer->lifetime_s);
    wire_put_u32(b, max_body_kib < UINT32_MAX ? (uint32_t)max_body_kib : UINT32_MAX);
    buffer_put(b, span_of(answer->client_token, CLIENT_TOKEN_LEN));
    buffer_put(b, span_of(nonce, PAIRING_NONCE_LEN));
}

int pairing_answer_from(const struct identity *identity, const struct pairing_m1 *m1,
                        const struct pairing_answer *answer,
                        const struct pairing_answer_random *random,
                        uint8_t m2_r[static PAIRING_M2_LEN], struct pair_secret *secret_r)
{
    struct buffer b = buffer_over(m2_r, M2_PLAIN_LEN);
    uint8_t z[KEM_SECRET_LEN];
    const struct pairing_transcript transcript = {
        .psk = m1->psk,
        .m1 = m1->bytes,
        .m2 = span_of(m2_r, M2_PLAIN_LEN),
        .z = span_of(z, sizeof(z)),
    };
    int r;

    memset(secret_r, 0, sizeof(*secret_r));
    write_m2(&b, identity, answer, random->nonce);
    assert(buffer_error(&b) == 0 && buffer_len(&b) + KEM_ANSWER_LEN == M2_PLAIN_LEN);
    r = kem_encaps_from(m1->bytes.at + M1_SHARE, random->m, random->scalar, m2_r + buffer_len(&b),
                        z);
    if (r == 0)
        r = pairing_derive(&transcript, m2_r + M2_PLAIN_LEN, secret_r);
    secret_r->suite = answer->suite;
    secret_wipe(z, sizeof(z));
    if (r < 0) {
        secret_wipe(secret_r, sizeof(*secret_r));
        secret_wipe(m2_r, PAIRING_M2_LEN);
    }
    return r;
}

int pairing_answer(const struct identity *identity, const struct pairing_m1 *m1,
                   const struct pairing_answer *answer, uint8_t m2_r[static PAIRING_M2_LEN],
                   struct pair_secret *secret_r)
{
    struct pairing_answer_random random;
    int r = crypto_random(&random, sizeof(random));

    if (r == 0)
        r = pairing_answer_from(identity, m1, answer, &random, m2_r, secret_r);
    secret_wipe(&random, sizeof(random));
    return r;
}
