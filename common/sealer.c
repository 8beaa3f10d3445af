/* SPDX-License-Identifier: MIT */
/*
 * A message being sealed: parts in, header and frames out. Owns the message's key and, for MTE,
 * the parts that wait for the last one. Once anything failed it seals nothing more: a message with
 * a gap must never get its END.
 */
#include "common/envelope.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/pair_keys.h"
#include "common/sealer_internal.h"
#include "common/token.h"
#include "common/wire.h"

enum { N_CODECS = 2, HEADER_CODEC = 3 /* offset, in REQ and RSP */ };

struct sealer {
    enum suite suite;
    enum codec codec; /* of a held response: it may still turn from MTE to MKE */
    bool is_request;
    bool ended;
    int error;              /* sticky */
    enum frame_state state; /* of parts and frames alike */
    struct frame_cipher cipher;
    struct secret_key keys[N_CODECS]; /* by the codec that the header says; until it is out */
    uint8_t header[ENVELOPE_REQ_LEN];
    size_t header_len; /* 0 once it is out */
    struct token held; /* MTE */
};

_Static_assert((int)PART_HEAD == (int)FRAME_HEAD && (int)PART_DATA == (int)FRAME_DATA &&
                   (int)PART_TRAILERS == (int)FRAME_TRAILERS && (int)PART_AGAIN == (int)FRAME_AGAIN,
               "a part goes in the frame of its number");

/* ---- frames ---- */

/* The header and the key are settled with the first byte that goes out, not before. */
static int begin(struct sealer *s, struct buffer *out)
{
    int r;

    if (s->header_len == 0)
        return 0;
    r = aead_new(s->suite, AEAD_SEAL, &s->keys[s->codec], &s->cipher.aead);
    secret_wipe(s->keys, sizeof(s->keys));
    buffer_put(out, span_of(s->header, s->header_len));
    s->header_len = 0;
    return r == 0 ? buffer_error(out) : r;
}

static int put_frame(struct sealer *s, uint8_t kind_and_end, struct span plain, struct buffer *out)
{
    size_t len = FRAME_HEADER_LEN + plain.len + CRYPTO_TAG_LEN;
    uint8_t *room;
    int r = begin(s, out);

    if (r < 0)
        return r;
    room = buffer_reserve(out, len);
    if (room == NULL)
        return buffer_error(out);
    r = frame_seal(&s->cipher, kind_and_end, plain, room);
    if (r == 0)
        buffer_commit(out, len);
    return r;
}

/* Bytes in frames of at most so many, and the header if it is not out. */
static size_t sealed_len(const struct sealer *s, size_t len, size_t most)
{
    size_t n_frames = len > 0 ? (len - 1) / most + 1 : 1;

    return s->header_len + len + n_frames * (FRAME_HEADER_LEN + CRYPTO_TAG_LEN);
}

static int put_frames(struct sealer *s, enum frame_kind kind, struct span bytes, bool end,
                      struct buffer *out)
{
    size_t most = kind == FRAME_DATA ? ENVELOPE_FRAME_PLAIN : ENVELOPE_FRAME_PLAIN_MAX;
    int r;

    if (bytes.len > most && kind != FRAME_DATA)
        return ERR_LIMIT;
    if (buffer_reserve(out, sealed_len(s, bytes.len, most)) == NULL)
        return buffer_error(out);
    do {
        struct span piece = span_part(bytes, 0, most);
        bool last;

        bytes = span_from(bytes, piece.len);
        last = end && bytes.len == 0;
        r = put_frame(s, (uint8_t)(last ? kind | FRAME_END : kind), piece, out);
    } while (r == 0 && bytes.len > 0);
    return r;
}

/* ---- MTE ---- */

/* A response that was to be MTE goes on as MKE. */
static int let_go(struct sealer *s, struct buffer *out)
{
    struct span rest = buffer_span(&s->held.parts), bytes;
    enum frame_kind kind;
    int r;

    s->codec = CODEC_MKE;
    s->header[HEADER_CODEC] = CODEC_MKE;
    r = begin(s, out);
    while (r == 0 && token_next(&rest, &kind, &bytes))
        r = put_frames(s, kind, bytes, false, out);
    token_fini(&s->held);
    return r;
}

