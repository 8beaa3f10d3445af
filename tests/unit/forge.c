/* SPDX-License-Identifier: MIT */
/* Hostile senders and patient receivers of messages. */
#include "tests/unit/forge.h"

#include <stdlib.h>

#include "common/pair_keys.h"
#include "common/wire.h"

enum { REQUEST_TIME_MS = 1700000000, REQUEST_COUNTER = 7 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void put_counting(struct buffer *b, uint8_t first, size_t n)
{
    while (n-- > 0)
        wire_put_u8(b, first++);
}

struct pair_keys *forge_keys(enum suite suite)
{
    struct pair_secret secret = { .suite = suite };
    struct pair_keys *keys = NULL;

    for (size_t i = 0; i < PAIR_ID_LEN; i++)
        secret.id[i] = (uint8_t)(0xa0 + i);
    for (size_t i = 0; i < SECRET_KEY_LEN; i++)
        secret.key.bytes[i] = (uint8_t)(0x40 + i);
    must(pair_keys_new(&secret, &keys) == 0);
    return keys;
}

static void begin(struct forge *f, enum suite suite, const struct secret_key *key)
{
    f->cipher = (struct frame_cipher){ .n_frames = 0 };
    must(aead_new(suite, AEAD_SEAL, key, &f->cipher.aead) == 0);
}

void forge_request(struct forge *f, struct pair_keys *keys, enum codec codec,
                   struct envelope_request *request_r)
{
    struct secret_key key;

    buffer_init(&f->out, 0);
    wire_put_u8(&f->out, PROTOCOL_VERSION);
    wire_put_u8(&f->out, ENVELOPE_TYPE_REQ);
    wire_put_u8(&f->out, (uint8_t)keys->suite);
    wire_put_u8(&f->out, (uint8_t)codec);
    buffer_put(&f->out, span_of(keys->id, PAIR_ID_LEN));
    wire_put_u64(&f->out, REQUEST_COUNTER);
    wire_put_u64(&f->out, REQUEST_TIME_MS);
    put_counting(&f->out, 0x10, ENVELOPE_SALT_LEN);
    must(envelope_read_request(buffer_span(&f->out), request_r) == 0);
    must(pair_keys_of_request(keys, request_r->bytes, &key) == 0);
    begin(f, keys->suite, &key);
}

void forge_response(struct forge *f, struct pair_keys *keys, const struct envelope_request *request,
                    enum codec codec)
{
    struct secret_key key;

    buffer_init(&f->out, 0);
    wire_put_u8(&f->out, PROTOCOL_VERSION);
    wire_put_u8(&f->out, ENVELOPE_TYPE_RSP);
    wire_put_u8(&f->out, (uint8_t)keys->suite);
    wire_put_u8(&f->out, (uint8_t)codec);
    put_counting(&f->out, 0x60, ENVELOPE_RSP_SALT_LEN);
    must(pair_keys_of_response(keys, request->bytes, f->out.at, &key) == 0);
    begin(f, keys->suite, &key);
}

void forge_frame(struct forge *f, uint8_t kind, struct span plain)
{
    size_t len = FRAME_HEADER_LEN + plain.len + CRYPTO_TAG_LEN;
    uint8_t *room = buffer_reserve(&f->out, len);

    must(room != NULL);
    must(frame_seal(&f->cipher, kind, plain, room) == 0);
    buffer_commit(&f->out, len);
}

struct span forge_message(const struct forge *f)
{
    return buffer_span(&f->out);
}

void forge_fini(struct forge *f)
{
    frame_cipher_fini(&f->cipher);
    buffer_fini(&f->out);
}

void opened_init(struct opened *o)
{
    *o = (struct opened){ .stop_at = 0 };
    buffer_init(&o->order, 0);
    buffer_init(&o->head, 0);
    buffer_init(&o->again, 0);
    buffer_init(&o->data, 0);
    buffer_init(&o->trailers, 0);
}

void opened_fini(struct opened *o)
{
    buffer_fini(&o->order);
    buffer_fini(&o->head);
    buffer_fini(&o->again);
    buffer_fini(&o->data);
    buffer_fini(&o->trailers);
}

static int on_part(void *arg, enum part part, struct span bytes)
{
    struct opened *o = arg;

    switch (part) {
    case PART_HEAD:
        buffer_put_text(&o->order, "H");
        buffer_put(&o->head, bytes);
        break;
    case PART_AGAIN:
        buffer_put_text(&o->order, "A");
        buffer_put(&o->again, bytes);
        break;
    case PART_DATA:
        must(bytes.len > 0);
        buffer_put_text(&o->order, "D");
        buffer_put(&o->data, bytes);
        break;
    case PART_TRAILERS:
        buffer_put_text(&o->order, "T");
        buffer_put(&o->trailers, bytes);
        break;
    }
    return o->stop_at > 0 && buffer_len(&o->order) == (size_t)o->stop_at ? ERR_CANCELLED : 0;
}

static int feed(struct opener *opener, struct span message, size_t slice, struct opened *o)
{
    int r = 0;

    while (r == 0 && message.len > 0) {
        size_t len = slice > 0 ? slice : (size_t)rand() % 40000 + 1;
        struct span piece = span_part(message, 0, len);
        uint8_t *copy = malloc(piece.len);

        must(copy != NULL);
        memcpy(copy, piece.at, piece.len);
        r = opener_feed(opener, span_of(copy, piece.len), on_part, o);
        free(copy);
        message = span_from(message, piece.len);
    }
    o->ended = opener_ended(opener);
    return r;
}

int open_request(struct pair_keys *keys, struct span message, size_t slice, struct opened *o)
{
    struct envelope_request request;
    struct opener *opener = NULL;
    int r = envelope_read_request(message, &request);

    if (r == 0)
        r = opener_new_request(keys, &request, &opener);
    if (r == 0)
        r = feed(opener, span_from(message, ENVELOPE_REQ_LEN), slice, o);
    opener_free(&opener);
    return r;
}

int open_response(struct pair_keys *keys, const struct envelope_request *request,
                  struct span message, size_t slice, struct opened *o)
{
    struct opener *opener = NULL;
    int r = opener_new_response(keys, request, &opener);

    if (r == 0)
        r = feed(opener, message, slice, o);
    opener_free(&opener);
    return r;
}
