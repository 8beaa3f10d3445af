/* SPDX-License-Identifier: MIT */
/* Giving up privileges. Each step is checked: a jail with a door open is worse than none. */
#include "common/jail.h"

#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* LeakSanitizer looks at its own process by ptrace(2), which needs a dumpable one. */
#ifdef WITH_ASAN
enum { DUMPABLE = 1 };
#else
enum { DUMPABLE = 0 };
#endif

int jail_hide(void)
{
    const struct rlimit none = { 0, 0 };

    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, DUMPABLE, 0, 0, 0) != 0)
        return -errno;
    return 0;
}

uint64_t jail_raise_files(uint64_t max)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return 0;
    if (files.rlim_cur < max) {
        rlim_t before = files.rlim_cur;

        files.rlim_cur = files.rlim_max < max ? files.rlim_max : max;
        if (setrlimit(RLIMIT_NOFILE, &files) != 0)
            return before;
    }
    return files.rlim_cur;
}

int jail_no_new_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : -errno;
}

int jail_drop(uid_t user, gid_t group)
{
    uid_t real, effective, saved;

    if (setgroups(0, NULL) != 0 || setresgid(group, group, group) != 0 ||
        setresuid(user, user, user) != 0)
        return -errno;
    if (getresuid(&real, &effective, &saved) != 0)
        return -errno;
    if (real != user || effective != user || saved != user || getegid() != group)
        return -EPERM;
    if (user != 0 && (setuid(0) == 0 || seteuid(0) == 0))
        return -EPERM;
    return 0;
}
