/* SPDX-License-Identifier: MIT */
/* Judging resolved addresses. Pure. */
#include "worker/address.h"

#include <sys/socket.h>

#define V4(a, b, n)                                                                                \
    {                                                                                              \
        { { [10] = 0xff, [11] = 0xff, [12] = (a), [13] = (b) } }, 96 + (n)                         \
    }
#define V6(a, b, n)                                                                                \
    {                                                                                              \
        { { (a), (b) } }, (n)                                                                      \
    }

static const struct ip_network refused[] = {
    V4(0, 0, 8),        /* this host (RFC 1122, 3.2.1.3): Linux connects to itself */
    V4(169, 254, 16),   /* link-local (RFC 3927) */
    V4(224, 0, 4),      /* multicast (RFC 1112) */
    V6(0, 0, 128),      /* unspecified */
    V6(0xfe, 0x80, 10), /* link-local (RFC 4291, 2.5.6) */
    V6(0xff, 0, 8),     /* multicast (RFC 4291, 2.7) */
};
static const struct ip broadcast = { { [10] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

/* The well-known prefix of NAT64 (RFC 6052), which leads to the IPv4 address behind it. */
static const struct ip_network nat64 = { { { 0x00, 0x64, 0xff, 0x9b } }, 96 };

static struct ip behind_nat64(const struct ip *ip)
{
    struct ip v4 = { { [10] = 0xff, [11] = 0xff } };

    memcpy(v4.bytes + 12, ip->bytes + 12, 4);
    return v4;
}

bool address_may_be_called(const struct ip *ip)
{
    struct ip to = ip_network_has(&nat64, ip) ? behind_nat64(ip) : *ip;

    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        if (ip_network_has(&refused[i], &to))
            return false;
    }
    return !ip_equal(&to, &broadcast);
}

bool address_is_allowed(void *arg, const struct sockaddr *address)
{
    struct ip ip;

    (void)arg;
    return ip_of_sockaddr(address, &ip) && address_may_be_called(&ip);
}
