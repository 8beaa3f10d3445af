/* SPDX-License-Identifier: MIT */
/*
 * Pairs at rest. The name of the key is authenticated with the record, so that who can write to
 * Redis cannot show one pair as another. Wipes what was a key on every path.
 */
#include "worker/pair_record.h"

#include "common/text.h"
#include "common/wire.h"

void pair_record_name(const uint8_t id[static PAIR_ID_LEN],
                      char name_r[static PAIR_RECORD_NAME_LEN + 1])
{
    memcpy(name_r, "mar1:pair:{", 11);
    text_hex(span_of(id, PAIR_ID_LEN), name_r + 11);
    memcpy(name_r + 11 + 2 * PAIR_ID_LEN, "}", 2);
}

static int key_id(const struct secret_key *store, uint8_t id_r[static PAIR_RECORD_KEY_ID_LEN])
{
    return identity_expand(store, "store id", SPAN_NONE, id_r, PAIR_RECORD_KEY_ID_LEN);
}

static void write_plain(const struct pair_record *record, struct buffer *b)
{
    wire_put_u8(b, PROTOCOL_VERSION);
    wire_put_u8(b, (uint8_t)record->secret.suite);
    buffer_put(b, span_of(record->secret.key.bytes, SECRET_KEY_LEN));
    wire_put_u64(b, record->created_s);
    wire_put_u64(b, record->expires_s);
    buffer_put(b, span_of(record->client_id, CLIENT_ID_LEN));
    buffer_put(b, span_of(record->node, NODE_LEN));
    buffer_put(b, span_of(record->run_id, REDIS_RUN_ID_LEN));
}

/* ERR_UNKNOWN: of another version, or with a suite that there is not. */
static int read_plain(struct span plain, struct pair_record *record_r)
{
    struct wire w = wire_read(plain);
    uint8_t version = wire_u8(&w), suite = wire_u8(&w);

    record_r->secret.suite = suite;
    wire_copy(&w, record_r->secret.key.bytes, SECRET_KEY_LEN);
    record_r->created_s = wire_u64(&w);
    record_r->expires_s = wire_u64(&w);
    wire_copy(&w, record_r->client_id, CLIENT_ID_LEN);
    wire_copy(&w, record_r->node, NODE_LEN);
    wire_copy(&w, record_r->run_id, REDIS_RUN_ID_LEN);
    record_r->run_id[REDIS_RUN_ID_LEN] = '\0';
    if (wire_end(&w) < 0 || version != PROTOCOL_VERSION ||
        (suite != SUITE_AES_256_GCM && suite != SUITE_CHACHA20_POLY1305))
        return ERR_UNKNOWN;
    return 0;
}

int pair_record_seal(const struct identity *identity, const struct pair_record *record,
                     uint8_t sealed_r[static PAIR_RECORD_LEN])
{
    const struct secret_key *store = &identity->node[0].store;
    uint8_t *iv = sealed_r + PAIR_RECORD_KEY_ID_LEN, *body = iv + CRYPTO_NONCE_LEN;
    struct buffer plain = buffer_over(body, PAIR_RECORD_PLAIN_LEN);
    char name[PAIR_RECORD_NAME_LEN + 1];
    struct aead *aead = NULL;
    int r;

    pair_record_name(record->secret.id, name);
    write_plain(record, &plain);
    r = key_id(store, sealed_r);
    if (r == 0)
        r = crypto_random(iv, CRYPTO_NONCE_LEN);
    if (r == 0)
        r = aead_new(SUITE_AES_256_GCM, AEAD_SEAL, store, &aead);
    if (r == 0)
        r = aead_seal(aead, iv, span_of(name, PAIR_RECORD_NAME_LEN), buffer_span(&plain), body);
    aead_free(&aead);
    if (r < 0)
        secret_wipe(sealed_r, PAIR_RECORD_LEN);
    return r;
}

static int open_under(const struct secret_key *store, const uint8_t *id, struct span sealed,
                      uint8_t plain_r[static PAIR_RECORD_PLAIN_LEN])
{
    struct span body = span_from(sealed, PAIR_RECORD_KEY_ID_LEN + CRYPTO_NONCE_LEN);
    char name[PAIR_RECORD_NAME_LEN + 1];
    struct aead *aead;
    int r = aead_new(SUITE_AES_256_GCM, AEAD_OPEN, store, &aead);

    if (r < 0)
        return r;
    pair_record_name(id, name);
    r = aead_open(aead, sealed.at + PAIR_RECORD_KEY_ID_LEN, span_of(name, PAIR_RECORD_NAME_LEN),
                  body, plain_r);
    aead_free(&aead);
    return r == ERR_AUTH ? ERR_UNKNOWN : r;
}

int pair_record_open(const struct identity *identity, const uint8_t id[static PAIR_ID_LEN],
                     struct span sealed, struct pair_record *record_r)
{
    uint8_t own[PAIR_RECORD_KEY_ID_LEN], plain[PAIR_RECORD_PLAIN_LEN] = { 0 };
    struct span theirs = span_part(sealed, 0, PAIR_RECORD_KEY_ID_LEN);
    int r = ERR_UNKNOWN;

    if (sealed.len != PAIR_RECORD_LEN)
        return r;
    for (size_t i = 0; r == ERR_UNKNOWN && i < identity->n_node; i++) {
        const struct secret_key *store = &identity->node[i].store;
        int failed = key_id(store, own);

        if (failed < 0)
            return failed;
        if (span_equal(theirs, span_of(own, sizeof(own))))
            r = open_under(store, id, sealed, plain);
    }
    if (r == 0) {
        memcpy(record_r->secret.id, id, PAIR_ID_LEN);
        r = read_plain(span_of(plain, sizeof(plain)), record_r);
    }
    secret_wipe(plain, sizeof(plain));
    if (r < 0)
        secret_wipe(record_r, sizeof(*record_r));
    return r;
}
