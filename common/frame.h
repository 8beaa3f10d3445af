/* SPDX-License-Identifier: MIT */
/*
 * Frames, as sealer and opener see them: the order in which they may stand, and the cipher of one
 * message that counts them. Internal to the envelope.
 */
#ifndef COMMON_FRAME_H
#define COMMON_FRAME_H

#include "common/crypto.h"

enum frame_kind {
    FRAME_NONE = 0, /* not on the wire; in a token it begins the padding */
    FRAME_HEAD = 1,
    FRAME_DATA = 2,
    FRAME_TRAILERS = 3,
    FRAME_PAD = 4,
    FRAME_AGAIN = 5,
    FRAME_TOKEN = 6,
    N_FRAME_KINDS,
};

enum {
    FRAME_END = 0x80, /* beside the kind: the last frame */
    FRAME_HEADER_LEN = 4,
    FRAME_SEALED_MAX = 65536 + CRYPTO_TAG_LEN,
};

/* Where a message is. Begins in FRAME_AT_REQUEST, FRAME_AT_RESPONSE or FRAME_AT_TOKEN. */
enum frame_state {
    FRAME_BREACH, /* what may not be */
    FRAME_AT_REQUEST,
    FRAME_AT_RESPONSE,
    FRAME_AT_TOKEN, /* MTE: one frame is all */
    FRAME_IN_REQUEST,
    FRAME_IN_BODY,
    FRAME_IN_TAIL,
    FRAME_IN_TOKEN,
    N_FRAME_STATES,
};

/* The state after a frame of this kind, or FRAME_BREACH. */
enum frame_state frame_next(enum frame_state state, enum frame_kind kind);
/* May a message end here? */
bool frame_may_end(enum frame_state state);

/* Are these zeros, as the content of PAD and the end of a token must be? */
bool frame_is_padding(struct span bytes);

/* One message's key and the count of its frames. */
struct frame_cipher {
    struct aead *aead; /* owned */
    uint64_t n_frames;
};

void frame_cipher_fini(struct frame_cipher *cipher);

/* Writes FRAME_HEADER_LEN + plain.len + CRYPTO_TAG_LEN bytes; they and plain do not overlap. */
MUST_CHECK int frame_seal(struct frame_cipher *cipher, uint8_t kind_and_end, struct span plain,
                          uint8_t *out_r);
/* Writes sealed.len - CRYPTO_TAG_LEN bytes. ERR_AUTH. out_r may be sealed.at. */
MUST_CHECK int frame_open(struct frame_cipher *cipher,
                          const uint8_t header[static FRAME_HEADER_LEN], struct span sealed,
                          uint8_t *out_r);

#endif
