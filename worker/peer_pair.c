/* SPDX-License-Identifier: MIT */
/* Owns the keys of one pair. Knows nothing of how it was made or what replaces it. */
#include "worker/peer_pair.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/secret.h"

enum { WORN_PERCENT = 75, WORN_SPREAD_PERCENT = 10 };

/* The next pair is made while the last sixteenth of these is used up. */
#define MAX_MESSAGES ((uint64_t)ENVELOPE_COUNTER_END)
#define MAX_BYTES    ((uint64_t)1 << 42)
#define WORN_OF(max) ((max) / 16 * 15)

struct peer_pair {
    size_t n_refs; /* the peer's, and one a lease */
    struct pair_keys *keys;
    uint8_t id[PAIR_ID_LEN];
    uint64_t max_body;
    uint64_t made_ms, worn_ms, expires_ms; /* monotonic */
    uint64_t n_messages, n_bytes;
};

/* 65 to 85 % of the lifetime: workers that paired together must not renew together. */
static int choose_worn(uint64_t lifetime_ms, uint64_t *after_ms_r)
{
    uint32_t random;
    int r = crypto_random(&random, sizeof(random));
    uint64_t percent = WORN_PERCENT - WORN_SPREAD_PERCENT + random % (2 * WORN_SPREAD_PERCENT + 1);

    *after_ms_r = lifetime_ms / 100 * percent;
    return r;
}

int peer_pair_new(const struct pairing_result *result, uint64_t asked_ms, uint64_t own_lifetime_ms,
                  struct peer_pair **pair_r)
{
    uint64_t lifetime_ms = (uint64_t)result->lifetime_s * 1000, worn_after_ms;
    struct peer_pair *pair;
    int r;

    if (lifetime_ms == 0)
        return ERR_FORMAT;
    if (lifetime_ms > own_lifetime_ms)
        lifetime_ms = own_lifetime_ms;
    r = choose_worn(lifetime_ms, &worn_after_ms);
    if (r < 0)
        return r;
    pair = calloc(1, sizeof(*pair));
    if (pair == NULL)
        return -ENOMEM;
    pair->n_refs = 1;
    memcpy(pair->id, result->secret.id, PAIR_ID_LEN);
    pair->max_body = result->max_body;
    pair->made_ms = clock_mono_ms();
    pair->worn_ms = asked_ms + worn_after_ms;
    pair->expires_ms = asked_ms + lifetime_ms;
    r = pair_keys_new(&result->secret, &pair->keys);
    if (r < 0)
        peer_pair_put(&pair);
    else
        *pair_r = pair;
    return r;
}

void peer_pair_put(struct peer_pair **pair)
{
    struct peer_pair *gone = *pair;

    *pair = NULL;
    if (gone == NULL || --gone->n_refs > 0)
        return;
    pair_keys_free(&gone->keys);
    free(gone);
}

const uint8_t *peer_pair_id(const struct peer_pair *pair)
{
    return pair->id;
}

uint64_t peer_pair_made_ms(const struct peer_pair *pair)
{
    return pair->made_ms;
}

uint64_t peer_pair_over_ms(const struct peer_pair *pair)
{
    uint64_t unused_ms = pair->made_ms + PEER_PAIR_UNUSED_MS;

    return pair->n_messages == 0 && unused_ms < pair->expires_ms ? unused_ms : pair->expires_ms;
}

bool peer_pair_worn(const struct peer_pair *pair, uint64_t now_ms)
{
    return now_ms >= pair->worn_ms || pair->n_messages >= WORN_OF(MAX_MESSAGES) ||
           pair->n_bytes >= WORN_OF(MAX_BYTES);
}

int peer_pair_lease(struct peer_pair *pair, int64_t skew_ms, struct peer_lease *lease_r)
{
    if (pair->n_messages >= MAX_MESSAGES || pair->n_bytes >= MAX_BYTES)
        return ERR_LIMIT;
    *lease_r = (struct peer_lease){
        .keys = pair->keys,
        .counter = pair->n_messages++,
        .time_ms = clock_wall_ms() + (uint64_t)skew_ms,
        .skew_ms = skew_ms,
        .max_body = pair->max_body,
        .pair = pair,
    };
    memcpy(lease_r->pair_id, pair->id, PAIR_ID_LEN);
    pair->n_refs++;
    return 0;
}

void peer_pair_count(struct peer_pair *pair, uint64_t n)
{
    pair->n_bytes += n;
}

void peer_lease_end(struct peer_lease *lease)
{
    struct peer_pair *pair = lease->pair;

    if (pair != NULL)
        pair->n_bytes += lease->n_bytes;
    peer_pair_put(&pair);
    lease->pair = NULL;
    lease->keys = NULL;
}

struct peer_sending peer_sending_of(const struct peer_lease *lease)
{
    return (struct peer_sending){ .own_ms = lease->time_ms - (uint64_t)lease->skew_ms,
                                  .mono_ms = clock_mono_ms() };
}

/*
 * By what our clock said then, or by how long ago it was: our clock may have been set back since.
 * Said too early it is refused at worst; said too late, what ran before could run again.
 */
uint64_t peer_sending_ms(const struct peer_sending *sending, const struct peer_lease *now)
{
    uint64_t by_clock_ms = sending->own_ms + (uint64_t)now->skew_ms;
    uint64_t by_age_ms = now->time_ms - (clock_mono_ms() - sending->mono_ms);

    return by_clock_ms < by_age_ms ? by_clock_ms : by_age_ms;
}
