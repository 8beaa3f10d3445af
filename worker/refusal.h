/* SPDX-License-Identifier: MIT */
/* Our own refusals: one table, one body format (application/problem+json, RFC 9457). */
#ifndef WORKER_REFUSAL_H
#define WORKER_REFUSAL_H

#include "common/buffer.h"

enum refusal {
#define REFUSAL_ROW(name, status, code, sentence) name,
#include "worker/refusal_table.h"
#undef REFUSAL_ROW
    N_REFUSALS
};

/* What every answer that refuses has beside its status. */
#define REFUSAL_TYPE  "application/problem+json"
#define REFUSAL_FIELD "x-mte-relay-error"

unsigned refusal_status(enum refusal refusal);
/* The stable code, as in header x-mte-relay-error and in the log. */
const char *refusal_code(enum refusal refusal);
/* The problem+json body: type about:blank, title, status, detail, code, instance (request
 * id, where there is one). */
void refusal_body(enum refusal refusal, struct span request_id, struct buffer *body);
/* All of an HTTP/1.1 answer after which the connection ends, for where libh2o has no request. */
void refusal_http1(enum refusal refusal, bool with_body, struct buffer *answer);

#endif
