/* SPDX-License-Identifier: MIT */
/* The line before a chunk, as requests and responses have it (RFC 9112 7.1). Pure. */
#ifndef WORKER_HTTP1_CHUNK_H
#define WORKER_HTTP1_CHUNK_H

#include "common/error.h"
#include "common/span.h"

enum { HTTP1_CHUNK_LINE_MAX = 512 /* bytes of a chunk size with its extensions */ };

/*
 * Reads a chunk size and judges its extensions; line is without its CR LF. ERR_FORMAT or, for a
 * size of too many digits, ERR_LIMIT, with what is wrong in *why_r.
 */
MUST_CHECK int http1_chunk_line(struct span line, uint64_t *size_r, const char **why_r);

#endif
