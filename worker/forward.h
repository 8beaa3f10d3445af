/* SPDX-License-Identifier: MIT */
/*
 * Between a request and UPSTREAM, whatever brought it here: what is added, replaced and dropped on
 * the way there and back.
 */
#ifndef WORKER_FORWARD_H
#define WORKER_FORWARD_H

#include "worker/exchange.h"

enum { FORWARD_PSEUDONYM_LEN = 32 };

/* Our name in via: the same on all instances of a deployment. */
void forward_pseudonym(const struct identity *identity, char text_r[static FORWARD_PSEUDONYM_LEN]);

struct forward {
    const struct conf *conf;
    struct span pseudonym;
    struct exchange_request *request; /* loses its hop-by-hop fields */
    struct span id;                   /* x-request-id */
};

/*
 * Writes the HTTP/1.1 head of a request to UPSTREAM. ERR_SELF: it has been here before.
 * Otherwise 0 or the buffer's error.
 */
MUST_CHECK int forward_put_head(const struct forward *forward, struct buffer *head);

/*
 * Sends the exchange's request to UPSTREAM: exchange_call(), or a refusal (loop, memory). head is
 * empty, the caller's, and stays in place with the request's body until the call ended.
 */
void forward_call(struct exchange *x, struct buffer *head);

/*
 * UPSTREAM's answer goes on: fields in order, without what belongs to one connection, framing, Date
 * and every x-mte-*. A failed call is refused, or aborts what has begun. These two are
 * exchange_ops.
 */
int forward_call_head(struct exchange *x, const struct http1_head *head);
void forward_call_failed(struct exchange *x, enum upstream_failure failure, const char *detail);

#endif
