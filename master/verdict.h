/* SPDX-License-Identifier: MIT */
/* A worker's verdict on a boot record: what only its libraries can judge. */
#ifndef MASTER_VERDICT_H
#define MASTER_VERDICT_H

#include <stdint.h>

#include "master/spawn.h"

/*
 * Runs the worker with --check and waits for it, at most 30 s. log: where its lines go, -1 for
 * standard error, as text. ERR_REFUSED: the record is bad, and
 * the worker has said why; ERR_CLOSED: it could not run, or died; ERR_TIMEOUT; -errno.
 */
MUST_CHECK int verdict_ask(const char *worker_path, char *const *environment, int boot, int log);

/*
 * Runs any program to its end, at most wait_ms: exit status 0 is 0, 1 and EX_CONFIG are
 * ERR_REFUSED, all else as above. Its descriptor INHERIT_CHANNEL is taken, and must stay open until
 * its end.
 */
MUST_CHECK int verdict_run(struct spawn *spawn, uint64_t wait_ms);

#endif
