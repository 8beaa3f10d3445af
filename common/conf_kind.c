/* SPDX-License-Identifier: MIT */
/*
 * The kinds that are one word: texts, secrets, numbers, levels. What a mistake says is written here
 * once: the value, if it may be seen, then what it is not. Owns nothing.
 */
#include "common/conf_kind.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/conf_report.h"
#include "common/text.h"

#define LEVELS                                                                                     \
    "trace, debug, info, warning, error, panic or off" /* test_conf holds it to log_table.h */

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit durations[] = {
    { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }
};
static const struct unit sizes[] = {
    { " GiB", 1 << 30 }, { " MiB", 1 << 20 }, { " KiB", 1 << 10 }, { "", 1 }
};

int conf_kind_refuse(const struct conf_parse *p, const char *format, ...)
{
    char phrase[512];
    va_list args;

    va_start(args, format);
    vsnprintf(phrase, sizeof(phrase), format, args);
    va_end(args);
    if (p->setting->kind->hidden)
        buffer_put_text(p->why, "the value");
    else
        conf_report_quote(p->why, p->text);
    buffer_printf(p->why, " %s", phrase);
    return ERR_FORMAT;
}

static bool is_control(uint8_t c, bool multiline)
{
    if (multiline && (c == '\n' || c == '\r' || c == '\t'))
        return false;
    return c < 0x20 || c == 0x7f;
}

int conf_kind_parse(const struct conf_parse *p, struct conf *conf)
{
    const struct conf_kind *kind = p->setting->kind;

    for (size_t i = 0; i < p->text.len && !kind->is_file; i++) {
        if (is_control(p->text.at[i], kind->multiline))
            return conf_kind_refuse(p, "has a control byte or a line end in it, as byte %zu of %zu",
                                    i + 1, p->text.len);
    }
    p->store->texts[conf_setting_row(p->setting)] = p->text;
    return kind->parse(p, (uint8_t *)conf + p->setting->offset);
}

bool conf_kind_is_token(struct span text)
{
    static const struct span marks = { (const uint8_t *)"!#$%&'*+-.^_`|~", 15 };

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i], lower = c | 0x20;

        if ((lower < 'a' || lower > 'z') && (c < '0' || c > '9') &&
            span_find(marks, c) == marks.len)
            return false;
    }
    return text.len > 0;
}

/* The largest unit that leaves nothing over: 90000 is "90s", 65536 is "64 KiB". */
static void put_scaled(struct buffer *b, uint64_t v, const struct unit *unit)
{
    while (v % unit->factor != 0 || (v == 0 && unit->factor > 1))
        unit++; /* the last factor is 1 */
    buffer_printf(b, "%" PRIu64 "%s", v / unit->factor, unit->name);
}

static void put_duration(struct buffer *b, uint64_t ms)
{
    put_scaled(b, ms, durations);
}

static void put_size(struct buffer *b, uint64_t bytes)
{
    put_scaled(b, bytes, sizes);
}

static void put_count(struct buffer *b, uint64_t v)
{
    buffer_printf(b, "%" PRIu64, v);
}

void conf_kind_put_range(struct buffer *b, const struct conf_setting *s)
{
    if (s->kind->put_bound == NULL)
        return;
    buffer_put_text(b, s->max != 0 ? " from " : " of at least ");
    s->kind->put_bound(b, s->min);
    if (s->max == 0)
        return;
    buffer_put_text(b, " to ");
    s->kind->put_bound(b, s->max);
}

/* Numbers of every unit; r is what reading v has said. */
static int bounded(const struct conf_parse *p, int r, uint64_t v, const char *what)
{
    const struct conf_setting *s = p->setting;

    if (r == 0 && v >= s->min && (s->max == 0 || v <= s->max))
        return 0;
    conf_kind_refuse(p, "is not %s", what);
    conf_kind_put_range(p->why, s);
    return ERR_FORMAT;
}

static int parse_count(const struct conf_parse *p, void *field)
{
    uint64_t v = 0;
    int r = text_u64(p->text, UINT64_MAX, &v);

    *(conf_count *)field = v;
    return bounded(p, r, v, "a whole number");
}

static int parse_size(const struct conf_parse *p, void *field)
{
    uint64_t v = 0;
    int r = text_size(p->text, &v);

    *(conf_size *)field = v;
    return bounded(p, r, v, "a size (4096, 64 KiB, 16 MiB, 1 GiB)");
}

static int parse_duration(const struct conf_parse *p, void *field)
{
    uint64_t v = 0;
    int r = text_duration(p->text, &v);

    *(conf_duration *)field = v;
    return bounded(p, r, v, "a duration (500ms, 30s, 5m, 1h)");
}

static int parse_level(const struct conf_parse *p, void *field)
{
    if (log_level_parse(p->text, field) < 0)
        return conf_kind_refuse(p, "is not a level: " LEVELS);
    return 0;
}

static int parse_text(const struct conf_parse *p, void *field)
{
    *(struct span *)field = p->text;
    return 0;
}

