/* SPDX-License-Identifier: MIT */
/* Writing a line member by member. Owns nothing; allocates nothing. */
#include "common/log_entry.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const words[] = { [LOG_FORMAT_TEXT] = "text", [LOG_FORMAT_JSON] = "json" };

int log_format_parse(struct span word, enum log_format *format_r)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (span_equal_nocase(word, span_text(words[i]))) {
            *format_r = (enum log_format)i;
            return 0;
        }
    }
    return ERR_FORMAT;
}

struct log_entry log_entry_open(char *at, size_t room, enum log_format format)
{
    struct log_entry entry = { .at = at, .room = room, .format = format };

    if (format == LOG_FORMAT_JSON)
        at[entry.len++] = '{';
    return entry;
}

/* Bytes that members may still take: two stay for what ends the line. */
static size_t left(const struct log_entry *entry)
{
    return entry->room - 2 - entry->len;
}

static void put(struct log_entry *entry, struct span bytes)
{
    if (bytes.len > 0)
        memcpy(entry->at + entry->len, bytes.at, bytes.len);
    entry->len += bytes.len;
}

void log_entry_printf(struct log_entry *entry, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(entry->at + entry->len, left(entry), format, args);
    va_end(args);
    if (n > 0)
        entry->len += (size_t)n < left(entry) ? (size_t)n : left(entry) - 1;
}

/* What stands before a value; false where there is no room for it and value_len more. */
static bool put_key(struct log_entry *entry, struct span key, size_t value_len)
{
    bool json = entry->format == LOG_FORMAT_JSON;
    bool first = entry->len == (json ? 1 : 0);

    if (left(entry) < key.len + 4 + value_len)
        return false;
    if (!first)
        put(entry, json ? SPAN(",") : SPAN(" "));
    if (json)
        put(entry, SPAN("\""));
    put(entry, key);
    put(entry, json ? SPAN("\":") : SPAN("="));
    return true;
}

/*
 * Control bytes would let a peer forge lines or drive the operator's terminal, and those of C1 are
 * no less able in UTF-8: so what is not ASCII goes too.
 */
static char printable(uint8_t c)
{
    return c >= 0x20 && c < 0x7f ? (char)c : '?';
}

/* The byte as it stands in a value: escaped for JSON; a quote would end a text's quotes. */
static struct span spell(enum log_format format, bool quotes, uint8_t byte, char spelt[static 2])
{
    char c = printable(byte);

    if (format == LOG_FORMAT_JSON && (c == '"' || c == '\\')) {
        spelt[0] = '\\';
        spelt[1] = c;
        return span_of(spelt, 2);
    }
    spelt[0] = quotes && c == '"' ? '\'' : c;
    return span_of(spelt, 1);
}

/* At most max bytes, then "...". */
static void put_value(struct log_entry *entry, struct span value, bool quotes, size_t max)
{
    const struct span cut = SPAN("...");
    size_t begin = entry->len, whole = begin;
    char spelt[2];

    for (size_t i = 0; i < value.len; i++) {
        struct span s = spell(entry->format, quotes, value.at[i], spelt);

        if (entry->len - begin + s.len > max) {
            entry->len = whole;
            put(entry, cut);
            return;
        }
        put(entry, s);
        if (entry->len - begin + cut.len <= max)
            whole = entry->len;
    }
}

static void put_string(struct log_entry *entry, struct span key, struct span value, bool quotes,
                       size_t max)
{
    const struct span quote = quotes ? SPAN("\"") : SPAN_NONE;
    size_t room;

    if (!put_key(entry, key, 2 + 3))
        return;
    room = left(entry) - 2;
    put(entry, quote);
    put_value(entry, value, quotes, max < room ? max : room);
    put(entry, quote);
}

void log_entry_text(struct log_entry *entry, struct span key, struct span value)
{
    bool quotes = entry->format == LOG_FORMAT_JSON || value.len == 0 ||
                  span_find(value, ' ') < value.len || span_find(value, '"') < value.len;

    put_string(entry, key, value, quotes, SIZE_MAX);
}

void log_entry_quoted(struct log_entry *entry, struct span key, struct span value)
{
    put_string(entry, key, value, true, SIZE_MAX);
}

void log_entry_digits(struct log_entry *entry, struct span key, struct span digits)
{
    if (put_key(entry, key, digits.len))
        put(entry, digits);
}

void log_entry_number(struct log_entry *entry, struct span key, uint64_t value)
{
    char digits[24];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    log_entry_digits(entry, key, span_of(digits + at, sizeof(digits) - at));
}

void log_entry_message(struct log_entry *entry, struct span message, size_t max)
{
    if (entry->format == LOG_FORMAT_JSON)
        put_string(entry, SPAN("message"), message, true, max);
    else
        put_value(entry, message, false, max < left(entry) ? max : left(entry));
}

size_t log_entry_close(struct log_entry *entry)
{
    if (entry->format == LOG_FORMAT_JSON)
        put(entry, SPAN("}"));
    put(entry, SPAN("\n"));
    return entry->len;
}
