/* SPDX-License-Identifier: MIT */
/* The key schedule of messages: every message has a key of its own, bound to its header. */
#include "common/pair_keys.h"

#include <errno.h>
#include <stdlib.h>

static int make_mac(const struct secret_key *pair, const char *label, struct hmac **hmac_r)
{
    struct secret_key key;
    int r = identity_expand(pair, label, SPAN_NONE, key.bytes, SECRET_KEY_LEN);

    if (r == 0)
        r = hmac_new(span_of(key.bytes, SECRET_KEY_LEN), hmac_r);
    secret_wipe(&key, sizeof(key));
    return r;
}

int pair_keys_new(const struct pair_secret *secret, struct pair_keys **keys_r)
{
    struct pair_keys *keys = calloc(1, sizeof(*keys));
    int r;

    if (keys == NULL)
        return -ENOMEM;
    memcpy(keys->id, secret->id, PAIR_ID_LEN);
    keys->suite = secret->suite;
    r = make_mac(&secret->key, "req", &keys->req);
    if (r == 0)
        r = make_mac(&secret->key, "rsp", &keys->rsp);
    if (r < 0) {
        pair_keys_free(&keys);
        return r;
    }
    *keys_r = keys;
    return 0;
}

void pair_keys_free(struct pair_keys **keys)
{
    if (*keys == NULL)
        return;
    hmac_free(&(*keys)->req);
    hmac_free(&(*keys)->rsp);
    free(*keys);
    *keys = NULL;
}

int pair_keys_of_request(const struct pair_keys *keys, const uint8_t req[static ENVELOPE_REQ_LEN],
                         struct secret_key *key_r)
{
    const struct span parts[] = { SPAN("mar1 msg\0"), span_of(req, ENVELOPE_REQ_LEN) };

    return hmac_compute(keys->req, parts, 2, key_r->bytes);
}

int pair_keys_of_response(const struct pair_keys *keys, const uint8_t req[static ENVELOPE_REQ_LEN],
                          const uint8_t rsp[static ENVELOPE_RSP_LEN], struct secret_key *key_r)
{
    const struct span parts[] = { SPAN("mar1 msg\0"), span_of(req, ENVELOPE_REQ_LEN),
                                  span_of(rsp, ENVELOPE_RSP_LEN) };

    return hmac_compute(keys->rsp, parts, 3, key_r->bytes);
}
