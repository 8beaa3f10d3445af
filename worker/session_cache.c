/* SPDX-License-Identifier: MIT */
/* A hash table of references, and the order in which they were used. Owns one of each. */
#include "worker/session_cache.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int session_cache_init(struct session_cache *cache, size_t max_cached)
{
    cache->max_cached = max_cached > 0 ? max_cached : 1;
    cache->n_slots = 1;
    while (cache->n_slots < cache->max_cached)
        cache->n_slots *= 2;
    cache->slots = calloc(cache->n_slots, sizeof(*cache->slots));
    return cache->slots != NULL ? 0 : -ENOMEM;
}

void session_cache_fini(struct session_cache *cache)
{
    while (cache->oldest != NULL) {
        assert(cache->oldest->n_refs == 1);
        session_cache_remove(cache, cache->oldest);
    }
    free(cache->slots);
    cache->slots = NULL;
}

/* A pair id's last bytes come out of HKDF. An unknown one is only looked for. */
static struct session_ref **slot_of(const struct session_cache *cache, const uint8_t *id)
{
    uint32_t hash;

    memcpy(&hash, id + PAIR_ID_LEN - sizeof(hash), sizeof(hash));
    return &cache->slots[hash & (cache->n_slots - 1)];
}

static void link_newest(struct session_cache *cache, struct session_ref *ref)
{
    ref->newer = NULL;
    ref->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = ref;
    cache->newest = ref;
}

static void unlink_age(struct session_cache *cache, struct session_ref *ref)
{
    *(ref->newer != NULL ? &ref->newer->older : &cache->newest) = ref->older;
    *(ref->older != NULL ? &ref->older->newer : &cache->oldest) = ref->newer;
}

struct session_ref *session_cache_find(const struct session_cache *cache,
                                       const uint8_t id[static PAIR_ID_LEN])
{
    struct session_ref *ref = *slot_of(cache, id);

    while (ref != NULL && memcmp(ref->session.secret.id, id, PAIR_ID_LEN) != 0)
        ref = ref->next_in_slot;
    return ref;
}

void session_cache_add(struct session_cache *cache, struct session_ref *ref)
{
    struct session_ref **slot = slot_of(cache, ref->session.secret.id);

    if (cache->n_cached == cache->max_cached)
        session_cache_remove(cache, cache->oldest);
    ref->next_in_slot = *slot;
    *slot = session_ref_get(ref);
    link_newest(cache, ref);
    cache->n_cached++;
}

void session_cache_note_use(struct session_cache *cache, struct session_ref *ref)
{
    unlink_age(cache, ref);
    link_newest(cache, ref);
}

void session_cache_remove(struct session_cache *cache, struct session_ref *ref)
{
    struct session_ref **link = slot_of(cache, ref->session.secret.id);

    while (*link != NULL && *link != ref)
        link = &(*link)->next_in_slot;
    if (*link == NULL)
        return;
    *link = ref->next_in_slot;
    unlink_age(cache, ref);
    cache->n_cached--;
    session_ref_put(&ref);
}