static int put_token(struct sealer *s, enum frame_kind kind, struct span bytes, bool end,
                     struct buffer *out)
{
    int r;

    if (bytes.len > 0 && !token_fits(&s->held, kind, bytes.len)) {
        if (s->is_request)
            return ERR_LIMIT;
        r = let_go(s, out);
        return r == 0 ? put_frames(s, kind, bytes, end, out) : r;
    }
    if (bytes.len > 0)
        token_put(&s->held, kind, bytes);
    if (end)
        token_pad(&s->held);
    r = buffer_error(&s->held.parts);
    if (r == 0 && end)
        r = put_frame(s, FRAME_TOKEN | FRAME_END, buffer_span(&s->held.parts), out);
    if (end)
        token_fini(&s->held);
    return r;
}

/* ---- parts ---- */

static bool may_put(const struct sealer *s, enum part part, struct span bytes)
{
    if (s->ended || frame_next(s->state, (enum frame_kind)part) == FRAME_BREACH)
        return false;
    return part == PART_DATA ||
           (part == PART_AGAIN ? bytes.len == ENVELOPE_AGAIN_LEN : bytes.len > 0);
}

int sealer_put(struct sealer *sealer, enum part part, struct span bytes, bool end,
               struct buffer *out)
{
    enum frame_kind kind = (enum frame_kind)part;

    if (sealer->error != 0)
        return sealer->error;
    if (!may_put(sealer, part, bytes))
        return sealer->error = ERR_MISUSE;
    if (bytes.len == 0 && !end)
        return 0;
    sealer->state = frame_next(sealer->state, kind);
    sealer->ended = end;
    if (sealer->codec == CODEC_MTE)
        sealer->error = put_token(sealer, kind, bytes, end, out);
    else
        sealer->error = put_frames(sealer, kind, bytes, end, out);
    return sealer->error;
}

int sealer_pad(struct sealer *sealer, struct buffer *out)
{
    if (sealer->error != 0)
        return sealer->error;
    if (sealer->is_request || sealer->ended)
        return sealer->error = ERR_MISUSE;
    if (sealer->codec == CODEC_MTE)
        sealer->error = let_go(sealer, out);
    if (sealer->error == 0)
        sealer->error = put_frame(sealer, FRAME_PAD, SPAN("\0"), out);
    return sealer->error;
}

size_t sealer_room(size_t len)
{
    size_t n_frames = len / ENVELOPE_FRAME_PLAIN + 3; /* HEAD, AGAIN, and the rest of DATA */

    return ENVELOPE_REQ_LEN + len + ENVELOPE_AGAIN_LEN +
           n_frames * (FRAME_HEADER_LEN + CRYPTO_TAG_LEN);
}

/* ---- begin and end ---- */

static int new_sealer(const struct pair_keys *keys, enum codec codec, enum frame_state state,
                      struct sealer **sealer_r)
{
    struct sealer *s = malloc(sizeof(*s));

    if (s == NULL)
        return -ENOMEM;
    *s = (struct sealer){ .suite = keys->suite,
                          .codec = codec,
                          .state = state,
                          .is_request = state == FRAME_AT_REQUEST };
    token_init(&s->held);
    *sealer_r = s;
    return 0;
}

static void write_request(struct envelope_request *request,
                          const uint8_t salt[static ENVELOPE_SALT_LEN])
{
    struct buffer b = buffer_over(request->bytes, ENVELOPE_REQ_LEN);

    wire_put_u8(&b, PROTOCOL_VERSION);
    wire_put_u8(&b, ENVELOPE_TYPE_REQ);
    wire_put_u8(&b, (uint8_t)request->suite);
    wire_put_u8(&b, (uint8_t)request->codec);
    buffer_put(&b, span_of(request->pair_id, PAIR_ID_LEN));
    wire_put_u64(&b, request->counter);
    wire_put_u64(&b, request->time_ms);
    buffer_put(&b, span_of(salt, ENVELOPE_SALT_LEN));
    assert(buffer_error(&b) == 0 && buffer_len(&b) == ENVELOPE_REQ_LEN);
}

