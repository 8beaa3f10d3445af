/* SPDX-License-Identifier: MIT */
/*
 * Client id tokens under a secret that the fuzzer does not know: nothing is ever good. The input
 * is a node, then a token; one byte more or less is not given to it, as M1 has 40.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "worker/client_token.h"

static const struct identity *the_identity(void)
{
    static struct identity identity;
    uint8_t secret[32];

    if (identity.n_node == 0) {
        if (crypto_init() < 0 || crypto_random(secret, sizeof(secret)) < 0 ||
            hmac_new(span_of(secret, sizeof(secret)), &identity.node[0].client_mac) < 0)
            abort();
        identity.n_node = 1;
    }
    return &identity;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t id[CLIENT_ID_LEN], token[CLIENT_TOKEN_LEN];

    if (size != NODE_LEN + CLIENT_TOKEN_LEN)
        return 0;
    client_token_id(data + NODE_LEN, id);
    if (client_token_verify(the_identity(), data, data + NODE_LEN) != ERR_AUTH)
        abort();
    if (client_token_issue(the_identity(), data, 1, token) < 0 ||
        client_token_verify(the_identity(), data, token) != 0)
        abort();
    return 0;
}
