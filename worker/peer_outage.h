/* SPDX-License-Identifier: MIT */
/*
 * What the log says of a peer that cannot be used: one line when that begins, one when it is over,
 * however many requests fail between. Also the requests that a living pair would let go out count,
 * not only pairings. By monotonic time.
 */
#ifndef WORKER_PEER_OUTAGE_H
#define WORKER_PEER_OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    /* Over is what did not fail for so long: a peer that leaves still answers here and there. */
    PEER_OUTAGE_CALM_MS = 1000,
};

/* Embedded, all zero at birth. */
struct peer_outage {
    uint64_t since_ms; /* 0: there is none */
    uint64_t n_failed; /* requests, since then */
    uint64_t last_ms;  /* when a call failed for it; 0: none did */
    uint64_t good_ms;  /* the first success after that; 0: none yet */
    bool pairing;      /* the last pairing failed */
};

/* why, detail: phrases for the log, as is the peer's name. */
void peer_outage_pairing_failed(struct peer_outage *outage, const char *peer, const char *why,
                                const char *detail);
void peer_outage_pairing_made(struct peer_outage *outage, const char *peer);
/* A request could not be brought to it at all. */
void peer_outage_call_failed(struct peer_outage *outage, const char *peer, const char *why,
                             const char *detail);
/* A request failed on its way, or waited for a pair in vain: it counts where there is an outage. */
void peer_outage_count(struct peer_outage *outage);
/* It gave a verified answer. */
void peer_outage_answered(struct peer_outage *outage, const char *peer);

#endif
