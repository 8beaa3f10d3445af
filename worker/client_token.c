/* SPDX-License-Identifier: MIT */
/* Makes and knows client id tokens: id(16), issued u64 s, mac(16). Owns nothing. */
#include "worker/client_token.h"

#include "common/wire.h"

enum {
    PLAIN_LEN = CLIENT_ID_LEN + 8,
    MAC_LEN = CLIENT_TOKEN_LEN - PLAIN_LEN, /* of the whole MAC, its first bytes */
};

static int compute_mac(const struct identity_node *own, const uint8_t node[static NODE_LEN],
                       const uint8_t plain[static PLAIN_LEN], uint8_t mac_r[static CRYPTO_HASH_LEN])
{
    const struct span parts[] = { SPAN("mar1 client\0"), span_of(node, NODE_LEN),
                                  span_of(plain, PLAIN_LEN) };

    return hmac_compute(own->client_mac, parts, 3, mac_r);
}

int client_token_issue(const struct identity *identity, const uint8_t node[static NODE_LEN],
                       uint64_t now_s, uint8_t token_r[static CLIENT_TOKEN_LEN])
{
    struct buffer token = buffer_over(token_r, CLIENT_TOKEN_LEN);
    uint8_t id[CLIENT_ID_LEN], mac[CRYPTO_HASH_LEN];
    int r = crypto_random(id, sizeof(id));

    if (r < 0)
        return r;
    buffer_put(&token, span_of(id, sizeof(id)));
    wire_put_u64(&token, now_s);
    r = compute_mac(&identity->node[0], node, token_r, mac);
    if (r == 0)
        buffer_put(&token, span_of(mac, MAC_LEN));
    return r;
}

int client_token_verify(const struct identity *identity, const uint8_t node[static NODE_LEN],
                        const uint8_t token[static CLIENT_TOKEN_LEN])
{
    uint8_t mac[CRYPTO_HASH_LEN];
    bool good = false;

    /* Both are always tried: which one it was is nobody's business. */
    for (size_t i = 0; i < identity->n_node; i++) {
        int r = compute_mac(&identity->node[i], node, token, mac);

        if (r < 0)
            return r;
        good |= secret_equal(span_of(mac, MAC_LEN), span_of(token + PLAIN_LEN, MAC_LEN));
    }
    secret_wipe(mac, sizeof(mac));
    return good ? 0 : ERR_AUTH;
}

void client_token_id(const uint8_t token[static CLIENT_TOKEN_LEN],
                     uint8_t id_r[static CLIENT_ID_LEN])
{
    memcpy(id_r, token, CLIENT_ID_LEN);
}
