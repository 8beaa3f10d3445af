/* SPDX-License-Identifier: MIT */
/* POST /api/mte-pair: the responder's side of a pairing. */
#ifndef WORKER_PAIR_ENDPOINT_H
#define WORKER_PAIR_ENDPOINT_H

#include "worker/exchange.h"

extern const struct exchange_ops pair_endpoint_ops;

#endif
