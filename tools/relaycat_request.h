/* SPDX-License-Identifier: MIT */
/* One request under a pair: sealed whole, and its response opened as it comes. */
#ifndef TOOLS_RELAYCAT_REQUEST_H
#define TOOLS_RELAYCAT_REQUEST_H

#include <stdio.h>

#include "common/envelope.h"
#include "tools/relaycat_http.h"
#include "tools/relaycat_options.h"

struct request {
    const struct options *options;
    struct pair_keys *keys; /* of the pair */
    FILE *trace;            /* NULL = silent */
    uint64_t counter;       /* its number under the pair */
    uint64_t time_ms;       /* by the responder's clock */
    struct envelope_request sent;
};

/* Appends the sealed message, and fills sent. Tells what went wrong. */
MUST_CHECK enum outcome request_seal(struct request *request, struct span body,
                                     struct buffer *message);

/* Reads the answer to its end and prints what is in it. Tells what went wrong. */
MUST_CHECK enum outcome request_print_answer(const struct request *request, struct http *http);

#endif
