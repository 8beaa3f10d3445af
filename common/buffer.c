/* SPDX-License-Identifier: MIT */
/* Growing bytes. Owns one allocation a buffer; never aborts, never logs. */
#include "common/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/secret.h"

enum { SMALLEST = 256 };

void buffer_init(struct buffer *b, size_t limit)
{
    *b = (struct buffer){ .limit = limit };
}

void buffer_init_secret(struct buffer *b, size_t limit)
{
    *b = (struct buffer){ .limit = limit, .secret = true };
}

void buffer_fini(struct buffer *b)
{
    if (b->secret && b->at != NULL)
        secret_wipe(b->at, b->cap);
    free(b->at);
    *b = (struct buffer){ .limit = b->limit, .secret = b->secret };
}

void buffer_clear(struct buffer *b)
{
    if (b->secret && b->at != NULL)
        secret_wipe(b->at, b->end);
    b->start = b->end = 0;
    b->error = 0;
}

/* realloc() would leave a copy of secrets behind, so growing always moves by hand. */
static int grow(struct buffer *b, size_t need)
{
    size_t len = buffer_len(b), cap = 2 * b->cap;
    uint8_t *moved;

    if (need > PTRDIFF_MAX)
        return -ENOMEM;
    if (cap < need)
        cap = need > SMALLEST ? need : SMALLEST; /* who knows how much, says it before */
    moved = malloc(cap);
    if (moved == NULL)
        return -ENOMEM;
    if (len > 0)
        memcpy(moved, b->at + b->start, len);
    if (b->secret && b->at != NULL)
        secret_wipe(b->at, b->cap);
    free(b->at);
    b->at = moved;
    b->cap = cap;
    b->start = 0;
    b->end = len;
    return 0;
}

uint8_t *buffer_reserve(struct buffer *b, size_t len)
{
    size_t held = buffer_len(b);

    if (b->error != 0)
        return NULL;
    if (len > SIZE_MAX - held || (b->limit > 0 && held + len > b->limit)) {
        b->error = ERR_LIMIT;
        return NULL;
    }
    if (b->at != NULL && len <= b->cap - b->end)
        return b->at + b->end;
    /*
     * Moving to the front is cheap only while little is held of a large allocation. Where the
     * memory is as large as the limit there is no other way: and if it is a caller's, this is the
     * branch that never gives it back to the heap.
     */
    if (b->at != NULL && held + len <= b->cap && (held <= b->cap / 4 || b->cap == b->limit)) {
        memmove(b->at, b->at + b->start, held);
        b->start = 0;
        b->end = held;
    } else {
        b->error = grow(b, held + len);
    }
    return b->error == 0 ? b->at + b->end : NULL;
}

void buffer_put_slowly(struct buffer *b, struct span bytes)
{
    uint8_t *room = buffer_reserve(b, bytes.len);

    if (room == NULL || bytes.len == 0)
        return;
    memcpy(room, bytes.at, bytes.len);
    buffer_commit(b, bytes.len);
}

void buffer_put_decimal(struct buffer *b, uint64_t n)
{
    uint8_t digits[20]; /* of UINT64_MAX */
    size_t at = sizeof(digits);

    do {
        digits[--at] = (uint8_t)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    buffer_put(b, span_of(digits + at, sizeof(digits) - at));
}

/* By way of other memory: the NUL that vsnprintf() writes must not need room in the buffer. */
static void __attribute__((format(printf, 2, 0)))
put_formatted(struct buffer *b, const char *format, va_list args)
{
    char small[256], *text = small;
    va_list again;
    int len;

    va_copy(again, args);
    len = vsnprintf(small, sizeof(small), format, args);
    if (len >= (int)sizeof(small)) {
        text = malloc((size_t)len + 1);
        if (text != NULL)
            vsnprintf(text, (size_t)len + 1, format, again);
    }
    va_end(again);
    if (len < 0)
        b->error = ERR_LIMIT; /* longer than an int can say */
    else if (text == NULL)
        b->error = -ENOMEM;
    else
        buffer_put(b, span_of(text, (size_t)len));
    if (b->secret && text != NULL && len > 0)
        secret_wipe(text, (size_t)len);
    if (b->secret)
        secret_wipe(small, sizeof(small));
    if (text != small)
        free(text);
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
    va_list args;

    if (b->error != 0)
        return;
    va_start(args, format);
    put_formatted(b, format, args);
    va_end(args);
}

void buffer_take(struct buffer *b, size_t len)
{
    b->start += len < buffer_len(b) ? len : buffer_len(b);
    if (b->start == b->end)
        b->start = b->end = 0;
}

void buffer_cut(struct buffer *b, size_t len)
{
    if (len < buffer_len(b))
        b->end = b->start + len;
}
