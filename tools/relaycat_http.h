/* SPDX-License-Identifier: MIT */
/*
 * As much of an HTTP/1.1 client as relaycat needs, strictly read: one POST a connection, blocking,
 * each wait bounded. An answer has a content-length or is chunked; anything else is ERR_FORMAT.
 */
#ifndef TOOLS_RELAYCAT_HTTP_H
#define TOOLS_RELAYCAT_HTTP_H

#include "common/error.h"
#include "common/url.h"

/* A connection, and the answer that comes over it. Heap. */
struct http;

/*
 * Tries the addresses of the host, each for timeout_ms, which then bounds every silence of the
 * other side. *why_r, valid until the next call, says in words why there is no connection.
 */
MUST_CHECK int http_open(const struct url *url, int timeout_ms, struct http **http_r,
                         const char **why_r);
/* The same over a connected socket, which is then the connection's, or closed. -ENOMEM. */
MUST_CHECK int http_adopt(int fd, int timeout_ms, struct http **http_r);
void http_close(struct http **http);

struct http_post {
    const struct url *url; /* to its path and this endpoint below it */
    const char *endpoint;
    const char *content_type;
    struct span body;
};
/* Leaves the rest unsent where an answer begins, or the connection ends, before all is. */
MUST_CHECK int http_post(struct http *http, const struct http_post *post);

struct http_head {
    unsigned status;          /* 200..599 */
    struct span content_type; /* without parameters; lives as long as the connection */
};
/*
 * These three: ERR_FORMAT (http_why() says what), ERR_LIMIT (a head without an end), ERR_TIMEOUT,
 * ERR_CLOSED, -errno.
 */
MUST_CHECK int http_read_head(struct http *http, struct http_head *head_r);
/* The next piece of the body, valid until the next call; empty at its end. */
MUST_CHECK int http_read_piece(struct http *http, struct span *piece_r);
/* All of a body; longer than to's limit is ERR_LIMIT. */
MUST_CHECK int http_read_body(struct http *http, struct buffer *to);

/* What was wrong with the answer, or what the code says. */
const char *http_why(const struct http *http, int error);

#endif
