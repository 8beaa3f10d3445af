/* SPDX-License-Identifier: MIT */
/* Which addresses an outward connection may go to. */
#ifndef WORKER_ADDRESS_H
#define WORKER_ADDRESS_H

#include <stdbool.h>

struct sockaddr;

/*
 * An upstream_allow_cb: false for link-local addresses (RFC 3927, RFC 4291 2.5.6, also
 * IPv4-mapped), where clouds keep their metadata services. arg is not used.
 */
bool address_is_allowed(void *arg, const struct sockaddr *address);

#endif
