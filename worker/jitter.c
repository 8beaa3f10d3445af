/* SPDX-License-Identifier: MIT */
/* Jitter, from the system's random numbers. */
#include "worker/jitter.h"

#include "common/crypto.h"
#include "common/log.h"

uint64_t jittered(uint64_t base_ms)
{
    uint32_t random = 0;

    if (crypto_random(&random, sizeof(random)) < 0)
        log_error("no random numbers, waiting without jitter");
    return base_ms + random % (base_ms + 1);
}
