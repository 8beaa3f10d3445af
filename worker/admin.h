/* SPDX-License-Identifier: MIT */
/*
 * The admin listener of a worker: /healthz, /readyz, /metrics and /status over HTTP/1.1, one answer
 * a connection. It relays nothing, and the data port knows none of these.
 */
#ifndef WORKER_ADMIN_H
#define WORKER_ADMIN_H

#include "worker/services.h"

struct admin;

/* Begins to accept. The listener stays the caller's and open. */
MUST_CHECK int admin_new(struct services *services, int listener, struct admin **admin_r);
/* Accepts no more: another worker shall, who serves. */
void admin_stop_accepting(struct admin *admin);
/* The same; left() comes once, when nobody waits for an answer, or soon in any case. */
void admin_leave(struct admin *admin, void (*left)(void *arg), void *arg);
/* Closes what is left. */
void admin_free(struct admin **admin);

#endif
