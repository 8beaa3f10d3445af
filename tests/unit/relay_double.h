/* SPDX-License-Identifier: MIT */
/*
 * A relay for one who talks to relays: a child process that answers pairings and echoes requests,
 * out of common/ alone, honestly or with one misdeed.
 */
#ifndef TESTS_UNIT_RELAY_DOUBLE_H
#define TESTS_UNIT_RELAY_DOUBLE_H

#include <sys/types.h>

#include "common/errframe.h"

enum misdeed {
    HONEST,
    /* pairing */
    PAIR_M2_FLIPPED,
    PAIR_M2_SHORT,
    PAIR_WITH_OTHER_SECRET,
    /* the answer to a message */
    ANSWER_FLIPPED,     /* a bit of its last byte */
    ANSWER_WITHOUT_END, /* well framed by HTTP, and not whole */
    ANSWER_CUT,         /* the connection ends before its last byte */
    ANSWER_OF_ANOTHER,  /* sealed for a request with another salt */
    ANSWER_AND_MORE,    /* bytes after END */
    ANSWER_TOO_SHORT,   /* its content-length says one more than its DATA has */
    ANSWER_BY_M2,       /* an answer to the other question */
    REFUSAL_FORGED,
    REFUSAL_OF_ANOTHER, /* authentic, and about other bytes */
    /* HTTP */
    HTTP_502,
    HTTP_HTML,
    HTTP_TWO_LENGTHS,
    HTTP_LENGTH_AND_CHUNKED,
    HTTP_NO_FRAMING,
    HTTP_BARE_LF,
    HTTP_FOLDED,
    HTTP_BAD_CHUNK,
    HTTP_LONG_CHUNK,
    HTTP_NO_LAST_CHUNK,
    HTTP_BYTES_AFTER,
    HTTP_ENDLESS_HEAD,
    HTTP_SILENT,
    HTTP_CLOSED,
    HTTP_EARLY_413, /* before the body was read */
};

struct relay_script {
    enum misdeed misdeed;
    enum errframe_code refuse_pair, refuse_message; /* 0 = no */
    size_t chunk;                                   /* bytes of a chunk; 0 = content-length */
    bool pads;                                      /* PAD frames before HEAD and after it */
};

struct relay_double {
    pid_t pid;
    uint16_t port; /* of 127.0.0.1 */
};

/*
 * To a request for /bytes/N it answers N bytes, to one for /status/N that status, else it echoes
 * the body; always with the fields of the request, and x-saw: METHOD AUTHORITY PATH COUNTER.
 */
void relay_double_start(const struct relay_script *script, struct relay_double *double_r);
void relay_double_stop(struct relay_double *relay);

#endif
