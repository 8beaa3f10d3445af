/* SPDX-License-Identifier: MIT */
/* Encoding and decoding of wire integers. Owns nothing; never reads past its span. */
#include "common/wire.h"

#include <endian.h>

int wire_end(const struct wire *w)
{
    if (w->error != 0)
        return w->error;
    return w->rest.len == 0 ? 0 : ERR_FORMAT;
}

struct span wire_bytes(struct wire *w, uint64_t len)
{
    struct span got;

    if (w->error != 0 || len > w->rest.len) {
        w->error = ERR_SHORT;
        return SPAN_NONE;
    }
    got = span_of(w->rest.at, (size_t)len);
    if (len > 0) /* an empty span may have no address to add to */
        w->rest = span_of(w->rest.at + len, w->rest.len - (size_t)len);
    return got;
}

void wire_copy(struct wire *w, void *to, size_t len)
{
    struct span got = wire_bytes(w, len);

    if (got.len == len && len > 0)
        memcpy(to, got.at, len);
    else
        memset(to, 0, len);
}

static uint64_t read_number(struct wire *w, size_t len)
{
    struct span got = wire_bytes(w, len);
    uint64_t v = 0;

    for (size_t i = 0; i < got.len; i++)
        v = v << 8 | got.at[i];
    return v;
}

uint8_t wire_u8(struct wire *w)
{
    return (uint8_t)read_number(w, 1);
}

uint16_t wire_u16(struct wire *w)
{
    return (uint16_t)read_number(w, 2);
}

uint32_t wire_u24(struct wire *w)
{
    return (uint32_t)read_number(w, 3);
}

uint32_t wire_u32(struct wire *w)
{
    return (uint32_t)read_number(w, 4);
}

uint64_t wire_u64(struct wire *w)
{
    return read_number(w, 8);
}

uint64_t wire_varint(struct wire *w)
{
    size_t len;

    if (w->error != 0 || w->rest.len == 0) {
        w->error = ERR_SHORT;
        return 0;
    }
    len = (size_t)1 << (w->rest.at[0] >> 6); /* the two top bits are the length's logarithm */
    return read_number(w, len) & (UINT64_MAX >> (64 - 8 * len + 2));
}

static void put_number(struct buffer *b, uint64_t v, size_t len)
{
    uint64_t big = htobe64(v << 8 * (sizeof(v) - len));

    buffer_put(b, span_of(&big, len));
}

void wire_put_u8(struct buffer *b, uint8_t v)
{
    put_number(b, v, 1);
}

void wire_put_u16(struct buffer *b, uint16_t v)
{
    put_number(b, v, 2);
}

void wire_put_u24(struct buffer *b, uint32_t v)
{
    put_number(b, v, 3);
}

void wire_put_u32(struct buffer *b, uint32_t v)
{
    put_number(b, v, 4);
}

void wire_put_u64(struct buffer *b, uint64_t v)
{
    put_number(b, v, 8);
}

size_t wire_varint_len(uint64_t v)
{
    if (v < 1u << 6)
        return 1;
    if (v < 1u << 14)
        return 2;
    return v < 1u << 30 ? 4 : 8;
}

void wire_put_varint(struct buffer *b, uint64_t v)
{
    size_t len = wire_varint_len(v);
    uint64_t tag = len == 1 ? 0 : len == 2 ? 1 : len == 4 ? 2 : 3;

    put_number(b, v | tag << (8 * len - 2), len);
}
