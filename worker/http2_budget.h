/* SPDX-License-Identifier: MIT */
/* How much work without use an HTTP/2 connection may make (RFC 9113 10.5). Pure. */
#ifndef WORKER_HTTP2_BUDGET_H
#define WORKER_HTTP2_BUDGET_H

#include <stdint.h>

enum {
    HTTP2_RESETS_FREE = 100, /* streams reset, beyond one for each request that was answered */
    HTTP2_SMALL_MAX = 1000,  /* frames that move nothing, in HTTP2_SMALL_MS */
    HTTP2_SMALL_MS = 10 * 1000,
};

/* Embedded; zeroed at birth. The counts are the owner's to add to. */
struct http2_budget {
    uint64_t n_resets, n_answered, n_small;
    uint64_t small_since_ms; /* the budget's own */
};

/* What is too much, in words; NULL: nothing. */
const char *http2_budget_exceeded(struct http2_budget *budget, uint64_t now_ms);

#endif
