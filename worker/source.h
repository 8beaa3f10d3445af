/* SPDX-License-Identifier: MIT */
/* Who sent a request, seen through proxies. Pure. */
#ifndef WORKER_SOURCE_H
#define WORKER_SOURCE_H

#include "common/conf.h"
#include "worker/headers.h"

bool source_is_in(const conf_networks *networks, const struct ip *ip);

/*
 * peer: where the connection comes from. If that is a trusted proxy: the right-most address of
 * X-Forwarded-For that is not one, or the left-most where all are. False, the source is not known:
 * a trusted proxy says nothing of it, or what must be read is no address ("192.0.2.1",
 * "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80").
 */
MUST_CHECK bool source_find(const conf_networks *trusted, const struct ip *peer,
                            const struct headers *fields, struct ip *source_r);

#endif
