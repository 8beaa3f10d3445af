/* SPDX-License-Identifier: MIT */
/* A worker process, from its birth to its end: one event loop behind the listeners of its master.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "common/inherit.h"

/* Runs until it was told to leave and has; its exit status. Says in the log why it cannot. */
int worker_run(const struct inherit *inherit);

/* Gives its verdict on the boot record: exit status 0, or 1 after having said in the log why. */
int worker_check(void);

#endif
