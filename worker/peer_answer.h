/* SPDX-License-Identifier: MIT */
/*
 * Answers to peer relays, M2, sealed responses and ERR frames: always with outer status 200, since
 * gateways replace the bodies of errors, and never to be stored or transformed on the way.
 */
#ifndef WORKER_PEER_ANSWER_H
#define WORKER_PEER_ANSWER_H

#include "common/errframe.h"
#include "worker/exchange.h"

/* Begins an answer at the door. length NULL: not known yet. */
MUST_CHECK int peer_answer_head(struct exchange *x, const char *content_type,
                                const uint64_t *length);

/* A whole answer, M2 or an ERR frame; the exchange is over. */
void peer_answer(struct exchange *x, const char *content_type, struct span body);

/* An ERR frame about what errframe_about_*() says of the body that came. */
void peer_answer_error(struct exchange *x, enum errframe_code code, const struct identity_psk *psk,
                       struct span about);

#endif
