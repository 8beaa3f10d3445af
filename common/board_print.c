/* SPDX-License-Identifier: MIT */
/* Board and metrics put together, by slot and as a whole. Owns nothing, changes nothing. */
#include "common/board_print.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/shm_layout.h"

static void put_number(struct buffer *out, const char *name, uint64_t value)
{
    buffer_printf(out, ",\"%s\":%llu", name, (unsigned long long)value);
}

static void put_text(struct buffer *out, const char *name, const char *text)
{
    buffer_printf(out, ",\"%s\":", name);
    json_put_string(out, span_text(text));
}

static void put_age(struct buffer *out, const char *name, uint64_t since_ms)
{
    uint64_t now = clock_mono_ms();

    put_number(out, name, since_ms != 0 && now > since_ms ? (now - since_ms) / 1000 : 0);
}

/* ---- numbers ---- */

/* Of one block, over all values of a metric's first and second label. */
static uint64_t add_up(const struct metric_block *block, enum metric first, enum metric last)
{
    uint64_t sum = 0;

    for (int i = (int)first; i <= (int)last; i++)
        sum += atomic_load_explicit(&block->values[i], memory_order_relaxed);
    return sum;
}

static uint64_t requests_of(const struct shm *shm, enum direction direction)
{
    uint64_t sum = 0;

    for (unsigned status = 0; status < N_LABEL_status_class; status++)
        sum += metric_sum(shm, metric_of(METRIC_requests, direction, status));
    return sum;
}

static uint64_t refusals_of(const struct shm *shm)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < METRIC_N_REFUSALS; i++)
        sum += metric_sum_refusals(shm, i);
    return sum;
}

const char *board_secret_word(const struct shm *shm)
{
    static const char *const words[] = { "none", "short", "good" };
    uint64_t strength = metric_sum(shm, METRIC_secret_strength);

    return words[strength < 3 ? strength : 2];
}

static void put_store(const struct shm *shm, const struct board_relay *relay, struct buffer *out)
{
    put_text(out, "store", relay->store);
    buffer_put_text(out, ",\"redis\":{\"workers_up\":");
    buffer_put_decimal(out, metric_sum(shm, METRIC_redis_up));
    put_number(out, "workers_away", metric_sum(shm, METRIC_redis_away));
    buffer_put_text(out, "}");
}

static void put_counts(const struct shm *shm, struct buffer *out)
{
    buffer_put_text(out, ",\"requests\":{\"in_flight\":");
    buffer_put_decimal(out, metric_sum(shm, METRIC_requests_in_flight));
    put_number(out, "outbound", requests_of(shm, DIRECTION_OUTBOUND));
    put_number(out, "inbound", requests_of(shm, DIRECTION_INBOUND));
    put_number(out, "plain", requests_of(shm, DIRECTION_PLAIN));
    put_number(out, "own", requests_of(shm, DIRECTION_OWN));
    put_number(out, "refused", refusals_of(shm));
    buffer_put_text(out, "}");
    put_number(out, "connections", metric_sum(shm, METRIC_connections));
    buffer_put_text(out, ",\"pairs\":{\"with_peers\":");
    buffer_put_decimal(out, metric_sum(shm, METRIC_peer_pairs));
    put_number(out, "of_peers", metric_sum(shm, METRIC_pairs));
    buffer_put_text(out, "}");
    put_number(out, "worker_starts", metric_sum(shm, METRIC_worker_starts));
    put_number(out, "worker_deaths", metric_sum(shm, METRIC_worker_deaths));
    put_text(out, "secret_strength", board_secret_word(shm));
}

/* ---- workers and peers ---- */

static void put_worker(const struct shm *shm, size_t slot, const struct board_worker *worker,
                       struct buffer *out)
{
    const struct metric_block *block = metric_block(shm, 1 + slot);

    buffer_printf(out, "{\"slot\":%zu", slot);
    put_text(out, "state", worker->state);
    put_number(out, "pid", worker->pid);
    put_number(out, "generation", worker->generation);
    put_age(out, "uptime_s", worker->started_ms);
    put_number(out, "restarts", worker->n_restarts);
    put_number(out, "requests", add_up(block, METRIC_requests, METRIC_LAST_requests));
    put_number(out, "in_flight",
               add_up(block, METRIC_requests_in_flight, METRIC_LAST_requests_in_flight));
    put_number(out, "connections", add_up(block, METRIC_connections, METRIC_LAST_connections));
    put_number(out, "pairs", add_up(block, METRIC_peer_pairs, METRIC_LAST_peer_pairs));
    buffer_put_text(out, "}");
}

static void put_peers(const struct shm *shm, size_t slot, bool *first, struct buffer *out)
{
    struct board_peers peers;

    board_get_peers(shm, slot, &peers);
    for (size_t i = 0; i < peers.n && i < BOARD_PEERS_MAX; i++) {
        const struct board_peer *peer = &peers.items[i];

        buffer_printf(out, "%s{\"slot\":%zu", *first ? "" : ",", slot);
        put_text(out, "url", peer->url);
        put_text(out, "state", peer->state);
        buffer_printf(out, ",\"pair\":%s", peer->has_pair != 0 ? "true" : "false");
        if (peer->failure[0] != 0)
            put_text(out, "failure", peer->failure);
        buffer_put_text(out, "}");
        *first = false;
    }
}

static void put_slots(const struct shm *shm, struct buffer *out)
{
    struct board_worker worker;
    bool first = true;

    buffer_put_text(out, ",\"workers\":[");
    for (size_t i = 0; i < SHM_N_SLOTS; i++) {
        board_get_worker(shm, i, &worker);
        if (worker.state[0] == 0)
            continue;
        buffer_put_text(out, first ? "" : ",");
        put_worker(shm, i, &worker, out);
        first = false;
    }
    buffer_put_text(out, "],\"peers\":[");
    first = true;
    for (size_t i = 0; i < SHM_N_SLOTS; i++) {
        board_get_worker(shm, i, &worker);
        if (worker.pid != 0)
            put_peers(shm, i, &first, out);
    }
    buffer_put_text(out, "]");
}

static const char *state_of(const struct board_relay *relay)
{
    if (relay->stopping)
        return "stopping";
    if (relay->serving)
        return "serving";
    return relay->served ? "changing" : "starting";
}

void board_print(const struct shm *shm, struct buffer *out)
{
    struct board_relay relay;

    board_get_relay(shm, &relay);
    buffer_put_text(out, "{\"version\":\"" PACKAGE_VERSION "\"");
    put_text(out, "state", state_of(&relay));
    put_number(out, "pid", relay.pid);
    put_age(out, "uptime_s", relay.started_ms);
    put_number(out, "generation", relay.generation);
    put_age(out, "settings_age_s", relay.loaded_ms);
    put_number(out, "workers_wanted", relay.n_workers);
    put_store(shm, &relay, out);
    put_counts(shm, out);
    put_slots(shm, out);
    buffer_put_text(out, "}\n");
}
