/* SPDX-License-Identifier: MIT */
/* A whole claim in the memory's three steps, as the session store takes them. */
#ifndef TESTS_UNIT_MEMORY_CLAIM_H
#define TESTS_UNIT_MEMORY_CLAIM_H

#include "worker/store_memory.h"

static inline int memory_claim(const struct store_memory *m, const struct store_place *place,
                               const struct session *session, uint64_t counter,
                               const struct envelope_again *again)
{
    int r = store_memory_use(m, place, session);

    if (r == 0 && again != NULL)
        r = store_memory_claim_again(m, session->outage_ms, again);
    return r == 0 ? store_memory_claim_own(m, place, session, counter) : r;
}

#endif
