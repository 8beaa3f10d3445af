/* SPDX-License-Identifier: MIT */
/*
 * The way of one answer into libh2o: what is put in is joined and goes a moment later, never from
 * within these calls, so that the request and its memory never go from within them either.
 *
 *      put in ──▶ filling ──(nothing is on its way)──▶ sending ──▶ libh2o ──▶ proceed: room again
 */
#ifndef WORKER_DOOR_H
#define WORKER_DOOR_H

#include <h2o.h>

#include "common/buffer.h"
#include "worker/headers.h"

enum {
    DOOR_FULL = 65536, /* bytes waiting: whoever fills should pause */
    DOOR_ROOM = 32768, /* or fewer: he may go on */
};

struct door {
    h2o_generator_t generator; /* first: it is what libh2o gives back */
    h2o_timeout_entry_t soon;
    h2o_req_t *req;
    void (*room)(struct door *door); /* DOOR_ROOM is reached again */
    struct buffer filling, sending;
    uint64_t expected, n_taken; /* bytes of the body: as announced (UINT64_MAX: not), put in */
    uint64_t n_sent;            /* of these, given to libh2o */
    uint8_t last;               /* the last announced byte, held back until the end is certain */
    enum { DOOR_OPEN, DOOR_COMPLETE, DOOR_BROKEN } end;
    bool headed;    /* there is a head */
    bool bodiless;  /* and the answer has no body */
    bool started;   /* libh2o has the head */
    bool in_flight; /* libh2o has not asked for more yet */
};

/* Zeroed before. The door is for one answer to req. */
void door_init(struct door *door, h2o_req_t *req, void (*room)(struct door *door));
void door_fini(struct door *door);

/* All bytes are copied. Fields of framing and Date, which are libh2o's to write, stay out. */
MUST_CHECK int door_head(struct door *door, unsigned status, const struct headers *fields,
                         const uint64_t *content_length);
/* More or less than content_length: ERR_FORMAT. Where the answer has no body, data is dropped. */
MUST_CHECK int door_data(struct door *door, struct span bytes);
/*
 * The same without a copy, for an answer of unknown length that has a body: what waits, to be
 * written behind, then door_filled(). The head may come in between.
 */
struct buffer *door_buffer(struct door *door);
MUST_CHECK int door_filled(struct door *door);
MUST_CHECK int door_end(struct door *door);
/* Visibly, whatever the framing: RST_STREAM, a chunk that never comes, bytes that are missing, a
 * reset connection. What waits is dropped. */
void door_break(struct door *door);

bool door_is_full(const struct door *door);

#endif
