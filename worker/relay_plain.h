/* SPDX-License-Identifier: MIT */
/* PASS_THROUGH_ROUTES: requests that go to UPSTREAM as they are. */
#ifndef WORKER_RELAY_PLAIN_H
#define WORKER_RELAY_PLAIN_H

#include "worker/exchange.h"

extern const struct exchange_ops relay_plain_ops;

#endif
