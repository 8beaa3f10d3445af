/* SPDX-License-Identifier: MIT */
/*
 * Pairs over a shared table. A value is three words, then the session:
 *
 *      last use | used? | session
 *
 * used changes under the lock only, for it decides what counts. The time of last use is written
 * without: by a worker that was stopped, perhaps into the cell of another pair, which then seems
 * fresher than it is for a minute and nothing else.
 */
#include "worker/session_table.h"

#include "common/secret.h"

enum {
    N_KEY = PAIR_ID_LEN / 8,
    WORD_LAST_USE = 0, /* monotonic ms */
    WORD_USED = 1,     /* 0 or 1 */
    WORD_SESSION = 2,
    N_VALUE = WORD_SESSION + (sizeof(struct session) + 7) / 8,
    NOTE_EVERY_MS = 1000,
};

struct value {
    uint64_t last_use_ms, used;
    struct session session;
};
_Static_assert(offsetof(struct value, session) == WORD_SESSION * 8, "words are words");

/* One look at all pairs, for those of a node that count against its bound. */
struct census {
    const struct session_table *t;
    const uint8_t *node;
    uint64_t now_ms;
    uint64_t n_used;
    uint64_t oldest_ms; /* its last use */
    uint32_t oldest;
};

struct sweep {
    const struct session_table *t;
    uint64_t now_ms;
};

int session_table_open(struct session_table *t, void *at, size_t len, uint64_t max_per_node)
{
    uint32_t n = shared_table_fit(len, N_KEY, N_VALUE);

    if (n == 0)
        return ERR_LIMIT;
    shared_table_open(&t->pairs, at, n, N_KEY, N_VALUE);
    t->max_per_node = max_per_node;
    return 0;
}

static bool is_used(const struct session_table *t, uint32_t index)
{
    return atomic_load(&shared_table_value(&t->pairs, index)[WORD_USED]) != 0;
}

static bool is_over(const struct session *session, bool used, uint64_t now_ms)
{
    return now_ms >= session->expires_mono_ms ||
           (!used && now_ms >= session->created_mono_ms + SESSION_UNUSED_MS);
}

static bool read_session(const struct session_table *t, struct shared_ref ref,
                         struct session *session_r)
{
    return shared_table_read(&t->pairs, ref, WORD_SESSION, session_r, sizeof(*session_r));
}

/* ---- without the lock ---- */

/* Reads the cell of that pair, be it over or not. */
static int look_up(const struct session_table *t, const uint8_t id[static PAIR_ID_LEN],
                   struct session *session_r, struct shared_ref *ref_r)
{
    uint64_t changes = shared_table_changes(&t->pairs);
    uint64_t key[N_KEY];

    memcpy(key, id, sizeof(key));
    memset(session_r, 0, sizeof(*session_r));
    if (!shared_table_find(&t->pairs, key, ref_r))
        return changes % 2 == 0 && shared_table_changes(&t->pairs) == changes ? ERR_UNKNOWN
                                                                              : ERR_BUSY;
    return read_session(t, *ref_r, session_r) ? 0 : ERR_BUSY;
}

int session_table_find(const struct session_table *t, const uint8_t id[static PAIR_ID_LEN],
                       uint64_t now_ms, struct session *session_r, struct shared_ref *ref_r)
{
    int r = look_up(t, id, session_r, ref_r);

    return r == 0 && !session_table_holds(t, *ref_r, session_r, now_ms) ? ERR_UNKNOWN : r;
}

int session_table_peek(const struct session_table *t, const uint8_t id[static PAIR_ID_LEN],
                       struct session *session_r)
{
    struct shared_ref ref;
    int r = look_up(t, id, session_r, &ref);

    secret_wipe(&session_r->secret.key, sizeof(session_r->secret.key));
    return r;
}

bool session_table_holds(const struct session_table *t, struct shared_ref ref,
                         const struct session *session, uint64_t now_ms)
{
    bool used = is_used(t, ref.index);

    return shared_table_holds(&t->pairs, ref) && !is_over(session, used, now_ms);
}

bool session_table_use(const struct session_table *t, struct shared_ref ref, uint64_t now_ms)
{
    _Atomic uint64_t *last = &shared_table_value(&t->pairs, ref.index)[WORD_LAST_USE];

    if (!is_used(t, ref.index))
        return false;
    if (atomic_load_explicit(last, memory_order_relaxed) + NOTE_EVERY_MS < now_ms)
        atomic_store(last, now_ms);
    return true;
}

