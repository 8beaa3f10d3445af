/* SPDX-License-Identifier: MIT */
/*
 * The tables in the two regions of the shared memory:
 *
 *      SHM_PAIRS    | rates 64 KiB | servers 4 KiB | nonces 4 MiB, or half of the rest | pairs |
 *      SHM_CLAIMS   | pages |
 *
 * When a process died holding the lock, the next one empties both regions. It moves the generation
 * on first: so a generation that is unchanged after the last look, or the last bit set, says that
 * all of it was of the same life.
 */
#include "worker/store_memory.h"

#include "common/clock.h"
#include "worker/again.h"

enum {
    RATES_LEN = 65536,
    SERVERS_LEN = 4096,
    NONCES_LEN_MAX = 64 * 65536,
    SWEEP_CELLS = 4096,
};

int store_memory_open(struct store_memory *m, struct shm *shm, uint64_t pairs_per_node,
                      uint64_t pairing_rate)
{
    uint8_t *at = shm_at(shm, SHM_PAIRS);
    size_t len = shm_len(shm, SHM_PAIRS), nonces_len;
    int r;

    if (len < 2 * RATES_LEN)
        return ERR_LIMIT;
    m->shm = shm;
    r = pairing_rate_open(&m->rate, at, RATES_LEN, pairing_rate);
    at += RATES_LEN;
    if (r == 0)
        r = redis_sights_open(&m->servers, at, SERVERS_LEN);
    at += SERVERS_LEN;
    len -= RATES_LEN + SERVERS_LEN;
    nonces_len = len / 16 * 8;
    if (nonces_len > NONCES_LEN_MAX)
        nonces_len = NONCES_LEN_MAX;
    if (r == 0)
        r = nonce_table_open(&m->nonces, at, nonces_len);
    if (r == 0)
        r = session_table_open(&m->pairs, at + nonces_len, len - nonces_len, pairs_per_node);
    if (r == 0)
        r = claims_open(&m->claims, shm_at(shm, SHM_CLAIMS), shm_len(shm, SHM_CLAIMS));
    return r;
}

static bool same_life(const struct store_memory *m, uint64_t generation)
{
    atomic_thread_fence(memory_order_seq_cst);
    return shm_generation(m->shm) == generation;
}

/* What is BUSY below the lock is so because there is no room, or no leave. */
static int limited(int r)
{
    return r == ERR_BUSY ? ERR_FULL : r;
}

int store_memory_pairing_allowed(const struct store_memory *m, const uint8_t node[static NODE_LEN])
{
    int r = shm_lock(m->shm);

    if (r < 0)
        return ERR_BUSY;
    r = limited(pairing_rate_take(&m->rate, node, clock_mono_ms()));
    shm_unlock(m->shm);
    return r;
}

int store_memory_nonce(const struct store_memory *m, const uint8_t nonce[static PAIRING_NONCE_LEN])
{
    int r = shm_lock(m->shm);

    if (r < 0)
        return ERR_BUSY;
    r = limited(nonce_table_add(&m->nonces, nonce, clock_mono_ms()));
    shm_unlock(m->shm);
    return r;
}

int store_memory_put(const struct store_memory *m, const struct session *session)
{
    int r = shm_lock(m->shm);

    if (r < 0)
        return ERR_BUSY;
    r = limited(session_table_put(&m->pairs, session, clock_mono_ms()));
    shm_unlock(m->shm);
    return r;
}

int store_memory_find(const struct store_memory *m, const uint8_t id[static PAIR_ID_LEN],
                      struct session *session_r, struct store_place *place_r)
{
    uint64_t now_ms = clock_mono_ms();
    int r;

    place_r->generation = shm_generation(m->shm);
    r = session_table_find(&m->pairs, id, now_ms, session_r, &place_r->ref);
    if (r == ERR_BUSY && shm_lock(m->shm) == 0) {
        place_r->generation = shm_generation(m->shm);
        r = session_table_find(&m->pairs, id, now_ms, session_r, &place_r->ref);
        shm_unlock(m->shm);
    }
    if (r == 0 && !same_life(m, place_r->generation))
        r = ERR_UNKNOWN;
    return r;
}

