/* SPDX-License-Identifier: MIT */
/*
 * Who this deployment is and what it can verify: every key that protocol.md derives from the
 * configuration ("Keys from the configuration"). Made once at start; constant afterwards.
 */
#ifndef COMMON_IDENTITY_H
#define COMMON_IDENTITY_H

#include "common/crypto.h"
#include "common/url.h"

enum { PROTOCOL_VERSION = 1 /* the first byte of whatever a relay says to a relay */ };
enum { PSK_ID_LEN = 8, NODE_LEN = 16, IDENTITY_MAX = 2 /* the offered one, and *_ALSO */ };

/* What follows from SECRET (or SECRET_ALSO). */
struct identity_psk {
    uint8_t id[PSK_ID_LEN]; /* psk_id */
    struct secret_key psk;
    struct secret_key m1_mac;    /* K_m1 */
    struct secret_key error_mac; /* K_err */
};

/* What follows from CLIENT_ID_SECRET (or its _ALSO) and UPSTREAM. */
struct identity_node {
    uint8_t node[NODE_LEN];
    struct secret_key store; /* K_store */
    struct hmac *client_mac; /* keyed with the secret: client id tokens; owned */
};

struct identity {
    struct identity_psk psk[IDENTITY_MAX]; /* [0] is offered and used to make, [1] only accepted */
    size_t n_psk;
    struct identity_node node[IDENTITY_MAX];
    size_t n_node;
};

struct identity_config {
    struct span secret, secret_also; /* secret may be empty; _also empty = none */
    struct span client_id_secret, client_id_secret_also; /* _also empty = none */
    struct url upstream;
};

/* Slow on purpose (scrypt): once a start. */
MUST_CHECK int identity_init(struct identity *identity_r, const struct identity_config *config);
void identity_fini(struct identity *identity);

/* The PSK of an id (its first id_len bytes: 8 in M1, 4 in a pair id), or NULL. */
const struct identity_psk *identity_find_psk(const struct identity *identity, const uint8_t *id,
                                             size_t id_len);
/* Is this one of our own nodes? */
bool identity_is_self(const struct identity *identity, const uint8_t node[static NODE_LEN]);

/* X(prk, label, ctx, n) of protocol.md: HKDF-Expand(prk, "mar1 " + label + 0x00 + ctx, n). */
MUST_CHECK int identity_expand(const struct secret_key *prk, const char *label, struct span context,
                               void *out_r, size_t out_len);

#endif
