/* SPDX-License-Identifier: MIT */
/* The kinds that are comma lists: tokens, routes, origins. Items are views of the setting's text.
 */
#include "common/conf_kind.h"

#include <errno.h>

#include "common/conf_report.h"

/* Says what is wrong with an item, or may replace it by a copy of its own; as parse() returns. */
typedef int (*item_fn)(const struct conf_parse *p, struct span *item);

static int parse_items(const struct conf_parse *p, struct conf_list *list, item_fn check)
{
    struct span rest = p->text;
    size_t n = 1;
    int r;

    for (size_t i = 0; i < p->text.len; i++)
        n += p->text.at[i] == ',';
    list->items = conf_store_alloc(p->store, n * sizeof(*list->items));
    if (list->items == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct span item = span_trim(span_cut(&rest, ','));

        if (item.len == 0)
            return conf_kind_refuse(p, "has an empty item: one comma between two items is enough");
        r = check(p, &item);
        if (r < 0)
            return r;
        list->items[i] = item;
    }
    list->n = n;
    return 0;
}

static int refuse_item(const struct conf_parse *p, struct span item, const char *why)
{
    conf_report_quote(p->why, item);
    buffer_printf(p->why, " is not %s", why);
    return ERR_FORMAT;
}

static int check_token(const struct conf_parse *p, struct span *item)
{
    return conf_kind_is_token(*item) ? 0
                                     : refuse_item(p, *item, "one word; commas go between words");
}

static int check_route(const struct conf_parse *p, struct span *item)
{
    size_t star = span_find(*item, '*');

    if (item->at[0] != '/')
        return refuse_item(p, *item, "a route: it begins with /");
    if (star + 1 < item->len)
        return refuse_item(p, *item, "a route: * stands only at the end, for all that may follow");
    for (size_t i = 0; i < item->len; i++) {
        uint8_t c = item->at[i];

        if (c <= ' ' || c > 0x7e || c == '?' || c == '#')
            return refuse_item(p, *item, "a route: a path of printable ASCII without ? and #");
    }
    return 0;
}

/* What a browser sends has no path, no upper case and no port that goes without saying. */
static int check_origin(const struct conf_parse *p, struct span *item)
{
    struct buffer b;
    struct url url;
    const char *why;
    int r;

    if (url_parse(*item, &url, &why) < 0)
        return refuse_item(p, *item,
                           "an origin: scheme://host[:port], such as https://example.com");
    if (url.path.len > 0 || span_ends(*item, SPAN("/")))
        return refuse_item(p, *item, "an origin: nothing stands behind host and port, not even /");
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
    return parse_items(p, field, check_token);
}

static int parse_routes(const struct conf_parse *p, void *field)
{
    return parse_items(p, field, check_route);
}

static int parse_origins(const struct conf_parse *p, void *field)
{
    return parse_items(p, field, check_origin);
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
