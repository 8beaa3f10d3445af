/* SPDX-License-Identifier: MIT */
/*
 * What all workers must agree on, asked of this instance's shared memory, which answers at once,
 * and with REDIS_URL of Redis, which decides then: the memory is a near cache of its pairs. Owns
 * the cache of pairs whose keys are ready, and the client of Redis. Each use asks the memory
 * whether the pair is still there, so a cached pair is never older than the truth.
 */
#include "worker/session_store.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/secret.h"
#include "common/steady.h"
#include "worker/session_store_internal.h"

/* ---- questions to Redis ---- */

struct store_op *store_op_new(struct session_store *store, struct store_wait *wait)
{
    struct store_op *op = calloc(1, sizeof(*op));

    if (op == NULL) {
        wait->done(wait, ERR_BUSY);
        return NULL;
    }
    op->store = store;
    op->wait = wait;
    wait->op = op;
    return op;
}

void store_op_free(struct store_op **op)
{
    struct store_op *gone = *op;

    *op = NULL;
    session_ref_put(&gone->ref);
    secret_wipe(&gone->session, sizeof(gone->session));
    free(gone);
}

void store_op_finish(struct store_op *op, int result)
{
    struct store_wait *wait = op->wait;

    store_op_free(&wait->op);
    wait->done(wait, result);
}

struct store_op *store_op_of(struct store_redis_wait *asked)
{
    return (struct store_op *)(void *)((char *)asked - offsetof(struct store_op, asked));
}

void store_wait_cancel(struct store_wait *wait)
{
    if (wait->lookup != NULL)
        session_lookup_leave(wait);
    if (wait->op == NULL)
        return;
    store_redis_cancel(&wait->op->asked);
    store_op_free(&wait->op);
}

int session_store_limited(struct session_store *store, int result, enum limit limit)
{
    if (result != ERR_FULL)
        return result;
    metric_add(store->metrics, metric_of(METRIC_limits, limit, 0), 1);
    return ERR_BUSY;
}

/* ---- who decides ---- */

/* Of Redis, monotonic ms since when; 0: there is none. */
static uint64_t outage_ms(const struct session_store *store)
{
    return store->client != NULL ? redis_watch_outage(&store->watch) : 0;
}

bool session_store_asks_redis(const struct session_store *store)
{
    return store->client != NULL && outage_ms(store) == 0;
}

/* Then nobody does, and the answer is BUSY. */
static bool is_out_of_order(const struct session_store *store)
{
    return store->strict && outage_ms(store) != 0;
}

/* ---- pairings ---- */

int session_store_pairing_allowed(struct session_store *store, const uint8_t node[static NODE_LEN])
{
    return session_store_limited(store, store_memory_pairing_allowed(&store->memory, node),
                                 LIMIT_PAIRING_RATE);
}

static void on_nonce(struct store_redis_wait *asked, int result)
{
    store_op_finish(store_op_of(asked), result);
}

static int note_nonce(struct session_store *store, const uint8_t *nonce)
{
    if (is_out_of_order(store))
        return ERR_BUSY;
    return session_store_limited(store, store_memory_nonce(&store->memory, nonce), LIMIT_NONCES);
}

void session_store_nonce(struct session_store *store, const uint8_t nonce[static PAIRING_NONCE_LEN],
                         struct store_wait *wait)
{
    struct store_op *op;

    if (!session_store_asks_redis(store)) {
        wait->done(wait, note_nonce(store, nonce));
        return;
    }
    op = store_op_new(store, wait);
    if (op == NULL)
        return;
    op->asked.done = on_nonce;
    store_redis_nonce(&store->redis, nonce, &op->asked);
}

static int keep(struct session_store *store, const struct session *session)
{
    return session_store_limited(store, store_memory_put(&store->memory, session), LIMIT_PAIRS);
}

/* It is where every instance finds it; this one should not have to look. */
static void on_put(struct store_redis_wait *asked, int result)
{
    struct store_op *op = store_op_of(asked);
    int r = result;

    if (r == 0) {
        memcpy(op->session.run_id, asked->run_id, sizeof(op->session.run_id));
        r = keep(op->store, &op->session);
    }
    store_op_finish(op, r);
}

static void put_in_redis(struct session_store *store, const struct session *session,
                         struct store_wait *wait)
{
    struct store_op *op = store_op_new(store, wait);
    struct pair_record record = { .secret = session->secret };
    uint64_t now_ms = clock_wall_ms();

