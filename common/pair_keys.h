/* SPDX-License-Identifier: MIT */
/* What a pair derives the keys of its messages from. Internal to the envelope. */
#ifndef COMMON_PAIR_KEYS_H
#define COMMON_PAIR_KEYS_H

#include "common/envelope.h"

struct pair_keys {
    uint8_t id[PAIR_ID_LEN];
    enum suite suite;
    struct hmac *req; /* keyed with K_req; owned */
    struct hmac *rsp; /* keyed with K_rsp; owned */
};

/* K(req) and K(rsp) of the headers as they are on the wire. */
MUST_CHECK int pair_keys_of_request(const struct pair_keys *keys,
                                    const uint8_t req[static ENVELOPE_REQ_LEN],
                                    struct secret_key *key_r);
MUST_CHECK int pair_keys_of_response(const struct pair_keys *keys,
                                     const uint8_t req[static ENVELOPE_REQ_LEN],
                                     const uint8_t rsp[static ENVELOPE_RSP_LEN],
                                     struct secret_key *key_r);

#endif
