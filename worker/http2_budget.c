/* SPDX-License-Identifier: MIT */
/* Two bounds. Owns nothing. */
#include "worker/http2_budget.h"

#include <stddef.h>

const char *http2_budget_exceeded(struct http2_budget *budget, uint64_t now_ms)
{
    if (now_ms - budget->small_since_ms > HTTP2_SMALL_MS) {
        budget->small_since_ms = now_ms;
        budget->n_small = 0;
    }
    if (budget->n_small > HTTP2_SMALL_MAX)
        return "too many frames that move nothing";
    if (budget->n_resets > HTTP2_RESETS_FREE + budget->n_answered)
        return "too many streams that are reset";
    return NULL;
}
