/* SPDX-License-Identifier: MIT */
/*
 * Loaded before a program (LD_PRELOAD), it sets the wall clock of that program and its children off
 * by CLOCK_OFF seconds. So no program of ours has a way to do that in it.
 */
#define _GNU_SOURCE /* syscall() */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *now)
{
    const char *off = getenv("CLOCK_OFF");
    long r = syscall(SYS_clock_gettime, id, now);

    if (r == 0 && id == CLOCK_REALTIME && off != NULL)
        now->tv_sec += strtol(off, NULL, 10);
    return (int)r;
}
