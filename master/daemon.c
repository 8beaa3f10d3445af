/* SPDX-License-Identifier: MIT */
/*
 * Leaving the foreground: two forks and setsid(2), so that no terminal can become ours again. A
 * pipe says how it went: first the pid of the one that goes on, then one byte, its report. The
 * working directory stays, for settings may name files below it.
 */
#include "master/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"

/* False at the end of what was written. */
static bool read_whole(int fd, void *to, size_t len)
{
    ssize_t n;

    do
        n = read(fd, to, len);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)len; /* a pipe takes these few bytes whole */
}

/* False when nothing came in time. */
static bool wait_readable(int fd, uint64_t wait_ms)
{
    uint64_t until = clock_mono_ms() + wait_ms, now;
    struct pollfd p = { .fd = fd, .events = POLLIN };

    while ((now = clock_mono_ms()) < until) {
        if (poll(&p, 1, (int)(until - now)) > 0)
            return true;
    }
    return false;
}

/* Ends by _exit(): what a normal end would undo belongs to the other process. */
static void wait_for_report(int fd, uint64_t wait_ms)
{
    unsigned char status;
    pid_t pid;

    if (!read_whole(fd, &pid, sizeof(pid)))
        _exit(EX_OSERR);
    if (!wait_readable(fd, wait_ms)) {
        log_error("not ready in time, ended master_pid=%d wait_ms=%llu", (int)pid,
                  (unsigned long long)wait_ms);
        kill(pid, SIGTERM);
        _exit(EX_TEMPFAIL);
    }
    _exit(read_whole(fd, &status, sizeof(status)) ? status : EX_SOFTWARE);
}

/* In the process between: makes the one that goes on, in which alone it returns. */
static void part(int fd)
{
    pid_t pid;

    if (setsid() < 0)
        _exit(EX_OSERR);
    pid = fork();
    if (pid != 0)
        _exit(pid > 0 ? EX_OK : EX_OSERR);
    pid = getpid();
    if (write(fd, &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
        _exit(EX_OSERR);
}

int daemon_start(uint64_t wait_ms, int *fd_r)
{
    int ends[2], r;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    pid = fork();
    if (pid < 0) {
        r = -errno;
        fd_close(&ends[0]);
        fd_close(&ends[1]);
        return r;
    }
    if (pid > 0) {
        fd_close(&ends[1]);
        wait_for_report(ends[0], wait_ms);
    }
    fd_close(&ends[0]);
    part(ends[1]);
    *fd_r = ends[1];
    return 0;
}

static void let_go(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++) {
        if (fd == STDIN_FILENO || isatty(fd))
            dup2(null, fd);
    }
    fd_close(&null);
}

void daemon_report(int *fd, int status)
{
    unsigned char byte = (unsigned char)status;

    if (*fd < 0)
        return;
    if (write(*fd, &byte, sizeof(byte)) != (ssize_t)sizeof(byte)) /* nobody waits any more */
        log_warning("nobody waits for our start");
    fd_close(fd);
    if (status == EX_OK)
        let_go();
}
