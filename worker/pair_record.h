/* SPDX-License-Identifier: MIT */
/* A pair at rest in Redis: the name of its key, and its record, sealed under K_store (protocol.md
 * 9). */
#ifndef WORKER_PAIR_RECORD_H
#define WORKER_PAIR_RECORD_H

#include "common/identity.h"
#include "worker/redis_server.h"
#include "worker/session.h"

enum {
    PAIR_RECORD_NAME_LEN = 11 + 2 * PAIR_ID_LEN + 1, /* mar1:pair:{...} */
    PAIR_RECORD_KEY_ID_LEN = 8,
    PAIR_RECORD_PLAIN_LEN =
        1 + 1 + SECRET_KEY_LEN + 8 + 8 + CLIENT_ID_LEN + NODE_LEN + REDIS_RUN_ID_LEN,
    PAIR_RECORD_LEN =
        PAIR_RECORD_KEY_ID_LEN + CRYPTO_NONCE_LEN + PAIR_RECORD_PLAIN_LEN + CRYPTO_TAG_LEN,
};

/* Holds a key: wipe it with secret_wipe(). */
struct pair_record {
    struct pair_secret secret;
    uint64_t created_s, expires_s; /* of the wall clock of who stored it */
    uint8_t client_id[CLIENT_ID_LEN];
    uint8_t node[NODE_LEN];            /* node_i */
    char run_id[REDIS_RUN_ID_LEN + 1]; /* of the primary that it was stored at */
};

/* With a NUL behind it. */
void pair_record_name(const uint8_t id[static PAIR_ID_LEN],
                      char name_r[static PAIR_RECORD_NAME_LEN + 1]);

/* Under K_store of CLIENT_ID_SECRET. ERR_CRYPTO. */
MUST_CHECK int pair_record_seal(const struct identity *identity, const struct pair_record *record,
                                uint8_t sealed_r[static PAIR_RECORD_LEN]);
/*
 * Under K_store of CLIENT_ID_SECRET or its _ALSO. ERR_UNKNOWN: it is no record of that pair that
 * we can open, so there is none.
 */
MUST_CHECK int pair_record_open(const struct identity *identity,
                                const uint8_t id[static PAIR_ID_LEN], struct span sealed,
                                struct pair_record *record_r);

#endif
