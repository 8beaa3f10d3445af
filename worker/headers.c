/* SPDX-License-Identifier: MIT */
/* Header sections. Owns the array of views, never the bytes that they show. */
#include "worker/headers.h"

#include <errno.h>
#include <stdlib.h>

#include "common/text.h"

enum { FIRST_CAP = 16 };

void headers_init(struct headers *h)
{
    *h = (struct headers){ 0 };
}

void headers_fini(struct headers *h)
{
    free(h->items);
    headers_init(h);
}

int headers_add(struct headers *h, struct span name, struct span value)
{
    if (h->n == h->cap) {
        size_t cap = h->cap > 0 ? 2 * h->cap : FIRST_CAP;
        struct header *items = reallocarray(h->items, cap, sizeof(*items));

        if (items == NULL)
            return -ENOMEM;
        h->items = items;
        h->cap = cap;
    }
    h->items[h->n++] = (struct header){ name, value };
    return 0;
}

const struct header *headers_find(const struct headers *h, struct span name)
{
    for (size_t i = 0; i < h->n; i++) {
        if (span_equal(h->items[i].name, name))
            return &h->items[i];
    }
    return NULL;
}

void headers_remove(struct headers *h, struct span name)
{
    size_t kept = 0;

    for (size_t i = 0; i < h->n; i++) {
        if (!span_equal(h->items[i].name, name))
            h->items[kept++] = h->items[i];
    }
    h->n = kept;
}

/* Adds before it removes: when there is no memory, nothing has changed. */
int headers_set(struct headers *h, struct span name, struct span value)
{
    int r = headers_add(h, name, value);
    struct header last;

    if (r < 0)
        return r;
    last = h->items[--h->n];
    headers_remove(h, name);
    h->items[h->n++] = last;
    return 0;
}

bool headers_list_has(const struct headers *h, struct span name, struct span token)
{
    for (size_t i = 0; i < h->n; i++) {
        struct span rest = h->items[i].value;

        if (!span_equal(h->items[i].name, name))
            continue;
        while (rest.at != NULL) {
            if (span_equal_nocase(span_trim(span_cut(&rest, ',')), token))
                return true;
        }
    }
    return false;
}

static bool is_hop_by_hop(struct span name)
{
    return span_equal(name, SPAN("keep-alive")) || span_equal(name, SPAN("proxy-connection")) ||
           span_equal(name, SPAN("proxy-authenticate")) ||
           span_equal(name, SPAN("proxy-authorization")) || span_equal(name, SPAN("te")) ||
           span_equal(name, SPAN("trailer")) || span_equal(name, SPAN("transfer-encoding")) ||
           span_equal(name, SPAN("upgrade")) || span_equal(name, SPAN("proxy-authentication-info"));
}

/* Marks by taking the name away; connection itself goes last, as the list is in it. */
void headers_strip_hop_by_hop(struct headers *h)
{
    const struct span connection = SPAN("connection");
    /* A sealed head has none, but may have thousands of fields. */
    bool lists = headers_find(h, connection) != NULL;

    for (size_t i = 0; i < h->n; i++) {
        struct span name = h->items[i].name;

        if (span_equal(name, connection))
            continue;
        if (is_hop_by_hop(name) || (lists && headers_list_has(h, connection, name)))
            h->items[i].name = SPAN_NONE;
    }
    headers_remove(h, SPAN_NONE);
    headers_remove(h, connection);
}

bool headers_name_ok(struct span name)
{
    return text_is_token(name);
}

bool headers_value_ok(struct span value)
{
    if (!text_has_control(value))
        return true;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.at[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}
