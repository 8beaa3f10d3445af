/* SPDX-License-Identifier: MIT */
/*
 * Stands between an HTTP/2 connection and libh2o: each frame is judged once it is whole, and only
 * what a decent client may send goes on. A stream that asks for too much is ended early, so that
 * its request is answered as refused; a connection that is a nuisance gets GOAWAY
 * (ENHANCE_YOUR_CALM, RFC 9113 10.5).
 */
#ifndef WORKER_GUARD_HTTP2_H
#define WORKER_GUARD_HTTP2_H

#include "worker/guard.h"
#include "worker/http2_streams.h"

struct guard_http2;

/* Takes over a guard whose socket has said, or will say next, HTTP/2's preface. -ENOMEM. */
MUST_CHECK int guard_http2_new(struct guard *guard, struct guard_http2 **http2_r);
void guard_http2_free(struct guard_http2 **http2);

/* The socket has bytes. The guard, and all that is behind it, may be gone afterwards. */
void guard_http2_read(struct guard_http2 *http2);
/* Nothing was asked for long: GOAWAY, and the end. */
void guard_http2_say_goodbye(struct guard_http2 *http2);

/* Bodies that are not complete: how many, and their bytes. */
size_t guard_http2_n_bodies(const struct guard_http2 *http2);
uint64_t guard_http2_held(const struct guard_http2 *http2);

/*
 * A request is handed to us: its body is no longer this guard's. NULL, or why it must not be
 * served; valid until the next call.
 */
const struct http2_verdict *guard_http2_begin_request(struct guard_http2 *http2,
                                                      struct st_h2o_req_t *req);
/* It has been answered to the end: such a client may also reset a few. */
void guard_http2_count_answer(struct guard_http2 *http2);

#endif
