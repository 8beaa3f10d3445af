/* SPDX-License-Identifier: MIT */
/* Listening sockets. Owns none of them. No SO_REUSEPORT: its queue for each socket would strand
 * connections when a worker dies. */
#include "master/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/text.h"

enum { BACKLOG = 4096, LISTEN_FDS_START = 3 };

struct address {
    struct sockaddr_storage at;
    socklen_t len;
};

static bool parse(struct span text, uint16_t port, struct address *address_r)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address_r->at;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address_r->at;
    char host[INET6_ADDRSTRLEN];

    if (span_starts(text, SPAN("[")) && span_ends(text, SPAN("]")))
        text = span_part(text, 1, text.len - 2);
    if (text.len >= sizeof(host) || span_find(text, 0) < text.len)
        return false;
    snprintf(host, sizeof(host), "%.*s", SPAN_PRINT(text));
    *address_r = (struct address){ .len = sizeof(*v4) };
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return true;
    }
    address_r->len = sizeof(*v6);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
}

bool listen_is_address(struct span address)
{
    struct address unused;

    return address.len == 0 || parse(address, 0, &unused);
}

static int open_address(struct span text, uint16_t port, int *fd_r)
{
    const int on = 1, off = 0;
    struct address a;
    int fd, r;

    if (!parse(text, port, &a))
        return ERR_FORMAT;
    fd = socket(a.at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        (a.at.ss_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0) ||
        bind(fd, (const struct sockaddr *)&a.at, a.len) != 0 || listen(fd, BACKLOG) != 0) {
        r = -errno;
        fd_close(&fd);
        return r;
    }
    *fd_r = fd;
    return 0;
}

int listen_open(struct span address, uint16_t port, int *fd_r)
{
    int r;

    if (address.len > 0)
        return open_address(address, port, fd_r);
    r = open_address(SPAN("::"), port, fd_r);
    if (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL) /* no IPv6 on this machine */
        r = open_address(SPAN("0.0.0.0"), port, fd_r);
    return r;
}

static bool is_listening(int fd)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(int), at_len = sizeof(at);
    int type, listening;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening != 0 &&
           getsockname(fd, (struct sockaddr *)&at, &at_len) == 0 &&
           (at.ss_family == AF_INET || at.ss_family == AF_INET6);
}

static int adopt(int fd)
{
    int flags;

    if (!is_listening(fd))
        return ERR_FORMAT;
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return -errno;
    return 0;
}

/* 0 where it is not there. */
static int find_number(char *const *environment, const char *name, uint64_t *value_r)
{
    *value_r = 0;
    for (; *environment != NULL; environment++) {
        struct span value = span_text(*environment), key = span_cut(&value, '=');

        if (span_equal(key, span_text(name)))
            return text_u64(value, INT32_MAX, value_r);
    }
    return 0;
}

int listen_inherited(char *const *environment, int *fds_r, size_t max, size_t *n_r)
{
    uint64_t pid, n;
    int r = find_number(environment, "LISTEN_PID", &pid);

    *n_r = 0;
    if (r != 0 || pid != (uint64_t)getpid())
        return r; /* left over from somebody above us */
    r = find_number(environment, "LISTEN_FDS", &n);
    if (r == 0 && n > max)
        r = ERR_LIMIT;
    for (uint64_t i = 0; r == 0 && i < n; i++) {
        fds_r[i] = LISTEN_FDS_START + (int)i;
        r = adopt(fds_r[i]);
    }
    *n_r = r == 0 ? (size_t)n : 0;
    return r;
}

void listen_text(int fd, char text_r[static LISTEN_TEXT_LEN])
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    char host[LISTEN_TEXT_LEN - 10] = "unknown", port[8] = "";
    bool v6 = false;

    if (getsockname(fd, (struct sockaddr *)&at, &len) == 0 &&
        getnameinfo((struct sockaddr *)&at, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        v6 = at.ss_family == AF_INET6;
    snprintf(text_r, LISTEN_TEXT_LEN, "%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
}
