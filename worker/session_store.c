/* SPDX-License-Identifier: MIT */
/*
 * What all workers must agree on, asked of this instance's shared memory, which answers at once.
 * Owns the cache of pairs whose keys are ready; each use asks the memory whether the pair is still
 * there, so a cached pair is never older than the truth.
 */
#include "worker/session_store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "worker/store_memory.h"

struct session_ref {
    size_t n_refs; /* the cache's own among them */
    struct session session;
    struct store_place place;
    struct pair_keys *keys;           /* owned */
    struct session_ref *next_in_slot; /* the same hash */
    struct session_ref *newer, *older;
};

struct session_store {
    struct store_memory memory;
    struct session_ref **slots; /* owned; 2^n of them */
    size_t n_slots;
    size_t n_cached, max_cached;
    struct session_ref *newest, *oldest;
};

int session_store_new(const struct session_store_config *config, struct session_store **store_r)
{
    struct session_store *store = calloc(1, sizeof(*store));
    int r;

    if (store == NULL)
        return -ENOMEM;
    store->max_cached = config->max_cached > 0 ? config->max_cached : 1;
    store->n_slots = 1;
    while (store->n_slots < store->max_cached)
        store->n_slots *= 2;
    store->slots = calloc(store->n_slots, sizeof(*store->slots));
    r = store->slots == NULL ? -ENOMEM
                             : store_memory_open(&store->memory, config->shm,
                                                 config->pairs_per_node, config->pairing_rate);
    if (r < 0) {
        free(store->slots);
        free(store);
        return r;
    }
    *store_r = store;
    return 0;
}

uint32_t session_store_n_pairs(const struct session_store *store)
{
    return store_memory_n_pairs(&store->memory);
}

/* ---- references ---- */

struct pair_keys *session_ref_keys(struct session_ref *ref)
{
    return ref->keys;
}

const struct session *session_ref_session(const struct session_ref *ref)
{
    return &ref->session;
}

struct session_ref *session_ref_get(struct session_ref *ref)
{
    ref->n_refs++;
    return ref;
}

void session_ref_put(struct session_ref **ref)
{
    struct session_ref *gone = *ref;

    *ref = NULL;
    if (gone == NULL || --gone->n_refs > 0)
        return;
    pair_keys_free(&gone->keys);
    secret_wipe(gone, sizeof(*gone));
    free(gone);
}

/* ---- the cache ---- */

/* A pair id's last bytes come out of HKDF. An unknown one is only looked for. */
static struct session_ref **slot_of(struct session_store *store, const uint8_t *id)
{
    uint32_t hash;

    memcpy(&hash, id + PAIR_ID_LEN - sizeof(hash), sizeof(hash));
    return &store->slots[hash & (store->n_slots - 1)];
}

static void link_newest(struct session_store *store, struct session_ref *ref)
{
    ref->newer = NULL;
    ref->older = store->newest;
    if (store->newest != NULL)
        store->newest->newer = ref;
    else
        store->oldest = ref;
    store->newest = ref;
}

static void unlink_age(struct session_store *store, struct session_ref *ref)
{
    *(ref->newer != NULL ? &ref->newer->older : &store->newest) = ref->older;
    *(ref->older != NULL ? &ref->older->newer : &store->oldest) = ref->newer;
}

static void uncache(struct session_store *store, struct session_ref *ref)
{
    struct session_ref **link = slot_of(store, ref->session.secret.id);

    while (*link != ref)
        link = &(*link)->next_in_slot;
    *link = ref->next_in_slot;
    unlink_age(store, ref);
    store->n_cached--;
    session_ref_put(&ref);
}

static void cache(struct session_store *store, struct session_ref *ref)
{
    struct session_ref **slot = slot_of(store, ref->session.secret.id);

    if (store->n_cached == store->max_cached)
        uncache(store, store->oldest);
    ref->next_in_slot = *slot;
    *slot = session_ref_get(ref);
    link_newest(store, ref);
    store->n_cached++;
}

static struct session_ref *find_cached(struct session_store *store, const uint8_t *id)
{
    struct session_ref *ref = *slot_of(store, id);

    while (ref != NULL && memcmp(ref->session.secret.id, id, PAIR_ID_LEN) != 0)
        ref = ref->next_in_slot;
    return ref;
}

void session_store_free(struct session_store **store)
{
    if (*store == NULL)
        return;
    while ((*store)->oldest != NULL) {
        assert((*store)->oldest->n_refs == 1);
        uncache(*store, (*store)->oldest);
    }
    free((*store)->slots);
    free(*store);
    *store = NULL;
}

void session_store_sweep(struct session_store *store)
{
    struct session_ref *newer;

    store_memory_sweep(&store->memory);
    for (struct session_ref *ref = store->oldest; ref != NULL; ref = newer) {
        newer = ref->newer;
        if (!store_memory_holds(&store->memory, &ref->place, &ref->session))
            uncache(store, ref);
    }
}

/* ---- questions ---- */

/* Memory answers at once: there is never anything under way. */
static void answer(struct store_wait *wait, int result)
{
    wait->store = NULL;
    wait->done(wait, result);
}

void store_wait_cancel(struct store_wait *wait)
{
    assert(wait->store == NULL);
}

int session_store_pairing_allowed(struct session_store *store, const uint8_t node[static NODE_LEN])
{
    return store_memory_pairing_allowed(&store->memory, node);
}

void session_store_nonce(struct session_store *store, const uint8_t nonce[static PAIRING_NONCE_LEN],
                         struct store_wait *wait)
{
    answer(wait, store_memory_nonce(&store->memory, nonce));
}

void session_store_put(struct session_store *store, const struct session *session,
                       struct store_wait *wait)
{
    answer(wait, store_memory_put(&store->memory, session));
}

/* A new reference to what the memory has, with its keys made. */
static int load(struct session_store *store, const uint8_t *id, struct session_ref **ref_r)
{
    struct session_ref *ref = calloc(1, sizeof(*ref));
    int r;

    if (ref == NULL)
        return ERR_BUSY;
    ref->n_refs = 1;
    r = store_memory_find(&store->memory, id, &ref->session, &ref->place);
    if (r == 0 && pair_keys_new(&ref->session.secret, &ref->keys) < 0)
        r = ERR_BUSY;
    if (r < 0) {
        session_ref_put(&ref);
        return r;
    }
    secret_wipe(&ref->session.secret.key, sizeof(ref->session.secret.key));
    *ref_r = ref;
    return 0;
}

static int find(struct session_store *store, const uint8_t *id, struct session_ref **ref_r)
{
    struct session_ref *ref = find_cached(store, id);
    int r;

    if (ref != NULL && store_memory_holds(&store->memory, &ref->place, &ref->session)) {
        unlink_age(store, ref);
        link_newest(store, ref);
        *ref_r = session_ref_get(ref);
        return 0;
    }
    if (ref != NULL)
        uncache(store, ref);
    r = load(store, id, ref_r);
    if (r == 0)
        cache(store, *ref_r);
    return r;
}

void session_store_get(struct session_store *store, const uint8_t id[static PAIR_ID_LEN],
                       struct session_ref **ref_r, struct store_wait *wait)
{
    *ref_r = NULL;
    answer(wait, find(store, id, ref_r));
}

void session_store_claim(struct session_store *store, struct session_ref *ref, uint64_t counter,
                         const struct envelope_again *again, struct store_wait *wait)
{
    answer(wait, store_memory_claim(&store->memory, &ref->place, &ref->session, counter, again));
}
