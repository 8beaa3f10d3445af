/* SPDX-License-Identifier: MIT */
/*
 * What the programs do with descriptors besides serving on them. Everything opened here is
 * close-on-exec at birth. Owns nothing; never logs. Not for descriptors of an event loop: all of
 * it may block.
 */
#include "common/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3; glibc 2.38 */
#define MFD_NOEXEC_SEAL 0x0008U
#endif

enum { PIECE = 4096 };

void fd_close(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

int fd_read_all(int fd, size_t limit, struct buffer *to)
{
    size_t n_read = 0;
    uint8_t *room;
    ssize_t n;

    for (;;) {
        room = buffer_reserve(to, PIECE);
        if (room == NULL)
            return buffer_error(to);
        n = read(fd, room, PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        if ((size_t)n > limit - n_read)
            return ERR_LIMIT;
        n_read += (size_t)n;
        buffer_commit(to, (size_t)n);
    }
}

int fd_read_file(const char *path, size_t limit, struct buffer *to)
{
    int fd, r;

    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    r = fd_read_all(fd, limit, to);
    fd_close(&fd);
    return r;
}

int fd_write_all(int fd, struct span bytes)
{
    ssize_t n;

    while (bytes.len > 0) {
        n = write(fd, bytes.at, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes = span_from(bytes, (size_t)n);
    }
    return 0;
}

int fd_open_memory(const char *name, int *fd_r)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL) /* a kernel that does not know the last flag */
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    *fd_r = fd;
    return 0;
}
