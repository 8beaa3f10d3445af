/* SPDX-License-Identifier: MIT */
/*
 * HTTP/2 (RFC 9113) on the wire, as much of it as can be told without the state of a connection:
 * where frames begin and end, and how many fields a block announces. Pure.
 */
#ifndef WORKER_HTTP2_FRAMES_H
#define WORKER_HTTP2_FRAMES_H

#include <stdint.h>

#include "common/span.h"

enum {
    HTTP2_HEADER_LEN = 9,
    HTTP2_FRAME_MAX = 16384,      /* bytes of a frame's payload: our SETTINGS_MAX_FRAME_SIZE */
    HTTP2_BLOCK_MAX = 128 * 1024, /* bytes of a field block on the wire, all its frames together */
    HTTP2_BLOCK_FRAMES_MAX = 32,  /* frames of it */
};

enum http2_type {
    HTTP2_DATA,
    HTTP2_HEADERS,
    HTTP2_PRIORITY,
    HTTP2_RST_STREAM,
    HTTP2_SETTINGS,
    HTTP2_PUSH_PROMISE,
    HTTP2_PING,
    HTTP2_GOAWAY,
    HTTP2_WINDOW_UPDATE,
    HTTP2_CONTINUATION,
    N_HTTP2_TYPES, /* others are ignored (RFC 9113 5.5) */
};

enum {
    HTTP2_END_STREAM = 0x1,
    HTTP2_END_HEADERS = 0x4,
    HTTP2_PADDED = 0x8,
    HTTP2_WITH_PRIORITY = 0x20
};

/* A frame, or HEADERS with the CONTINUATIONs that belong to it. */
struct http2_unit {
    uint8_t type, flags; /* of the first frame */
    uint32_t stream_id;
    size_t payload_len; /* of the first frame; bytes */
    size_t len;         /* of all its frames; bytes */
    size_t n_frames;
    bool open; /* a block that is not over: what comes next interrupts it, against the protocol */
};

enum http2_reading {
    HTTP2_INCOMPLETE, /* unit_r is what is known of it if there are HTTP2_HEADER_LEN bytes */
    HTTP2_WHOLE,
    HTTP2_EXCESS, /* a block past HTTP2_BLOCK_MAX or HTTP2_BLOCK_FRAMES_MAX */
};
/*
 * The first unit of bytes. What is against the protocol is whole as far as that is seen: a frame
 * that is too long when its header is there, a block that another frame interrupts without it.
 */
enum http2_reading http2_read_unit(struct span bytes, struct http2_unit *unit_r);

/* May a whole unit of type PRIORITY be ignored? Else it is an error (RFC 9113 6.3, RFC 7540 5.3.1).
 */
bool http2_priority_ok(struct span bytes, const struct http2_unit *unit);

/* Writes a frame whose payload is zeros, at most 255 of them. Returns its bytes. */
size_t http2_write_zeros(const struct http2_unit *unit,
                         uint8_t frame_r[static HTTP2_HEADER_LEN + UINT8_MAX]);

/*
 * Field representations (RFC 7541 6) in the block of a whole unit of type HEADERS; those before the
 * place where it is malformed.
 */
size_t http2_count_fields(struct span bytes, const struct http2_unit *unit);

#endif
