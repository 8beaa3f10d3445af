/* SPDX-License-Identifier: MIT */
/*
 * Starting a program. The child changes neither user nor limits: a worker does that itself, after
 * exec, so that its binary need not be readable for the user that it becomes. Owns nothing.
 */
#include "master/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/signal.h"

/* Everything from first on is closed, whoever left it open to us. */
static void close_from(int first)
{
    if (close_range((unsigned)first, ~0U, 0) == 0)
        return;
    for (int fd = first; fd < sysconf(_SC_OPEN_MAX); fd++) /* before Linux 5.9 */
        close(fd);
}

/* A descriptor may sit where another one belongs: all move out of the way first. */
static int place_descriptors(const struct spawn *spawn)
{
    int end = SPAWN_FIRST_FD + (int)spawn->n_fds, away[SPAWN_FDS_MAX];

    for (size_t i = 0; i < spawn->n_fds; i++) {
        away[i] = spawn->fds[i] < 0 ? -1 : fcntl(spawn->fds[i], F_DUPFD_CLOEXEC, end);
        if (spawn->fds[i] >= 0 && away[i] < 0)
            return -errno;
    }
    for (size_t i = 0; i < spawn->n_fds; i++) {
        close(SPAWN_FIRST_FD + (int)i);
        if (away[i] >= 0 && dup2(away[i], SPAWN_FIRST_FD + (int)i) < 0)
            return -errno;
    }
    close_from(end);
    close(STDIN_FILENO);
    return open("/dev/null", O_RDONLY) == STDIN_FILENO ? 0 : -errno;
}

static void become(const struct spawn *spawn)
{
    const char *name = strrchr(spawn->path, '/');
    char *only[3] = { strdup(name != NULL ? name + 1 : spawn->path),
                      spawn->arguments == NULL ? strdup(spawn->argument) : NULL };
    int r = place_descriptors(spawn);

    if (r == 0) {
        signal_reset();
        execve(spawn->path, spawn->arguments != NULL ? spawn->arguments : only, spawn->environment);
        r = -errno;
    }
    log_error("cannot execute %s: %s", spawn->path, error_text(r));
    _exit(SPAWN_EXIT_FAILED);
}

int spawn_process(const struct spawn *spawn, pid_t *pid_r)
{
    pid_t pid = fork();

    if (pid < 0)
        return -errno;
    if (pid == 0)
        become(spawn);
    *pid_r = pid;
    return 0;
}
