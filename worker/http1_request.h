/* SPDX-License-Identifier: MIT */
/*
 * A strict walk over the requests of an HTTP/1 connection (RFC 9112), as they follow one another:
 * it says where each begins and ends, and refuses what two readers could read differently. It
 * keeps nothing of them. Pure.
 */
#ifndef WORKER_HTTP1_REQUEST_H
#define WORKER_HTTP1_REQUEST_H

#include "common/buffer.h"

enum {
    HTTP1_REQUEST_HEAD_MAX = 65536, /* bytes of a head; of the trailers */
    HTTP1_REQUEST_FIELDS_MAX = 100, /* libh2o takes no more of them */
};

enum http1_fault {
    HTTP1_FINE,
    HTTP1_MALFORMED,
    HTTP1_HEAD_TOO_LARGE,
    HTTP1_BODY_TOO_LARGE,
    HTTP1_NO_ROOM,
    HTTP1_NO_MEMORY,
};

enum http1_place {
    HTTP1_BETWEEN, /* nothing of a next request has come */
    HTTP1_IN_HEAD,
    HTTP1_IN_BODY,
    HTTP1_IS_HTTP2, /* its preface has come: from there on nothing is looked at */
};

struct http1_limits {
    uint64_t body_max;                /* bytes */
    uint64_t (*body_room)(void *arg); /* bytes of bodies that may still come in; NULL: any */
    void *arg;
};

/* Embedded. */
struct http1_request {
    struct http1_limits limits;
    int state;
    enum http1_fault fault; /* sticky */
    const char *why;        /* it is at fault, for the log */
    struct buffer line;     /* what has come of a line that is not complete */
    size_t section_len;     /* bytes of the head or the trailers so far */
    unsigned n_fields, n_hosts, minor;
    bool blank;   /* an empty line came before the head */
    bool is_head; /* the method is HEAD */
    bool has_length, chunked;
    uint64_t left;     /* bytes of the body or chunk to come */
    uint64_t body_len; /* bytes announced of the body so far */
    /* Counted from the connection's begin on: heads that are complete, bytes of bodies. */
    uint64_t n_heads, n_body;
};

void http1_request_init(struct http1_request *r, const struct http1_limits *limits);
void http1_request_fini(struct http1_request *r);

/*
 * Walks over what has come next. Where it is at fault, *good_r is how many of these bytes come
 * before the request that is: 0 also when it began in an earlier call. The fault stays.
 */
enum http1_fault http1_request_walk(struct http1_request *r, struct span bytes, size_t *good_r);
enum http1_place http1_request_place(const struct http1_request *r);

#endif
