/* SPDX-License-Identifier: MIT */
/*
 * The relay that we talk to: one body posted, and an answer that is either what was asked for or an
 * ERR frame, which is believed only if it is authentic and about that body.
 */
#ifndef TOOLS_RELAYCAT_PEER_H
#define TOOLS_RELAYCAT_PEER_H

#include <stdio.h>

#include "common/errframe.h"
#include "tools/relaycat_http.h"
#include "tools/relaycat_outcome.h"

struct peer {
    const struct url *url;
    const struct identity *identity;
    int timeout_ms;
    FILE *trace; /* NULL = silent */
};

enum peer_endpoint { PEER_PAIR, PEER_RELAY };

struct peer_answer {
    struct http *http;       /* owned; its body is still to be read. NULL where there is none */
    enum errframe_code code; /* of OUTCOME_REFUSED */
};

/* OUTCOME_ANSWERED: the head of an answer of the endpoint's own type is there. Else it was told. */
MUST_CHECK enum outcome peer_post(const struct peer *peer, enum peer_endpoint endpoint,
                                  struct span body, struct peer_answer *answer_r);
void peer_answer_fini(struct peer_answer *answer);

/* Tells that reading an answer failed. */
enum outcome peer_broken(const struct http *http, int error);

#endif