/* IPv6 may have brackets; what is returned has none, and is empty where it is no address. */
static struct span read_address(struct span text)
{
    char address[INET6_ADDRSTRLEN] = "";
    struct in6_addr unused;
    bool brackets = span_starts(text, SPAN("[")) && span_ends(text, SPAN("]"));

    if (brackets)
        text = span_part(text, 1, text.len - 2);
    if (text.len < sizeof(address) && text.len > 0)
        memcpy(address, text.at, text.len);
    if (inet_pton(AF_INET6, address, &unused) != 1 &&
        (brackets || inet_pton(AF_INET, address, &unused) != 1))
        return SPAN_NONE;
    return text;
}

static int parse_address(const struct conf_parse *p, void *field)
{
    conf_address *address = field;

    *address = read_address(p->text);
    return address->len > 0
               ? 0
               : conf_kind_refuse(
                     p, "is not an address: 0.0.0.0, 127.0.0.1, [::], [::1] and the like");
}

/* Where the port begins that stands behind an address; in IPv6 only brackets tell. */
static size_t find_port(struct span text)
{
    size_t at = text.len;

    while (at > 0 && text.at[at - 1] != ':')
        at--;
    return at;
}

static int parse_endpoint(const struct conf_parse *p, void *field)
{
    conf_endpoint *to = field;
    size_t at = find_port(p->text);
    struct span address = span_part(p->text, 0, at > 0 ? at - 1 : 0);
    uint64_t port = 0;

    to->set = true;
    to->off = span_equal(p->text, SPAN("off"));
    if (to->off)
        return 0;
    if (!span_starts(address, SPAN("[")) && span_find(address, ':') < address.len)
        address = SPAN_NONE;
    to->address = read_address(address);
    if (to->address.len == 0 || text_u64(span_from(p->text, at), UINT16_MAX, &port) != 0)
        return conf_kind_refuse(
            p, "is not off and no address with a port: 127.0.0.1:8081, [::1]:8081 and the like");
    to->port = (uint16_t)port;
    return 0;
}

static int parse_secret(const struct conf_parse *p, void *field)
{
    if (p->text.len < p->setting->min)
        return conf_kind_refuse(p, "is %zu characters long; at least %" PRIu64 " are needed",
                                p->text.len, p->setting->min);
    *(struct span *)field = p->text;
    return 0;
}

static int parse_token(const struct conf_parse *p, void *field)
{
    for (size_t i = 0; i < p->text.len; i++) {
        if (p->text.at[i] > 0x7e)
            return conf_kind_refuse(p, "cannot be sent in a header field: byte %zu is not ASCII",
                                    i + 1);
    }
    if (span_trim(p->text).len < p->text.len)
        return conf_kind_refuse(p, "cannot be sent in a header field: it has spaces around it");
    return parse_secret(p, field);
}

static int parse_file(const struct conf_parse *p, void *field)
{
    conf_file *file = field;

    file->content = p->text;
    file->path = span_cut(&file->content, '\0');
    return file->path.len > 0 && file->content.len > 0 ? 0 : conf_kind_refuse(p, "is no file");
}

static void show_file(struct buffer *b, struct span text, const void *field)
{
    const conf_file *file = field;

    (void)text;
    buffer_printf(b, "%.*s (%zu bytes)", SPAN_PRINT(file->path), file->content.len);
}

void conf_kind_show_text(struct buffer *b, struct span text, const void *field)
{
    (void)field;
    buffer_put(b, text);
}

void conf_kind_show_secret(struct buffer *b, struct span text, const void *field)
{
    (void)field;
    buffer_printf(b, "set (%zu characters)", text.len);
}

const struct conf_kind conf_kind_text = { .parse = parse_text,
                                          .show = conf_kind_show_text,
                                          .form = "text" };
const struct conf_kind conf_kind_address = {
    .parse = parse_address,
    .show = conf_kind_show_text,
    .form = "address",
};
const struct conf_kind conf_kind_endpoint = {
    .parse = parse_endpoint,
    .show = conf_kind_show_text,
    .form = "address and port, or off",
};
const struct conf_kind conf_kind_secret = {
    .parse = parse_secret,
    .show = conf_kind_show_secret,
    .hidden = true,
    .form = "secret",
};
const struct conf_kind conf_kind_token = {
    .parse = parse_token,
    .show = conf_kind_show_secret,
    .hidden = true,
    .form = "secret",
};
const struct conf_kind conf_kind_file = {
    .parse = parse_file,
    .show = show_file,
    .hidden = true,
    .is_file = true,
    .form = "path of a file",
};
const struct conf_kind conf_kind_count = {
    .parse = parse_count,
    .show = conf_kind_show_text,
    .put_bound = put_count,
    .form = "number",
};
const struct conf_kind conf_kind_size = {
    .parse = parse_size,
    .show = conf_kind_show_text,
    .put_bound = put_size,
    .form = "size",
};
const struct conf_kind conf_kind_duration = {
    .parse = parse_duration,
    .show = conf_kind_show_text,
    .put_bound = put_duration,
    .form = "duration",
};
const struct conf_kind conf_kind_level = {
    .parse = parse_level,
    .show = conf_kind_show_text,
    .form = "level",
};
