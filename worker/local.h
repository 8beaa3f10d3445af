/* SPDX-License-Identifier: MIT */
/* What the door answers by itself. */
#ifndef WORKER_LOCAL_H
#define WORKER_LOCAL_H

#include "worker/exchange.h"

extern const struct exchange_ops local_echo_ops;      /* GET /api/mte-echo */
extern const struct exchange_ops local_about_ops;     /* GET /api/mte-relay: is this a relay? */
extern const struct exchange_ops local_preflight_ops; /* of a listed origin */

#endif
