/* SPDX-License-Identifier: MIT */
/* Which URLs an entry of a list of peers means. Pure. */
#ifndef COMMON_CONF_PEER_H
#define COMMON_CONF_PEER_H

#include "common/conf.h"

/*
 * Does one of them mean it, by scheme, port and host: the same one, however an address is spelt, or
 * any name below it? A list without entries means all.
 */
bool conf_peers_mean(const struct conf_peers *peers, const struct url *url);

#endif
