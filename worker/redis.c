/* SPDX-License-Identifier: MIT */
/*
 * The client. Owns the links (the first goes to where the URL says; in a cluster there is one a
 * primary), the map of the cluster, and the requests under way.
 *
 * A map is asked for where something shows that ours is old (MOVED, CLUSTERDOWN, a link that
 * broke), from any server that is connected, each in its turn: one may be cut off from the others.
 * Links are freed and stopped by the tick only, because everything else may be called from within
 * one of them.
 */
#include "worker/redis.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/metric.h"
#include "worker/redis_link.h"

enum { REDIRECTIONS_MAX = 5, LOOK_SOON_MS = 20, LOOK_AGAIN_MS = 200 };

struct redis {
    struct redis_config config;
    struct buffer url_text;
    struct redis_url url;
    h2o_timeout_t soon;
    struct redis_means means;
    struct redis_link *links[1 + REDIS_NODES_MAX];
    size_t n_links;
    struct redis_slots *map; /* NULL: no cluster, or not known yet */
    bool map_is_old;
    struct redis_op ask; /* for a map */
    size_t next_asked;
    struct timer tick;
    h2o_linklist_t requests;
    size_t n_calls;
    bool up;
};

struct redis_request {
    struct redis_op op;
    struct redis *redis;
    struct redis_call *call; /* NULL: cancelled */
    unsigned n_redirections;
    uint64_t asked_ns;
    h2o_linklist_t node;
};

/* ---- links ---- */

static struct redis_link *find_link(const struct redis *redis, const struct redis_node *node)
{
    for (size_t i = 0; i < redis->n_links; i++) {
        if (redis_node_equal(redis_link_node(redis->links[i]), node))
            return redis->links[i];
    }
    return NULL;
}

static const struct redis_link_events link_events;

/* A link to the node, started; NULL where there is no room for one. */
static struct redis_link *need_link(struct redis *redis, const struct redis_node *node)
{
    struct redis_link *link = find_link(redis, node);

    if (link == NULL) {
        if (redis->n_links == sizeof(redis->links) / sizeof(*redis->links) ||
            redis_link_new(&redis->means, node, &link_events, redis, &link) < 0)
            return NULL;
        redis->links[redis->n_links++] = link;
    }
    redis_link_start(link);
    return link;
}

static struct redis_link *link_of_key(const struct redis *redis, struct span key)
{
    const struct redis_node *node;

    if (redis->map == NULL)
        return redis->links[0];
    node = redis_slots_find(redis->map, redis_slot_of(key));
    return node != NULL ? find_link(redis, node) : NULL;
}

static bool is_ready(const struct redis_link *link)
{
    return link != NULL && redis_link_server(link) != NULL;
}

static bool look_up(const struct redis *redis)
{
    const struct redis_slots *map = redis->map;

    if (map == NULL)
        return is_ready(redis->links[0]);
    for (size_t i = 0; i < map->n_nodes; i++) {
        if (!is_ready(find_link(redis, &map->nodes[i])))
            return false;
    }
    return map->n_served == REDIS_SLOTS;
}

static void note_change(struct redis *redis)
{
    bool up = look_up(redis);

    if (up == redis->up)
        return;
    redis->up = up;
    redis->config.changed(redis->config.arg, up);
}

/* ---- the map ---- */

static void on_tick(struct timer *timer);

static void want_map(struct redis *redis)
{
    redis->map_is_old = true;
    if (!timer_running(&redis->tick) || redis->tick.due_ms > clock_mono_ms() + LOOK_SOON_MS)
        timer_start(&redis->tick, redis->config.timers, LOOK_SOON_MS, on_tick);
}

static void use_map(struct redis *redis, const struct redis_slots *map)
{
    if (redis->map == NULL)
        redis->map = malloc(sizeof(*redis->map));
    if (redis->map == NULL)
        return;
    *redis->map = *map;
    redis->map_is_old = false;
    for (size_t i = 0; i < map->n_nodes; i++)
        need_link(redis, &map->nodes[i]);
    if (!timer_running(&redis->tick)) /* for links that are needed no longer */
        timer_start(&redis->tick, redis->config.timers, LOOK_SOON_MS, on_tick);
}

static void on_map(struct redis_op *op, struct redis_link *link, int result,
                   const struct resp_value *reply)
{
    struct redis *redis = H2O_STRUCT_FROM_MEMBER(struct redis, ask, op);
    struct redis_slots *map;

    if (result < 0)
        return; /* the tick asks another */
    map = malloc(sizeof(*map));
    if (map != NULL && redis_slots_read(reply, redis_link_node(link)->host, map) == 0 &&
        map->n_served > 0)
        use_map(redis, map);
    free(map);
    note_change(redis);
}

