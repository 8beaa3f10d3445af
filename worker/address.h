/* SPDX-License-Identifier: MIT */
/* Which addresses an outward connection may go to. */
#ifndef WORKER_ADDRESS_H
#define WORKER_ADDRESS_H

#include "common/ip.h"

/*
 * False for what is no other host's own address, however it is written (IPv4-mapped, NAT64):
 * link-local, where clouds keep their metadata services, unspecified, multicast, broadcast.
 */
bool address_may_be_called(const struct ip *ip);

/* The same as an upstream_allow_cb. arg is not used. */
bool address_is_allowed(void *arg, const struct sockaddr *address);

#endif
