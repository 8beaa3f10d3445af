/* SPDX-License-Identifier: MIT */
/*
 * For tests, fuzz targets and vectors: the keys of two deployments that share SECRET, and pairings
 * between them from fixed randomness. Whatever should not fail aborts.
 */
#ifndef TESTS_UNIT_RELAYS_H
#define TESTS_UNIT_RELAYS_H

#include "common/identity.h"
#include "common/pairing_internal.h"

#define RELAYS_SECRET          "sharedsecret1234567890"
#define RELAYS_CLIENT_SECRET_I "2DkV4DDabehO8cifDktdF9elKJL0CKrk"
#define RELAYS_CLIENT_SECRET_R "a secret of the other deployment"
#define RELAYS_UPSTREAM_I      "https://app.example"
#define RELAYS_UPSTREAM_R      "http://api.example:8000/v1"

/* crypto_init(), kem_init() and the two sides. */
struct relays {
    struct identity initiator, responder;
};
void relays_init(struct relays *relays);
void relays_fini(struct relays *relays);

/* A deployment with this SECRET. */
void relays_identity(struct identity *identity_r, struct span secret, struct span client_id_secret,
                     const char *upstream);

/* The wall clock of every run from fixed randomness. */
uint64_t relays_now_ms(void);

/* n bytes that count up from first. */
void relays_count(void *at, uint8_t first, size_t n);

/* The randomness of the runs below: counting bytes, all of them together from seed on. */
void relays_start_random(uint8_t seed, struct pairing_start_random *random_r);
void relays_answer_random(uint8_t seed, struct pairing_answer_random *random_r);

/* M1 and M2 of one pairing, from randomness that begins with seed; the suite is the first offered.
 */
struct pairing_run {
    struct pairing *pairing;
    struct pairing_offer offer;
    uint8_t m1[PAIRING_M1_LEN];
    struct pairing_answer answer;
    uint8_t m2[PAIRING_M2_LEN];
    struct pair_secret responder_secret;
};
void relays_ask(const struct identity *initiator, uint8_t seed, enum suite suite,
                struct pairing_run *run);
/* What the responder's steps say, up to M2. */
int relays_answer(const struct identity *responder, uint8_t seed, struct pairing_run *run);
void relays_end(struct pairing_run *run);

#endif
