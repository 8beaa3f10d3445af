/* SPDX-License-Identifier: MIT */
/*
 * IP addresses and the networks that hold them. An IPv4 address is kept as its IPv4-mapped IPv6
 * form (RFC 4291, 2.5.5.2): what a dual-stack socket says and what an IPv4 socket says is equal.
 */
#ifndef COMMON_IP_H
#define COMMON_IP_H

#include "common/error.h"
#include "common/span.h"

struct sockaddr;

struct ip {
    uint8_t bytes[16];
};

/* Dotted decimal, or IPv6 without brackets and zone. ERR_FORMAT for anything else. */
MUST_CHECK int ip_parse(struct span text, struct ip *ip_r);
/* False: neither IPv4 nor IPv6. */
bool ip_of_sockaddr(const struct sockaddr *address, struct ip *ip_r);
bool ip_equal(const struct ip *a, const struct ip *b);
bool ip_is_v4(const struct ip *ip);

struct ip_network {
    struct ip first;
    unsigned n_bits; /* of first that all its addresses share, 0 to 128 */
};

/*
 * "10.0.0.0/8", "2001:db8::/32" (RFC 4632), or an address: a network of one. ERR_FORMAT;
 * ERR_MISUSE: the address has bits set behind the prefix, so one of the two is a mistake.
 */
MUST_CHECK int ip_network_parse(struct span text, struct ip_network *network_r);
/* Families are apart: no network of IPv6 holds an IPv4 address, not even ::/0. */
bool ip_network_has(const struct ip_network *network, const struct ip *ip);

#endif
