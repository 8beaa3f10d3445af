/* SPDX-License-Identifier: MIT */
/* MTE tokens made and taken apart: each one is checked whole before any of it is used. */
#include "common/token.h"

#include <assert.h>

#include "common/wire.h"

enum { PART_HEADER_LEN = 4 };

static unsigned floor_log2(size_t v)
{
    return 63 - (unsigned)__builtin_clzll(v);
}

/* Of the bits of len only the upper ones survive: the exponent's own number of bits of them. */
static size_t padme(size_t len)
{
    unsigned exponent = floor_log2(len), kept = floor_log2(exponent) + 1;
    size_t lost = ((size_t)1 << (exponent - kept)) - 1;

    return (len + lost) & ~lost;
}

size_t token_size(size_t parts_len)
{
    return parts_len <= TOKEN_MIN ? TOKEN_MIN : padme(parts_len);
}

void token_init(struct token *token)
{
    buffer_init_secret(&token->parts, TOKEN_MAX);
    token->data_at = 0;
}

void token_fini(struct token *token)
{
    buffer_fini(&token->parts);
}

static bool goes_on(const struct token *token, enum frame_kind kind)
{
    return kind == FRAME_DATA && token->data_at > 0;
}

bool token_fits(const struct token *token, enum frame_kind kind, size_t len)
{
    size_t header_len = goes_on(token, kind) ? 0 : PART_HEADER_LEN;
    size_t room = TOKEN_MAX - buffer_len(&token->parts);

    return header_len <= room && len <= room - header_len;
}

/* The DATA part at the end gets len bytes longer. */
static void grow_data(struct token *token, size_t len)
{
    struct buffer *parts = &token->parts;
    size_t old = buffer_len(parts) - token->data_at - PART_HEADER_LEN;
    struct buffer at = buffer_over(parts->at + parts->start + token->data_at, PART_HEADER_LEN);

    wire_put_u8(&at, FRAME_DATA);
    wire_put_u24(&at, (uint32_t)(old + len));
}

void token_put(struct token *token, enum frame_kind kind, struct span bytes)
{
    assert(bytes.len > 0 && token_fits(token, kind, bytes.len));
    if (goes_on(token, kind)) {
        grow_data(token, bytes.len);
    } else {
        token->data_at = kind == FRAME_DATA ? buffer_len(&token->parts) : 0;
        wire_put_u8(&token->parts, (uint8_t)kind);
        wire_put_u24(&token->parts, (uint32_t)bytes.len);
    }
    buffer_put(&token->parts, bytes);
}

void token_pad(struct token *token)
{
    size_t len = buffer_len(&token->parts), zeros = token_size(len) - len;
    uint8_t *room = buffer_reserve(&token->parts, zeros);

    if (room == NULL || zeros == 0)
        return;
    memset(room, 0, zeros);
    buffer_commit(&token->parts, zeros);
}

bool token_next(struct span *rest, enum frame_kind *kind_r, struct span *bytes_r)
{
    struct wire w = wire_read(*rest);
    uint8_t kind = wire_u8(&w);

    *bytes_r = wire_bytes(&w, wire_u24(&w));
    if (wire_error(&w) != 0 || bytes_r->len == 0 || kind == FRAME_NONE || kind >= N_FRAME_KINDS)
        return false;
    *kind_r = (enum frame_kind)kind;
    *rest = w.rest;
    return true;
}

int token_check(struct span token, enum frame_state begin, struct span *parts_r)
{
    enum frame_state state = begin;
    struct span rest = token, bytes;
    enum frame_kind kind;

    while (token_next(&rest, &kind, &bytes)) {
        /* Unlike frames, parts have no PAD among them. */
        state = kind != FRAME_PAD ? frame_next(state, kind) : FRAME_BREACH;
        if (state == FRAME_BREACH)
            return ERR_FORMAT;
    }
    /* A malformed part begins with its kind, which is no zero. */
    *parts_r = span_part(token, 0, token.len - rest.len);
    if (!frame_may_end(state) || !frame_is_padding(rest) || token.len != token_size(parts_r->len))
        return ERR_FORMAT;
    return 0;
}
