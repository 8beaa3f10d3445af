/* SPDX-License-Identifier: MIT */
/* Who the workers shall be. */
#ifndef MASTER_ACCOUNT_H
#define MASTER_ACCOUNT_H

#include "common/inherit.h"

enum { ACCOUNT_WHY_LEN = 256 };

/*
 * RUN_USER and RUN_GROUP (empty: not set), names or numbers, as user and group. Not root: nobody
 * can become another, user_r->set is false. ERR_REFUSED, with a sentence in why_r: root without an
 * account to become, an account that does not exist, or root itself.
 */
MUST_CHECK int account_find(struct span run_user, struct span run_group,
                            struct inherit_user *user_r, char why_r[static ACCOUNT_WHY_LEN]);

#endif
