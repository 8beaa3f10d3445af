/* SPDX-License-Identifier: MIT */
/* One try at pairing: an M1 posted to a peer relay, and what to make of the answer. */
#ifndef WORKER_PAIRING_CALL_H
#define WORKER_PAIRING_CALL_H

#include "worker/peer.h"

struct pairing_verdict {
    enum peer_failure failure; /* PEER_OK: result is there */
    bool retry;                /* another try may well succeed */
    bool has_clock;            /* the peer's clock is known, by a verified refusal */
    uint64_t clock_ms;         /* its wall clock then */
    const char *detail;        /* a phrase for the log; valid during done() */
    const struct pairing_result *result;
    uint64_t asked_ms; /* when M1 was made, monotonic */
};

enum pairing_answer_type { PAIRING_ANSWER_OTHER, PAIRING_ANSWER_M2, PAIRING_ANSWER_ERROR };

/* Embedded, zeroed at birth. */
struct pairing_call {
    void (*done)(struct pairing_call *call, const struct pairing_verdict *verdict);
    const struct identity *identity;
    struct upstream_call *upstream; /* NULL when nothing is under way */
    struct pairing *pairing;        /* owned */
    uint64_t asked_ms;
    enum pairing_answer_type type;
    uint8_t bytes[PAIRING_M2_LEN]; /* of the answer */
    struct buffer answer;          /* over them */
};

/* What a failure of the outward client says about a peer; not UPSTREAM_OK. */
enum peer_failure pairing_call_failure(enum upstream_failure failure);

/*
 * Makes M1 and sends it; done() comes once, never from within. head, url and what the config points
 * to stay in place until then. -ENOMEM, ERR_CRYPTO: nothing was started.
 */
MUST_CHECK int pairing_call_start(struct pairing_call *call, const struct peers_config *config,
                                  const struct url *url, struct span head,
                                  const struct pairing_offer *offer);
/* No done() comes any more. Not from within done(). */
void pairing_call_cancel(struct pairing_call *call);

#endif
