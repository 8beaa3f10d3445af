/* SPDX-License-Identifier: MIT */
/* Going on in a new binary: the same process, its workers and its listeners. */
#ifndef MASTER_UPGRADE_H
#define MASTER_UPGRADE_H

#include "master/takeover.h"

/* The option by which the next binary learns of the takeover; its value is a descriptor. */
#define UPGRADE_OPTION "--take-over"

struct upgrade {
    const char *path;       /* of the binary */
    char *const *arguments; /* ours, ended by NULL */
    const struct environment *environment;
};

/*
 * Runs the binary with -t on the settings and on this state, and executes it in our place if its
 * exit status is 0. Returns only where that failed, with nothing changed: ERR_REFUSED, ERR_CLOSED,
 * ERR_TIMEOUT, as verdict_run() has it; -errno.
 */
MUST_CHECK int upgrade_go(const struct upgrade *upgrade, const struct takeover *state);

#endif
