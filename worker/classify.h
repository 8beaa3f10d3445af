/* SPDX-License-Identifier: MIT */
/*
 * What a request is to this relay: one pure decision, in one order, on its normalised path. Our own
 * paths are compared normalised too: "/api/%6dte-pair" means the same to every server between, so
 * no spelling of them may reach UPSTREAM.
 */
#ifndef WORKER_CLASSIFY_H
#define WORKER_CLASSIFY_H

#include "common/conf.h"
#include "worker/headers.h"
#include "worker/refusal.h"

enum class {
    CLASS_ECHO,      /* GET /api/mte-echo */
    CLASS_ABOUT,     /* GET /api/mte-relay: is this a relay? */
    CLASS_PAIR,      /* POST /api/mte-pair */
    CLASS_INBOUND,   /* a sealed request */
    CLASS_OUTBOUND,  /* to be sealed */
    CLASS_PREFLIGHT, /* of a listed origin */
    CLASS_PLAIN,     /* a pass-through route */
    CLASS_REFUSED,
};

struct classified {
    enum class class;
    enum refusal refusal; /* where CLASS_REFUSED, with the cause for the log */
    const char *cause;
};

/* source: who sent it, NULL where that is not known. path: as route_normalise() gives it. */
struct classified classify(const struct conf *conf, const struct ip *source, struct span method,
                           struct span path, const struct headers *fields);

/* Is it that media type, whatever its parameters and case? */
bool classify_is_type(struct span content_type, struct span type);

#endif
