/* SPDX-License-Identifier: MIT */
/*
 * The resolver, over libh2o's threads. Owns its queries until the thread has answered, cancelled or
 * not: libh2o's own cancelling would leave us ignorant of who still writes into our receiver.
 */
#include "worker/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <h2o/hostinfo.h>
#include <h2o/multithread.h>

enum { THREADS = 8 }; /* a slow name must not hold up the others */

struct resolver {
    h2o_multithread_queue_t *queue;
    h2o_multithread_receiver_t receiver;
    size_t n_queries;
};

struct resolve_query {
    struct resolver *resolver;
    resolve_done_cb done; /* NULL once cancelled */
    void *arg;
};

int resolver_new(struct st_h2o_evloop_t *loop, struct resolver **resolver_r)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver));

    if (resolver == NULL)
        return -ENOMEM;
    if (h2o_hostinfo_max_threads < THREADS)
        h2o_hostinfo_max_threads = THREADS;
    resolver->queue = h2o_multithread_create_queue(loop);
    h2o_multithread_register_receiver(resolver->queue, &resolver->receiver,
                                      h2o_hostinfo_getaddr_receiver);
    *resolver_r = resolver;
    return 0;
}

/*
 * While a thread is still looking up it will write to the receiver: the memory then goes with the
 * process, which is about to end. The queue's own memory is ours to free: libh2o forgets to.
 */
void resolver_free(struct resolver **resolver)
{
    struct resolver *r = *resolver;

    *resolver = NULL;
    if (r == NULL || r->n_queries > 0)
        return;
    h2o_multithread_unregister_receiver(r->queue, &r->receiver);
    h2o_multithread_destroy_queue(r->queue);
    free(r->queue);
    free(r);
}

socklen_t resolve_address_len(const union resolve_address *address)
{
    return address->any.sa_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}

bool resolve_numeric(const char *host, uint16_t port, struct resolve_result *result_r)
{
    union resolve_address *address = &result_r->addresses[0];

    *result_r = (struct resolve_result){ .n = 1 };
    address->v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
    if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1)
        return true;
    address->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
    return inet_pton(AF_INET6, host, &address->v6.sin6_addr) == 1;
}

static void on_answer(h2o_hostinfo_getaddr_req_t *req, const char *error, struct addrinfo *found,
                      void *data)
{
    struct resolve_query query = *(struct resolve_query *)data;
    struct resolve_result result = { .why = error != NULL ? error : "no address" };

    (void)req;
    free(data);
    query.resolver->n_queries--;
    if (query.done == NULL)
        return;
    for (; found != NULL && result.n < RESOLVE_MAX; found = found->ai_next) {
        if (found->ai_family == AF_INET || found->ai_family == AF_INET6)
            memcpy(&result.addresses[result.n++], found->ai_addr, found->ai_addrlen);
    }
    query.done(query.arg, &result);
}

struct resolve_query *resolver_ask(struct resolver *resolver, const char *host, uint16_t port,
                                   resolve_done_cb done, void *arg)
{
    struct resolve_query *query = calloc(1, sizeof(*query));
    char service[sizeof("65535")];

    if (query == NULL)
        return NULL;
    *query = (struct resolve_query){ resolver, done, arg };
    resolver->n_queries++;
    snprintf(service, sizeof(service), "%u", port);
    h2o_hostinfo_getaddr(&resolver->receiver, h2o_iovec_init(host, strlen(host)),
                         h2o_iovec_init(service, strlen(service)), AF_UNSPEC, SOCK_STREAM,
                         IPPROTO_TCP, AI_NUMERICSERV, on_answer, query);
    return query;
}

void resolve_query_cancel(struct resolve_query **query)
{
    if (*query != NULL)
        (*query)->done = NULL;
    *query = NULL;
}