/* ---- under the lock ---- */

static bool cell_is_over(void *arg, uint32_t index)
{
    const struct sweep *sweep = arg;
    struct session session;
    bool over;

    /* Its version may be moving just now, but by our own hand: we hold the lock. */
    (void)read_session(sweep->t, (struct shared_ref){ .index = index }, &session);
    over = is_over(&session, is_used(sweep->t, index), sweep->now_ms);
    secret_wipe(&session, sizeof(session));
    return over;
}

static uint32_t sweep_pairs(const struct session_table *t, uint32_t n, uint32_t enough,
                            uint64_t now_ms)
{
    struct sweep sweep = { t, now_ms };

    return shared_table_sweep(&t->pairs, n, enough, cell_is_over, &sweep);
}

void session_table_sweep(const struct session_table *t, uint32_t n, uint64_t now_ms)
{
    sweep_pairs(t, n, n, now_ms);
}

/* Room for a pair of that id, of which none that is over is there any more. */
static int take_cell(const struct session_table *t, const uint64_t key[static N_KEY],
                     uint64_t now_ms, uint32_t *index_r)
{
    struct shared_ref old;
    int r;

    if (shared_table_find(&t->pairs, key, &old))
        shared_table_remove(&t->pairs, old.index);
    r = shared_table_take(&t->pairs, index_r);
    if (r == ERR_FULL && sweep_pairs(t, UINT32_MAX, 1, now_ms) > 0)
        r = shared_table_take(&t->pairs, index_r);
    return r == ERR_FULL ? ERR_BUSY : r;
}

int session_table_put(const struct session_table *t, const struct session *session, uint64_t now_ms)
{
    struct value value = { .session = *session };
    struct session there;
    struct shared_ref ref;
    uint64_t key[N_KEY];
    uint32_t index;
    int r = session_table_find(t, session->secret.id, now_ms, &there, &ref);

    secret_wipe(&there, sizeof(there));
    if (r < 0) {
        memcpy(key, session->secret.id, sizeof(key));
        r = take_cell(t, key, now_ms, &index);
        if (r == 0)
            shared_table_publish(&t->pairs, index, key, &value, sizeof(value));
    }
    secret_wipe(&value, sizeof(value));
    return r;
}

void session_table_remove(const struct session_table *t, struct shared_ref ref)
{
    if (shared_table_holds(&t->pairs, ref))
        shared_table_remove(&t->pairs, ref.index);
}

static void count(void *arg, struct shared_ref ref)
{
    struct census *census = arg;
    const struct session_table *t = census->t;
    struct session session;
    uint64_t last_ms = atomic_load(&shared_table_value(&t->pairs, ref.index)[WORD_LAST_USE]);

    if (!is_used(t, ref.index) || !read_session(t, ref, &session))
        return;
    if (memcmp(session.node, census->node, NODE_LEN) == 0 &&
        !is_over(&session, true, census->now_ms)) {
        census->n_used++;
        if (last_ms < census->oldest_ms) {
            census->oldest_ms = last_ms;
            census->oldest = ref.index;
        }
    }
    secret_wipe(&session, sizeof(session));
}

/* Makes room for one more used pair of the node. */
static int make_room(const struct session_table *t, const uint8_t node[static NODE_LEN],
                     uint64_t now_ms)
{
    struct census census = { .t = t, .node = node, .now_ms = now_ms, .oldest_ms = UINT64_MAX };

    shared_table_each(&t->pairs, count, &census);
    if (census.n_used < t->max_per_node)
        return 0;
    if (census.n_used == 0 || census.oldest_ms + SESSION_IDLE_MS > now_ms)
        return ERR_BUSY;
    shared_table_remove(&t->pairs, census.oldest);
    return 0;
}

int session_table_use_first(const struct session_table *t, struct shared_ref ref, uint64_t now_ms)
{
    _Atomic uint64_t *words = shared_table_value(&t->pairs, ref.index);
    struct session session;
    int r;

    if (!read_session(t, ref, &session))
        return ERR_UNKNOWN;
    r = is_used(t, ref.index) ? 0 : make_room(t, session.node, now_ms);
    secret_wipe(&session, sizeof(session));
    if (r < 0)
        return r;
    atomic_store(&words[WORD_LAST_USE], now_ms);
    atomic_store(&words[WORD_USED], 1);
    return 0;
}
