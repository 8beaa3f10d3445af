/* SPDX-License-Identifier: MIT */
/*
 * A message being opened, in whatever slices it comes. Owns the message's key and one scratch
 * allocation: an unfinished frame is collected in it, and frames are decrypted into it, so that
 * nothing of a frame is seen outside before its tag was right. A small frame that came whole, as
 * most do, is decrypted on the stack instead. The first error is the last word.
 */
#include "common/envelope.h"

#include <errno.h>
#include <stdlib.h>

#include "common/bhttp.h"
#include "common/pair_keys.h"
#include "common/token.h"
#include "common/wire.h"

enum stage { STAGE_RSP, STAGE_FRAME_HEADER, STAGE_FRAME };

enum { SMALL_FRAME = 2048 };

/* Steps of the scratch's size: all of it is wiped in the end. */
static const size_t scratch_steps[] = { SMALL_FRAME, ENVELOPE_FRAME_PLAIN + CRYPTO_TAG_LEN,
                                        FRAME_SEALED_MAX };

struct opener {
    struct pair_keys *keys; /* the caller's; until RSP was read */
    struct envelope_request request;
    bool is_request;
    bool ended;
    int error; /* sticky */
    enum stage stage;
    enum frame_state state; /* with the frame under way counted in */
    struct frame_cipher cipher;
    uint8_t header[ENVELOPE_RSP_LEN]; /* RSP, or that of the frame under way */
    size_t n_header;
    size_t sealed_len; /* of the frame under way */
    uint8_t *scratch;  /* owned */
    size_t scratch_cap;
    size_t n_scratch; /* bytes of the frame under way in it */
};

/* Where the parts go. */
struct receiver {
    opener_part_cb part_cb;
    void *arg;
};

/* ---- parts ---- */

static int deliver(const struct opener *o, enum part part, struct span bytes,
                   const struct receiver *receiver)
{
    struct envelope_again again;
    struct bhttp_fields trailers;
    int r = 0;

    if (part == PART_AGAIN)
        r = envelope_read_again(bytes, &again);
    else if (part == PART_TRAILERS)
        r = bhttp_read_trailers(bytes, o->is_request, &trailers);
    else if (part == PART_DATA && bytes.len == 0)
        return 0;
    if (r < 0)
        return r;
    r = receiver->part_cb(receiver->arg, part, bytes);
    return r < 0 ? r : 0;
}

static int deliver_token(const struct opener *o, struct span token, const struct receiver *receiver)
{
    struct span parts, bytes;
    enum frame_kind kind;
    int r;

    r = token_check(token, o->is_request ? FRAME_AT_REQUEST : FRAME_AT_RESPONSE, &parts);
    while (r == 0 && token_next(&parts, &kind, &bytes))
        r = deliver(o, (enum part)kind, bytes, receiver);
    return r;
}

static int deliver_frame(const struct opener *o, struct span plain, const struct receiver *receiver)
{
    enum frame_kind kind = (enum frame_kind)(o->header[0] & ~FRAME_END);

    if (kind == FRAME_PAD)
        return frame_is_padding(plain) ? 0 : ERR_FORMAT;
    if (kind == FRAME_TOKEN)
        return deliver_token(o, plain, receiver);
    return deliver(o, (enum part)kind, plain, receiver);
}

/* ---- stages: each takes from *bytes, and returns without its turn done when there are too few
 * ---- */

/* Moves bytes to at until *n of want are there. */
static bool collect(uint8_t *at, size_t *n, size_t want, struct span *bytes)
{
    struct span piece = span_part(*bytes, 0, want - *n);

    memcpy(at + *n, piece.at, piece.len);
    *n += piece.len;
    *bytes = span_from(*bytes, piece.len);
    return *n == want;
}

/* The cipher of the message, and the order that its codec asks for. */
static int begin_frames(struct opener *o, enum codec codec, struct secret_key *key)
{
    int r = aead_new(o->request.suite, AEAD_OPEN, key, &o->cipher.aead);

    secret_wipe(key, sizeof(*key));
    o->stage = STAGE_FRAME_HEADER;
    o->n_header = 0;
    if (codec == CODEC_MTE)
        o->state = FRAME_AT_TOKEN;
    else
        o->state = o->is_request ? FRAME_AT_REQUEST : FRAME_AT_RESPONSE;
    return r;
}

static int take_rsp(struct opener *o, struct span *bytes)
{
    struct secret_key key;
    uint8_t codec;
    int r;

    if (!collect(o->header, &o->n_header, ENVELOPE_RSP_LEN, bytes))
        return 0;
    codec = o->header[3];
    if (o->header[0] != PROTOCOL_VERSION || o->header[1] != ENVELOPE_TYPE_RSP ||
        o->header[2] != o->request.suite || (codec != o->request.codec && codec != CODEC_MKE))
        return ERR_FORMAT;
    r = pair_keys_of_response(o->keys, o->request.bytes, o->header, &key);
    o->keys = NULL;
    return r == 0 ? begin_frames(o, (enum codec)codec, &key) : r;
}

