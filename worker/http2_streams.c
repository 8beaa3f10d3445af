/* SPDX-License-Identifier: MIT */
/* Two short lists, searched from end to end. Owns nothing else. */
#include "worker/http2_streams.h"

struct http2_body *http2_streams_body(struct http2_streams *streams, uint32_t stream_id)
{
    for (size_t i = 0; i < streams->n_bodies; i++) {
        if (streams->bodies[i].stream_id == stream_id)
            return &streams->bodies[i];
    }
    return NULL;
}

static struct http2_body *find_stillest(struct http2_streams *streams)
{
    struct http2_body *stillest = &streams->bodies[0];

    for (size_t i = 1; i < streams->n_bodies; i++) {
        if (streams->bodies[i].since_ms < stillest->since_ms)
            stillest = &streams->bodies[i];
    }
    return stillest;
}

void http2_streams_begin_body(struct http2_streams *streams, uint32_t stream_id, uint64_t now_ms)
{
    struct http2_body *body = streams->n_bodies < HTTP2_BODIES_MAX
                                  ? &streams->bodies[streams->n_bodies++]
                                  : find_stillest(streams);

    *body = (struct http2_body){ .stream_id = stream_id, .since_ms = now_ms };
}

void http2_streams_end_body(struct http2_streams *streams, uint32_t stream_id)
{
    struct http2_body *body = http2_streams_body(streams, stream_id);

    if (body != NULL)
        *body = streams->bodies[--streams->n_bodies];
}

uint64_t http2_streams_held(const struct http2_streams *streams)
{
    uint64_t held = 0;

    for (size_t i = 0; i < streams->n_bodies; i++)
        held += streams->bodies[i].len;
    return held;
}

static size_t find_refused(const struct http2_streams *streams, uint32_t stream_id)
{
    size_t i = 0;

    while (i < HTTP2_REFUSED_MAX && (stream_id == 0 || streams->refused[i].stream_id != stream_id))
        i++;
    return i;
}

void http2_streams_refuse(struct http2_streams *streams, uint32_t stream_id,
                          struct http2_verdict verdict)
{
    size_t i = find_refused(streams, stream_id);

    if (i == HTTP2_REFUSED_MAX)
        i = streams->n_refused++ % HTTP2_REFUSED_MAX;
    streams->refused[i].stream_id = stream_id;
    streams->refused[i].verdict = verdict;
}

const struct http2_verdict *http2_streams_verdict(const struct http2_streams *streams,
                                                  uint32_t stream_id)
{
    size_t i = find_refused(streams, stream_id);

    return i < HTTP2_REFUSED_MAX ? &streams->refused[i].verdict : NULL;
}
