/* SPDX-License-Identifier: MIT */
/* The memory of one struct conf: given piece by piece, wiped and freed at once. */
#ifndef COMMON_CONF_STORE_H
#define COMMON_CONF_STORE_H

#include "common/conf_setting.h"

struct conf_store {
    struct conf_chunk *chunks;
    struct span texts[CONF_N_SETTINGS]; /* every set value, as it was written */
};

/* A struct conf with a store and nothing set, for conf_free(); NULL where there is no memory. */
struct conf *conf_store_new(void);

/* Zeroed bytes, aligned for anything; NULL where there is no memory. */
void *conf_store_alloc(struct conf_store *store, size_t len);
/* A copy, followed by a NUL that does not count. */
MUST_CHECK int conf_store_copy(struct conf_store *store, struct span bytes, struct span *copy_r);

#endif
