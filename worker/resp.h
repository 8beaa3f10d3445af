/* SPDX-License-Identifier: MIT */
/*
 * What goes to Redis and what comes from it, as bytes: hiredis' formatter and reader, without its
 * I/O. The one place that knows hiredis.
 */
#ifndef WORKER_RESP_H
#define WORKER_RESP_H

#include "common/buffer.h"
#include "common/error.h"
#include "common/span.h"

enum {
    RESP_WORDS_MAX = 16,       /* of a command */
    RESP_ELEMENTS_MAX = 16384, /* of one array of a reply: CLUSTER SLOTS has one a slot at most */
    RESP_REPLY_MAX = 1024 * 1024, /* bytes of a reply */
};

/* Appends a command of n words (1..RESP_WORDS_MAX) to b, whose error tells of a failure. */
void resp_put_command(struct buffer *b, const struct span *words, size_t n);

enum resp_kind {
    RESP_NIL,
    RESP_STATUS,
    RESP_ERROR,
    RESP_INTEGER,
    RESP_BYTES,
    RESP_ARRAY,
    RESP_OTHER, /* of RESP3, which we never ask for */
};

/* A reply, or an element of one. Lives as long as the reply. */
struct resp_value;
/* NULL is RESP_NIL. */
enum resp_kind resp_kind(const struct resp_value *value);
/* Of STATUS, ERROR and BYTES; otherwise empty. */
struct span resp_text(const struct resp_value *value);
/* Of INTEGER; otherwise 0. */
int64_t resp_integer(const struct resp_value *value);
/* Elements of an ARRAY, and one of them; otherwise 0, NULL. */
size_t resp_n(const struct resp_value *value);
const struct resp_value *resp_at(const struct resp_value *value, size_t i);
void resp_value_free(struct resp_value **value);

struct resp_reader;
MUST_CHECK int resp_reader_new(struct resp_reader **reader_r);
void resp_reader_free(struct resp_reader **reader);
/*
 * What came next. ERR_FORMAT (it is no RESP), ERR_LIMIT, -ENOMEM: here or from resp_next(); then
 * the reader is of no more use.
 */
MUST_CHECK int resp_feed(struct resp_reader *reader, struct span bytes);
/* The next reply, the caller's; NULL when it is not complete yet. */
MUST_CHECK int resp_next(struct resp_reader *reader, struct resp_value **value_r);

#endif
