/* SPDX-License-Identifier: MIT */
/* Is the relay of these settings alive? For container engines, which ask by running a program. */
#ifndef MASTER_HEALTHCHECK_H
#define MASTER_HEALTHCHECK_H

#include "common/error.h"
#include "master/generation.h"

/*
 * Asks /healthz of the admin listener; where that is off, or on a port that the system chose, the
 * control socket. 0: a worker answers, or serves. ERR_CLOSED: the relay answers that none does.
 * ERR_TIMEOUT after 4 s. ERR_MISUSE: there is neither. -errno.
 */
MUST_CHECK int healthcheck_run(const struct generation_doors *doors);

#endif
