/* SPDX-License-Identifier: MIT */
/*
 * The kind that is a JSON object of header fields. Their values may be keys of an API: no mistake
 * and no description shows one.
 */
#include "common/conf_kind.h"

#include <errno.h>

#include "common/conf_report.h"
#include "common/json.h"

struct reading {
    const struct conf_parse *p;
    struct conf_fields *fields; /* items has room for all members */
};

static int count_member(void *arg, struct span name, struct span value)
{
    (void)name;
    (void)value;
    ++*(size_t *)arg;
    return 0;
}

/* What concerns one connection or one message only, and what is between relays. */
static bool is_reserved(struct span name)
{
    static const char *const names[] = {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (span_equal(name, span_text(names[i])))
            return true;
    }
    return span_starts(name, SPAN("x-mte-"));
}

static int refuse_field(const struct conf_parse *p, struct span name, const char *why)
{
    buffer_put_text(p->why, "the field ");
    conf_report_quote(p->why, name);
    buffer_printf(p->why, " %s", why);
    return ERR_FORMAT;
}

static int lower_copy(struct conf_store *store, struct span text, struct span *copy_r)
{
    uint8_t *copy = conf_store_alloc(store, text.len);

    if (copy == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < text.len; i++)
        copy[i] = text.at[i] >= 'A' && text.at[i] <= 'Z' ? text.at[i] | 0x20 : text.at[i];
    *copy_r = span_of(copy, text.len);
    return 0;
}

static int check_field(const struct reading *reading, struct span name, struct span value)
{
    const struct conf_parse *p = reading->p;

    if (!conf_kind_is_token(name))
        return refuse_field(p, name, "has a name that no header field can have");
    if (is_reserved(name))
        return refuse_field(p, name,
                            "is not to be set: it belongs to one connection, one message "
                            "or the relays");
    for (size_t i = 0; i < reading->fields->n; i++) {
        if (span_equal(name, reading->fields->items[i].name))
            return refuse_field(p, name, "is there twice");
    }
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] < 0x20 || value.at[i] == 0x7f)
            return refuse_field(p, name, "has a control byte in its value");
    }
    return 0;
}

static int add_member(void *arg, struct span name, struct span value)
{
    struct reading *reading = arg;
    struct conf_pair *to = &reading->fields->items[reading->fields->n];
    int r;

    r = lower_copy(reading->p->store, name, &to->name);
    if (r == 0)
        r = check_field(reading, to->name, value);
    if (r == 0)
        r = conf_store_copy(reading->p->store, value, &to->value);
    if (r == 0)
        reading->fields->n++;
    return r;
}

static int parse_fields(const struct conf_parse *p, void *field)
{
    struct reading reading = { p, field };
    const char *why = NULL;
    size_t n = 0;
    int r;

    r = json_read_strings(p->text, count_member, &n, &why);
    if (r < 0)
        return why == NULL ? r : conf_kind_refuse(p, "%s: {\"name\":\"value\", ...}", why);
    reading.fields->items = conf_store_alloc(p->store, n * sizeof(*reading.fields->items));
    if (reading.fields->items == NULL)
        return -ENOMEM;
    return json_read_strings(p->text, add_member, &reading, &why);
}

static void show_fields(struct buffer *b, struct span text, const void *field)
{
    const conf_fields *fields = field;

    (void)text;
    buffer_printf(b, "%zu fields", fields->n);
    for (size_t i = 0; i < fields->n; i++)
        buffer_printf(b, "%s %.*s (%zu characters)", i == 0 ? ":" : ",",
                      SPAN_PRINT(fields->items[i].name), fields->items[i].value.len);
}

const struct conf_kind conf_kind_fields = {
    .parse = parse_fields,
    .show = show_fields,
    .hidden = true,
    .multiline = true,
    .form = "JSON object of strings",
};
