/* SPDX-License-Identifier: MIT */
/* Names to addresses. Numeric hosts are read at once; names are looked up in libh2o's threads. */
#ifndef WORKER_RESOLVE_H
#define WORKER_RESOLVE_H

#include <netinet/in.h>

#include "common/error.h"
#include "common/span.h"

struct st_h2o_evloop_t;

enum { RESOLVE_MAX = 16 }; /* addresses of a name; more are not looked at */

union resolve_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};
socklen_t resolve_address_len(const union resolve_address *address);

struct resolve_result {
    size_t n;
    union resolve_address addresses[RESOLVE_MAX]; /* in the order to try them, with their port */
    const char *why;                              /* a phrase where n is 0 */
};

struct resolver;
struct resolve_query;

MUST_CHECK int resolver_new(struct st_h2o_evloop_t *loop, struct resolver **resolver_r);
void resolver_free(struct resolver **resolver);

/* True, with the one address, where the host is no name. */
bool resolve_numeric(const char *host, uint16_t port, struct resolve_result *result_r);

/* What a query brings; it comes once and later, and the query is gone. */
typedef void (*resolve_done_cb)(void *arg, const struct resolve_result *result);

/* Looks a name up. NULL when out of memory. */
struct resolve_query *resolver_ask(struct resolver *resolver, const char *host, uint16_t port,
                                   resolve_done_cb done, void *arg);
/* NULL is nothing to cancel. */
void resolve_query_cancel(struct resolve_query **query);

#endif
