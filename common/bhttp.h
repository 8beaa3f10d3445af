/* SPDX-License-Identifier: MIT */
/*
 * Binary HTTP (RFC 9292, known length) as the HEAD part of a sealed message: control data and
 * header section, truncated after it (section 3.8). Reading enforces every rule of protocol.md
 * "Messages" on methods, schemes, authorities, paths, names and values; nothing is copied.
 */
#ifndef COMMON_BHTTP_H
#define COMMON_BHTTP_H

#include "common/buffer.h"
#include "common/span.h"

struct bhttp_field {
    struct span name; /* lower case */
    struct span value;
};

/* A header section, encoded; iterate with bhttp_next(). Already checked when it came from reading.
 */
struct bhttp_fields {
    struct span encoded; /* without its own length */
};

struct bhttp_request {
    struct span method, scheme, authority, path;
    struct bhttp_fields fields;
};

struct bhttp_response {
    unsigned status; /* 200..599; informational responses before it were checked and skipped */
    struct bhttp_fields fields;
    bool has_content_length;
    uint64_t content_length; /* bytes of DATA; not so in answer to HEAD and for 304 */
};

/* ERR_FORMAT: anything that protocol.md says REJECT to. The result views head. */
MUST_CHECK int bhttp_read_request(struct span head, struct bhttp_request *request_r);
MUST_CHECK int bhttp_read_response(struct span head, struct bhttp_response *response_r);
/* TRAILERS: a field section with its length before it, under the rules of a head's. */
MUST_CHECK int bhttp_read_trailers(struct span trailers, bool in_request,
                                   struct bhttp_fields *fields_r);

/* The next field; false at the end. Begin with *rest = fields.encoded. */
bool bhttp_next(struct span *rest, struct bhttp_field *field_r);

/* Would this be allowed in a HEAD? The writer's own checks, the same ones that reading uses. */
bool bhttp_field_ok(struct bhttp_field field, bool in_request);
bool bhttp_method_ok(struct span method);
bool bhttp_path_ok(struct span path, struct span method);

/* Writing: begin, fields in order, end. What is written was checked by the caller with the above.
 */
struct bhttp_writer {
    struct buffer *out;
    size_t section; /* where in it the fields begin */
};
void bhttp_begin_request(struct bhttp_writer *w, struct buffer *out, struct span method,
                         struct span scheme, struct span authority, struct span path);
void bhttp_begin_response(struct bhttp_writer *w, struct buffer *out, unsigned status);
void bhttp_put_field(struct bhttp_writer *w, struct span name, struct span value);
/* 0, or the buffer's sticky error. */
MUST_CHECK int bhttp_end(struct bhttp_writer *w);

#endif
