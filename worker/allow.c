/* SPDX-License-Identifier: MIT */
/* OUTBOUND_ALLOW on URLs. Owns nothing, resolves nothing. */
#include "worker/allow.h"

#include "common/conf_peer.h"
#include "worker/address.h"

bool allow_peer(const struct conf_peers *peers, const struct url *url)
{
    struct ip ip;

    if (ip_parse(url->host, &ip) == 0 && !address_may_be_called(&ip))
        return false;
    return conf_peers_mean(peers, url);
}
