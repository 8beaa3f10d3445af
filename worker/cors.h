/* SPDX-License-Identifier: MIT */
/*
 * Cross-origin requests of browsers (Fetch standard, 3.2). Acts only where CORS_ORIGINS is set; it
 * never limits which methods are relayed.
 */
#ifndef WORKER_CORS_H
#define WORKER_CORS_H

#include "common/buffer.h"
#include "common/conf.h"
#include "worker/headers.h"

enum cors {
    CORS_NONE,     /* CORS_ORIGINS is not set, or the request names no origin */
    CORS_LISTED,   /* exactly one origin, and it is listed */
    CORS_UNLISTED, /* any other */
};

enum cors cors_judge(const struct conf *conf, const struct headers *request);

/* OPTIONS with Origin and Access-Control-Request-Method. */
bool cors_is_preflight(struct span method, const struct headers *request);

/*
 * What the answer to a request with an origin says of CORS, to a preflight and to any other: ours
 * to a listed one, nothing to an unlisted one, in place of its own access-control-*. No other
 * request's answer is touched. The views are of the request and of text, which is the caller's.
 * 0, -ENOMEM or the buffer's error.
 */
MUST_CHECK int cors_answer(const struct conf *conf, struct span method,
                           const struct headers *request, struct buffer *text,
                           struct headers *answer);

#endif
