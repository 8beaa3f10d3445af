/* SPDX-License-Identifier: MIT */
/* Redis Cluster: which slot a key is in, which primary serves a slot, where a redirection points.
 */
#ifndef WORKER_REDIS_SLOTS_H
#define WORKER_REDIS_SLOTS_H

#include "common/url.h"
#include "worker/resp.h"

enum { REDIS_SLOTS = 16384, REDIS_NODES_MAX = 256 };

struct redis_node {
    char host[URL_HOST_MAX + 1]; /* a name or an address */
    uint16_t port;
};

struct redis_slots {
    size_t n_nodes; /* primaries */
    struct redis_node nodes[REDIS_NODES_MAX];
    size_t n_served;                 /* slots that somebody serves */
    uint16_t served_by[REDIS_SLOTS]; /* 1 + index of a node, or 0 */
};

/* CRC16 (XMODEM) of the key or its {tag}, modulo 16384. */
uint16_t redis_slot_of(struct span key);

/*
 * Reads a reply to CLUSTER SLOTS; own_host stands for a host that the server leaves empty.
 * ERR_FORMAT, ERR_LIMIT (too many primaries); *slots_r is then of no use.
 */
MUST_CHECK int redis_slots_read(const struct resp_value *reply, const char *own_host,
                                struct redis_slots *slots_r);
/* Who serves the slot, or NULL. */
const struct redis_node *redis_slots_find(const struct redis_slots *slots, uint16_t slot);
/* A slot has moved to the node. ERR_LIMIT. */
MUST_CHECK int redis_slots_move(struct redis_slots *slots, uint16_t slot,
                                const struct redis_node *node);
bool redis_node_equal(const struct redis_node *a, const struct redis_node *b);

struct redis_redirection {
    bool ask; /* for this command only, behind ASKING; else the slot has MOVED */
    uint16_t slot;
    struct redis_node node;
};
/* Is the error reply a redirection? own_host as above. */
bool redis_redirection_read(struct span error, const char *own_host,
                            struct redis_redirection *to_r);

#endif
