/* SPDX-License-Identifier: MIT */
/*
 * First sights, in a row. Where there is no room for one more, the oldest goes: should that server
 * come back, it counts as new, which is the safe mistake.
 */
#include "worker/redis_sights.h"

struct redis_sight {
    uint64_t first_ms; /* 0: no server stands here */
    char run_id[REDIS_RUN_ID_LEN];
};

int redis_sights_open(struct redis_sights *sights, void *at, size_t len)
{
    sights->all = at;
    sights->n = len / sizeof(*sights->all);
    return sights->n > 0 ? 0 : ERR_LIMIT;
}

uint64_t redis_sights_note(const struct redis_sights *sights, const char *run_id, uint64_t now_ms)
{
    struct redis_sight *oldest = sights->all;

    for (size_t i = 0; i < sights->n; i++) {
        struct redis_sight *sight = &sights->all[i];

        if (sight->first_ms != 0 && memcmp(sight->run_id, run_id, REDIS_RUN_ID_LEN) == 0)
            return sight->first_ms;
        if (sight->first_ms < oldest->first_ms)
            oldest = sight;
    }
    memcpy(oldest->run_id, run_id, REDIS_RUN_ID_LEN);
    oldest->first_ms = now_ms;
    return now_ms;
}
