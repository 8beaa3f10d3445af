/* SPDX-License-Identifier: MIT */
/* Comparing and cutting views of bytes. Owns nothing, copies nothing. */
#include "common/span.h"

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool span_equal_nocase(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    if (span_equal(a, b)) /* as mostly, and much faster */
        return true;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    }
    return true;
}

bool span_ends(struct span s, struct span suffix)
{
    return s.len >= suffix.len && span_equal(span_from(s, s.len - suffix.len), suffix);
}

struct span span_trim(struct span s)
{
    while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t'))
        s = span_from(s, 1);
    while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

struct span span_cut(struct span *rest_r, uint8_t separator)
{
    struct span all = *rest_r;
    size_t end = span_find(all, separator);

    *rest_r = end < all.len ? span_of(all.at + end + 1, all.len - end - 1) : SPAN_NONE;
    return span_part(all, 0, end);
}