/* Asks the next that is ready; where none is, the place of the URL may know more. */
static void ask_for_map(struct redis *redis)
{
    for (size_t n = 0; n < redis->n_links; n++) {
        struct redis_link *link = redis->links[redis->next_asked++ % redis->n_links];

        if (!is_ready(link))
            continue;
        redis->ask.due_ms = clock_mono_ms() + redis->config.answer_ms;
        redis_link_send(link, &redis->ask);
        return;
    }
    redis->map_is_old = true; /* or the tick would stop it again */
    redis_link_start(redis->links[0]);
}

static bool is_needed(const struct redis *redis, const struct redis_link *link)
{
    const struct redis_slots *map = redis->map;

    if (!redis_link_is_idle(link))
        return true;
    if (map == NULL)
        return link == redis->links[0];
    for (size_t i = 0; i < map->n_nodes; i++) {
        if (redis_node_equal(&map->nodes[i], redis_link_node(link)))
            return true;
    }
    return false;
}

static void drop_links(struct redis *redis)
{
    if (!is_needed(redis, redis->links[0]))
        redis_link_stop(redis->links[0]);
    for (size_t i = redis->n_links - 1; i > 0; i--) {
        if (is_needed(redis, redis->links[i]))
            continue;
        redis_link_free(&redis->links[i]);
        redis->links[i] = redis->links[--redis->n_links];
    }
}

/* Runs while the cluster is not as it should be. */
static void on_tick(struct timer *timer)
{
    struct redis *redis = H2O_STRUCT_FROM_MEMBER(struct redis, tick, timer);

    if (!redis->map_is_old)
        drop_links(redis);
    if (redis->map != NULL && (redis->map_is_old || !look_up(redis))) {
        timer_start(timer, redis->config.timers, LOOK_AGAIN_MS, on_tick);
        if (redis->ask.link == NULL)
            ask_for_map(redis);
    }
    note_change(redis);
}

static void on_link_up(void *arg, struct redis_link *link, bool again)
{
    struct redis *redis = arg;
    const struct redis_server *server = redis_link_server(link);

    metric_add(redis->config.metrics, METRIC_redis_reconnects, again);
    if (redis->config.met != NULL)
        redis->config.met(redis->config.arg, server->run_id);
    if (server->slots != NULL && (redis->map == NULL || redis->map_is_old)) {
        use_map(redis, server->slots);
    } else if (server->slots == NULL && link == redis->links[0] && redis->map != NULL) {
        free(redis->map); /* another server stands there now, and by itself */
        redis->map = NULL;
        redis->map_is_old = false;
        timer_start(&redis->tick, redis->config.timers, LOOK_SOON_MS, on_tick);
    }
    note_change(redis);
}

static void on_link_down(void *arg, struct redis_link *link)
{
    struct redis *redis = arg;

    (void)link;
    if (redis->map != NULL)
        want_map(redis);
    note_change(redis);
}

static const struct redis_link_events link_events = { on_link_up, on_link_down };

/* ---- calls ---- */

static void free_request(struct redis_request *request)
{
    h2o_linklist_unlink(&request->node);
    request->redis->n_calls--;
    buffer_fini(&request->op.bytes);
    free(request);
}

/* The last step of whoever calls it. */
static void finish(struct redis_request *request, const struct redis_link *link, int result,
                   const struct resp_value *reply)
{
    const struct redis_server *server = redis_link_server(link);
    struct redis_call *call = request->call;
    struct metric_block *metrics = request->redis->config.metrics;

    metric_observe(metrics, METRIC_redis_seconds, clock_mono_ns() - request->asked_ns);
    metric_add(metrics, METRIC_redis_errors, result < 0 && result != ERR_UNKNOWN);
    free_request(request);
    if (call == NULL)
        return;
    call->request = NULL;
    call->run_id[0] = '\0';
    if (reply != NULL && server != NULL)
        memcpy(call->run_id, server->run_id, sizeof(call->run_id));
    call->done(call, result, reply);
}

/* A slot that moved is noted at once, so that not every call has to find out. */
static int follow(struct redis_request *request, const struct redis_redirection *to)
{
    struct redis *redis = request->redis;
    struct redis_link *link;
    int r = 0;

    if (!to->ask) {
        if (redis->map == NULL)
            redis->map = calloc(1, sizeof(*redis->map));
        if (redis->map == NULL)
            return -ENOMEM;
        r = redis_slots_move(redis->map, to->slot, &to->node);
        want_map(redis);
    }
    if (r < 0 || ++request->n_redirections > REDIRECTIONS_MAX)
        return ERR_BUSY;
    link = need_link(redis, &to->node);
    if (link == NULL || !redis_link_takes(link))
        return ERR_BUSY;
    request->op.asking = to->ask;
    redis_link_send(link, &request->op);
    return 0;
}

static void on_error(struct redis_request *request, struct redis_link *link,
                     const struct resp_value *reply)
{
    struct span text = resp_text(reply);
    struct redis_redirection to;
    int r;

    if (redis_redirection_read(text, redis_link_node(link)->host, &to)) {
        r = follow(request, &to);
        if (r < 0)
            finish(request, link, r, reply);
        return;
    }
    if (request->redis->map != NULL && span_starts(text, SPAN("CLUSTERDOWN")))
        want_map(request->redis);
    finish(request, link, redis_error_of(text).result, reply);
}

