/* SPDX-License-Identifier: MIT */
/* Chunk sizes and their extensions: judged by the grammar, for others read less and disagree. */
#include "worker/http1_chunk.h"

#include "common/text.h"
#include "worker/headers.h"

enum { DIGITS_MAX = 15 }; /* zeros included, so that a size always fits */

static struct span skip_blanks(struct span s)
{
    while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t'))
        s = span_from(s, 1);
    return s;
}

static size_t token_len(struct span s)
{
    size_t n = 0;

    while (n < s.len && headers_name_ok(span_part(s, n, 1)))
        n++;
    return n;
}

/* Of a token or a quoted string at the front; 0 if there is none. */
static size_t word_len(struct span s)
{
    if (s.len == 0 || s.at[0] != '"')
        return token_len(s);
    for (size_t i = 1; i < s.len; i++) {
        if (s.at[i] == '"')
            return i + 1;
        if (s.at[i] == '\\')
            i++;
    }
    return 0;
}

/* *( BWS ";" BWS name [ BWS "=" BWS value ] ) (RFC 9112 7.1.1) */
static bool extensions_ok(struct span s)
{
    while (s.len > 0) {
        struct span after;
        size_t len;

        s = skip_blanks(s);
        if (s.len == 0 || s.at[0] != ';')
            return false;
        s = skip_blanks(span_from(s, 1));
        len = token_len(s);
        if (len == 0)
            return false;
        s = span_from(s, len);
        after = skip_blanks(s);
        if (after.len == 0 || after.at[0] != '=')
            continue;
        after = skip_blanks(span_from(after, 1));
        len = word_len(after);
        if (len == 0)
            return false;
        s = span_from(after, len);
    }
    return true;
}

int http1_chunk_line(struct span line, uint64_t *size_r, const char **why_r)
{
    uint64_t size = 0;
    size_t n = 0;

    while (n < line.len && text_hex_digit(line.at[n]) >= 0) {
        if (n == DIGITS_MAX) {
            *why_r = "a chunk size has too many digits";
            return ERR_LIMIT;
        }
        size = size << 4 | (uint64_t)text_hex_digit(line.at[n++]);
    }
    if (n == 0) {
        *why_r = "a chunk size is malformed";
        return ERR_FORMAT;
    }
    if (!headers_value_ok(line) || !extensions_ok(span_from(line, n))) {
        *why_r = "a chunk extension is malformed";
        return ERR_FORMAT;
    }
    *size_r = size;
    return 0;
}
