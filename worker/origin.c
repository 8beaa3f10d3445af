/* SPDX-License-Identifier: MIT */
/*
 * Slots, kept connections and the queue of each origin. Owns the kept connections and the origins;
 * an origin lives while something of it is in use. All serving is done by serve(), from the bottom
 * of the loop: nobody is called back from within a call of his own.
 */
#include "worker/origin.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct origin {
    struct origins *origins;
    h2o_linklist_t link;
    h2o_linklist_t waiting; /* struct origin_wait, the first is the oldest */
    h2o_linklist_t kept;    /* struct kept, the first was used last */
    size_t n_waiting, n_kept;
    size_t n_slots; /* taken, those of kept connections included */
    h2o_timeout_entry_t soon;
    enum upstream_side side;
    struct tls_host *tls; /* NULL: plain TCP */
    uint16_t port;
    char host[URL_HOST_MAX + 1];
};

struct kept {
    h2o_linklist_t link;
    struct origin *origin;
    struct http1_client *client;
};

static void serve(h2o_timeout_entry_t *entry);

static void serve_soon(struct origin *origin)
{
    origin->soon.cb = serve;
    if (!h2o_timeout_is_linked(&origin->soon))
        h2o_timeout_link(origin->origins->loop, origin->origins->soon, &origin->soon);
}

const char *origin_host(const struct origin *origin)
{
    return origin->host;
}

uint16_t origin_port(const struct origin *origin)
{
    return origin->port;
}

const struct tls_host *origin_tls(const struct origin *origin)
{
    return origin->tls;
}

static void count(const struct origin *origin, enum metric metric, int n)
{
    if (origin->origins->metrics != NULL)
        metric_add(origin->origins->metrics, metric_of(metric, origin->side, 0), n);
}

static void count_slots(struct origin *origin, int n)
{
    origin->n_slots += (size_t)n;
    count(origin, METRIC_outward_connections, n);
}

static void count_waiting(struct origin *origin, int n)
{
    _Static_assert((int)N_LABEL_outward_side == (int)N_UPSTREAM_SIDES, "a value for each side");
    origin->n_waiting += (size_t)n;
    count(origin, METRIC_calls_waiting, n);
}

/* ---- kept connections ---- */

static struct http1_client *unkeep(struct kept *kept)
{
    struct http1_client *client = kept->client;

    h2o_linklist_unlink(&kept->link);
    kept->origin->n_kept--;
    free(kept);
    return client;
}

static void close_kept(struct kept *kept)
{
    struct origin *origin = kept->origin;
    struct http1_client *client = unkeep(kept);

    http1_client_free(&client);
    count_slots(origin, -1);
}

static void on_gone(void *arg)
{
    struct kept *kept = arg;
    struct origin *origin = kept->origin;

    close_kept(kept);
    serve_soon(origin);
}

/* The one used last that is still good, so that the others get old and go. */
static struct http1_client *take_kept(struct origin *origin, const struct origin_wait *wait)
{
    h2o_linklist_t *next;

    for (h2o_linklist_t *node = origin->kept.next; node != &origin->kept; node = next) {
        struct kept *kept = H2O_STRUCT_FROM_MEMBER(struct kept, link, node);

        next = node->next;
        if (!http1_client_allowed(kept->client, wait->allow, wait->allow_arg))
            continue;
        if (http1_client_wake(kept->client) && http1_client_age_ms(kept->client) < ORIGIN_AGE_MS)
            return unkeep(kept);
        close_kept(kept);
    }
    return NULL;
}

static void keep(struct origin *origin, struct http1_client **client)
{
    uint64_t age_ms = http1_client_age_ms(*client);
    struct kept *kept = NULL;

    if (!origin->origins->draining && http1_client_reusable(*client) && age_ms < ORIGIN_AGE_MS)
        kept = malloc(sizeof(*kept));
    if (kept == NULL) {
        http1_client_free(client);
        count_slots(origin, -1);
        return;
    }
    *kept = (struct kept){ .origin = origin, .client = *client };
    *client = NULL;
    h2o_linklist_insert(origin->kept.next, &kept->link);
    origin->n_kept++;
    http1_client_rest(kept->client,
                      ORIGIN_AGE_MS - age_ms < ORIGIN_IDLE_MS ? ORIGIN_AGE_MS - age_ms
                                                              : ORIGIN_IDLE_MS,
                      on_gone, kept);
}

void origin_give_back(struct origin *origin, struct http1_client **client)
{
    if (*client != NULL)
        keep(origin, client);
    else
        count_slots(origin, -1);
    serve_soon(origin);
}

static void close_all_kept(struct origin *origin)
{
    while (!h2o_linklist_is_empty(&origin->kept))
        close_kept(H2O_STRUCT_FROM_MEMBER(struct kept, link, origin->kept.next));
}

/* ---- the queue ---- */

/* A slot for a connection to be made; a kept one of no use here gives way. */
static bool take_slot(struct origin *origin)
{
    if (origin->n_slots >= origin->origins->max_connections && origin->n_kept > 0)
        close_kept(H2O_STRUCT_FROM_MEMBER(struct kept, link, origin->kept.prev));
    if (origin->n_slots >= origin->origins->max_connections)
        return false;
    count_slots(origin, 1);
    return true;
}

