/* SPDX-License-Identifier: MIT */
/*
 * A strict, incremental parser of HTTP/1.x responses (RFC 9112): one framing, bounded head, no
 * obs-fold, no bare LF, no second opinion. Pure: bytes in, events out.
 */
#ifndef WORKER_HTTP1_RESPONSE_H
#define WORKER_HTTP1_RESPONSE_H

#include "common/buffer.h"
#include "worker/headers.h"

enum {
    HTTP1_HEAD_MAX = 65536, /* bytes of the final and all informational heads; of the trailers */
    HTTP1_FIELDS_MAX = 256, /* in one head; in the trailers */
    HTTP1_INFORMATIONAL_MAX = 16,
    HTTP1_PIECE_MAX = 65536, /* bytes of one body event: whoever is full stops after it */
};

/* The final head. Views into the parser's buffer: valid until the parser is reset. */
struct http1_head {
    unsigned minor;          /* HTTP/1.minor */
    unsigned status;         /* 200..599 */
    struct headers fields;   /* names in lower case; as they came, framing fields included */
    bool has_length;         /* never of a 204 */
    uint64_t content_length; /* where has_length; of a HEAD or 304 answer too */
    bool keep_alive;         /* may the connection carry another request afterwards? */
};

/*
 * What an event returns: 0 to go on; HTTP1_STOP to have feed() return at once, the rest to be fed
 * again later; negative to stop the parser for good with that code.
 */
enum { HTTP1_STOP = 1 };

struct http1_events {
    /* Once, when the final head is complete. */
    int (*head)(void *arg, const struct http1_head *head);
    /* Decoded body bytes, at most HTTP1_PIECE_MAX; views of the input. */
    int (*body)(void *arg, struct span bytes);
};

struct http1_response;

/* to_head: the request was HEAD. The parser does not own arg. */
MUST_CHECK int http1_response_new(bool to_head, const struct http1_events *events, void *arg,
                                  struct http1_response **response_r);
void http1_response_free(struct http1_response **response);
/* The same parser for the next response of its connection. */
void http1_response_reset(struct http1_response *response, bool to_head);

/*
 * Takes bytes as they come. *used_r: how many were taken; what is left after the response is
 * complete belongs to nobody. ERR_FORMAT, ERR_LIMIT, -ENOMEM or what an event returned; sticky.
 */
MUST_CHECK int http1_response_feed(struct http1_response *response, struct span bytes,
                                   size_t *used_r);
/* The connection ended in order: 0 if that completes the response, ERR_SHORT if it breaks it off.
 */
MUST_CHECK int http1_response_eof(struct http1_response *response);
bool http1_response_complete(const struct http1_response *response);
/* Has any byte of it arrived? */
bool http1_response_begun(const struct http1_response *response);
/* What was wrong with it, for the log; NULL where nothing was. */
const char *http1_response_why(const struct http1_response *response);

#endif
