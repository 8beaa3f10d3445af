/* SPDX-License-Identifier: MIT */
/* The walk over requests: all at once and byte by byte it must find the same. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "worker/http1_request.h"

struct found {
    enum http1_fault fault;
    enum http1_place place;
    uint64_t n_heads, n_body;
};

static struct found walk(struct span bytes, size_t slice)
{
    static const struct http1_limits limits = { .body_max = 64 };
    struct http1_request r;
    struct found found = { .fault = HTTP1_FINE };

    http1_request_init(&r, &limits);
    for (size_t at = 0; at < bytes.len && found.fault == HTTP1_FINE; at += slice) {
        struct span part = span_part(bytes, at, slice);
        size_t good;

        found.fault = http1_request_walk(&r, part, &good);
        if (good > part.len || (found.fault == HTTP1_FINE) != (good == part.len && r.why == NULL))
            abort();
    }
    found.place = http1_request_place(&r);
    found.n_heads = r.n_heads;
    found.n_body = r.n_body;
    if (r.n_body > r.n_heads * limits.body_max)
        abort();
    http1_request_fini(&r);
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = span_of(data, size);
    struct found whole = walk(bytes, size + 1), slices = walk(bytes, 1);

    if (whole.fault != slices.fault || whole.place != slices.place ||
        whole.n_heads != slices.n_heads || whole.n_body != slices.n_body)
        abort();
    return 0;
}