static void free_origin(struct origin *origin)
{
    h2o_timeout_unlink(&origin->soon);
    if (h2o_linklist_is_linked(&origin->link))
        h2o_linklist_unlink(&origin->link);
    tls_host_free(&origin->tls);
    free(origin);
}

/* Only here an origin ends, so that it is there for whoever is called from here. */
static void serve(h2o_timeout_entry_t *entry)
{
    struct origin *origin = H2O_STRUCT_FROM_MEMBER(struct origin, soon, entry);

    while (origin->n_waiting > 0) {
        struct origin_wait *wait =
            H2O_STRUCT_FROM_MEMBER(struct origin_wait, link, origin->waiting.next);
        struct http1_client *kept = take_kept(origin, wait);

        if (kept == NULL && !take_slot(origin))
            break;
        h2o_linklist_unlink(&wait->link);
        count_waiting(origin, -1);
        wait->ready(wait, kept);
    }
    if (origin->n_waiting == 0 && origin->n_slots == 0)
        free_origin(origin);
}

/* A connection made for one side is never used for the other: they trust different CAs. */
static bool is_for(const struct origin *origin, const struct upstream_request *request)
{
    const struct url *url = &request->url;

    return (origin->tls != NULL) == url->tls && (!url->tls || origin->side == request->side) &&
           origin->port == url->port && span_equal_nocase(span_text(origin->host), url->host);
}

static struct origin *find_origin(struct origins *origins, const struct upstream_request *request)
{
    h2o_linklist_t *node;

    for (node = origins->all.next; node != &origins->all; node = node->next) {
        struct origin *origin = H2O_STRUCT_FROM_MEMBER(struct origin, link, node);

        if (is_for(origin, request))
            return origin;
    }
    return NULL;
}

static int set_up_tls(struct origin *origin)
{
    static const struct tls_pem system_store;
    struct tls_trust **trust = &origin->origins->trust[origin->side];
    struct tls_mistake none;
    int r = *trust == NULL ? tls_trust_new(&system_store, trust, &none) : 0;

    return r < 0 ? r : tls_host_new(*trust, origin->host, TLS_HTTP1, &origin->tls);
}

static int new_origin(struct origins *origins, const struct upstream_request *request,
                      struct origin **origin_r)
{
    struct origin *origin = calloc(1, sizeof(*origin));
    int r = 0;

    if (origin == NULL)
        return -ENOMEM;
    origin->origins = origins;
    origin->side = request->side;
    origin->port = request->url.port;
    assert(request->url.host.len <= URL_HOST_MAX);
    memcpy(origin->host, request->url.host.at, request->url.host.len);
    h2o_linklist_init_anchor(&origin->waiting);
    h2o_linklist_init_anchor(&origin->kept);
    if (request->url.tls)
        r = set_up_tls(origin);
    if (r < 0) {
        free_origin(origin);
        return r;
    }
    h2o_linklist_insert(&origins->all, &origin->link);
    *origin_r = origin;
    return 0;
}

/* Whoever will be served at once does not count as waiting. */
static bool is_full(const struct origin *origin)
{
    uint64_t n_busy = origin->n_slots - origin->n_kept;

    return n_busy + origin->n_waiting >=
           origin->origins->max_connections + origin->origins->max_waiting;
}

int origin_wait(struct origins *origins, const struct upstream_request *request,
                struct origin_wait *wait)
{
    struct origin *origin = find_origin(origins, request);
    int r = origin == NULL ? new_origin(origins, request, &origin) : 0;

    if (r < 0)
        return r;
    if (is_full(origin))
        return ERR_FULL;
    wait->origin = origin;
    wait->at_once = origin->n_slots + origin->n_waiting < origins->max_connections;
    h2o_linklist_insert(&origin->waiting, &wait->link);
    count_waiting(origin, 1);
    serve_soon(origin);
    return 0;
}

void origin_leave(struct origin_wait *wait)
{
    h2o_linklist_unlink(&wait->link);
    count_waiting(wait->origin, -1);
    serve_soon(wait->origin);
}

/* ---- all of them ---- */

void origins_init(struct origins *origins)
{
    h2o_linklist_init_anchor(&origins->all);
}

void origins_fini(struct origins *origins)
{
    while (!h2o_linklist_is_empty(&origins->all)) {
        struct origin *origin = H2O_STRUCT_FROM_MEMBER(struct origin, link, origins->all.next);

        close_all_kept(origin);
        free_origin(origin);
    }
    for (size_t i = 0; i < N_UPSTREAM_SIDES; i++)
        tls_trust_free(&origins->trust[i]);
}

void origins_drain(struct origins *origins)
{
    h2o_linklist_t *node;

    origins->draining = true;
    for (node = origins->all.next; node != &origins->all; node = node->next) {
        struct origin *origin = H2O_STRUCT_FROM_MEMBER(struct origin, link, node);

        close_all_kept(origin);
        serve_soon(origin);
    }
}
