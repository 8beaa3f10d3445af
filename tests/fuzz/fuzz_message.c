/* SPDX-License-Identifier: MIT */
/*
 * Messages. First byte, by bits: 1 a response, 2 MTE, 4 sealed here, 8 the other suite. Second
 * byte: how many bytes at a time, less one. Where it is sealed here, the rest is frames of kind,
 * length as u16 and plaintext; otherwise it is the message as it comes.
 *
 * However it is cut, the same must come out.
 */
#include "common/bhttp.h"
#include "common/wire.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/forge.h"

#include <stdlib.h>

enum { RESPONSE = 1, MTE = 2, SEALED = 4, OTHER_SUITE = 8 };

static struct pair_keys *all_keys[2];

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void seal(struct forge *f, struct span frames)
{
    struct wire w = wire_read(frames);

    while (w.rest.len >= 3) {
        uint8_t kind = wire_u8(&w);
        uint16_t len = wire_u16(&w);

        forge_frame(f, kind, wire_bytes(&w, len < w.rest.len ? len : w.rest.len));
    }
}

/* What opened is in order, and what can be read of it is. */
static void check(const struct opened *o, bool is_response)
{
    struct span order = buffer_span(&o->order);
    struct bhttp_response response;
    struct bhttp_request request;
    struct envelope_again again;

    must(!o->ended || order.len > 0);
    must(order.len == 0 || order.at[0] == 'H');
    if (buffer_len(&o->again) > 0) {
        must(!is_response && order.at[1] == 'A');
        must(envelope_read_again(buffer_span(&o->again), &again) == 0);
    }
    if (order.len > 0 && is_response)
        must(bhttp_read_response(buffer_span(&o->head), &response) <= 0);
    else if (order.len > 0)
        must(bhttp_read_request(buffer_span(&o->head), &request) <= 0);
}

static void open_both(struct pair_keys *keys, const struct envelope_request *request,
                      struct span message, size_t slice)
{
    struct opened whole, sliced;
    int r, s;

    opened_init(&whole);
    opened_init(&sliced);
    if (request != NULL) {
        r = open_response(keys, request, message, SIZE_MAX, &whole);
        s = open_response(keys, request, message, slice, &sliced);
    } else {
        r = open_request(keys, message, SIZE_MAX, &whole);
        s = open_request(keys, message, slice, &sliced);
    }
    must(r == s && whole.ended == sliced.ended);
    must(span_equal(buffer_span(&whole.order), buffer_span(&sliced.order)));
    must(span_equal(buffer_span(&whole.head), buffer_span(&sliced.head)));
    must(span_equal(buffer_span(&whole.data), buffer_span(&sliced.data)));
    must(span_equal(buffer_span(&whole.trailers), buffer_span(&sliced.trailers)));
    check(&whole, request != NULL);
    opened_fini(&whole);
    opened_fini(&sliced);
}

static void message(unsigned flags, size_t slice, struct span rest)
{
    struct pair_keys *keys = all_keys[(flags & OTHER_SUITE) != 0];
    enum codec codec = flags & MTE ? CODEC_MTE : CODEC_MKE;
    struct envelope_request request;
    struct forge f;

    /* Any response may answer an MTE request. */
    forge_request(&f, keys, flags & RESPONSE ? CODEC_MTE : codec, &request);
    if (flags & RESPONSE) {
        forge_fini(&f);
        forge_response(&f, keys, &request, codec);
    }
    if (flags & SEALED) {
        seal(&f, rest);
        rest = forge_message(&f);
    }
    open_both(keys, flags & RESPONSE ? &request : NULL, rest, slice);
    forge_fini(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (all_keys[0] == NULL) {
        must(crypto_init() == 0);
        all_keys[0] = forge_keys(SUITE_AES_256_GCM);
        all_keys[1] = forge_keys(SUITE_CHACHA20_POLY1305);
    }
    if (size >= 2)
        message(data[0], data[1] + 1U, span_of(data + 2, size - 2));
    return 0;
}
