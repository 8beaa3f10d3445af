/* SPDX-License-Identifier: MIT */
/* The words for a wait status. Pure. */
#include "master/obituary.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "master/spawn.h"

static const struct {
    int signal;
    const char *meaning;
} signals[] = {
    { SIGABRT, "an assertion failed or memory ran out" },
    { SIGBUS, "memory that is not there" },
    { SIGFPE, "an impossible calculation" },
    { SIGILL, "an instruction that this processor does not have" },
    { SIGKILL, "killed by hand, or by the kernel for want of memory" },
    { SIGSEGV, "memory that is not its own" },
    { SIGSYS, "a system call that is forbidden here" },
    { SIGXCPU, "its processor time is used up" },
};

static const struct {
    int status;
    const char *meaning;
} statuses[] = {
    { 0, "it left by itself" },
    { 1, "it said why" },
    { SPAWN_EXIT_FAILED, "it could not be started" },
};

static const char *meaning_of_signal(int signal)
{
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        if (signals[i].signal == signal)
            return signals[i].meaning;
    }
    return "sent from outside";
}

static const char *meaning_of_status(int status)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
        if (statuses[i].status == status)
            return statuses[i].meaning;
    }
    return "unknown to the master";
}

void obituary_write(int status, char text_r[static OBITUARY_LEN])
{
    if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));

        snprintf(text_r, OBITUARY_LEN, "signal SIG%s: %s", name != NULL ? name : "?",
                 meaning_of_signal(WTERMSIG(status)));
    } else {
        snprintf(text_r, OBITUARY_LEN, "exit status %d: %s", WEXITSTATUS(status),
                 meaning_of_status(WEXITSTATUS(status)));
    }
}
