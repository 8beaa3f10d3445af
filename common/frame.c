/* SPDX-License-Identifier: MIT */
/* The order of frames as a table, and the STREAM construction that numbers them. */
#include "common/frame.h"

#include "common/wire.h"

static const uint8_t order[N_FRAME_STATES][N_FRAME_KINDS] = {
    [FRAME_AT_REQUEST] = { [FRAME_HEAD] = FRAME_IN_REQUEST },
    [FRAME_AT_RESPONSE] = { [FRAME_HEAD] = FRAME_IN_BODY, [FRAME_PAD] = FRAME_AT_RESPONSE },
    [FRAME_AT_TOKEN] = { [FRAME_TOKEN] = FRAME_IN_TOKEN },
    [FRAME_IN_REQUEST] = { [FRAME_AGAIN] = FRAME_IN_BODY,
                           [FRAME_DATA] = FRAME_IN_BODY,
                           [FRAME_PAD] = FRAME_IN_BODY,
                           [FRAME_TRAILERS] = FRAME_IN_TAIL },
    [FRAME_IN_BODY] = { [FRAME_DATA] = FRAME_IN_BODY,
                        [FRAME_PAD] = FRAME_IN_BODY,
                        [FRAME_TRAILERS] = FRAME_IN_TAIL },
    [FRAME_IN_TAIL] = { [FRAME_PAD] = FRAME_IN_TAIL },
};

enum frame_state frame_next(enum frame_state state, enum frame_kind kind)
{
    return kind < N_FRAME_KINDS ? (enum frame_state)order[state][kind] : FRAME_BREACH;
}

bool frame_may_end(enum frame_state state)
{
    return state >= FRAME_IN_REQUEST;
}

bool frame_is_padding(struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.at[i] != 0)
            return false;
    }
    return true;
}

void frame_cipher_fini(struct frame_cipher *cipher)
{
    aead_free(&cipher->aead);
}

/* 0 as u32, then the frame's number: each message has its own key, so no nonce comes twice. */
static void next_nonce(struct frame_cipher *cipher, uint8_t nonce_r[static CRYPTO_NONCE_LEN])
{
    struct buffer b = buffer_over(nonce_r, CRYPTO_NONCE_LEN);

    wire_put_u32(&b, 0);
    wire_put_u64(&b, cipher->n_frames++);
}

int frame_seal(struct frame_cipher *cipher, uint8_t kind_and_end, struct span plain, uint8_t *out_r)
{
    struct buffer header = buffer_over(out_r, FRAME_HEADER_LEN);
    uint8_t nonce[CRYPTO_NONCE_LEN];

    wire_put_u8(&header, kind_and_end);
    wire_put_u24(&header, (uint32_t)plain.len + CRYPTO_TAG_LEN);
    next_nonce(cipher, nonce);
    return aead_seal(cipher->aead, nonce, buffer_span(&header), plain, out_r + FRAME_HEADER_LEN);
}

int frame_open(struct frame_cipher *cipher, const uint8_t header[static FRAME_HEADER_LEN],
               struct span sealed, uint8_t *out_r)
{
    uint8_t nonce[CRYPTO_NONCE_LEN];

    next_nonce(cipher, nonce);
    return aead_open(cipher->aead, nonce, span_of(header, FRAME_HEADER_LEN), sealed, out_r);
}
