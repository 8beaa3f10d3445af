/* SPDX-License-Identifier: MIT */
/*
 * Look-ups under way, in a list, and what was not found, in a table where a later id takes the
 * place of an earlier one. A look-up that nobody waits for any more goes on: its answer is of use.
 */
#include "worker/session_lookup.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/metric.h"
#include "common/secret.h"

enum { N_UNKNOWN = 1024 };

struct unknown_pair {
    uint8_t id[PAIR_ID_LEN];
    uint64_t until_ms; /* monotonic */
};

struct session_lookup {
    struct session_lookups *all;
    struct session_lookup *next;
    struct store_redis_wait asked;
    struct pair_record record;
    uint8_t id[PAIR_ID_LEN];
    struct store_wait *waits, **last; /* in the order in which they came */
};

int session_lookups_init(struct session_lookups *lookups)
{
    lookups->unknown = calloc(N_UNKNOWN, sizeof(*lookups->unknown));
    return lookups->unknown != NULL ? 0 : -ENOMEM;
}

static void free_lookup(struct session_lookup *lookup)
{
    struct session_lookup **link = &lookup->all->first;

    while (*link != lookup)
        link = &(*link)->next;
    *link = lookup->next;
    lookup->all->n--;
    secret_wipe(&lookup->record, sizeof(lookup->record));
    free(lookup);
}

void session_lookups_fini(struct session_lookups *lookups)
{
    while (lookups->first != NULL) {
        store_redis_cancel(&lookups->first->asked);
        free_lookup(lookups->first);
    }
    free(lookups->unknown);
    lookups->unknown = NULL;
}

/* ---- what is not there ---- */

static struct unknown_pair *unknown_of(const struct session_lookups *lookups, const uint8_t *id)
{
    uint32_t hash;

    memcpy(&hash, id + PAIR_ID_LEN - sizeof(hash), sizeof(hash));
    return &lookups->unknown[hash % N_UNKNOWN];
}

static bool is_known_to_be_unknown(const struct session_lookups *lookups, const uint8_t *id)
{
    const struct unknown_pair *unknown = unknown_of(lookups, id);

    return clock_mono_ms() < unknown->until_ms && memcmp(unknown->id, id, PAIR_ID_LEN) == 0;
}

static void remember_unknown(const struct session_lookups *lookups, const uint8_t *id)
{
    struct unknown_pair *unknown = unknown_of(lookups, id);

    memcpy(unknown->id, id, PAIR_ID_LEN);
    unknown->until_ms = clock_mono_ms() + SESSION_UNKNOWN_MS;
}

/* ---- look-ups ---- */

static void on_got(struct store_redis_wait *asked, int result)
{
    struct session_lookup *lookup =
        (struct session_lookup *)(void *)((char *)asked - offsetof(struct session_lookup, asked));
    struct session_lookups *all = lookup->all;
    struct session_ref *ref = NULL;
    int r = result == 0 ? all->take(all->arg, &lookup->record, &ref) : result;

    if (r == ERR_UNKNOWN)
        remember_unknown(all, lookup->id);
    while (lookup->waits != NULL) {
        struct store_wait *wait = lookup->waits;

        session_lookup_leave(wait);
        if (r == 0)
            *wait->ref_r = session_ref_get(ref);
        wait->done(wait, r);
    }
    session_ref_put(&ref);
    free_lookup(lookup);
}

static struct session_lookup *find_lookup(const struct session_lookups *lookups, const uint8_t *id)
{
    struct session_lookup *lookup = lookups->first;

    while (lookup != NULL && memcmp(lookup->id, id, PAIR_ID_LEN) != 0)
        lookup = lookup->next;
    return lookup;
}

static struct session_lookup *new_lookup(struct session_lookups *lookups, const uint8_t *id)
{
    struct session_lookup *lookup = NULL;

    if (lookups->n < SESSION_LOOKUPS_MAX)
        lookup = calloc(1, sizeof(*lookup));
    else
        metric_add(lookups->metrics, metric_of(METRIC_limits, LIMIT_LOOKUPS, 0), 1);
    if (lookup == NULL)
        return NULL;
    memcpy(lookup->id, id, PAIR_ID_LEN);
    lookup->asked.done = on_got;
    lookup->last = &lookup->waits;
    lookup->all = lookups;
    lookup->next = lookups->first;
    lookups->first = lookup;
    lookups->n++;
    return lookup;
}

static void wait_for(struct session_lookup *lookup, struct store_wait *wait)
{
    wait->lookup = lookup;
    wait->next = NULL;
    *lookup->last = wait;
    lookup->last = &wait->next;
}

void session_lookups_ask(struct session_lookups *lookups, const uint8_t id[static PAIR_ID_LEN],
                         struct store_wait *wait)
{
    struct session_lookup *lookup = find_lookup(lookups, id);

    if (lookup != NULL) {
        wait_for(lookup, wait);
        return;
    }
    if (is_known_to_be_unknown(lookups, id)) {
        wait->done(wait, ERR_UNKNOWN);
        return;
    }
    lookup = new_lookup(lookups, id);
    if (lookup == NULL) {
        wait->done(wait, ERR_BUSY);
        return;
    }
    wait_for(lookup, wait);
    store_redis_get(lookups->redis, id, &lookup->record, &lookup->asked);
}

void session_lookup_leave(struct store_wait *wait)
{
    struct session_lookup *lookup = wait->lookup;
    struct store_wait **link = &lookup->waits;

    while (*link != wait)
        link = &(*link)->next;
    *link = wait->next;
    if (lookup->last == &wait->next)
        lookup->last = link;
    wait->lookup = NULL;
}
