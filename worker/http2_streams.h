/* SPDX-License-Identifier: MIT */
/*
 * What is known of the streams of an HTTP/2 connection beside libh2o: those whose body is coming
 * in, and the latest of those that must not be served. Pure.
 */
#ifndef WORKER_HTTP2_STREAMS_H
#define WORKER_HTTP2_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/refusal.h"

enum {
    HTTP2_BODIES_MAX = 128, /* libh2o lets 100 streams be open */
    HTTP2_REFUSED_MAX = 128,
};

struct http2_verdict {
    bool abort;           /* no answer: the stream is reset */
    enum refusal refusal; /* else */
    const char *why;      /* static */
};

struct http2_body {
    uint32_t stream_id;
    uint64_t len;      /* bytes so far */
    uint64_t since_ms; /* the last progress */
};

/* Embedded; zeroed at birth. */
struct http2_streams {
    struct http2_body bodies[HTTP2_BODIES_MAX];
    size_t n_bodies;
    struct {
        uint32_t stream_id; /* 0: none */
        struct http2_verdict verdict;
    } refused[HTTP2_REFUSED_MAX];
    size_t n_refused; /* ever */
};

/* NULL: there is none, or no more; valid until one begins or ends. */
struct http2_body *http2_streams_body(struct http2_streams *streams, uint32_t stream_id);
/* Past HTTP2_BODIES_MAX the one that stood still for longest is forgotten. */
void http2_streams_begin_body(struct http2_streams *streams, uint32_t stream_id, uint64_t now_ms);
void http2_streams_end_body(struct http2_streams *streams, uint32_t stream_id);
/* Bytes of all bodies that are coming in. */
uint64_t http2_streams_held(const struct http2_streams *streams);

void http2_streams_refuse(struct http2_streams *streams, uint32_t stream_id,
                          struct http2_verdict verdict);
/* NULL: it may be served. Valid until the next refusal. */
const struct http2_verdict *http2_streams_verdict(const struct http2_streams *streams,
                                                  uint32_t stream_id);

#endif