int sealer_new_request_from(struct pair_keys *keys, struct envelope_request *request,
                            const uint8_t salt[static ENVELOPE_SALT_LEN], struct sealer **sealer_r)
{
    struct sealer *s = NULL;
    int r;

    assert(request->counter < ENVELOPE_COUNTER_END);
    request->suite = keys->suite;
    memcpy(request->pair_id, keys->id, PAIR_ID_LEN);
    write_request(request, salt);
    r = new_sealer(keys, request->codec, FRAME_AT_REQUEST, &s);
    if (r < 0)
        return r;
    memcpy(s->header, request->bytes, ENVELOPE_REQ_LEN);
    s->header_len = ENVELOPE_REQ_LEN;
    r = pair_keys_of_request(keys, s->header, &s->keys[s->codec]);
    if (r < 0)
        sealer_free(&s);
    *sealer_r = s;
    return r;
}

int sealer_new_request(struct pair_keys *keys, enum codec codec, uint64_t counter, uint64_t time_ms,
                       struct envelope_request *request_r, struct sealer **sealer_r)
{
    uint8_t salt[ENVELOPE_SALT_LEN];
    int r = crypto_random(salt, sizeof(salt));

    request_r->codec = codec;
    request_r->counter = counter;
    request_r->time_ms = time_ms;
    return r == 0 ? sealer_new_request_from(keys, request_r, salt, sealer_r) : r;
}

static void write_response(struct sealer *s, const uint8_t salt[static ENVELOPE_RSP_SALT_LEN])
{
    struct buffer b = buffer_over(s->header, ENVELOPE_RSP_LEN);

    wire_put_u8(&b, PROTOCOL_VERSION);
    wire_put_u8(&b, ENVELOPE_TYPE_RSP);
    wire_put_u8(&b, (uint8_t)s->suite);
    wire_put_u8(&b, (uint8_t)s->codec);
    buffer_put(&b, span_of(salt, ENVELOPE_RSP_SALT_LEN));
    assert(buffer_error(&b) == 0 && buffer_len(&b) == ENVELOPE_RSP_LEN);
    s->header_len = ENVELOPE_RSP_LEN;
}

int sealer_new_response_from(struct pair_keys *keys, const struct envelope_request *request,
                             const uint8_t salt[static ENVELOPE_RSP_SALT_LEN],
                             struct sealer **sealer_r)
{
    struct sealer *s = NULL;
    int r = new_sealer(keys, request->codec, FRAME_AT_RESPONSE, &s);

    if (r < 0)
        return r;
    write_response(s, salt);
    /* Both keys now, so that the pair may go while an MTE response is held. */
    for (int codec = CODEC_MKE; r == 0 && codec <= (int)request->codec; codec++) {
        s->header[HEADER_CODEC] = (uint8_t)codec;
        r = pair_keys_of_response(keys, request->bytes, s->header, &s->keys[codec]);
    }
    if (r < 0)
        sealer_free(&s);
    *sealer_r = s;
    return r;
}

int sealer_new_response(struct pair_keys *keys, const struct envelope_request *request,
                        struct sealer **sealer_r)
{
    uint8_t salt[ENVELOPE_RSP_SALT_LEN];
    int r = crypto_random(salt, sizeof(salt));

    return r == 0 ? sealer_new_response_from(keys, request, salt, sealer_r) : r;
}

void sealer_free(struct sealer **sealer)
{
    struct sealer *s = *sealer;

    if (s == NULL)
        return;
    frame_cipher_fini(&s->cipher);
    token_fini(&s->held);
    secret_wipe(s, sizeof(*s));
    free(s);
    *sealer = NULL;
}
