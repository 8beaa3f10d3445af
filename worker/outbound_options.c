/* SPDX-License-Identifier: MIT */
/*
 * Reading and removing the headers that are between an application and its relay, and what they say
 * of copies outside of the seal. Pure. Whatever is in doubt is refused: a guess might show what was
 * to be hidden.
 */
#include "worker/outbound_options.h"

#include "common/text.h"
#include "worker/route.h"

/* NULL where there is none. Two of a kind contradict each other. */
static int find_one(const struct headers *fields, struct span name, const struct header **field_r)
{
    *field_r = NULL;
    for (size_t i = 0; i < fields->n; i++) {
        if (!span_equal(fields->items[i].name, name))
            continue;
        if (*field_r != NULL)
            return ERR_FORMAT;
        *field_r = &fields->items[i];
    }
    return 0;
}

static int read_codec(const struct headers *fields, struct outbound_options *options)
{
    const struct header *type;

    options->codec = CODEC_MKE;
    if (find_one(fields, SPAN("x-mte-encode-type"), &type) < 0)
        return ERR_FORMAT;
    if (type == NULL || span_equal_nocase(type->value, SPAN("MKE")))
        return 0;
    if (!span_equal_nocase(type->value, SPAN("MTE")))
        return ERR_FORMAT;
    options->codec = CODEC_MTE;
    return 0;
}

static int read_url(const struct headers *fields, struct outbound_options *options)
{
    const struct header *field;
    bool encode = true;
    int r = find_one(fields, SPAN("x-mte-encode-url"), &field);

    if (r == 0 && field != NULL)
        r = text_bool(field->value, &encode);
    options->show_url = !encode;
    return r;
}

/* "false, x-a" may mean either: true and false are no names here. */
static bool is_list_of_names(struct span list)
{
    bool truth;

    do {
        struct span name = span_trim(span_cut(&list, ','));

        if (!headers_name_ok(name) || text_bool(name, &truth) == 0)
            return false;
    } while (list.at != NULL);
    return true;
}

static int read_fields(const struct headers *fields, struct outbound_options *options)
{
    const struct header *field;
    bool encode = true;
    int r = find_one(fields, SPAN("x-mte-encode-headers"), &field);

    options->only_sealed = SPAN_NONE;
    if (r == 0 && field != NULL && text_bool(field->value, &encode) < 0) {
        encode = false;
        options->only_sealed = field->value;
        r = is_list_of_names(field->value) ? 0 : ERR_FORMAT;
    }
    options->show_fields = !encode;
    return r;
}

static int read_base(const struct headers *fields, const struct conf *conf,
                     struct outbound_options *options, enum refusal *refusal_r,
                     const char **cause_r)
{
    const struct header *base;

    *cause_r = "more than one x-mte-upstream";
    if (find_one(fields, SPAN("x-mte-upstream"), &base) < 0)
        return ERR_FORMAT;
    if (base != NULL)
        return url_parse(base->value, &options->base, cause_r);
    if (!conf->outbound_upstream.set) {
        *refusal_r = REFUSAL_MISSING_UPSTREAM;
        *cause_r = "neither x-mte-upstream nor OUTBOUND_UPSTREAM";
        return ERR_FORMAT;
    }
    options->base = conf->outbound_upstream.url;
    return 0;
}

int outbound_options_read(const struct headers *fields, const struct conf *conf,
                          struct outbound_options *options_r, enum refusal *refusal_r,
                          const char **cause_r)
{
    static const struct {
        int (*read)(const struct headers *fields, struct outbound_options *options);
        const char *cause;
    } readers[] = {
        { read_codec, "x-mte-encode-type is neither MKE nor MTE" },
        { read_url, "x-mte-encode-url is neither true nor false" },
        { read_fields, "x-mte-encode-headers is neither true nor false nor names of fields" },
    };

    *refusal_r = REFUSAL_BAD_REQUEST;
    for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
        *cause_r = readers[i].cause;
        if (readers[i].read(fields, options_r) < 0)
            return ERR_FORMAT;
    }
    return read_base(fields, conf, options_r, refusal_r, cause_r);
}

void outbound_options_strip(struct headers *fields)
{
    size_t kept = 0;

    headers_strip_hop_by_hop(fields);
    for (size_t i = 0; i < fields->n; i++) {
        if (!span_starts(fields->items[i].name, SPAN("x-mte-")))
            fields->items[kept++] = fields->items[i];
    }
    fields->n = kept;
}

/* ---- copies ---- */

/*
 * Outside, these would be about the POST: its framing, its way, how it is answered, stored or
 * routed; or they would hand credentials to everybody between. "content-*" is all that begin so.
 */
static const char *const never_shown[] = {
    /* credentials */
    "authorization",
    "cookie",
    "set-cookie",
    "proxy-*",
    "x-mte-*",
    /* the message and its connection */
    "host",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "content-*",
    "transfer-*",
    "http2-settings",
    "sec-websocket-*",
    "early-data",
    /* its answer */
    "accept",
    "accept-*",
    "if-*",
    "range",
    "cache-control",
    "pragma",
    "prefer",
    /* its way, and where it came from */
    "via",
    "max-forwards",
    "forwarded",
    "x-forwarded-*",
    "x-real-ip",
    "x-original-*",
    "x-rewrite-*",
    "x-http-method*",
    "x-method-*",
    "true-client-ip",
    "cf-*",
    "origin",
    "referer",
};

static bool is_never_shown(struct span name)
{
    for (size_t i = 0; i < sizeof(never_shown) / sizeof(*never_shown); i++) {
        struct span pattern = span_text(never_shown[i]);

        if (span_ends(pattern, SPAN("*"))
                ? span_starts(name, span_part(pattern, 0, pattern.len - 1))
                : span_equal(name, pattern))
            return true;
    }
    return false;
}

static bool is_in_list(struct span list, struct span name)
{
    while (list.len > 0) {
        if (span_equal_nocase(span_trim(span_cut(&list, ',')), name))
            return true;
    }
    return false;
}

int outbound_options_copy(const struct outbound_options *options, const struct headers *fields,
                          struct headers *copies_r)
{
    int r = 0;

    for (size_t i = 0; options->show_fields && r == 0 && i < fields->n; i++) {
        const struct header *field = &fields->items[i];

        if (!is_never_shown(field->name) && !is_in_list(options->only_sealed, field->name))
            r = headers_add(copies_r, field->name, field->value);
    }
    return r;
}

/* With and without the base path, which something between may take off. */
static bool means_a_relay(struct span base_path, struct span target)
{
    struct buffer whole;
    bool result;

    buffer_init(&whole, 0);
    buffer_put(&whole, base_path);
    buffer_put(&whole, target);
    result = buffer_error(&whole) < 0 || route_target_is_ours(target) ||
             route_target_is_ours(buffer_span(&whole));
    buffer_fini(&whole);
    return result;
}

struct span outbound_options_target(const struct outbound_options *options, struct span target)
{
    if (options->show_url && span_starts(target, SPAN("/")) &&
        !means_a_relay(options->base.path, target))
        return target;
    return SPAN(ROUTE_RELAY);
}
