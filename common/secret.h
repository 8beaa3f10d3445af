/* SPDX-License-Identifier: MIT */
/* Bytes that must not be printed, compared early-out, or left behind in memory. */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include "common/span.h"

enum { SECRET_KEY_LEN = 32 };

/* A symmetric key or an intermediate secret of the key schedule. Wiped by its owner on every path.
 */
struct secret_key {
    uint8_t bytes[SECRET_KEY_LEN];
};

/* Overwrites len bytes; not optimised away. */
void secret_wipe(void *at, size_t len);

/* Equal? Takes a time that depends on b.len only (lengths are not secret). */
bool secret_equal(struct span a, struct span b);

#endif
