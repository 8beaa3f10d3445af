/* SPDX-License-Identifier: MIT */
/* Signals as input of the loop, by signalfd(2). Owns nothing; never installs a handler. */
#include "common/signal.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int block(const int *signals, size_t n_signals, sigset_t *set_r)
{
    sigemptyset(set_r);
    for (size_t i = 0; i < n_signals; i++)
        sigaddset(set_r, signals[i]);
    return sigprocmask(SIG_BLOCK, set_r, NULL) == 0 ? 0 : -errno;
}

int signal_block(const int *signals, size_t n_signals)
{
    sigset_t set;

    return block(signals, n_signals, &set);
}

int signal_open(const int *signals, size_t n_signals, int *fd_r)
{
    sigset_t set;
    int fd, r = block(signals, n_signals, &set);

    if (r < 0)
        return r;
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    *fd_r = fd;
    return 0;
}

int signal_read(int fd)
{
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return 0;
    return (int)info.ssi_signo;
}

void signal_ignore(const int *signals, size_t n_signals)
{
    for (size_t i = 0; i < n_signals; i++)
        signal(signals[i], SIG_IGN);
}

void signal_reset(void)
{
    sigset_t none;

    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL); /* fails for SIGKILL and SIGSTOP, which nobody can change */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}
