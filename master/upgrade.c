/* SPDX-License-Identifier: MIT */
/*
 * Going on in a new binary. Whatever can fail does so in a child first: what the new one reads of
 * the state, of the settings, and what its own worker says to them. Then there is only execve(2).
 */
#include "master/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "master/verdict.h"

enum { CHECK_MS = 60000, STATE_FD = INHERIT_BOOT, N_MORE = 4 };

/* Our arguments, without an earlier takeover, and more. Freed by free(); the strings are not. */
static char **extend(char *const *arguments, char *const *more)
{
    size_t n = 0;
    char **all;

    for (char *const *at = arguments; *at != NULL; at++)
        n++;
    all = calloc(n + N_MORE + 1, sizeof(*all));
    if (all == NULL)
        return NULL;
    n = 0;
    for (char *const *at = arguments; *at != NULL; at++) {
        if (strncmp(*at, UPGRADE_OPTION "=", strlen(UPGRADE_OPTION "=")) != 0)
            all[n++] = *at;
    }
    while (*more != NULL)
        all[n++] = *more++;
    return all;
}

static int check(const struct upgrade *upgrade, char *const *environment, int state)
{
    char option[sizeof(UPGRADE_OPTION) + 16], test[] = "--test";
    char *const more[] = { option, test, NULL };
    struct spawn spawn = {
        .path = upgrade->path,
        .environment = environment,
        .fds = { [STATE_FD - SPAWN_FIRST_FD] = state },
        .n_fds = STATE_FD + 1 - SPAWN_FIRST_FD,
    };
    char **arguments;
    int r;

    snprintf(option, sizeof(option), "%s=%d", UPGRADE_OPTION, STATE_FD);
    arguments = extend(upgrade->arguments, more);
    if (arguments == NULL)
        return -ENOMEM;
    spawn.arguments = arguments;
    r = verdict_run(&spawn, CHECK_MS);
    free(arguments);
    return r;
}

static int replace(const struct upgrade *upgrade, char *const *environment,
                   const struct takeover *state, int fd)
{
    char option[sizeof(UPGRADE_OPTION) + 16];
    char *const more[] = { option, NULL };
    char **arguments;
    int kept = fcntl(fd, F_DUPFD, 0), r; /* without close-on-exec */

    if (kept < 0)
        return -errno;
    snprintf(option, sizeof(option), "%s=%d", UPGRADE_OPTION, kept);
    arguments = extend(upgrade->arguments, more);
    r = arguments != NULL ? takeover_keep(state, true) : -ENOMEM;
    if (r == 0) {
        log_info("going on in a new binary path=%s", upgrade->path);
        execve(upgrade->path, arguments, environment);
        r = -errno;
    }
    if (takeover_keep(state, false) != 0)
        log_error("bug: a descriptor stays open over exec");
    free(arguments);
    fd_close(&kept);
    return r;
}

int upgrade_go(const struct upgrade *upgrade, const struct takeover *state)
{
    char **environment = environment_whole(upgrade->environment);
    int fd = -1, r;

    if (environment == NULL)
        return -ENOMEM;
    r = takeover_write(state, &fd);
    if (r == 0)
        r = check(upgrade, environment, fd);
    if (r == 0)
        r = replace(upgrade, environment, state, fd);
    fd_close(&fd);
    environment_whole_free(&environment);
    return r;
}
