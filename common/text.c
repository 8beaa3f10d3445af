/* SPDX-License-Identifier: MIT */
/* Strict parsing of small words. Owns nothing; never guesses. */
#include "common/text.h"

enum { LONGEST_COMPARED = 63 };

int text_u64(struct span text, uint64_t max, uint64_t *value_r)
{
    uint64_t v = 0;

    if (text.len == 0)
        return ERR_FORMAT;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t digit = (uint8_t)(text.at[i] - '0');

        if (digit > 9)
            return ERR_FORMAT;
        if (v > (UINT64_MAX - digit) / 10)
            return ERR_LIMIT;
        v = v * 10 + digit;
    }
    if (v > max)
        return ERR_LIMIT;
    *value_r = v;
    return 0;
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* "12 KiB": the number times the factor of its unit. */
static int number_with_unit(struct span text, const struct unit *units, size_t n, uint64_t *value_r)
{
    size_t digits = 0;
    uint64_t v;
    int r;

    text = span_trim(text);
    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
        digits++;
    r = text_u64(span_part(text, 0, digits), UINT64_MAX, &v);
    if (r < 0)
        return r;
    text = span_trim(span_from(text, digits));
    for (size_t i = 0; i < n; i++) {
        if (!span_equal_nocase(text, span_text(units[i].name)))
            continue;
        if (v > UINT64_MAX / units[i].factor)
            return ERR_LIMIT;
        *value_r = v * units[i].factor;
        return 0;
    }
    return ERR_FORMAT;
}

int text_duration(struct span text, uint64_t *ms_r)
{
    static const struct unit units[] = { { "", 1000 },     { "ms", 1 },      { "s", 1000 },
                                         { "m", 60000 },   { "min", 60000 }, { "h", 3600000 },
                                         { "d", 86400000 } };

    return number_with_unit(text, units, sizeof(units) / sizeof(*units), ms_r);
}

int text_size(struct span text, uint64_t *bytes_r)
{
    static const struct unit units[] = {
        { "", 1 },          { "b", 1 },        { "k", 1 << 10 },   { "kb", 1 << 10 },
        { "kib", 1 << 10 }, { "m", 1 << 20 },  { "mb", 1 << 20 },  { "mib", 1 << 20 },
        { "g", 1 << 30 },   { "gb", 1 << 30 }, { "gib", 1 << 30 },
    };

    return number_with_unit(text, units, sizeof(units) / sizeof(*units), bytes_r);
}

int text_bool(struct span text, bool *value_r)
{
    if (span_equal_nocase(text, SPAN("true")))
        *value_r = true;
    else if (span_equal_nocase(text, SPAN("false")))
        *value_r = false;
    else
        return ERR_FORMAT;
    return 0;
}

/* RFC 9110 5.6.2. */
static bool is_tchar(uint8_t c)
{
    static const bool are[256] = {
        ['0' ... '9'] = true, ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['!'] = true,
        ['#'] = true,         ['$'] = true,         ['%'] = true,         ['&'] = true,
        ['\''] = true,        ['*'] = true,         ['+'] = true,         ['-'] = true,
        ['.'] = true,         ['^'] = true,         ['_'] = true,         ['`'] = true,
        ['|'] = true,         ['~'] = true,
    };

    return are[c];
}

bool text_is_token(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_tchar(text.at[i]))
            return false;
    }
    return text.len > 0;
}

/* Eight bytes in one word: a byte's top bit is left where it was below n. */
static uint64_t bytes_below(uint64_t word, uint8_t n)
{
    const uint64_t ones = UINT64_MAX / 255;

    return (word - ones * n) & ~word & ones << 7;
}

bool text_has_control(struct span text)
{
    const uint64_t dels = UINT64_MAX / 255 * 0x7f;
    uint64_t found = 0, word;
    size_t i = 0;

    for (; text.len - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, text.at + i, sizeof(word));
        found |= bytes_below(word, 0x20) | bytes_below(word ^ dels, 1);
    }
    for (; i < text.len; i++)
        found |= text.at[i] < 0x20 || text.at[i] == 0x7f;
    return found != 0;
}

void text_hex(struct span bytes, char *text_r)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes.len; i++) {
        *text_r++ = digits[bytes.at[i] >> 4];
        *text_r++ = digits[bytes.at[i] & 15];
    }
    *text_r = '\0';
}

int text_hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

size_t text_distance(struct span a, struct span b)
{
    size_t row[LONGEST_COMPARED + 1];

    a = span_part(a, 0, LONGEST_COMPARED);
    b = span_part(b, 0, LONGEST_COMPARED);
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < b.len; j++) {
            size_t above = row[j + 1];

            row[j + 1] = least(diagonal + (a.at[i] != b.at[j]), above + 1, row[j] + 1);
            diagonal = above;
        }
    }
    return row[b.len];
}
