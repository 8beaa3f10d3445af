/* SPDX-License-Identifier: MIT */
/*
 * Pairing (protocol.md, "Pairing"): M1 and M2 made and read, and the pair that both sides derive.
 * Pure: no I/O, no memory of other pairings. The responder's questions to shared state (rate,
 * nonce seen, client token, store) stand between its steps and are its caller's to ask.
 */
#ifndef COMMON_PAIRING_H
#define COMMON_PAIRING_H

#include "common/buffer.h"
#include "common/identity.h"
#include "common/kem.h"

enum {
    PAIRING_M1_LEN = 1356,
    PAIRING_M2_LEN = 1260,
    PAIRING_NONCE_LEN = 32,
    PAIR_ID_LEN = 16,
    PAIR_ID_PSK_LEN = 4, /* its first bytes are psk_id's */
    CLIENT_TOKEN_LEN = 40,
    N_SUITES_OFFERED = 2,
};

/* What both sides know in the end. Holds a key: wipe it with secret_wipe(). */
struct pair_secret {
    uint8_t id[PAIR_ID_LEN];
    enum suite suite;
    struct secret_key key; /* K_pair */
};

/* ---- the side that asks ---- */

struct pairing_offer {
    uint8_t suites[N_SUITES_OFFERED];       /* by preference, 0 = none */
    uint8_t client_token[CLIENT_TOKEN_LEN]; /* zeros if none yet */
    uint64_t now_ms;                        /* wall clock, with the skew known so far */
};

/* A pairing under way: the ephemeral key and M1. Heap; wiped by pairing_free(). */
struct pairing;

MUST_CHECK int pairing_start(const struct identity *identity, const struct pairing_offer *offer,
                             struct pairing **pairing_r);
void pairing_free(struct pairing **pairing);

/* M1, valid as long as the pairing. */
struct span pairing_m1(const struct pairing *pairing);

struct pairing_result {
    struct pair_secret secret;
    uint8_t node[NODE_LEN];
    int64_t skew_ms;     /* what to add to our wall clock to get the responder's */
    uint32_t lifetime_s; /* as the responder says */
    uint64_t max_body;   /* bytes of a request body it takes */
    uint8_t client_token[CLIENT_TOKEN_LEN];
};

/*
 * Reads M2. now_ms: our wall clock. ERR_FORMAT, ERR_AUTH (not made by who holds SECRET),
 * ERR_UNSUPPORTED (a suite that was not offered), ERR_SELF (the responder is this deployment).
 */
MUST_CHECK int pairing_finish(struct pairing *pairing, struct span m2, uint64_t now_ms,
                              struct pairing_result *result_r);

/* ---- the side that answers, step by step in the order of protocol.md ---- */

struct pairing_m1 {
    struct span bytes; /* all of it; the caller's, must outlive this */
    uint8_t suites[N_SUITES_OFFERED];
    const struct identity_psk *psk;
    uint8_t node[NODE_LEN];
    uint64_t time_ms;
    uint8_t client_token[CLIENT_TOKEN_LEN];
    uint8_t nonce[PAIRING_NONCE_LEN];
};

/*
 * Length, version, type, psk_id, mac1; no public-key work. ERR_FORMAT; ERR_UNKNOWN (no such
 * psk_id); ERR_AUTH (mac1). All three are REJECT to the peer.
 */
MUST_CHECK int pairing_read_m1(const struct identity *identity, struct span bytes,
                               struct pairing_m1 *m1_r);
/* The first offered suite that we have: ERR_UNSUPPORTED if none. ERR_SELF: node_i is our own. */
MUST_CHECK int pairing_choose(const struct identity *identity, const struct pairing_m1 *m1,
                              enum suite *suite_r);
/* ERR_CLOCK where |time - now| > 120 s. */
MUST_CHECK int pairing_check_time(const struct pairing_m1 *m1, uint64_t now_ms);

struct pairing_answer {
    enum suite suite;
    uint64_t now_ms;
    uint32_t lifetime_s;
    uint64_t max_body; /* bytes; whole KiB are said, rounded down */
    uint8_t client_token[CLIENT_TOKEN_LEN];
};

/* KEM, keys and M2. ERR_FORMAT: the share is refused (REJECT). M2 must be sent only once the pair
 * is stored. */
MUST_CHECK int pairing_answer(const struct identity *identity, const struct pairing_m1 *m1,
                              const struct pairing_answer *answer,
                              uint8_t m2_r[static PAIRING_M2_LEN], struct pair_secret *secret_r);

#endif
