/* SPDX-License-Identifier: MIT */
/*
 * What a process has to tell the others for operators: the master how its workers are, a worker
 * which peers it has. In shared memory; each place has one writer, nothing is ever waited for, and
 * a writer that is killed in the middle leaves a place that reads as empty, never one that is half
 * new.
 */
#ifndef COMMON_BOARD_H
#define COMMON_BOARD_H

#include "common/buffer.h"
#include "common/shm.h"

enum { BOARD_PEERS_MAX = 16, BOARD_URL_LEN = 256, BOARD_WORD_LEN = 16, BOARD_WHY_LEN = 80 };

/* Times are by clock_mono_ms(), texts end with a NUL. The master's. */
struct board_relay {
    uint64_t pid, started_ms;
    uint64_t generation, loaded_ms; /* of the newest settings; when they were loaded */
    uint64_t n_workers;             /* that these want */
    uint32_t serving;               /* all workers of the newest settings are up */
    uint32_t served;                /* since its start the relay has been ready once */
    uint32_t stopping;
    uint32_t unused;
    char store[BOARD_WORD_LEN]; /* of pairs: "memory", or "redis" and what is done without it */
};

/* One for each slot. The master's. */
struct board_worker {
    char state[BOARD_WORD_LEN]; /* "": the slot is empty */
    uint64_t pid;               /* 0: no process */
    uint64_t generation;
    uint64_t started_ms;
    uint64_t n_restarts; /* in this slot, of this generation */
};

struct board_peer {
    char url[BOARD_URL_LEN];
    char state[BOARD_WORD_LEN];
    char failure[BOARD_WHY_LEN]; /* of the last pairing, where it failed; else "" */
    uint64_t has_pair;
};

/* One for each slot. Its worker's, and the master's while there is none. */
struct board_peers {
    uint64_t n;                               /* that the worker knows */
    struct board_peer items[BOARD_PEERS_MAX]; /* of these, the most recently used */
};

size_t board_len(size_t n_slots);

void board_put_relay(const struct shm *shm, const struct board_relay *relay);
void board_put_worker(const struct shm *shm, size_t slot, const struct board_worker *worker);
void board_put_peers(const struct shm *shm, size_t slot, const struct board_peers *peers);

/* Zeroed where nothing was written yet, or its writer was killed while it wrote. */
void board_get_relay(const struct shm *shm, struct board_relay *relay_r);
void board_get_worker(const struct shm *shm, size_t slot, struct board_worker *worker_r);
void board_get_peers(const struct shm *shm, size_t slot, struct board_peers *peers_r);

/* Cut where it does not fit; the rest of to is zeroed. */
void board_copy_text(char *to, size_t len, const char *text);

#endif
