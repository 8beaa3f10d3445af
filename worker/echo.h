/* SPDX-License-Identifier: MIT */
/* GET /api/mte-echo[?msg=M]: is somebody there? */
#ifndef WORKER_ECHO_H
#define WORKER_ECHO_H

#include "worker/exchange.h"

enum { ECHO_MESSAGE_MAX = 4096 }; /* bytes, decoded */

/* {"message": M or "ok", "timestamp": ISO 8601 UTC}. ERR_LIMIT: M is longer; or the buffer's error.
 */
MUST_CHECK int echo_body(struct span target, uint64_t wall_ms, struct buffer *body);

/* Answers the exchange's request: 200 with that body, or a refusal. */
void echo_answer(struct exchange *x);

#endif
