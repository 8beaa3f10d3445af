/* SPDX-License-Identifier: MIT */
/* What an application asks of the outbound relay, in the x-mte-* headers of its request. */
#ifndef WORKER_OUTBOUND_OPTIONS_H
#define WORKER_OUTBOUND_OPTIONS_H

#include "common/conf.h"
#include "common/envelope.h"
#include "worker/headers.h"
#include "worker/refusal.h"

struct outbound_options {
    struct url base;         /* of the peer relay; a view of the fields, or of the configuration */
    enum codec codec;        /* x-mte-encode-type */
    bool show_url;           /* x-mte-encode-url is false */
    bool show_fields;        /* x-mte-encode-headers is false, or a list */
    struct span only_sealed; /* that list: names of fields that are not shown; a view */
};

/* Negative: refuse the request with *refusal_r, *cause_r for the log. */
MUST_CHECK int outbound_options_read(const struct headers *fields, const struct conf *conf,
                                     struct outbound_options *options_r, enum refusal *refusal_r,
                                     const char **cause_r);

/* Takes out what concerns this hop or this relay alone: none of it may leave. */
void outbound_options_strip(struct headers *fields);

/*
 * Adds to copies_r the fields that are also shown outside of the seal, views of the same bytes.
 * Never one that says who somebody is, or that a server between would take as about the POST.
 */
MUST_CHECK int outbound_options_copy(const struct outbound_options *options,
                                     const struct headers *fields, struct headers *copies_r);

/*
 * What stands behind the base path as the target of the POST: the protocol's route, or a view of
 * the request's own target, where that may be shown and does not mean a relay itself.
 */
struct span outbound_options_target(const struct outbound_options *options, struct span target);

#endif
