/* SPDX-License-Identifier: MIT */
/* Reading and comparing IP addresses and networks. Owns nothing, looks nothing up. */
#include "common/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "common/text.h"

enum { V4_BITS = 32, V6_BITS = 128, MAPPED_BITS = V6_BITS - V4_BITS };

static const uint8_t mapped[MAPPED_BITS / 8] = { [10] = 0xff, [11] = 0xff };

static void set_v4(struct ip *ip, const void *bytes)
{
    memcpy(ip->bytes, mapped, sizeof(mapped));
    memcpy(ip->bytes + sizeof(mapped), bytes, V4_BITS / 8);
}

int ip_parse(struct span text, struct ip *ip_r)
{
    char copy[INET6_ADDRSTRLEN] = "";
    uint8_t v4[V4_BITS / 8];

    if (text.len == 0 || text.len >= sizeof(copy))
        return ERR_FORMAT;
    memcpy(copy, text.at, text.len);
    if (strlen(copy) < text.len)
        return ERR_FORMAT; /* there is a NUL in it */
    if (inet_pton(AF_INET, copy, v4) == 1)
        set_v4(ip_r, v4);
    else if (inet_pton(AF_INET6, copy, ip_r->bytes) != 1)
        return ERR_FORMAT;
    return 0;
}

bool ip_of_sockaddr(const struct sockaddr *address, struct ip *ip_r)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    switch (address->sa_family) {
    case AF_INET:
        memcpy(&v4, address, sizeof(v4));
        set_v4(ip_r, &v4.sin_addr);
        return true;
    case AF_INET6:
        memcpy(&v6, address, sizeof(v6));
        memcpy(ip_r->bytes, &v6.sin6_addr, sizeof(ip_r->bytes));
        return true;
    default:
        return false;
    }
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool ip_is_v4(const struct ip *ip)
{
    return memcmp(ip->bytes, mapped, sizeof(mapped)) == 0;
}

static bool shares_bits(const struct ip *a, const struct ip *b, unsigned n_bits)
{
    unsigned n_whole = n_bits / 8, n_rest = n_bits % 8;

    return memcmp(a->bytes, b->bytes, n_whole) == 0 &&
           (n_rest == 0 || (a->bytes[n_whole] ^ b->bytes[n_whole]) >> (8 - n_rest) == 0);
}

/* Is every bit from that one on zero? */
static bool ends_in_zeros(const struct ip *ip, unsigned from)
{
    for (unsigned bit = from; bit < V6_BITS; bit++) {
        if ((ip->bytes[bit / 8] >> (7 - bit % 8) & 1) != 0)
            return false;
    }
    return true;
}

int ip_network_parse(struct span text, struct ip_network *network_r)
{
    struct span rest = text, address = span_cut(&rest, '/');
    bool dotted = span_find(address, ':') == address.len;
    struct ip_network network = { .n_bits = V6_BITS };
    uint64_t n_bits = dotted ? V4_BITS : V6_BITS;
    int r = ip_parse(address, &network.first);

    if (r < 0)
        return r;
    if (rest.at != NULL && text_u64(rest, n_bits, &n_bits) < 0)
        return ERR_FORMAT;
    network.n_bits = (unsigned)n_bits + (dotted ? MAPPED_BITS : 0);
    if (!ends_in_zeros(&network.first, network.n_bits))
        return ERR_MISUSE;
    *network_r = network;
    return 0;
}

bool ip_network_has(const struct ip_network *network, const struct ip *ip)
{
    if (network->n_bits < MAPPED_BITS && ip_is_v4(ip))
        return false;
    return shares_bits(&network->first, ip, network->n_bits);
}
