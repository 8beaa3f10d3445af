/* SPDX-License-Identifier: MIT */
/* What an application asks of the outbound relay, in the x-mte-* headers of its request. */
#ifndef WORKER_OUTBOUND_OPTIONS_H
#define WORKER_OUTBOUND_OPTIONS_H

#include "common/conf.h"
#include "common/envelope.h"
#include "worker/headers.h"
#include "worker/refusal.h"

struct outbound_options {
    struct url base;  /* of the peer relay; a view of the fields, or of the configuration */
    enum codec codec; /* x-mte-encode-type */
};

/* Negative: refuse the request with *refusal_r, *cause_r for the log. */
MUST_CHECK int outbound_options_read(const struct headers *fields, const struct conf *conf,
                                     struct outbound_options *options_r, enum refusal *refusal_r,
                                     const char **cause_r);

/* Takes out what concerns this hop or this relay alone: none of it may leave. */
void outbound_options_strip(struct headers *fields);

#endif
