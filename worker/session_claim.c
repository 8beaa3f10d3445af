/* SPDX-License-Identifier: MIT */
/*
 * A claim in which Redis has a say: AGAIN's first, with the arbiter of its own pair where that is
 * known, then the message's own. Each step is asked when the one before it was answered: an AGAIN
 * that may have been forgotten shows only after its bit is set.
 */
#include "worker/again.h"
#include "worker/session_store_internal.h"

int session_claim_use(struct session_store *store, const struct session_ref *ref)
{
    return session_store_limited(
        store, store_memory_use(&store->memory, &ref->place, &ref->session), LIMIT_NODE_PAIRS);
}

int session_claim_in_memory(struct session_store *store, const struct session_ref *ref,
                            uint64_t counter)
{
    return session_store_limited(
        store, store_memory_claim_own(&store->memory, &ref->place, &ref->session, counter),
        LIMIT_CLAIMS);
}

/* ---- the message's own ---- */

static void on_own(struct store_redis_wait *asked, int result)
{
    struct store_op *op = store_op_of(asked);
    struct session_store *store = op->store;

    if (result == ERR_UNKNOWN) { /* Redis has the last word */
        session_cache_remove(&store->cache, op->ref);
        store_memory_drop(&store->memory, &op->ref->place);
    }
    store_op_finish(op, result);
}

static void claim_own(struct store_op *op)
{
    const struct session *session = &op->ref->session;
    struct pair_record pair = { .expires_s = session->expires_s };

    if (session->arbiter == ARBITER_MEMORY) {
        store_op_finish(op, session_claim_in_memory(op->store, op->ref, op->counter));
        return;
    }
    memcpy(pair.secret.id, session->secret.id, PAIR_ID_LEN);
    memcpy(pair.run_id, session->run_id, sizeof(pair.run_id));
    op->asked.done = on_own;
    store_redis_claim(&op->store->redis, &pair, op->counter, &op->asked);
}

/* ---- AGAIN ---- */

static void on_since(struct store_redis_wait *asked, int result)
{
    struct store_op *op = store_op_of(asked);

    if (result == ERR_UNKNOWN)
        store_redis_mark(&op->store->redis);
    if (result == 0 && !again_is_before(&op->again, asked->since_ms))
        claim_own(op);
    else
        store_op_finish(op, result == ERR_BUSY ? ERR_BUSY : ERR_REPLAY);
}

/* Its bit was not set before: does its arbiter remember as long as that? */
static void on_again(struct store_redis_wait *asked, int result)
{
    struct store_op *op = store_op_of(asked);
    uint64_t first_ms;
    int r = result;

    if (r == 0)
        r = store_memory_server_seen(&op->store->memory, asked->call.run_id, &first_ms);
    if (r == 0 && again_is_forgotten(&op->again, first_ms))
        r = ERR_REPLAY;
    if (r < 0) {
        store_op_finish(op, r);
        return;
    }
    asked->done = on_since;
    store_redis_since(&op->store->redis, asked);
}

/*
 * The pair of the first sending, where this instance knows it, else the one that it came under:
 * whose arbiter is asked, and since when that can know.
 */
static int find_judge(const struct session_store *store, const struct session_ref *own,
                      const struct envelope_again *again, struct session *judge_r)
{
    const struct session_ref *ref = session_cache_find(&store->cache, again->pair_id);
    int r = 0;

    if (ref != NULL)
        *judge_r = ref->session;
    else
        r = store_memory_peek(&store->memory, again->pair_id, judge_r);
    if (r == ERR_UNKNOWN)
        *judge_r = own->session;
    return r == ERR_UNKNOWN ? 0 : r;
}

static void claim_again(struct store_op *op)
{
    struct session judge;
    int r = find_judge(op->store, op->ref, &op->again, &judge);

    if (r == 0 && judge.arbiter == ARBITER_REDIS) {
        if (session_store_asks_redis(op->store)) {
            op->asked.done = on_again;
            store_redis_claim_again(&op->store->redis, op->again.pair_id, op->again.counter,
                                    &op->asked);
            return;
        }
        r = ERR_BUSY;
    }
    if (r == 0)
        r = session_store_limited(
            op->store, store_memory_claim_again(&op->store->memory, judge.outage_ms, &op->again),
            LIMIT_CLAIMS);
    if (r < 0)
        store_op_finish(op, r);
    else
        claim_own(op);
}

void session_claim_begin(struct session_store *store, struct session_ref *ref, uint64_t counter,
                         const struct envelope_again *again, struct store_wait *wait)
{
    struct store_op *op = store_op_new(store, wait);
    int r;

    if (op == NULL)
        return;
    op->ref = session_ref_get(ref);
    op->counter = counter;
    r = session_claim_use(store, ref);
    if (r < 0) {
        store_op_finish(op, r);
    } else if (again != NULL) {
        op->again = *again;
        claim_again(op);
    } else {
        claim_own(op);
    }
}
