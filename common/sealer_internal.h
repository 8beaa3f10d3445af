/* SPDX-License-Identifier: MIT */
/*
 * Sealing under a given salt, for known answers and hostile tests. sealer_new_request() and
 * sealer_new_response() are these with what crypto_random() gave; nothing else may call them.
 */
#ifndef COMMON_SEALER_INTERNAL_H
#define COMMON_SEALER_INTERNAL_H

#include "common/envelope.h"

/* codec, counter and time_ms of *request are the caller's; the rest is filled in. */
MUST_CHECK int sealer_new_request_from(struct pair_keys *keys, struct envelope_request *request,
                                       const uint8_t salt[static ENVELOPE_SALT_LEN],
                                       struct sealer **sealer_r);

MUST_CHECK int sealer_new_response_from(struct pair_keys *keys,
                                        const struct envelope_request *request,
                                        const uint8_t salt[static ENVELOPE_RSP_SALT_LEN],
                                        struct sealer **sealer_r);

#endif