    if (op != NULL) {
        record.created_s = now_ms / 1000;
        record.expires_s = (now_ms + session->expires_mono_ms - session->created_mono_ms) / 1000;
        memcpy(record.client_id, session->client_id, CLIENT_ID_LEN);
        memcpy(record.node, session->node, NODE_LEN);
        op->session = *session;
        op->session.arbiter = ARBITER_REDIS;
        op->session.expires_s = record.expires_s;
        op->asked.done = on_put;
        store_redis_put(&store->redis, &record, &op->asked);
    }
    secret_wipe(&record, sizeof(record));
}

/* It ends with the outage, if there is one. */
static int put_in_memory(struct session_store *store, const struct session *session)
{
    struct session own = *session;
    int r;

    own.arbiter = ARBITER_MEMORY;
    own.outage_ms = outage_ms(store);
    r = keep(store, &own);
    secret_wipe(&own, sizeof(own));
    return r;
}

void session_store_put(struct session_store *store, const struct session *session,
                       struct store_wait *wait)
{
    if (session_store_asks_redis(store))
        put_in_redis(store, session, wait);
    else
        wait->done(wait, is_out_of_order(store) ? ERR_BUSY : put_in_memory(store, session));
}

/* ---- pairs ---- */

/* A pair of Redis as long as that is asked, one of an outage as long as that lasts. */
static bool is_served(const struct session_store *store, const struct session *session)
{
    return session->arbiter == ARBITER_REDIS ? session_store_asks_redis(store)
                                             : session->outage_ms == outage_ms(store);
}

/* A new reference to what the memory has, with its keys made. */
static int load(struct session_store *store, const uint8_t *id, struct session_ref **ref_r)
{
    struct session session;
    struct store_place place;
    int r = store_memory_find(&store->memory, id, &session, &place);

    if (r == 0 && !is_served(store, &session))
        r = ERR_UNKNOWN;
    if (r == 0 && session_ref_new(&session, &place, ref_r) < 0)
        r = ERR_BUSY;
    secret_wipe(&session, sizeof(session));
    return r;
}

static int find(struct session_store *store, const uint8_t *id, struct session_ref **ref_r)
{
    struct session_ref *ref = session_cache_find(&store->cache, id);
    int r;

    if (ref != NULL && store_memory_holds(&store->memory, &ref->place, &ref->session)) {
        if (!is_served(store, &ref->session))
            return ERR_UNKNOWN;
        session_cache_note_use(&store->cache, ref);
        *ref_r = session_ref_get(ref);
        return 0;
    }
    if (ref != NULL)
        session_cache_remove(&store->cache, ref);
    r = load(store, id, ref_r);
    if (r == 0)
        session_cache_add(&store->cache, *ref_r);
    return r;
}

/* An instance that read a pair goes by the time at which its record says that it ends. */
static int take_record(void *arg, const struct pair_record *record, struct session_ref **ref_r)
{
    struct session_store *store = arg;
    uint64_t now_ms = clock_mono_ms(), wall_ms = clock_wall_ms();
    struct session session = { .secret = record->secret,
                               .created_mono_ms = now_ms,
                               .arbiter = ARBITER_REDIS,
                               .expires_s = record->expires_s };
    int r = ERR_UNKNOWN;

    if (record->expires_s > wall_ms / 1000) {
        session.expires_mono_ms = now_ms + (record->expires_s - wall_ms / 1000) * 1000;
        memcpy(session.node, record->node, NODE_LEN);
        memcpy(session.client_id, record->client_id, CLIENT_ID_LEN);
        memcpy(session.run_id, record->run_id, sizeof(session.run_id));
        r = keep(store, &session);
        if (r == 0)
            r = find(store, session.secret.id, ref_r);
    }
    secret_wipe(&session, sizeof(session));
    return r;
}

void session_store_get(struct session_store *store, const uint8_t id[static PAIR_ID_LEN],
                       struct session_ref **ref_r, struct store_wait *wait)
{
    int r;

    *ref_r = NULL;
    r = is_out_of_order(store) ? ERR_BUSY : find(store, id, ref_r);
    wait->ref_r = ref_r;
    if (r == ERR_UNKNOWN && session_store_asks_redis(store))
        session_lookups_ask(&store->lookups, id, wait);
    else
        wait->done(wait, r);
}

