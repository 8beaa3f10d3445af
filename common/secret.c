/* SPDX-License-Identifier: MIT */
/* Wiping and comparing secrets, without a cryptographic library: the master has none. */
#include "common/secret.h"

#include <string.h>

void secret_wipe(void *at, size_t len)
{
    if (len > 0)
        explicit_bzero(at, len);
}

bool secret_equal(struct span a, struct span b)
{
    volatile uint8_t differs = a.len != b.len;

    for (size_t i = 0; i < b.len; i++)
        differs |= (uint8_t)((i < a.len ? a.at[i] : 0) ^ b.at[i]);
    return differs == 0;
}
