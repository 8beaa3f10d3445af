/* SPDX-License-Identifier: MIT */
/* Reads frame headers and steps over HPACK's representations without decoding them. Owns nothing.
 */
#include "worker/http2_frames.h"

#include "common/wire.h"

static void read_header(struct span bytes, struct http2_unit *unit_r)
{
    struct wire w = wire_read(span_part(bytes, 0, HTTP2_HEADER_LEN));

    unit_r->payload_len = wire_u24(&w);
    unit_r->type = wire_u8(&w);
    unit_r->flags = wire_u8(&w);
    unit_r->stream_id = wire_u32(&w) & 0x7fffffff;
    unit_r->len = HTTP2_HEADER_LEN + unit_r->payload_len;
    unit_r->n_frames = 1;
    unit_r->open = unit_r->type == HTTP2_HEADERS && (unit_r->flags & HTTP2_END_HEADERS) == 0;
}

/* Adds the frame at unit->len, if it continues the block. *more_r: the block may go on behind it.
 */
static enum http2_reading read_continuation(struct span bytes, struct http2_unit *unit,
                                            bool *more_r)
{
    struct span rest = span_from(bytes, unit->len);
    struct http2_unit next;

    *more_r = false;
    if (unit->len > HTTP2_BLOCK_MAX || unit->n_frames > HTTP2_BLOCK_FRAMES_MAX)
        return HTTP2_EXCESS;
    if (rest.len < HTTP2_HEADER_LEN)
        return HTTP2_INCOMPLETE;
    read_header(rest, &next);
    if (next.type != HTTP2_CONTINUATION || next.stream_id != unit->stream_id ||
        next.payload_len > HTTP2_FRAME_MAX)
        return HTTP2_WHOLE;
    if (rest.len < next.len)
        return HTTP2_INCOMPLETE;
    unit->len += next.len;
    unit->n_frames++;
    unit->open = (next.flags & HTTP2_END_HEADERS) == 0;
    *more_r = unit->open;
    return HTTP2_WHOLE;
}

enum http2_reading http2_read_unit(struct span bytes, struct http2_unit *unit_r)
{
    enum http2_reading reading = HTTP2_WHOLE;
    bool more;

    if (bytes.len < HTTP2_HEADER_LEN)
        return HTTP2_INCOMPLETE;
    read_header(bytes, unit_r);
    if (unit_r->payload_len > HTTP2_FRAME_MAX) {
        unit_r->len = HTTP2_HEADER_LEN;
        unit_r->open = false;
        return HTTP2_WHOLE;
    }
    if (bytes.len < unit_r->len)
        return HTTP2_INCOMPLETE;
    more = unit_r->open;
    while (reading == HTTP2_WHOLE && more)
        reading = read_continuation(bytes, unit_r, &more);
    return reading;
}

bool http2_priority_ok(struct span bytes, const struct http2_unit *unit)
{
    struct wire w = wire_read(span_part(bytes, HTTP2_HEADER_LEN, unit->payload_len));
    uint32_t depends_on = wire_u32(&w) & 0x7fffffff;

    return unit->payload_len == 5 && unit->stream_id != 0 && depends_on != unit->stream_id;
}

size_t http2_write_zeros(const struct http2_unit *unit,
                         uint8_t frame_r[static HTTP2_HEADER_LEN + UINT8_MAX])
{
    struct buffer b = buffer_over(frame_r, HTTP2_HEADER_LEN);

    wire_put_u24(&b, (uint32_t)unit->payload_len);
    wire_put_u8(&b, unit->type);
    wire_put_u8(&b, unit->flags);
    wire_put_u32(&b, unit->stream_id);
    memset(frame_r + HTTP2_HEADER_LEN, 0, unit->payload_len);
    return HTTP2_HEADER_LEN + unit->payload_len;
}

/* ---- field blocks ---- */

/* A block that may lie in several frames. */
struct block {
    struct span rest;  /* of the frame under way */
    struct span after; /* the frames that follow */
    bool bad;
};

/* The block's part of HEADERS, without padding and priority. */
static struct span fragment_of_headers(struct span payload, uint8_t flags)
{
    size_t before = (flags & HTTP2_PADDED ? 1 : 0) + (flags & HTTP2_WITH_PRIORITY ? 5 : 0);
    size_t behind = flags & HTTP2_PADDED && payload.len > 0 ? payload.at[0] : 0;

    if (before + behind > payload.len)
        return SPAN_NONE;
    return span_part(payload, before, payload.len - before - behind);
}

static bool next_byte(struct block *block, uint8_t *byte_r)
{
    struct http2_unit frame;

    while (block->rest.len == 0 && block->after.len >= HTTP2_HEADER_LEN) {
        read_header(block->after, &frame);
        block->rest = span_part(block->after, HTTP2_HEADER_LEN, frame.payload_len);
        block->after = span_from(block->after, frame.len);
    }
    if (block->rest.len == 0)
        return false;
    *byte_r = block->rest.at[0];
    block->rest = span_from(block->rest, 1);
    return true;
}

/* RFC 7541 5.1, with the bits of the first byte that are the number's. */
static uint64_t read_integer(struct block *block, uint8_t first, unsigned n_bits)
{
    uint64_t mask = (1U << n_bits) - 1, value = first & mask;
    uint8_t byte = 0x80;

    if (value < mask)
        return value;
    for (unsigned shift = 0; (byte & 0x80) != 0; shift += 7) {
        if (shift > 28 || !next_byte(block, &byte)) {
            block->bad = true;
            return 0;
        }
        value += (uint64_t)(byte & 0x7f) << shift;
    }
    return value;
}

/* RFC 7541 5.2. */
static void skip_string(struct block *block)
{
    uint8_t byte;
    uint64_t len;

    if (block->bad || !next_byte(block, &byte)) {
        block->bad = true;
        return;
    }
    len = read_integer(block, byte, 7);
    while (!block->bad && len > 0) {
        size_t n = block->rest.len < len ? block->rest.len : (size_t)len;

        block->rest = span_from(block->rest, n);
        len -= n;
        if (len > 0 && next_byte(block, &byte))
            len--;
        else if (len > 0)
            block->bad = true;
    }
}

/* RFC 7541 6. True if that was a field. */
static bool skip_representation(struct block *block, uint8_t first)
{
    unsigned n_bits = (first & 0xc0) == 0x40 ? 6 : 4;

    if ((first & 0x80) != 0) {
        read_integer(block, first, 7);
        return true;
    }
    if ((first & 0xe0) == 0x20) {
        read_integer(block, first, 5); /* the table's size */
        return false;
    }
    if (read_integer(block, first, n_bits) == 0)
        skip_string(block); /* the name */
    skip_string(block);
    return true;
}

size_t http2_count_fields(struct span bytes, const struct http2_unit *unit)
{
    struct span frames = span_part(bytes, 0, unit->len);
    struct block block = {
        .rest = fragment_of_headers(span_part(frames, HTTP2_HEADER_LEN, unit->payload_len),
                                    unit->flags),
        .after = span_from(frames, HTTP2_HEADER_LEN + unit->payload_len),
    };
    size_t n = 0;
    uint8_t first;

    while (!block.bad && next_byte(&block, &first))
        n += skip_representation(&block, first) && !block.bad;
    return n;
}
