/* SPDX-License-Identifier: MIT */
/*
 * X-Forwarded-For, read from its right end: there the nearest proxy wrote, and each entry is only
 * worth what the proxy to its right is. Owns nothing. Looks at the fields as they came: a request
 * whose Connection field names X-Forwarded-For hides nothing from us.
 */
#include "worker/source.h"

#include "common/text.h"

bool source_is_in(const conf_networks *networks, const struct ip *ip)
{
    for (size_t i = 0; i < networks->n; i++) {
        if (ip_network_has(&networks->items[i], ip))
            return true;
    }
    return false;
}

/* Some gateways write the port behind the address. */
static int parse_entry(struct span text, struct ip *ip_r)
{
    struct span port = SPAN_NONE;
    uint64_t number;

    if (ip_parse(text, ip_r) == 0)
        return 0;
    if (span_starts(text, SPAN("["))) {
        text = span_from(text, 1);
        port = text;
        text = span_cut(&port, ']');
        if (port.at == NULL || span_find(text, ':') == text.len)
            return ERR_FORMAT;
        if (port.len == 0)
            return ip_parse(text, ip_r);
        if (port.at[0] != ':')
            return ERR_FORMAT;
        port = span_from(port, 1);
    } else {
        port = text;
        text = span_cut(&port, ':');
    }
    if (text_u64(port, UINT16_MAX, &number) < 0)
        return ERR_FORMAT;
    return ip_parse(text, ip_r);
}

static struct span cut_last(struct span *rest)
{
    size_t begin = rest->len;
    struct span last;

    while (begin > 0 && rest->at[begin - 1] != ',')
        begin--;
    last = span_from(*rest, begin);
    *rest = begin > 0 ? span_part(*rest, 0, begin - 1) : SPAN_NONE;
    return last;
}

bool source_find(const conf_networks *trusted, const struct ip *peer, const struct headers *fields,
                 struct ip *source_r)
{
    bool said = false;

    *source_r = *peer;
    if (!source_is_in(trusted, peer))
        return true;
    for (size_t i = fields->n; i > 0; i--) {
        struct span rest = fields->items[i - 1].value;

        if (!span_equal(fields->items[i - 1].name, SPAN("x-forwarded-for")))
            continue;
        do {
            if (parse_entry(span_trim(cut_last(&rest)), source_r) < 0)
                return false;
            if (!source_is_in(trusted, source_r))
                return true;
        } while (rest.at != NULL);
        said = true;
    }
    return said;
}
