/* SPDX-License-Identifier: MIT */
/*
 * The key schedule of the configuration. Owns the keyed MACs of client ids; keeps none of the
 * texts that it is made from.
 */
#include "common/identity.h"

#include <assert.h>

enum {
    SCRYPT_N = 1 << 15,
    SCRYPT_R = 8,
    SCRYPT_P = 1,
    INFO_MAX = 64, /* the longest is "mar1 pair id", 0x00 and a hash */
};

int identity_expand(const struct secret_key *prk, const char *label, struct span context,
                    void *out_r, size_t out_len)
{
    uint8_t bytes[INFO_MAX];
    struct buffer info = buffer_over(bytes, sizeof(bytes));

    buffer_put_text(&info, "mar1 ");
    buffer_put_text(&info, label);
    buffer_put(&info, SPAN("\0"));
    buffer_put(&info, context);
    assert(buffer_error(&info) == 0);
    return crypto_hkdf_expand(prk, buffer_span(&info), out_r, out_len);
}

static int make_psk(struct identity_psk *psk_r, struct span secret)
{
    struct secret_key *psk = &psk_r->psk;
    int r;

    r = crypto_scrypt(secret, SPAN("mte-api-relay psk v1"), SCRYPT_N, SCRYPT_R, SCRYPT_P,
                      psk->bytes, sizeof(psk->bytes));
    if (r == 0)
        r = identity_expand(psk, "psk id", SPAN_NONE, psk_r->id, sizeof(psk_r->id));
    if (r == 0)
        r = identity_expand(psk, "m1 mac", SPAN_NONE, psk_r->m1_mac.bytes, SECRET_KEY_LEN);
    if (r == 0)
        r = identity_expand(psk, "error", SPAN_NONE, psk_r->error_mac.bytes, SECRET_KEY_LEN);
    return r;
}

static int make_node(struct identity_node *node_r, struct span secret, struct span upstream)
{
    const struct span of_node[] = { SPAN("mar1 node\0"), upstream };
    const struct span of_store[] = { SPAN("mar1 store\0"), span_of(node_r->node, NODE_LEN) };
    uint8_t mac[CRYPTO_HASH_LEN];
    int r;

    r = hmac_new(secret, &node_r->client_mac);
    if (r == 0)
        r = hmac_compute(node_r->client_mac, of_node, 2, mac);
    if (r < 0)
        return r;
    memcpy(node_r->node, mac, NODE_LEN);
    return hmac_compute(node_r->client_mac, of_store, 2, node_r->store.bytes);
}

int identity_init(struct identity *identity_r, const struct identity_config *config)
{
    struct buffer upstream;
    int r;

    memset(identity_r, 0, sizeof(*identity_r));
    buffer_init(&upstream, 0);
    url_put_canonical(&upstream, &config->upstream);
    r = buffer_error(&upstream);
    if (r == 0)
        r = make_psk(&identity_r->psk[identity_r->n_psk++], config->secret);
    if (r == 0 && config->secret_also.len > 0)
        r = make_psk(&identity_r->psk[identity_r->n_psk++], config->secret_also);
    if (r == 0)
        r = make_node(&identity_r->node[identity_r->n_node++], config->client_id_secret,
                      buffer_span(&upstream));
    if (r == 0 && config->client_id_secret_also.len > 0)
        r = make_node(&identity_r->node[identity_r->n_node++], config->client_id_secret_also,
                      buffer_span(&upstream));
    buffer_fini(&upstream);
    if (r < 0)
        identity_fini(identity_r);
    return r;
}

void identity_fini(struct identity *identity)
{
    for (size_t i = 0; i < identity->n_node; i++)
        hmac_free(&identity->node[i].client_mac);
    secret_wipe(identity, sizeof(*identity));
}

const struct identity_psk *identity_find_psk(const struct identity *identity, const uint8_t *id,
                                             size_t id_len)
{
    for (size_t i = 0; i < identity->n_psk; i++) {
        if (span_starts(span_of(identity->psk[i].id, PSK_ID_LEN), span_of(id, id_len)))
            return &identity->psk[i];
    }
    return NULL;
}

bool identity_is_self(const struct identity *identity, const uint8_t node[static NODE_LEN])
{
    for (size_t i = 0; i < identity->n_node; i++) {
        if (memcmp(identity->node[i].node, node, NODE_LEN) == 0)
            return true;
    }
    return false;
}
