/* SPDX-License-Identifier: MIT */
/* What a process gives up for good: privileges, core dumps, being looked into. */
#ifndef COMMON_JAIL_H
#define COMMON_JAIL_H

#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

/* No core dump, no ptrace and no look into /proc/PID by others of the same user. -errno. */
MUST_CHECK int jail_hide(void);

/* Raises the limit of open descriptors to what is allowed, at most max. Says what it is now. */
uint64_t jail_raise_files(uint64_t max);

/* No program executed from here on can gain a privilege (no_new_privs). -errno. */
MUST_CHECK int jail_no_new_privileges(void);

/*
 * Becomes user and group with no other groups, for good: -EPERM where a way back is left. -errno.
 * Undoes jail_hide(): call that afterwards.
 */
MUST_CHECK int jail_drop(uid_t user, gid_t group);

/*
 * From here on the calls of jail_filter_table.h fail with EPERM, in this process, its threads to
 * come and its children; the kernel notes each in the audit log, or its own where no auditd runs
 * (SECCOMP_FILTER_FLAG_LOG). Before the first thread. ERR_UNSUPPORTED: built without libseccomp,
 * or a kernel without filters. -errno.
 */
MUST_CHECK int jail_filter(void);

#endif
