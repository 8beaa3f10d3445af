/* SPDX-License-Identifier: MIT */
/*
 * Bytes that grow at the end and are taken from the front:
 *
 *      at          at + start            at + end             at + cap
 *      | taken     | what is in it       | room               |
 *
 * An allocation that fails, or that would pass the limit, sets a sticky error: later writes do
 * nothing, and the writer checks buffer_error() once, at the end.
 */
#ifndef COMMON_BUFFER_H
#define COMMON_BUFFER_H

#include "common/error.h"
#include "common/span.h"

struct buffer {
    uint8_t *at;       /* owned; NULL before the first write */
    size_t start, end; /* start <= end <= cap */
    size_t cap;        /* bytes */
    size_t limit;      /* of end - start; 0 = none */
    bool secret;       /* wiped before its memory is given back */
    int error;         /* 0, -ENOMEM or ERR_LIMIT */
};

/* An empty buffer; limit in bytes, 0 for none. */
void buffer_init(struct buffer *b, size_t limit);
/* The same, for what must not stay behind in freed memory. */
void buffer_init_secret(struct buffer *b, size_t limit);
/* Gives the memory back; the buffer is empty and usable again. */
void buffer_fini(struct buffer *b);

/* A buffer over len > 0 bytes of the caller's: past them is ERR_LIMIT. Never for buffer_fini(). */
static inline struct buffer buffer_over(void *at, size_t len)
{
    return (struct buffer){ .at = at, .cap = len, .limit = len };
}

/* Forgets the content and the error, keeps the memory. */
void buffer_clear(struct buffer *b);

/* What is in it; valid until the next write. */
static inline struct span buffer_span(const struct buffer *b)
{
    return span_of(b->at != NULL ? b->at + b->start : NULL, b->end - b->start);
}

static inline size_t buffer_len(const struct buffer *b)
{
    return b->end - b->start;
}

static inline int buffer_error(const struct buffer *b)
{
    return b->error;
}

/*
 * Room for len more bytes at the end, to be filled in place and then counted with
 * buffer_commit(). NULL, with the error set, where there is none.
 */
uint8_t *buffer_reserve(struct buffer *b, size_t len);
static inline void buffer_commit(struct buffer *b, size_t len)
{
    b->end += len;
}

void buffer_put_slowly(struct buffer *b, struct span bytes); /* of buffer_put() alone */
static inline void buffer_put(struct buffer *b, struct span bytes)
{
    if (b->error != 0 || bytes.len == 0 || bytes.len > b->cap - b->end ||
        (b->limit > 0 && b->end + bytes.len > b->limit)) {
        buffer_put_slowly(b, bytes);
        return;
    }
    memcpy(b->at + b->end, bytes.at, bytes.len);
    b->end += bytes.len;
}

static inline void buffer_put_text(struct buffer *b, const char *text)
{
    buffer_put(b, span_text(text));
}

/* In decimal, as buffer_printf("%llu") would, for where that costs too much. */
void buffer_put_decimal(struct buffer *b, uint64_t n);
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes len bytes (at most what is there) from the front. */
void buffer_take(struct buffer *b, size_t len);
/* Drops what was written after the first len bytes of the content. */
void buffer_cut(struct buffer *b, size_t len);

#endif
