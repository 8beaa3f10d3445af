/* SPDX-License-Identifier: MIT */
/* The kinds that are comma lists: tokens, routes, origins; how every comma list is read. */
#include "common/conf_kind.h"

#include <errno.h>

#include "common/conf_report.h"

int conf_kind_parse_items(const struct conf_parse *p, size_t item_len, conf_item_fn parse,
                          struct conf_items *items_r)
{
    struct span rest = p->text;
    uint8_t *items;
    size_t n = 1;
    int r;

    for (size_t i = 0; i < p->text.len; i++)
        n += p->text.at[i] == ',';
    items = conf_store_alloc(p->store, n * item_len);
    if (items == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct span item = span_trim(span_cut(&rest, ','));

        if (item.len == 0)
            return conf_kind_refuse(p, "has an empty item: one comma between two items is enough");
        r = parse(p, item, items + i * item_len);
        if (r < 0)
            return r;
    }
    *items_r = (struct conf_items){ items, n };
    return 0;
}

int conf_kind_refuse_item(const struct conf_parse *p, struct span item, const char *why)
{
    conf_report_quote(p->why, item);
    buffer_printf(p->why, " is not %s", why);
    return ERR_FORMAT;
}

/* A list of texts: most are views of the setting's own. */
static int parse_texts(const struct conf_parse *p, void *field, conf_item_fn parse)
{
    struct conf_list *list = field;
    struct conf_items items;
    int r = conf_kind_parse_items(p, sizeof(*list->items), parse, &items);

    if (r == 0)
        *list = (struct conf_list){ items.at, items.n };
    return r;
}

static int parse_token(const struct conf_parse *p, struct span text, void *item)
{
    *(struct span *)item = text;
    return conf_kind_is_token(text)
               ? 0
               : conf_kind_refuse_item(p, text, "one word; commas go between words");
}

static int parse_route(const struct conf_parse *p, struct span text, void *item)
{
    size_t star = span_find(text, '*');

    *(struct span *)item = text;
    if (text.at[0] != '/')
        return conf_kind_refuse_item(p, text, "a route: it begins with /");
    if (star + 1 < text.len)
        return conf_kind_refuse_item(p, text,
                                     "a route: * stands only at the end, for all that may follow");
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];

        if (c <= ' ' || c > 0x7e || c == '?' || c == '#')
            return conf_kind_refuse_item(p, text,
                                         "a route: a path of printable ASCII without ? and #");
    }
    return 0;
}

/* What a browser sends has no path, no upper case and no port that goes without saying. */
static int parse_origin(const struct conf_parse *p, struct span text, void *item)
{
    struct buffer b;
    struct url url;
    const char *why;
    int r;

    if (url_parse(text, &url, &why) < 0)
        return conf_kind_refuse_item(
            p, text, "an origin: scheme://host[:port], such as https://example.com");
    if (url.path.len > 0 || span_ends(text, SPAN("/")))
        return conf_kind_refuse_item(p, text,
                                     "an origin: nothing stands behind host and port, not even /");
    buffer_init(&b, 0);
    buffer_put_text(&b, url.tls ? "https://" : "http://");
    url_put_authority(&b, &url);
    for (size_t i = b.start; i < b.end; i++)
        b.at[i] = b.at[i] >= 'A' && b.at[i] <= 'Z' ? (uint8_t)(b.at[i] | 0x20) : b.at[i];
    r = buffer_error(&b);
    if (r == 0)
        r = conf_store_copy(p->store, buffer_span(&b), item);
    buffer_fini(&b);
    return r;
}

static int parse_list(const struct conf_parse *p, void *field)
{
    return parse_texts(p, field, parse_token);
}

static int parse_routes(const struct conf_parse *p, void *field)
{
    return parse_texts(p, field, parse_route);
}

static int parse_origins(const struct conf_parse *p, void *field)
{
    return parse_texts(p, field, parse_origin);
}

const struct conf_kind conf_kind_list = {
    .parse = parse_list,
    .show = conf_kind_show_text,
    .form = "list",
};
const struct conf_kind conf_kind_routes = {
    .parse = parse_routes,
    .show = conf_kind_show_text,
    .form = "list of routes",
};
const struct conf_kind conf_kind_origins = {
    .parse = parse_origins,
    .show = conf_kind_show_text,
    .form = "list of origins",
};
