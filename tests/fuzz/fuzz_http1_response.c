/* SPDX-License-Identifier: MIT */
/* The response parser: all at once and byte by byte it must find the same. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "worker/http1_response.h"

struct found {
    int error;
    bool complete, keep_alive;
    size_t used, n_heads, n_fields;
    uint64_t body_len, body_sum;
};

static int on_head(void *arg, const struct http1_head *head)
{
    struct found *found = arg;

    found->n_heads++;
    found->n_fields = head->fields.n;
    found->keep_alive = head->keep_alive;
    for (size_t i = 0; i < head->fields.n; i++) {
        if (!headers_name_ok(head->fields.items[i].name) ||
            !headers_value_ok(head->fields.items[i].value))
            abort();
    }
    if (head->status < 200 || head->status > 599 || head->minor > 1)
        abort();
    return 0;
}

static int on_body(void *arg, struct span bytes)
{
    struct found *found = arg;

    if (bytes.len == 0 || found->n_heads != 1)
        abort();
    for (size_t i = 0; i < bytes.len; i++)
        found->body_sum = found->body_sum * 31 + bytes.at[i];
    found->body_len += bytes.len;
    return 0;
}

static struct found parse(struct span bytes, size_t slice, bool to_head)
{
    static const struct http1_events events = { on_head, on_body };
    struct http1_response *r = NULL;
    struct found found = { 0 };

    if (http1_response_new(to_head, &events, &found, &r) < 0)
        abort();
    while (found.error == 0 && found.used < bytes.len && !http1_response_complete(r)) {
        size_t used;

        found.error = http1_response_feed(r, span_part(bytes, found.used, slice), &used);
        found.used += used;
    }
    if (found.error == 0)
        found.error = http1_response_eof(r);
    found.complete = http1_response_complete(r);
    if (found.complete == (found.error != 0) || (found.complete && found.n_heads != 1))
        abort();
    if (found.error < 0)
        found.used = 0; /* where it was noticed depends on the slices */
    http1_response_free(&r);
    return found;
}

/* The first byte says whether the request was HEAD. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = span_from(span_of(data, size), 1);
    bool to_head = size > 0 && data[0] == 'H';
    struct found whole = parse(bytes, SIZE_MAX, to_head), slices = parse(bytes, 1, to_head);

    if (whole.error != slices.error || whole.complete != slices.complete ||
        whole.used != slices.used || whole.n_heads != slices.n_heads ||
        whole.n_fields != slices.n_fields || whole.keep_alive != slices.keep_alive ||
        whole.body_len != slices.body_len || whole.body_sum != slices.body_sum)
        abort();
    return 0;
}
