/* SPDX-License-Identifier: MIT */
/* One question, one answer, over a socket that blocks for so long and no longer. Owns only that. */
#include "master/healthcheck.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "common/fd.h"

enum { PATIENCE_S = 4, ANSWER_MAX = 4 << 20 };

#define QUESTION "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un un;
    } at;
    socklen_t len;
};

/* Who listens on any address listens on the loopback one. */
static int admin_address(const struct generation_admin *admin, struct address *address_r)
{
    *address_r = (struct address){ .len = sizeof(address_r->at.v4) };
    if (inet_pton(AF_INET, admin->address, &address_r->at.v4.sin_addr) == 1) {
        address_r->at.v4.sin_family = AF_INET;
        address_r->at.v4.sin_port = htons(admin->port);
        if (address_r->at.v4.sin_addr.s_addr == htonl(INADDR_ANY))
            address_r->at.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return 0;
    }
    *address_r = (struct address){ .len = sizeof(address_r->at.v6) };
    address_r->at.v6.sin6_family = AF_INET6;
    address_r->at.v6.sin6_port = htons(admin->port);
    if (inet_pton(AF_INET6, admin->address, &address_r->at.v6.sin6_addr) != 1)
        return ERR_FORMAT;
    if (IN6_IS_ADDR_UNSPECIFIED(&address_r->at.v6.sin6_addr))
        address_r->at.v6.sin6_addr = in6addr_loopback;
    return 0;
}

static int control_address(const char *path, struct address *address_r)
{
    size_t len = strlen(path);

    *address_r = (struct address){ .len = sizeof(address_r->at.un) };
    if (len >= sizeof(address_r->at.un.sun_path))
        return ERR_LIMIT;
    address_r->at.un.sun_family = AF_UNIX;
    memcpy(address_r->at.un.sun_path, path, len + 1);
    return 0;
}

static int ask(const struct address *address, struct span question, struct buffer *answer)
{
    const struct timeval patience = { .tv_sec = PATIENCE_S };
    int fd = socket(address->at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), r = 0;

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
        connect(fd, &address->at.any, address->len) != 0 ||
        send(fd, question.at, question.len, MSG_NOSIGNAL) != (ssize_t)question.len)
        r = -errno;
    if (r == 0)
        r = fd_read_all(fd, ANSWER_MAX, answer);
    fd_close(&fd);
    return r == -EAGAIN || r == -EINPROGRESS ? ERR_TIMEOUT : r;
}

static bool has(const struct buffer *answer, struct span what)
{
    return buffer_len(answer) > 0 &&
           memmem(buffer_span(answer).at, buffer_len(answer), what.at, what.len) != NULL;
}

int healthcheck_run(const struct generation_doors *doors)
{
    bool over_http = doors->admin.address[0] != 0 && doors->admin.port != 0;
    struct address address;
    struct buffer answer;
    int r;

    if (!over_http && doors->control[0] == 0)
        return ERR_MISUSE;
    buffer_init(&answer, 0);
    r = over_http ? admin_address(&doors->admin, &address)
                  : control_address(doors->control, &address);
    if (r == 0)
        r = ask(&address, over_http ? SPAN(QUESTION) : SPAN("status\n"), &answer);
    if (r == 0 && over_http && !span_starts(buffer_span(&answer), SPAN("HTTP/1.1 200 ")))
        r = ERR_CLOSED;
    if (r == 0 && !over_http && !has(&answer, SPAN("\"state\":\"up\"")))
        r = ERR_CLOSED;
    buffer_fini(&answer);
    return r;
}
