/* SPDX-License-Identifier: MIT */
/* An entry of OUTBOUND_ALLOW against a URL. Owns nothing, resolves nothing. */
#include "common/conf_peer.h"

/* One label or more, and a dot, stand before the name. */
static bool is_below(struct span host, struct span name)
{
    size_t len = host.len > name.len + 1 ? host.len - name.len - 1 : 0;

    return len > 0 && host.at[0] != '.' && host.at[len] == '.' &&
           span_equal_nocase(span_from(host, len + 1), name);
}

/* An address has many spellings, a name has its case. */
static bool is_same_host(struct span a, struct span b)
{
    struct ip ip_a, ip_b;

    if (ip_parse(a, &ip_a) == 0 && ip_parse(b, &ip_b) == 0)
        return ip_equal(&ip_a, &ip_b);
    return span_equal_nocase(a, b);
}

static bool means(const struct conf_peer *peer, const struct url *url)
{
    if (peer->origin.tls != url->tls || peer->origin.port != url->port)
        return false;
    return peer->below ? is_below(url->host, peer->origin.host)
                       : is_same_host(url->host, peer->origin.host);
}

bool conf_peers_mean(const struct conf_peers *peers, const struct url *url)
{
    for (size_t i = 0; i < peers->n; i++) {
        if (means(&peers->items[i], url))
            return true;
    }
    return peers->n == 0;
}
