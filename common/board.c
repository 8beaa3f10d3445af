/* SPDX-License-Identifier: MIT */
/*
 * Places of words, each behind a number that is odd while they are written. A reader takes them
 * with what the number was before and after, a few times if need be. The words are atomic, so that
 * a reader in the middle of it all reads nonsense, which it drops, and nothing worse.
 *
 *      | number | words … |     each place begins on a cache line of its own
 */
#include "common/board.h"

#include <stdatomic.h>

enum {
    CACHE_LINE = 64,
    TRIES = 1000, /* a place is written in a microsecond, once a second at most */
};

struct place {
    _Atomic uint64_t turn;
    _Atomic uint64_t words[];
};

#define PLACE_LEN(type)                                                                            \
    ((sizeof(struct place) + sizeof(type) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE)
#define WHOLE_WORDS(type) _Static_assert(sizeof(type) % sizeof(uint64_t) == 0, "words have no rest")

WHOLE_WORDS(struct board_relay);
WHOLE_WORDS(struct board_worker);
WHOLE_WORDS(struct board_peers);

enum {
    RELAY_LEN = PLACE_LEN(struct board_relay),
    WORKER_LEN = PLACE_LEN(struct board_worker),
    PEERS_LEN = PLACE_LEN(struct board_peers),
    SLOT_LEN = WORKER_LEN + PEERS_LEN,
};

static struct place *relay_place(const struct shm *shm)
{
    return shm_at(shm, SHM_BOARD);
}

static struct place *worker_place(const struct shm *shm, size_t slot)
{
    return (void *)((uint8_t *)shm_at(shm, SHM_BOARD) + RELAY_LEN + slot * SLOT_LEN);
}

static struct place *peers_place(const struct shm *shm, size_t slot)
{
    return (void *)((uint8_t *)worker_place(shm, slot) + WORKER_LEN);
}

/* An odd number that was left by a writer who was killed stays odd until all is written. */
static void put(struct place *place, const void *from, size_t len)
{
    uint64_t turn = atomic_load_explicit(&place->turn, memory_order_relaxed) | 1, word;

    atomic_store_explicit(&place->turn, turn, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i < len / sizeof(word); i++) {
        memcpy(&word, (const uint8_t *)from + i * sizeof(word), sizeof(word));
        atomic_store_explicit(&place->words[i], word, memory_order_relaxed);
    }
    atomic_store_explicit(&place->turn, turn + 1, memory_order_release);
}

static bool try_get(const struct place *place, void *to, size_t len)
{
    uint64_t turn = atomic_load_explicit(&place->turn, memory_order_acquire), word;

    if (turn % 2 != 0)
        return false;
    for (size_t i = 0; i < len / sizeof(word); i++) {
        word = atomic_load_explicit(&place->words[i], memory_order_relaxed);
        memcpy((uint8_t *)to + i * sizeof(word), &word, sizeof(word));
    }
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&place->turn, memory_order_relaxed) == turn;
}

static void get(const struct place *place, void *to, size_t len)
{
    for (int i = 0; i < TRIES; i++) {
        if (try_get(place, to, len))
            return;
    }
    memset(to, 0, len);
}

size_t board_len(size_t n_slots)
{
    return RELAY_LEN + n_slots * SLOT_LEN;
}

void board_put_relay(const struct shm *shm, const struct board_relay *relay)
{
    put(relay_place(shm), relay, sizeof(*relay));
}

void board_put_worker(const struct shm *shm, size_t slot, const struct board_worker *worker)
{
    put(worker_place(shm, slot), worker, sizeof(*worker));
}

void board_put_peers(const struct shm *shm, size_t slot, const struct board_peers *peers)
{
    put(peers_place(shm, slot), peers, sizeof(*peers));
}

void board_get_relay(const struct shm *shm, struct board_relay *relay_r)
{
    get(relay_place(shm), relay_r, sizeof(*relay_r));
    relay_r->store[BOARD_WORD_LEN - 1] = 0;
}

void board_get_worker(const struct shm *shm, size_t slot, struct board_worker *worker_r)
{
    get(worker_place(shm, slot), worker_r, sizeof(*worker_r));
    worker_r->state[BOARD_WORD_LEN - 1] = 0;
}

/* A worker that went mad may have written anything: what is read has ends all the same. */
void board_get_peers(const struct shm *shm, size_t slot, struct board_peers *peers_r)
{
    get(peers_place(shm, slot), peers_r, sizeof(*peers_r));
    for (size_t i = 0; i < BOARD_PEERS_MAX; i++) {
        struct board_peer *peer = &peers_r->items[i];

        peer->url[BOARD_URL_LEN - 1] = 0;
        peer->state[BOARD_WORD_LEN - 1] = 0;
        peer->failure[BOARD_WHY_LEN - 1] = 0;
    }
}

void board_copy_text(char *to, size_t len, const char *text)
{
    size_t n = strnlen(text, len - 1);

    memcpy(to, text, n);
    memset(to + n, 0, len - n);
}
