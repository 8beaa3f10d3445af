/* SPDX-License-Identifier: MIT */
/*
 * Numbers and bytes on the wire, big-endian. Reading goes through a cursor with a sticky error:
 * after the first read past the end every read gives zeros, and wire_error() says so once.
 */
#ifndef COMMON_WIRE_H
#define COMMON_WIRE_H

#include "common/buffer.h"
#include "common/span.h"

struct wire {
    struct span rest; /* what was not read yet */
    int error;        /* 0 or ERR_SHORT */
};

static inline struct wire wire_read(struct span bytes)
{
    return (struct wire){ .rest = bytes };
}

static inline int wire_error(const struct wire *w)
{
    return w->error;
}

/* 0 when all was read without an error, ERR_SHORT or (bytes left over) ERR_FORMAT otherwise. */
int wire_end(const struct wire *w);

uint8_t wire_u8(struct wire *w);
uint16_t wire_u16(struct wire *w);
uint32_t wire_u24(struct wire *w);
uint32_t wire_u32(struct wire *w);
uint64_t wire_u64(struct wire *w);
/* The variable-length integer of RFC 9000, section 16: 1, 2, 4 or 8 bytes; any length of it. */
uint64_t wire_varint(struct wire *w);
/* len bytes, as a view of the input. */
struct span wire_bytes(struct wire *w, uint64_t len);
/* len bytes, copied; zeros after an error. */
void wire_copy(struct wire *w, void *to, size_t len);

void wire_put_u8(struct buffer *b, uint8_t v);
void wire_put_u16(struct buffer *b, uint16_t v);
void wire_put_u24(struct buffer *b, uint32_t v); /* v < 2^24 */
void wire_put_u32(struct buffer *b, uint32_t v);
void wire_put_u64(struct buffer *b, uint64_t v);
/* v < 2^62, in its shortest form. */
void wire_put_varint(struct buffer *b, uint64_t v);
/* Bytes that wire_put_varint() will write: 1, 2, 4 or 8. */
size_t wire_varint_len(uint64_t v);

#endif
