/* SPDX-License-Identifier: MIT */
/* A request as libh2o has it: judged before anything is copied, then viewed as ours. */
#ifndef WORKER_REQUEST_H
#define WORKER_REQUEST_H

#include "worker/exchange.h"

enum {
    REQUEST_FIELDS_MAX = 256,
    REQUEST_HEAD_MAX = 65536,     /* bytes of target, authority, names and values together */
    REQUEST_CONNECTION_MAX = 512, /* bytes of what Connection lists: each is looked for in each */
};

/*
 * A target in absolute form becomes authority and path; what Host said counts no more (RFC 9112
 * 3.2.2). Any other stays as it is.
 */
void request_split_target(struct st_h2o_req_t *req);

/* Is it HTTP as RFC 9110 has it? Otherwise 400 or 431, with the cause for the log. */
bool request_judge(const struct st_h2o_req_t *req, enum refusal *refusal_r, const char **cause_r);

/*
 * Fills request_r, whose fields are initialised and the caller's, with views of what lives as long
 * as the request. Fields of framing, Host and Expect stay out; a cookie that HTTP/2 split is joined
 * (RFC 9113 8.2.3).
 */
MUST_CHECK int request_read(struct st_h2o_req_t *req, struct exchange_request *request_r);

#endif
