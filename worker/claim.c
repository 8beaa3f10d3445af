/* SPDX-License-Identifier: MIT */
/*
 * Claims over a shared table of pages, keyed by pair and page number:
 *
 *      | table: key, last write | bits of page 0 | bits of page 1 | ...
 *
 * A worker may be stopped between finding a page and setting its bit, and the page be freed and
 * given away meanwhile. So it first marks the page as written, then sets the bit, then looks
 * whether the page is still the one it found: if so, no sweep can have freed it before the mark,
 * and none will after it. If not, the bit it left somewhere is one that nobody believes in.
 */
#include "worker/claim.h"

#include <assert.h>

#include "common/envelope.h"

enum {
    N_KEY = PAIR_ID_LEN / 8 + 1, /* pair, page number */
    N_VALUE = 1,                 /* last write, monotonic ms */
    PAGE_LEN = CLAIM_PAGE_WORDS * 8,
    PAGES_OF_A_PAIR = ENVELOPE_COUNTER_END / CLAIM_PAGE_BITS,
    MARK_EVERY_MS = 1000, /* the last write is known to a second: its line is shared by all */
};

struct sweep {
    const struct claims *claims;
    uint64_t now_ms;
};

int claims_open(struct claims *claims, void *at, size_t len)
{
    /* The bits of a page count as words of its cell: so is the room shared out. */
    uint32_t n = shared_table_fit(len, N_KEY, N_VALUE + CLAIM_PAGE_WORDS);
    size_t table_len = shared_table_len(n, N_KEY, N_VALUE);

    if (n < 4)
        return ERR_LIMIT;
    shared_table_open(&claims->pages, at, n, N_KEY, N_VALUE);
    claims->bits = (void *)((uint8_t *)at + table_len);
    claims->max_per_pair = n / 4;
    return 0;
}

static void make_key(const uint8_t pair_id[static PAIR_ID_LEN], uint64_t page,
                     uint64_t key_r[static N_KEY])
{
    memcpy(key_r, pair_id, PAIR_ID_LEN);
    key_r[N_KEY - 1] = page;
}

static _Atomic uint64_t *last_write(const struct claims *claims, uint32_t index)
{
    return shared_table_value(&claims->pages, index);
}

/* Only ever forwards: a worker that was stopped brings an old time. */
static void mark(const struct claims *claims, uint32_t index, uint64_t now_ms)
{
    _Atomic uint64_t *last = last_write(claims, index);
    uint64_t seen = atomic_load(last);

    while (seen + MARK_EVERY_MS < now_ms && !atomic_compare_exchange_weak(last, &seen, now_ms))
        ;
}

static int set_bit(const struct claims *claims, uint32_t index, uint64_t counter)
{
    uint64_t offset = counter % CLAIM_PAGE_BITS, bit = (uint64_t)1 << (offset % 64);
    _Atomic uint64_t *word = claims->bits + (size_t)index * CLAIM_PAGE_WORDS + offset / 64;

    return (atomic_fetch_or(word, bit) & bit) == 0 ? 0 : ERR_REPLAY;
}

int claims_try(const struct claims *claims, const uint8_t pair_id[static PAIR_ID_LEN],
               uint64_t counter, uint64_t now_ms)
{
    uint64_t key[N_KEY];
    struct shared_ref page;
    int r;

    assert(counter < ENVELOPE_COUNTER_END);
    make_key(pair_id, counter / CLAIM_PAGE_BITS, key);
    if (!shared_table_find(&claims->pages, key, &page))
        return ERR_UNKNOWN;
    mark(claims, page.index, now_ms);
    r = set_bit(claims, page.index, counter);
    /* An old bit of a page that went may be another pair's: ERR_UNKNOWN then, too. */
    return shared_table_holds(&claims->pages, page) ? r : ERR_UNKNOWN;
}

static bool is_over(void *arg, uint32_t index)
{
    const struct sweep *sweep = arg;
    uint64_t last = atomic_load(last_write(sweep->claims, index));

    return last + CLAIM_KEEP_MS + MARK_EVERY_MS < sweep->now_ms;
}

static uint32_t sweep_pages(const struct claims *claims, uint32_t n, uint32_t enough,
                            uint64_t now_ms)
{
    struct sweep sweep = { claims, now_ms };

    return shared_table_sweep(&claims->pages, n, enough, is_over, &sweep);
}

void claims_sweep(const struct claims *claims, uint32_t n, uint64_t now_ms)
{
    sweep_pages(claims, n, n, now_ms);
}

static uint32_t count_pages(const struct claims *claims, const uint8_t pair_id[static PAIR_ID_LEN])
{
    uint64_t key[N_KEY];
    struct shared_ref page;
    uint32_t n = 0;

    for (uint64_t i = 0; i < PAGES_OF_A_PAIR; i++) {
        make_key(pair_id, i, key);
        n += shared_table_find(&claims->pages, key, &page);
    }
    return n;
}

/* Has the pair as many pages as it may, even after those that are over have gone? */
static bool is_greedy(const struct claims *claims, const uint8_t pair_id[static PAIR_ID_LEN],
                      uint64_t now_ms)
{
    if (claims->max_per_pair >= PAGES_OF_A_PAIR ||
        count_pages(claims, pair_id) < claims->max_per_pair)
        return false;
    sweep_pages(claims, UINT32_MAX, UINT32_MAX, now_ms);
    return count_pages(claims, pair_id) >= claims->max_per_pair;
}

static int add_page(const struct claims *claims, const uint64_t key[static N_KEY], uint64_t now_ms,
                    struct shared_ref *page_r)
{
    uint32_t index;
    int r = shared_table_take(&claims->pages, &index);

    if (r == ERR_FULL && sweep_pages(claims, UINT32_MAX, 1, now_ms) > 0)
        r = shared_table_take(&claims->pages, &index);
    if (r < 0)
        return ERR_BUSY;
    for (size_t i = 0; i < CLAIM_PAGE_WORDS; i++)
        atomic_store_explicit(claims->bits + (size_t)index * CLAIM_PAGE_WORDS + i, 0,
                              memory_order_relaxed);
    *page_r = shared_table_publish(&claims->pages, index, key, &now_ms, sizeof(now_ms));
    return 0;
}

int claims_take(const struct claims *claims, const uint8_t pair_id[static PAIR_ID_LEN],
                uint64_t counter, uint64_t now_ms)
{
    uint64_t key[N_KEY];
    struct shared_ref page;
    int r = 0;

    assert(counter < ENVELOPE_COUNTER_END);
    make_key(pair_id, counter / CLAIM_PAGE_BITS, key);
    if (!shared_table_find(&claims->pages, key, &page)) {
        if (is_greedy(claims, pair_id, now_ms))
            return ERR_BUSY;
        r = add_page(claims, key, now_ms, &page);
    }
    if (r < 0)
        return r;
    mark(claims, page.index, now_ms); /* nobody else removes it while we hold the lock */
    return set_bit(claims, page.index, counter);
}
