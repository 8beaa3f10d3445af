/* SPDX-License-Identifier: MIT */
/* ERR frames (protocol.md, "Errors"): authentic refusals between relays. */
#ifndef COMMON_ERRFRAME_H
#define COMMON_ERRFRAME_H

#include "common/identity.h"

enum { ERRFRAME_LEN = 76 };

enum errframe_code {
    ERRFRAME_REJECT = 1,
    ERRFRAME_UNKNOWN_PAIR = 2,
    ERRFRAME_CLOCK = 3,
    ERRFRAME_REPLAY = 4,
    ERRFRAME_BUSY = 5,
    ERRFRAME_REFUSED = 6,
};

/* "UNKNOWN_PAIR" and so on, for the log. */
const char *errframe_name(enum errframe_code code);

/*
 * Made about a request body (its first 52 or 1356 bytes are hashed by the caller's choice of
 * about), under the PSK that the body's psk_id or pair_id names, else the offered one: see
 * errframe_psk().
 */
MUST_CHECK int errframe_make(const struct identity_psk *psk, enum errframe_code code,
                             uint64_t now_ms, struct span about,
                             uint8_t frame_r[static ERRFRAME_LEN]);

/* The part of a body that an ERR frame about it hashes, and the PSK it is made under. */
struct span errframe_about_message(struct span body);
struct span errframe_about_m1(struct span body);
const struct identity_psk *errframe_psk_of_message(const struct identity *identity,
                                                   struct span body);
const struct identity_psk *errframe_psk_of_m1(const struct identity *identity, struct span body);

/*
 * Is it an authentic refusal of what we sent? 0, or ERR_FORMAT, ERR_AUTH (also: about something
 * else). *time_ms_r is the refuser's wall clock.
 */
MUST_CHECK int errframe_read(const struct identity_psk *psk, struct span frame, struct span about,
                             enum errframe_code *code_r, uint64_t *time_ms_r);

#endif
