/* SPDX-License-Identifier: MIT */
/*
 * The environment of the master, parted: settings, kept for reloads in memory that no child and no
 * dump has; and the rest, which workers get.
 */
#ifndef MASTER_ENVIRONMENT_H
#define MASTER_ENVIRONMENT_H

#include "common/error.h"
#include "common/span.h"

struct environment;

/*
 * Copies the settings out of environ, wipes their values where they stood (/proc/PID/environ
 * shows them no more) and takes them out. is_setting() says which names are settings. -errno.
 */
MUST_CHECK int environment_take(char **environ_, bool (*is_setting)(struct span name),
                                struct environment **environment_r);
void environment_free(struct environment **environment); /* wipes */

/* "NAME=value", ended by NULL. */
char *const *environment_settings(const struct environment *environment);
char *const *environment_rest(const struct environment *environment);

/* All of it as it was, for another master: in memory that a child has too, so not for longer than
 * needed. NULL: no memory. */
char **environment_whole(const struct environment *environment);
void environment_whole_free(char ***whole); /* wipes */

#endif
