/* SPDX-License-Identifier: MIT */
/* A peer as its two halves see it: peers.c keeps the list of them, peer.c lives their lives. */
#ifndef WORKER_PEER_INTERNAL_H
#define WORKER_PEER_INTERNAL_H

#include "common/metric.h"
#include "worker/pairing_call.h"
#include "worker/peer.h"
#include "worker/peer_outage.h"
#include "worker/timer.h"

enum { PEER_URL_MAX = 2048 };

enum peer_state {
#define PEER_ROW(state, ...) state,
#include "worker/peer_table.h"
#undef PEER_ROW
};

struct peer {
    struct peers *peers;
    struct peer *next, **pprev; /* the most recently asked for comes first */
    size_t n_refs;
    char url_text[PEER_URL_MAX + 1]; /* canonical: the key, and what url views */
    struct url url;
    struct buffer head; /* of the POST of an M1 */

    enum peer_state state;
    struct peer_pair *pair; /* current; NULL without one */
    struct pairing_call call;
    struct timer due, over;
    struct peer_wait *waiting, **waiting_end;
    size_t n_waiting;

    unsigned n_retries;        /* of this series */
    unsigned n_series;         /* in vain, one after the other */
    enum peer_failure failure; /* of the last try */
    struct peer_outage outage;
    uint64_t not_before_ms;      /* no pairing before */
    uint64_t told_not_shared_ms; /* said that the peer's instances do not share pairs */

    int64_t skew_ms;
    bool keeps_skew; /* the next CLOCK does not change it */
    bool knows_node;
    uint8_t node[NODE_LEN]; /* behind the URL when last paired */
    uint8_t client_token[CLIENT_TOKEN_LEN];
};

struct peers {
    struct peers_config config;
    struct peer *first;
    size_t n;
};

static inline void peer_count(const struct peer *peer, enum metric metric, int64_t n)
{
    if (peer->peers->config.metrics != NULL)
        metric_add(peer->peers->config.metrics, metric, n);
}

/* A phrase; "" where there was none. */
const char *peer_failure_text(enum peer_failure failure);
/* Its pair, by hand: those who sealed under it go on. */
void peer_forget(struct peer *peer);
/* Takes the pair, or NULL, in place of the one before. */
void peer_set_pair(struct peer *peer, struct peer_pair *pair);

#endif
