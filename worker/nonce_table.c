/* SPDX-License-Identifier: MIT */
/* Nonces over a shared table; a value is the time of the first sight. Each one added looks at two
 * others, so that those that are over go as fast as new ones come. */
#include "worker/nonce_table.h"

enum { N_KEY = PAIRING_NONCE_LEN / 8, N_VALUE = 1, SWEEP_EACH = 2 };

struct sweep {
    const struct nonce_table *t;
    uint64_t now_ms;
};

int nonce_table_open(struct nonce_table *t, void *at, size_t len)
{
    uint32_t n = shared_table_fit(len, N_KEY, N_VALUE);

    if (n == 0)
        return ERR_LIMIT;
    shared_table_open(&t->nonces, at, n, N_KEY, N_VALUE);
    return 0;
}

static bool is_over(void *arg, uint32_t index)
{
    const struct sweep *sweep = arg;

    return atomic_load(shared_table_value(&sweep->t->nonces, index)) + NONCE_KEEP_MS <=
           sweep->now_ms;
}

int nonce_table_add(const struct nonce_table *t, const uint8_t nonce[static PAIRING_NONCE_LEN],
                    uint64_t now_ms)
{
    struct sweep sweep = { t, now_ms };
    struct shared_ref seen;
    uint64_t key[N_KEY];
    uint32_t index;
    int r;

    memcpy(key, nonce, sizeof(key));
    shared_table_sweep(&t->nonces, SWEEP_EACH, SWEEP_EACH, is_over, &sweep);
    if (shared_table_find(&t->nonces, key, &seen)) {
        if (!is_over(&sweep, seen.index))
            return ERR_REPLAY;
        shared_table_remove(&t->nonces, seen.index);
    }
    r = shared_table_take(&t->nonces, &index);
    if (r == ERR_FULL && shared_table_sweep(&t->nonces, UINT32_MAX, 1, is_over, &sweep) > 0)
        r = shared_table_take(&t->nonces, &index);
    if (r < 0)
        return ERR_BUSY;
    shared_table_publish(&t->nonces, index, key, &now_ms, sizeof(now_ms));
    return 0;
}
