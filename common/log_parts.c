/* SPDX-License-Identifier: MIT */
/* Finding the fields of a line by formatting the beginnings of its format. Pure. */
#include "common/log_parts.h"

#include <stdio.h>

enum { FORMAT_LEN = 512 };

static size_t key_len(const char *at)
{
    size_t len = 0;

    while ((at[len] >= 'a' && at[len] <= 'z') || at[len] == '_' ||
           (len > 0 && at[len] >= '0' && at[len] <= '9'))
        len++;
    return at[len] == '=' ? len : 0;
}

/* The next " key=" in a format, or its end. */
static const char *find_key(const char *at)
{
    while (*at != '\0' && (*at != ' ' || key_len(at + 1) == 0))
        at++;
    return at;
}

/* "%d", "%zu" and the like: nothing that makes it other than a number in JSON. */
static bool is_number(struct span format)
{
    size_t i = 1;

    if (!span_starts(format, SPAN("%")))
        return false;
    while (i < format.len && span_find(SPAN("lzj"), format.at[i]) < 3)
        i++;
    return i + 1 == format.len && (format.at[i] == 'd' || format.at[i] == 'u');
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* checked as the whole of it was */
/* How long a text the first len bytes of a format make. */
__attribute__((format(printf, 1, 0))) static size_t length_of(const char *format, size_t len,
                                                              va_list args)
{
    char beginning[FORMAT_LEN];
    va_list again;
    int n;

    memcpy(beginning, format, len);
    beginning[len] = '\0';
    va_copy(again, args);
    n = vsnprintf(NULL, 0, beginning, again);
    va_end(again);
    return n > 0 ? (size_t)n : 0;
}
#pragma GCC diagnostic pop

static struct log_field read_field(struct span format, struct span text, bool whole)
{
    struct span value_format = format;
    struct log_field field = { .key = span_cut(&value_format, '=') };

    field.value = span_from(text, field.key.len + 1);
    field.number = whole && is_number(value_format);
    field.quoted = span_starts(value_format, SPAN("\""));
    if (field.quoted)
        field.value = span_from(field.value, 1);
    if (field.quoted && span_ends(field.value, SPAN("\"")))
        field.value.len--;
    return field;
}

void log_parts_read(const char *format, va_list args, struct span text, struct log_parts *parts_r)
{
    const char *at = find_key(format), *next;
    size_t begin, end;

    *parts_r = (struct log_parts){ .message = text };
    if (strlen(format) >= FORMAT_LEN)
        return;
    begin = length_of(format, (size_t)(at - format), args);
    parts_r->message = span_part(text, 0, begin);
    for (; *at != '\0' && parts_r->n_fields < LOG_FIELDS_MAX; at = next, begin = end) {
        next = find_key(at + 1);
        end = length_of(format, (size_t)(next - format), args);
        parts_r->fields[parts_r->n_fields++] =
            read_field(span_of(at + 1, (size_t)(next - at) - 1),
                       span_part(text, begin + 1, end - begin - 1), end <= text.len);
    }
}