int store_memory_peek(const struct store_memory *m, const uint8_t id[static PAIR_ID_LEN],
                      struct session *session_r)
{
    int r = session_table_peek(&m->pairs, id, session_r);

    if (r != ERR_BUSY)
        return r;
    if (shm_lock(m->shm) < 0)
        return ERR_BUSY;
    r = session_table_peek(&m->pairs, id, session_r);
    shm_unlock(m->shm);
    return r;
}

bool store_memory_holds(const struct store_memory *m, const struct store_place *place,
                        const struct session *session)
{
    return session_table_holds(&m->pairs, place->ref, session, clock_mono_ms()) &&
           same_life(m, place->generation);
}

void store_memory_drop(const struct store_memory *m, const struct store_place *place)
{
    if (shm_lock(m->shm) < 0)
        return; /* it ends by itself */
    if (same_life(m, place->generation))
        session_table_remove(&m->pairs, place->ref);
    shm_unlock(m->shm);
}

/* The first use of a pair is the moment from which it counts. */
static int note_use(const struct store_memory *m, const struct store_place *place)
{
    int r;

    if (session_table_use(&m->pairs, place->ref, clock_mono_ms()))
        return 0;
    if (shm_lock(m->shm) < 0)
        return ERR_BUSY;
    r = same_life(m, place->generation)
            ? limited(session_table_use_first(&m->pairs, place->ref, clock_mono_ms()))
            : ERR_UNKNOWN;
    shm_unlock(m->shm);
    return r;
}

int store_memory_use(const struct store_memory *m, const struct store_place *place,
                     const struct session *session)
{
    return store_memory_holds(m, place, session) ? note_use(m, place) : ERR_UNKNOWN;
}

static int claim_one(const struct store_memory *m, uint64_t generation,
                     const uint8_t pair_id[static PAIR_ID_LEN], uint64_t counter)
{
    uint64_t now_ms = clock_mono_ms();
    int r = claims_try(&m->claims, pair_id, counter, now_ms);

    if (r != ERR_UNKNOWN)
        return r;
    if (shm_lock(m->shm) < 0)
        return ERR_BUSY;
    r = same_life(m, generation) ? limited(claims_take(&m->claims, pair_id, counter, now_ms))
                                 : ERR_UNKNOWN;
    shm_unlock(m->shm);
    return r;
}

int store_memory_claim_again(const struct store_memory *m, uint64_t outage_ms,
                             const struct envelope_again *again)
{
    uint64_t generation = shm_generation(m->shm), began_ms;
    int r = claim_one(m, generation, again->pair_id, again->counter);

    began_ms = shm_began_ms(m->shm);
    if (began_ms < outage_ms)
        began_ms = outage_ms;
    if (r == 0 && (again_is_forgotten(again, began_ms) || !same_life(m, generation)))
        r = ERR_REPLAY;
    return r == ERR_UNKNOWN ? ERR_REPLAY : r; /* what was claimed has just been forgotten */
}

int store_memory_claim_own(const struct store_memory *m, const struct store_place *place,
                           const struct session *session, uint64_t counter)
{
    int r = claim_one(m, place->generation, session->secret.id, counter);

    /* Only now: bits may have been set in memory that was emptied just before. */
    return r == 0 && !store_memory_holds(m, place, session) ? ERR_UNKNOWN : r;
}

int store_memory_server_seen(const struct store_memory *m, const char *run_id, uint64_t *first_ms_r)
{
    if (shm_lock(m->shm) < 0)
        return ERR_BUSY;
    *first_ms_r = redis_sights_note(&m->servers, run_id, clock_mono_ms());
    shm_unlock(m->shm);
    return 0;
}

void store_memory_sweep(const struct store_memory *m)
{
    if (shm_lock(m->shm) < 0)
        return;
    session_table_sweep(&m->pairs, SWEEP_CELLS, clock_mono_ms());
    claims_sweep(&m->claims, SWEEP_CELLS, clock_mono_ms());
    shm_unlock(m->shm);
}

uint32_t store_memory_n_pairs(const struct store_memory *m)
{
    return shared_table_n_used(&m->pairs.pairs);
}
