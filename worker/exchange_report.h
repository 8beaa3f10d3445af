/* SPDX-License-Identifier: MIT */
/*
 * What an exchange was, told once, at its end: for the metrics and the access log. It holds what is
 * known by numbers; what is text (its id, method, peer) is asked of the exchange itself, which
 * still has all of it then.
 */
#ifndef WORKER_EXCHANGE_REPORT_H
#define WORKER_EXCHANGE_REPORT_H

#include "common/metric.h"
#include "worker/refusal.h"
#include "worker/services.h"
#include "worker/stopwatch.h"

struct exchange;

struct exchange_report {
    const char *kind; /* "outbound", "inbound", "plain"; of our own: "echo", "pair", … */
    enum direction direction;
    /*
     * What the application gets: inbound, the sealed status. An ERR frame counts as 503 where it
     * says BUSY, else as 400. 0: no head went out.
     */
    unsigned status;
    bool complete;          /* false: the answer broke off, or nobody waited for it */
    enum refusal refusal;   /* our own; N_REFUSALS: none */
    const char *why;        /* a word for what went wrong, of exchange_why_table.h or an ERR frame's
                               name; NULL: nothing */
    const struct url *peer; /* outbound: where it went, as long as the exchange lives; or NULL */
    uint64_t bytes_in, bytes_out; /* of bodies, at the door */
    struct stopwatch watch;       /* stopped */
};

/* Takes note of it. The exchange goes right after. */
void exchange_report_take(const struct exchange_report *report, struct exchange *x,
                          struct services *services);

#endif
