/* SPDX-License-Identifier: MIT */
/* Which peer relays requests may go to, before anything is looked up. Pure. */
#ifndef WORKER_ALLOW_H
#define WORKER_ALLOW_H

#include "common/conf.h"

/*
 * Is the origin of the URL in the list (empty: all are), and its host, where that is an address,
 * one that may be called? A name's addresses are judged when it is resolved (address.h).
 */
bool allow_peer(const struct conf_peers *peers, const struct url *url);

#endif
