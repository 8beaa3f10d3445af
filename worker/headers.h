/* SPDX-License-Identifier: MIT */
/*
 * A header section as the relay carries it: fields in order, repeats kept, names in lower case.
 * Holds views; the bytes live as long as the message they came with (or the request's own buffer).
 */
#ifndef WORKER_HEADERS_H
#define WORKER_HEADERS_H

#include "common/error.h"
#include "common/span.h"

struct header {
    struct span name; /* lower case */
    struct span value;
};

struct headers {
    struct header *items; /* owned array of views */
    size_t n, cap;
};

void headers_init(struct headers *h);
void headers_fini(struct headers *h);

MUST_CHECK int headers_add(struct headers *h, struct span name, struct span value);
/* The first field of that (lower-case) name, or NULL. */
const struct header *headers_find(const struct headers *h, struct span name);
/* Removes every field of that name. */
void headers_remove(struct headers *h, struct span name);
/* Replaces all fields of that name by one, at the end. */
MUST_CHECK int headers_set(struct headers *h, struct span name, struct span value);

/* Is the token, in any case, in the comma lists of the fields of that name? */
bool headers_list_has(const struct headers *h, struct span name, struct span token);

/*
 * Removes what concerns one connection only (RFC 9110 7.6.1): connection and the fields it lists,
 * keep-alive, proxy-connection, proxy-authenticate's kin, te, trailer, transfer-encoding, upgrade.
 */
void headers_strip_hop_by_hop(struct headers *h);

/* tchar+ of RFC 9110 5.6.2; field values without CR, LF, NUL and other control bytes but HTAB. */
bool headers_name_ok(struct span name);
bool headers_value_ok(struct span value);

#endif