/* What was in it is of frames that are done with. */
static int reserve_scratch(struct opener *o, size_t len)
{
    size_t step = 0;

    if (len <= o->scratch_cap)
        return 0;
    secret_wipe(o->scratch, o->scratch_cap);
    free(o->scratch);
    while (scratch_steps[step] < len)
        step++;
    o->scratch_cap = scratch_steps[step];
    o->scratch = malloc(o->scratch_cap);
    if (o->scratch != NULL)
        return 0;
    o->scratch_cap = 0;
    return -ENOMEM;
}

static int take_frame_header(struct opener *o, struct span *bytes)
{
    struct wire w;
    uint8_t kind;
    bool end;

    if (!collect(o->header, &o->n_header, FRAME_HEADER_LEN, bytes))
        return 0;
    w = wire_read(span_of(o->header, FRAME_HEADER_LEN));
    kind = wire_u8(&w);
    end = (kind & FRAME_END) != 0;
    o->sealed_len = wire_u24(&w);
    o->state = frame_next(o->state, (enum frame_kind)(kind & ~FRAME_END));
    if (o->state == FRAME_BREACH || (end && !frame_may_end(o->state)) ||
        o->sealed_len < CRYPTO_TAG_LEN || o->sealed_len > FRAME_SEALED_MAX ||
        (o->sealed_len == CRYPTO_TAG_LEN && !end) || (o->state == FRAME_IN_TOKEN && !end))
        return ERR_FORMAT;
    o->stage = STAGE_FRAME;
    o->n_scratch = 0;
    return 0;
}

static int open_frame(struct opener *o, struct span sealed, uint8_t *plain,
                      const struct receiver *receiver)
{
    int r = frame_open(&o->cipher, o->header, sealed, plain);

    if (r == 0)
        r = deliver_frame(o, span_of(plain, sealed.len - CRYPTO_TAG_LEN), receiver);
    o->ended = (o->header[0] & FRAME_END) != 0;
    o->stage = STAGE_FRAME_HEADER;
    o->n_header = 0;
    return r;
}

static int open_on_stack(struct opener *o, struct span sealed, const struct receiver *receiver)
{
    uint8_t plain[SMALL_FRAME] __attribute__((uninitialized));
    int r = open_frame(o, sealed, plain, receiver);

    secret_wipe(plain, sealed.len);
    return r;
}

/* A frame that lies whole in the input is not copied. */
static int take_frame(struct opener *o, struct span *bytes, const struct receiver *receiver)
{
    bool whole = o->n_scratch == 0 && bytes->len >= o->sealed_len;
    struct span sealed = span_part(*bytes, 0, o->sealed_len);
    int r = 0;

    if (whole)
        *bytes = span_from(*bytes, o->sealed_len);
    if (whole && sealed.len <= SMALL_FRAME)
        return open_on_stack(o, sealed, receiver);
    r = reserve_scratch(o, o->sealed_len);
    if (r < 0 || (!whole && !collect(o->scratch, &o->n_scratch, o->sealed_len, bytes)))
        return r;
    return open_frame(o, whole ? sealed : span_of(o->scratch, o->sealed_len), o->scratch, receiver);
}

static int take(struct opener *o, struct span *bytes, const struct receiver *receiver)
{
    if (o->ended)
        return ERR_FORMAT;
    switch (o->stage) {
    case STAGE_RSP:
        return take_rsp(o, bytes);
    case STAGE_FRAME_HEADER:
        return take_frame_header(o, bytes);
    case STAGE_FRAME:
        return take_frame(o, bytes, receiver);
    }
    return ERR_MISUSE;
}

int opener_feed(struct opener *opener, struct span bytes, opener_part_cb part_cb, void *arg)
{
    const struct receiver receiver = { part_cb, arg };

    while (opener->error == 0 && bytes.len > 0)
        opener->error = take(opener, &bytes, &receiver);
    return opener->error;
}

bool opener_ended(const struct opener *opener)
{
    return opener->ended && opener->error == 0;
}

/* ---- begin and end ---- */

static int new_opener(struct pair_keys *keys, const struct envelope_request *request,
                      bool is_request, struct opener **opener_r)
{
    struct opener *o;

    if (request->suite != keys->suite)
        return ERR_FORMAT;
    o = malloc(sizeof(*o));
    if (o == NULL)
        return -ENOMEM;
    *o = (struct opener){ .keys = keys, .request = *request, .is_request = is_request };
    *opener_r = o;
    return 0;
}

int opener_new_request(struct pair_keys *keys, const struct envelope_request *request,
                       struct opener **opener_r)
{
    struct opener *o = NULL;
    struct secret_key key;
    int r = new_opener(keys, request, true, &o);

    if (r < 0)
        return r;
    o->keys = NULL;
    r = pair_keys_of_request(keys, request->bytes, &key);
    if (r == 0)
        r = begin_frames(o, request->codec, &key);
    if (r < 0)
        opener_free(&o);
    *opener_r = o;
    return r;
}

int opener_new_response(struct pair_keys *keys, const struct envelope_request *request,
                        struct opener **opener_r)
{
    return new_opener(keys, request, false, opener_r);
}

void opener_free(struct opener **opener)
{
    struct opener *o = *opener;

    if (o == NULL)
        return;
    frame_cipher_fini(&o->cipher);
    secret_wipe(o->scratch, o->scratch_cap);
    free(o->scratch);
    secret_wipe(o, sizeof(*o));
    free(o);
    *opener = NULL;
}