static void on_answer(struct redis_op *op, struct redis_link *link, int result,
                      const struct resp_value *reply)
{
    struct redis_request *request = H2O_STRUCT_FROM_MEMBER(struct redis_request, op, op);

    if (result == 0 && resp_kind(reply) == RESP_ERROR)
        on_error(request, link, reply);
    else
        finish(request, link, result, reply);
}

int redis_call(struct redis *redis, struct redis_call *call, struct span key,
               const struct span *words, size_t n_words)
{
    struct redis_link *link = link_of_key(redis, key);
    struct redis_request *request;
    int r = 0;

    if (link == NULL || !redis_link_takes(link))
        r = ERR_CLOSED;
    else if (redis->n_calls == redis->config.max_calls)
        r = ERR_FULL;
    metric_add(redis->config.metrics, METRIC_redis_errors, r < 0);
    if (r < 0)
        return r;
    request = calloc(1, sizeof(*request));
    if (request == NULL)
        return -ENOMEM;
    request->redis = redis;
    redis->n_calls++;
    h2o_linklist_insert(&redis->requests, &request->node);
    buffer_init(&request->op.bytes, 0);
    resp_put_command(&request->op.bytes, words, n_words);
    r = buffer_error(&request->op.bytes);
    if (r < 0) {
        free_request(request);
        return r;
    }
    request->op.answered = on_answer;
    request->op.due_ms = clock_mono_ms() + redis->config.answer_ms;
    request->asked_ns = clock_mono_ns();
    request->call = call;
    call->request = request;
    redis_link_send(link, &request->op);
    return 0;
}

void redis_call_cancel(struct redis_call *call)
{
    if (call->request != NULL)
        call->request->call = NULL;
    call->request = NULL;
}

/* ---- the whole ---- */

bool redis_is_up(const struct redis *redis)
{
    return redis->up;
}

const char *redis_run_id(const struct redis *redis, struct span key)
{
    const struct redis_link *link = link_of_key(redis, key);

    return is_ready(link) ? redis_link_server(link)->run_id : NULL;
}

static int read_url(struct redis *redis, struct redis_node *node_r)
{
    const char *why;
    int r;

    buffer_put(&redis->url_text, redis->config.url);
    r = buffer_error(&redis->url_text);
    if (r == 0)
        r = redis_url_parse(buffer_span(&redis->url_text), &redis->url, &why);
    if (r < 0)
        return r;
    *node_r = (struct redis_node){ .port = redis->url.port };
    if (redis->url.host.len > 0)
        memcpy(node_r->host, redis->url.host.at, redis->url.host.len);
    return 0;
}

int redis_new(const struct redis_config *config, struct redis **redis_r)
{
    const struct span slots[] = { SPAN("CLUSTER"), SPAN("SLOTS") };
    struct redis *redis = calloc(1, sizeof(*redis));
    struct redis_node node;
    int r;

    if (redis == NULL)
        return -ENOMEM;
    redis->config = *config;
    redis->means = (struct redis_means){
        .dial = { config->loop, config->timers, config->resolver, config->connect_ms },
        .soon = &redis->soon,
        .answer_ms = config->answer_ms,
        .ping_ms = config->ping_ms,
        .url = &redis->url,
        .trust = config->trust,
    };
    h2o_timeout_init(config->loop, &redis->soon, 0);
    h2o_linklist_init_anchor(&redis->requests);
    buffer_init_secret(&redis->url_text, 0);
    buffer_init(&redis->ask.bytes, 0);
    resp_put_command(&redis->ask.bytes, slots, 2);
    redis->ask.answered = on_map;
    r = buffer_error(&redis->ask.bytes);
    if (r == 0)
        r = read_url(redis, &node);
    if (r == 0)
        r = redis_link_new(&redis->means, &node, &link_events, redis, &redis->links[0]);
    if (r < 0) {
        redis_free(&redis);
        return r;
    }
    redis->n_links = 1;
    redis_link_start(redis->links[0]);
    *redis_r = redis;
    return 0;
}

void redis_free(struct redis **redis)
{
    struct redis *r = *redis;

    *redis = NULL;
    if (r == NULL)
        return;
    for (h2o_linklist_t *node = r->requests.next; node != &r->requests; node = node->next) {
        struct redis_request *request = H2O_STRUCT_FROM_MEMBER(struct redis_request, node, node);

        if (request->call != NULL)
            redis_call_cancel(request->call);
    }
    timer_stop(&r->tick);
    while (r->n_links > 0)
        redis_link_free(&r->links[--r->n_links]);
    timer_stop(&r->tick); /* what ended with the links may have started it */
    h2o_timeout_dispose(r->config.loop, &r->soon);
    buffer_fini(&r->url_text);
    buffer_fini(&r->ask.bytes);
    free(r->map);
    free(r);
}
