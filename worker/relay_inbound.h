/* SPDX-License-Identifier: MIT */
/* Sealed requests of peer relays, opened and claimed for UPSTREAM; its answers, sealed. */
#ifndef WORKER_RELAY_INBOUND_H
#define WORKER_RELAY_INBOUND_H

#include "worker/exchange.h"

/* For a POST of content type application/mte-relay, whatever its path. */
extern const struct exchange_ops relay_inbound_ops;

#endif