/* ---- claims ---- */

void session_store_claim(struct session_store *store, struct session_ref *ref, uint64_t counter,
                         const struct envelope_again *again, struct store_wait *wait)
{
    int r;

    if (ref->session.arbiter == ARBITER_REDIS || again != NULL) {
        session_claim_begin(store, ref, counter, again, wait);
        return;
    }
    r = session_claim_use(store, ref);
    wait->done(wait, r == 0 ? session_claim_in_memory(store, ref, counter) : r);
}

/* ---- the whole ---- */

/*
 * What was executed in an outage Redis does not know: it remembers only from the time on at which
 * that will be over.
 */
static void on_changed(void *arg, bool up)
{
    struct session_store *store = arg;

    if (up && !store->strict && store->watch.is_away)
        store_redis_begin_anew(&store->redis, steady_ms() + store->watch.back_after_ms);
    redis_watch_changed(&store->watch, up);
}

/* Whose memory begins now, as far as this instance knows. */
static void on_met(void *arg, const char *run_id)
{
    struct session_store *store = arg;
    uint64_t first_ms;

    store_redis_mark(&store->redis);
    if (store_memory_server_seen(&store->memory, run_id, &first_ms) < 0)
        return; /* the first AGAIN that asks notes it */
}

static int open_redis(struct session_store *store, const struct session_store_config *config)
{
    struct redis_config redis = *config->redis;
    int r;

    store->strict = config->strict;
    store->watch = (struct redis_watch){
        .timers = redis.timers,
        .shm = config->shm,
        .metrics = config->metrics,
        .away_after_ms = config->away_after_ms,
        .back_after_ms = 2 * config->away_after_ms,
        .away_means = config->strict
                          ? "nothing that is sealed is executed until it is back (REDIS_FAILURE)"
                          : "until it is back this instance serves only pairs that it makes now, "
                            "and other instances do not know them (REDIS_FAILURE)",
    };

    redis.changed = on_changed;
    redis.met = on_met;
    redis.arg = store;
    redis.metrics = config->metrics;
    store->lookups = (struct session_lookups){
        .redis = &store->redis, .metrics = config->metrics, .take = take_record, .arg = store
    };
    r = session_lookups_init(&store->lookups);
    if (r == 0)
        r = redis_new(&redis, &store->client);
    store->redis.redis = store->client;
    store->redis.identity = config->identity;
    if (r == 0)
        redis_watch_start(&store->watch);
    return r;
}

int session_store_new(const struct session_store_config *config, struct session_store **store_r)
{
    struct session_store *store = calloc(1, sizeof(*store));
    int r;

    if (store == NULL)
        return -ENOMEM;
    store->metrics = config->metrics;
    r = session_cache_init(&store->cache, config->max_cached);
    if (r == 0)
        r = store_memory_open(&store->memory, config->shm, config->pairs_per_node,
                              config->pairing_rate);
    if (r == 0 && config->redis != NULL)
        r = open_redis(store, config);
    if (r < 0)
        session_store_free(&store);
    else
        *store_r = store;
    return r;
}

void session_store_free(struct session_store **store)
{
    struct session_store *gone = *store;

    *store = NULL;
    if (gone == NULL)
        return;
    if (gone->client != NULL)
        redis_watch_stop(&gone->watch);
    session_lookups_fini(&gone->lookups);
    redis_free(&gone->client);
    session_cache_fini(&gone->cache);
    free(gone);
}

uint32_t session_store_n_pairs(const struct session_store *store)
{
    return store_memory_n_pairs(&store->memory);
}

void session_store_sweep(struct session_store *store)
{
    struct session_ref *newer;

    store_memory_sweep(&store->memory);
    for (struct session_ref *ref = store->cache.oldest; ref != NULL; ref = newer) {
        newer = ref->newer;
        if (!store_memory_holds(&store->memory, &ref->place, &ref->session))
            session_cache_remove(&store->cache, ref);
    }
    if (store->client == NULL)
        return;
    if (redis_is_up(store->client) && outage_ms(store) != 0 && !store->strict)
        store_redis_begin_anew(&store->redis, steady_ms());
    else if (redis_is_up(store->client))
        store_redis_mark(&store->redis);
    redis_watch_check(&store->watch);
}
