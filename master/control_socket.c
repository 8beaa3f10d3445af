/* SPDX-License-Identifier: MIT */
/* A name in the file system outlives who bound it: whether somebody is behind it, only connecting
 * tells. Owns nothing. */
#include "master/control_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/fd.h"

enum { BACKLOG = 16, SOCKET_MASK = 0177 };

static int address_of(const char *path, struct sockaddr_un *address_r)
{
    size_t len = strlen(path);

    *address_r = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (len == 0 || len >= sizeof(address_r->sun_path))
        return ERR_LIMIT;
    memcpy(address_r->sun_path, path, len + 1);
    return 0;
}

static void make_folder(const char *path)
{
    char *folder = strdup(path), *end = folder != NULL ? strrchr(folder, '/') : NULL;

    if (end != NULL && end != folder) {
        *end = 0;
        (void)mkdir(folder, 0755); /* bind(2) will tell what is wrong */
    }
    free(folder);
}

/* Refused by nobody's socket; anything else is not ours to remove. */
static bool is_left_over(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct stat st;
    bool refused;

    if (fd < 0)
        return false;
    refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
              errno == ECONNREFUSED;
    fd_close(&fd);
    return refused && lstat(address->sun_path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static int bind_to(int fd, const struct sockaddr_un *address)
{
    mode_t mask = umask(SOCKET_MASK);
    int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : -errno;

    umask(mask);
    return r;
}

int control_socket_open(const char *path, int *fd_r)
{
    struct sockaddr_un address;
    int fd, r = address_of(path, &address);

    if (r != 0)
        return r;
    make_folder(path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    r = bind_to(fd, &address);
    if (r == -EADDRINUSE && is_left_over(&address) && unlink(path) == 0)
        r = bind_to(fd, &address);
    if (r == 0 && listen(fd, BACKLOG) != 0)
        r = -errno;
    if (r != 0)
        fd_close(&fd);
    else
        *fd_r = fd;
    return r == -EADDRINUSE ? ERR_BUSY : r;
}

void control_socket_remove(const char *path, int *fd)
{
    if (*fd >= 0)
        (void)unlink(path);
    fd_close(fd);
}
