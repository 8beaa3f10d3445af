/* SPDX-License-Identifier: MIT */
/* The parts of a message that have a fixed layout: the request's header, and AGAIN. */
#include "common/envelope.h"

#include <assert.h>

#include "common/wire.h"

int envelope_read_request(struct span message, struct envelope_request *request_r)
{
    struct wire w = wire_read(message);
    uint8_t version = wire_u8(&w), type = wire_u8(&w), suite = wire_u8(&w), codec = wire_u8(&w);

    wire_copy(&w, request_r->pair_id, PAIR_ID_LEN);
    request_r->counter = wire_u64(&w);
    request_r->time_ms = wire_u64(&w);
    wire_bytes(&w, ENVELOPE_SALT_LEN);
    if (wire_error(&w) != 0 || version != PROTOCOL_VERSION || type != ENVELOPE_TYPE_REQ ||
        codec > CODEC_MTE || request_r->counter >= ENVELOPE_COUNTER_END)
        return ERR_FORMAT;
    request_r->suite = (enum suite)suite;
    request_r->codec = (enum codec)codec;
    memcpy(request_r->bytes, message.at, ENVELOPE_REQ_LEN);
    return 0;
}

void envelope_put_again(const struct envelope_again *again,
                        uint8_t bytes_r[static ENVELOPE_AGAIN_LEN])
{
    struct buffer b = buffer_over(bytes_r, ENVELOPE_AGAIN_LEN);

    buffer_put(&b, span_of(again->pair_id, PAIR_ID_LEN));
    wire_put_u64(&b, again->counter);
    wire_put_u64(&b, again->time_ms);
    assert(buffer_error(&b) == 0 && buffer_len(&b) == ENVELOPE_AGAIN_LEN);
}

int envelope_read_again(struct span bytes, struct envelope_again *again_r)
{
    struct wire w = wire_read(bytes);

    wire_copy(&w, again_r->pair_id, PAIR_ID_LEN);
    again_r->counter = wire_u64(&w);
    again_r->time_ms = wire_u64(&w);
    return wire_end(&w) == 0 && again_r->counter < ENVELOPE_COUNTER_END ? 0 : ERR_FORMAT;
}
