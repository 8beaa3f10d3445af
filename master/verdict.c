/* SPDX-License-Identifier: MIT */
/* Asking a worker for its verdict. The one place where the master waits: at start, and at SIGHUP
 * while the workers go on. Owns the child until it has ended. */
#include "master/verdict.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/inherit.h"
#include "common/log.h"
#include "common/message.h"
#include "master/obituary.h"

enum { WAIT_MS = 30000 };

/* The child says nothing on the channel; that it closes means that it has ended. */
static int wait_closed(int channel, uint64_t wait_ms)
{
    uint64_t until = clock_mono_ms() + wait_ms, now;
    struct pollfd p = { .fd = channel, .events = POLLIN };

    while ((now = clock_mono_ms()) < until) {
        if (poll(&p, 1, (int)(until - now)) > 0)
            return 0;
    }
    return ERR_TIMEOUT;
}

static int judge(int status)
{
    char why[OBITUARY_LEN];

    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
        return 0;
    if (WIFEXITED(status) &&
        (WEXITSTATUS(status) == EXIT_FAILURE || WEXITSTATUS(status) == EX_CONFIG))
        return ERR_REFUSED;
    obituary_write(status, why);
    log_error("no verdict cause=\"%s\"", why);
    return ERR_CLOSED;
}

int verdict_run(struct spawn *spawn, uint64_t wait_ms)
{
    int ends[2], status = 0, r;
    pid_t pid;

    r = message_pair(ends);
    if (r != 0)
        return r;
    spawn->fds[INHERIT_CHANNEL - SPAWN_FIRST_FD] = ends[1];
    r = spawn_process(spawn, &pid);
    fd_close(&ends[1]);
    if (r == 0) {
        r = wait_closed(ends[0], wait_ms);
        if (r != 0)
            kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (r == 0)
            r = judge(status);
    }
    fd_close(&ends[0]);
    return r;
}

int verdict_ask(const char *worker_path, char *const *environment, int boot, int log)
{
    struct spawn spawn = {
        .path = worker_path,
        .argument = INHERIT_CHECK,
        .environment = environment,
        .fds = {
            [INHERIT_BOOT - SPAWN_FIRST_FD] = boot,
            [INHERIT_SHM - SPAWN_FIRST_FD] = -1,
            [INHERIT_ACCESS_LOG - SPAWN_FIRST_FD] = -1,
            [INHERIT_LOG - SPAWN_FIRST_FD] = log,
        },
        .n_fds = INHERIT_LOG + 1 - SPAWN_FIRST_FD,
    };
    int r = verdict_run(&spawn, WAIT_MS);

    if (r == ERR_REFUSED)
        log_error("the worker refuses these settings");
    else if (r == ERR_CLOSED)
        log_error("the worker gave no verdict on the settings");
    return r;
}
