/* SPDX-License-Identifier: MIT */
/* Connects for each question anew; a write to a relay that has gone is an error, not a signal. */
#include "tools/relayctl_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/fd.h"

enum { ANSWER_MAX = 16 << 20 };

static int connect_to(const char *path, int *fd_r)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = strlen(path);
    int fd, r;

    if (len == 0 || len >= sizeof(address.sun_path))
        return ERR_LIMIT;
    memcpy(address.sun_path, path, len + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    r = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : -errno;
    if (r != 0)
        fd_close(&fd);
    else
        *fd_r = fd;
    return r;
}

int relayctl_ask(const char *path, struct span line, struct buffer *answer)
{
    int fd = -1, r = connect_to(path, &fd);

    if (r == 0 && send(fd, line.at, line.len, MSG_NOSIGNAL) != (ssize_t)line.len)
        r = errno != 0 ? -errno : ERR_CLOSED;
    if (r == 0)
        r = fd_read_all(fd, ANSWER_MAX, answer);
    fd_close(&fd);
    return r == 0 && buffer_len(answer) == 0 ? ERR_CLOSED : r;
}

bool relayctl_listens(const char *path)
{
    int fd = -1, r = connect_to(path, &fd);

    fd_close(&fd);
    return r == 0;
}
