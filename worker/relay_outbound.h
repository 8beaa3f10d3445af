/* SPDX-License-Identifier: MIT */
/* Requests of the local application, sealed for a peer relay; its answers, opened. */
#ifndef WORKER_RELAY_OUTBOUND_H
#define WORKER_RELAY_OUTBOUND_H

#include "worker/exchange.h"

/* For a request whose token has been checked. */
extern const struct exchange_ops relay_outbound_ops;

#endif
