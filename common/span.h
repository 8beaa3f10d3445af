/* SPDX-License-Identifier: MIT */
/* A view of bytes that somebody else owns. Passed by value; at may be NULL when len is 0. */
#ifndef COMMON_SPAN_H
#define COMMON_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *at;
    size_t len; /* bytes */
};

#define SPAN_NONE ((struct span){ NULL, 0 })
/* A span over a string literal, without its NUL. */
#define SPAN(literal) ((struct span){ (const uint8_t *)("" literal), sizeof(literal) - 1 })
/* For printf's "%.*s". */
#define SPAN_PRINT(s) (int)(s).len, (s).at != NULL ? (const char *)(s).at : ""

static inline struct span span_of(const void *at, size_t len)
{
    return (struct span){ at, len };
}

/* The bytes of a C string, without its NUL; NULL gives an empty span. */
static inline struct span span_text(const char *text)
{
    return span_of(text, text != NULL ? strlen(text) : 0);
}

/* The part from offset on, at most len bytes of it; what lies outside is cut off. */
static inline struct span span_part(struct span s, size_t offset, size_t len)
{
    if (offset >= s.len)
        return SPAN_NONE;
    return span_of(s.at + offset, len < s.len - offset ? len : s.len - offset);
}

/* The part from offset to the end. */
static inline struct span span_from(struct span s, size_t offset)
{
    return span_part(s, offset, SIZE_MAX);
}

/* Not constant in time: for secrets see secret_equal(). */
static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Equal but for the case of ASCII letters. */
bool span_equal_nocase(struct span a, struct span b);

static inline bool span_starts(struct span s, struct span prefix)
{
    return span_equal(span_part(s, 0, prefix.len), prefix);
}

bool span_ends(struct span s, struct span suffix);

/* Offset of the first such byte, or s.len. */
static inline size_t span_find(struct span s, uint8_t byte)
{
    const uint8_t *hit = s.len > 0 ? memchr(s.at, byte, s.len) : NULL;

    return hit != NULL ? (size_t)(hit - s.at) : s.len;
}

/* Without spaces and tabs at both ends. */
struct span span_trim(struct span s);

/*
 * Cuts off and returns what stands before the next separator; *rest_r keeps what follows it.
 * Without a separator all of it is returned and *rest_r becomes SPAN_NONE (at == NULL).
 */
struct span span_cut(struct span *rest_r, uint8_t separator);

#endif
