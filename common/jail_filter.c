/* SPDX-License-Identifier: MIT */
/*
 * The filter of system calls, by libseccomp where the build has it. A list of what is denied and
 * not of what is allowed: a library that begins to use a harmless call must not end the service.
 */
#include "common/jail.h"

#include <errno.h>

#ifdef HAVE_SECCOMP

#include <seccomp.h>
#include <stddef.h>

static const char *const denied[] = {
#define JAIL_FILTER_ROW(name) #name,
#include "common/jail_filter_table.h"
#undef JAIL_FILTER_ROW
};

static int deny_all(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < sizeof(denied) / sizeof(*denied); i++) {
        int number = seccomp_syscall_resolve_name(denied[i]);
        int r = number == __NR_SCMP_ERROR
                    ? -ENOTSUP
                    : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);

        if (r != 0)
            return r;
    }
    return 0;
}

/* The calls of another architecture (int 0x80, x32) would be a way around the list. */
static int prepare(scmp_filter_ctx filter)
{
    int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

    if (r == 0)
        r = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
    if (r == 0)
        r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
    if (r == -EOPNOTSUPP) /* before Linux 4.14: denied, but in silence */
        r = 0;
    return r == 0 ? deny_all(filter) : r;
}

int jail_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int r;

    if (filter == NULL)
        return -ENOMEM;
    r = prepare(filter);
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r == -ENOSYS || r == -EINVAL ? ERR_UNSUPPORTED : r; /* a kernel without such filters */
}

#else

int jail_filter(void)
{
    return ERR_UNSUPPORTED;
}

#endif
