/* SPDX-License-Identifier: MIT */
/* Listening sockets. Owns none of them. No SO_REUSEPORT: its queue for each socket would strand
 * connections when a worker dies. */
#include "master/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/fd.h"

enum { BACKLOG = 4096 };

/* The one address that the text names; the caller's to free. */
static struct addrinfo *parse(struct span address, uint16_t port)
{
    const struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *found = NULL;
    char host[LISTEN_TEXT_LEN], service[8];

    if (span_starts(address, SPAN("[")) && span_ends(address, SPAN("]")))
        address = span_part(address, 1, address.len - 2);
    if (address.len >= sizeof(host) || span_find(address, 0) < address.len)
        return NULL;
    snprintf(host, sizeof(host), "%.*s", SPAN_PRINT(address));
    snprintf(service, sizeof(service), "%u", port);
    return getaddrinfo(host, service, &hints, &found) == 0 ? found : NULL;
}

bool listen_is_address(struct span address)
{
    struct addrinfo *found;

    if (address.len == 0)
        return true;
    found = parse(address, 0);
    if (found == NULL)
        return false;
    freeaddrinfo(found);
    return true;
}

static int open_at(const struct addrinfo *at, int *fd_r)
{
    const int on = 1, off = 0;
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(at->ai_family, type, 0);

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        (at->ai_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0) ||
        bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int r = -errno;

        fd_close(&fd);
        return r;
    }
    *fd_r = fd;
    return 0;
}

static int open_address(struct span address, uint16_t port, int *fd_r)
{
    struct addrinfo *at = parse(address, port);
    int r;

    if (at == NULL)
        return ERR_FORMAT;
    r = open_at(at, fd_r);
    freeaddrinfo(at);
    return r;
}

int listen_open(struct span address, uint16_t port, int *fd_r)
{
    int r;

    if (address.len > 0)
        return open_address(address, port, fd_r);
    r = open_address(SPAN("::"), port, fd_r);
    if (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL || r == ERR_FORMAT) /* no IPv6 on this machine */
        r = open_address(SPAN("0.0.0.0"), port, fd_r);
    return r;
}

void listen_text(int fd, char text_r[static LISTEN_TEXT_LEN])
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    char host[LISTEN_TEXT_LEN - 10], port[8];
    bool v6;

    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0 ||
        getnameinfo((struct sockaddr *)&at, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return (void)snprintf(text_r, LISTEN_TEXT_LEN, "unknown");
    v6 = at.ss_family == AF_INET6;
    snprintf(text_r, LISTEN_TEXT_LEN, "%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
}
