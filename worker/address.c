/* SPDX-License-Identifier: MIT */
/* Judging resolved addresses. Pure. */
#include "worker/address.h"

#include <netinet/in.h>
#include <string.h>

static bool is_link_local4(const uint8_t *bytes)
{
    return bytes[0] == 169 && bytes[1] == 254;
}

static bool is_link_local6(const struct in6_addr *address)
{
    if (IN6_IS_ADDR_V4MAPPED(address))
        return is_link_local4(address->s6_addr + 12);
    return IN6_IS_ADDR_LINKLOCAL(address);
}

bool address_is_allowed(void *arg, const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    (void)arg;
    switch (address->sa_family) {
    case AF_INET:
        memcpy(&v4, address, sizeof(v4));
        return !is_link_local4((const uint8_t *)&v4.sin_addr);
    case AF_INET6:
        memcpy(&v6, address, sizeof(v6));
        return !is_link_local6(&v6.sin6_addr);
    default:
        return false;
    }
}
