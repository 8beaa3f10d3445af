/* SPDX-License-Identifier: MIT */
/* The kinds that say who may talk to whom: origins of peers, networks. */
#include "common/conf_kind.h"

#include "common/text.h"

#define ORIGIN "an origin of a peer: https://relay.example.com[:port] or https://*.example.com"

/* Cuts the "*." before the host out of the text, into a copy, or leaves it as it is. */
static int cut_wildcard(const struct conf_parse *p, struct span *text, bool *below_r)
{
    size_t begin = span_find(*text, '/') + 2;
    struct buffer b;
    int r;

    *below_r = span_starts(span_from(*text, begin), SPAN("*."));
    if (!*below_r)
        return 0;
    buffer_init(&b, 0);
    buffer_put(&b, span_part(*text, 0, begin));
    buffer_put(&b, span_from(*text, begin + 2));
    r = buffer_error(&b);
    if (r == 0)
        r = conf_store_copy(p->store, buffer_span(&b), text);
    buffer_fini(&b);
    return r;
}

/* Below an address there is nothing: "*.0.0.1" would hold 127.0.0.1. */
static bool is_name(struct span host)
{
    struct span rest = host, last = SPAN_NONE;
    uint64_t number;

    while (rest.at != NULL)
        last = span_cut(&rest, '.');
    return span_find(host, ':') == host.len && host.at[0] != '.' &&
           text_u64(last, UINT64_MAX, &number) < 0;
}

static int parse_peer(const struct conf_parse *p, struct span text, void *item)
{
    struct conf_peer *peer = item;
    struct span plain = text;
    const char *why;
    int r = cut_wildcard(p, &plain, &peer->below);

    if (r < 0)
        return r;
    if (url_parse(plain, &peer->origin, &why) < 0)
        return conf_kind_refuse_item(p, text, ORIGIN);
    if (peer->origin.path.len > 0 || span_ends(plain, SPAN("/")))
        return conf_kind_refuse_item(p, text,
                                     ORIGIN ", with nothing behind host and port, not even /");
    if (peer->below && !is_name(peer->origin.host))
        return conf_kind_refuse_item(p, text, ORIGIN ": only names have names below them");
    return 0;
}

static int parse_peers(const struct conf_parse *p, void *field)
{
    conf_peers *peers = field;
    struct conf_items items;
    int r = conf_kind_parse_items(p, sizeof(*peers->items), parse_peer, &items);

    if (r == 0)
        *peers = (conf_peers){ items.at, items.n };
    return r;
}

static int parse_network(const struct conf_parse *p, struct span text, void *item)
{
    switch (ip_network_parse(text, item)) {
    case 0:
        return 0;
    case ERR_MISUSE:
        return conf_kind_refuse_item(p, text,
                                     "a network: there are bits behind the prefix; 10.0.0.0/8 "
                                     "begins with zeros there, an address alone has no prefix");
    default:
        return conf_kind_refuse_item(p, text, "a network: 10.0.0.0/8, 192.0.2.1, 2001:db8::/32");
    }
}

static int parse_networks(const struct conf_parse *p, void *field)
{
    conf_networks *networks = field;
    struct conf_items items;
    int r = conf_kind_parse_items(p, sizeof(*networks->items), parse_network, &items);

    if (r == 0)
        *networks = (conf_networks){ items.at, items.n };
    return r;
}

const struct conf_kind conf_kind_peers = {
    .parse = parse_peers,
    .show = conf_kind_show_text,
    .form = "list of origins, wildcards allowed",
};
const struct conf_kind conf_kind_networks = {
    .parse = parse_networks,
    .show = conf_kind_show_text,
    .form = "list of networks",
};
