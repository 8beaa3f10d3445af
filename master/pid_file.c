/* SPDX-License-Identifier: MIT */
/* The pid file. It is removed before its lock goes, so one that can be locked is either left over
 * from a master that was killed, or no longer the file of that name: then we try again. */
#include "master/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/span.h"

static bool is_still_there(const char *path, int fd)
{
    struct stat by_path, by_fd;

    return stat(path, &by_path) == 0 && fstat(fd, &by_fd) == 0 && by_path.st_dev == by_fd.st_dev &&
           by_path.st_ino == by_fd.st_ino;
}

static int write_pid(int fd)
{
    char text[16];

    snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0)
        return -errno;
    return fd_write_all(fd, span_text(text));
}

int pid_file_create(const char *path, int *fd_r)
{
    int fd, r;

    for (;;) {
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
            return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            r = errno == EWOULDBLOCK ? ERR_BUSY : -errno;
            break;
        }
        if (is_still_there(path, fd)) {
            r = write_pid(fd);
            break;
        }
        fd_close(&fd);
    }
    if (r != 0)
        fd_close(&fd);
    *fd_r = fd;
    return r;
}

void pid_file_remove(const char *path, int *fd)
{
    if (*fd >= 0)
        unlink(path);
    fd_close(fd);
}
