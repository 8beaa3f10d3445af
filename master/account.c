/* SPDX-License-Identifier: MIT */
/* Looking up the account of the workers. Only the master asks; a worker gets two numbers. */
#include "master/account.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "common/text.h"

static const char *c_text(struct span text, char copy_r[static 64])
{
    snprintf(copy_r, 64, "%.*s", SPAN_PRINT(text));
    return copy_r;
}

static bool find_user(struct span name, struct inherit_user *user_r)
{
    char copy[64];
    uint64_t number;
    const struct passwd *entry = getpwnam(c_text(name, copy));

    if (entry == NULL && text_u64(name, UINT32_MAX - 1, &number) == 0) {
        entry = getpwuid((uid_t)number);
        if (entry == NULL) { /* a container's user need not have an entry */
            *user_r = (struct inherit_user){ true, (uid_t)number, (gid_t)number };
            return true;
        }
    }
    if (entry == NULL)
        return false;
    *user_r = (struct inherit_user){ true, entry->pw_uid, entry->pw_gid };
    return true;
}

static bool find_group(struct span name, gid_t *group_r)
{
    char copy[64];
    uint64_t number;
    const struct group *entry = getgrnam(c_text(name, copy));

    if (entry != NULL)
        *group_r = entry->gr_gid;
    else if (text_u64(name, UINT32_MAX - 1, &number) == 0)
        *group_r = (gid_t)number;
    else
        return false;
    return true;
}

int account_find(struct span run_user, struct span run_group, struct inherit_user *user_r,
                 char why_r[static ACCOUNT_WHY_LEN])
{
    struct span name = run_user.len > 0 ? run_user : SPAN(ACCOUNT_DEFAULT);

    *user_r = (struct inherit_user){ .set = false };
    if (geteuid() != 0)
        return 0;
    if (!find_user(name, user_r))
        snprintf(why_r, ACCOUNT_WHY_LEN,
                 "%s: there is no user \"%.*s\"; set RUN_USER to whom the workers shall become",
                 run_user.len > 0 ? "RUN_USER" : "started as root", SPAN_PRINT(name));
    else if (user_r->user == 0)
        snprintf(why_r, ACCOUNT_WHY_LEN, "RUN_USER: workers never run as root");
    else if (run_group.len > 0 && !find_group(run_group, &user_r->group))
        snprintf(why_r, ACCOUNT_WHY_LEN, "RUN_GROUP: there is no group \"%.*s\"",
                 SPAN_PRINT(run_group));
    else
        return 0;
    return ERR_REFUSED;
}
