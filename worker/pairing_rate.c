/* SPDX-License-Identifier: MIT */
/*
 * Buckets over a shared table. A value is one time, the moment at which the bucket will be full
 * again: each token taken moves it on by 1/rate s, and ten seconds ahead of now there is none left.
 * A bucket that is full needs no cell.
 */
#include "worker/pairing_rate.h"

#include <string.h>

enum { N_KEY = NODE_LEN / 8, N_VALUE = 1 };

#define US_PER_S 1000000ULL

struct sweep {
    const struct pairing_rate *rate;
    uint64_t now_us;
};

int pairing_rate_open(struct pairing_rate *rate, void *at, size_t len, uint64_t per_s)
{
    uint32_t n = shared_table_fit(len, N_KEY, N_VALUE);

    if (n == 0)
        return ERR_LIMIT;
    shared_table_open(&rate->nodes, at, n, N_KEY, N_VALUE);
    rate->per_s = per_s;
    return 0;
}

static bool is_full(void *arg, uint32_t index)
{
    const struct sweep *sweep = arg;

    return atomic_load(shared_table_value(&sweep->rate->nodes, index)) <= sweep->now_us;
}

static int add_node(const struct pairing_rate *rate, const uint64_t key[static N_KEY],
                    uint64_t now_us, struct shared_ref *ref_r)
{
    struct sweep sweep = { rate, now_us };
    uint32_t index;
    int r = shared_table_take(&rate->nodes, &index);

    if (r == ERR_FULL && shared_table_sweep(&rate->nodes, UINT32_MAX, 1, is_full, &sweep) > 0)
        r = shared_table_take(&rate->nodes, &index);
    if (r < 0)
        return ERR_BUSY;
    *ref_r = shared_table_publish(&rate->nodes, index, key, &now_us, sizeof(now_us));
    return 0;
}

int pairing_rate_take(const struct pairing_rate *rate, const uint8_t node[static NODE_LEN],
                      uint64_t now_ms)
{
    uint64_t key[N_KEY], now_us = now_ms * 1000, full_us;
    struct shared_ref ref;
    int r = 0;

    memcpy(key, node, sizeof(key));
    if (!shared_table_find(&rate->nodes, key, &ref))
        r = add_node(rate, key, now_us, &ref);
    if (r < 0)
        return r;
    full_us = atomic_load(shared_table_value(&rate->nodes, ref.index));
    full_us = (full_us > now_us ? full_us : now_us) + US_PER_S / rate->per_s;
    if (full_us > now_us + PAIRING_RATE_BURST_S * US_PER_S)
        return ERR_BUSY;
    atomic_store(shared_table_value(&rate->nodes, ref.index), full_us);
    return 0;
}
