/* SPDX-License-Identifier: MIT */
/*
 * Opening what lines go to. A slow reader must not hold up the relay, so no descriptor may block;
 * but that flag belongs to the open file, which a shell may share: so it is opened anew.
 */
#include "master/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/fd.h"

enum {
    FLAGS = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
    MODE = 0640, /* who reads logs is in the group */
};

int outlet_init(struct outlet *outlet, const struct conf_outlet *wanted, struct span syslog)
{
    struct span path = wanted->place == LOG_PLACE_SYSLOG ? syslog : wanted->path;

    *outlet = (struct outlet){ .place = wanted->place, .fd = -1 };
    outlet->path = strndup(path.len > 0 ? (const char *)path.at : "", path.len);
    return outlet->path != NULL ? 0 : -ENOMEM;
}

/* What cannot be opened anew (a socket, another user's terminal) stays as it is. */
static void unblock(int fd)
{
    char path[32];
    int anew;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    anew = open(path, FLAGS);
    if (anew >= 0)
        dup2(anew, fd);
    fd_close(&anew);
}

static int open_standard(struct outlet *outlet, int fd)
{
    unblock(fd);
    outlet->fd = fd;
    return 0;
}

static int open_file(struct outlet *outlet)
{
    outlet->fd = open(outlet->path, FLAGS | O_CREAT, MODE);
    return outlet->fd >= 0 ? 0 : -errno;
}

static int open_syslog(struct outlet *outlet)
{
    struct log_sink unused;
    int r = log_sink_to_syslog(-1, span_text(outlet->path), &unused);

    if (r == 0)
        outlet->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return r == 0 && outlet->fd < 0 ? -errno : r;
}

int outlet_open(struct outlet *outlet)
{
    switch (outlet->place) {
    case LOG_PLACE_STDERR:
        return open_standard(outlet, STDERR_FILENO);
    case LOG_PLACE_STDOUT:
        return open_standard(outlet, STDOUT_FILENO);
    case LOG_PLACE_SYSLOG:
        return open_syslog(outlet);
    case LOG_PLACE_FILE:
        return open_file(outlet);
    default:
        return 0;
    }
}

/* May files be made where that one would be? */
static int try_folder(const char *path)
{
    char *folder = strdup(path);
    int r = folder != NULL ? 0 : -ENOMEM;

    if (r == 0 && access(dirname(folder), W_OK | X_OK) != 0)
        r = -errno;
    free(folder);
    return r;
}

int outlet_try(const struct outlet *outlet)
{
    struct log_sink unused;
    int fd;

    if (outlet->place == LOG_PLACE_SYSLOG)
        return log_sink_to_syslog(-1, span_text(outlet->path), &unused);
    if (outlet->place != LOG_PLACE_FILE)
        return 0;
    fd = open(outlet->path, FLAGS);
    if (fd < 0)
        return errno == ENOENT ? try_folder(outlet->path) : -errno;
    fd_close(&fd);
    return 0;
}

int outlet_reopen(struct outlet *outlet)
{
    struct outlet anew = *outlet;
    int r = 0;

    if (outlet->place != LOG_PLACE_FILE)
        return 0;
    r = open_file(&anew);
    if (r == 0 && dup3(anew.fd, outlet->fd, O_CLOEXEC) < 0)
        r = -errno;
    fd_close(&anew.fd);
    return r;
}

void outlet_serve_log(const struct outlet *outlet)
{
    struct log_sink sink = log_sink_to(outlet->fd);

    if (outlet->place == LOG_PLACE_SYSLOG &&
        log_sink_to_syslog(outlet->fd, span_text(outlet->path), &sink) < 0)
        sink.fd = -1; /* what was opened had no such path */
    log_set_sink(&sink);
}

void outlet_close(struct outlet *outlet)
{
    if (outlet->fd > STDERR_FILENO && outlet->fd != log_descriptor())
        fd_close(&outlet->fd);
    free(outlet->path);
    *outlet = (struct outlet){ .fd = -1 };
}
