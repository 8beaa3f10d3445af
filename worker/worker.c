/* SPDX-License-Identifier: MIT */
/*
 * The process: what is made at its start, in the order of docs/architecture.md, and taken down at
 * its end. Owns all that the handlers share. After READY nothing here blocks.
 */
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/conf_check.h"
#include "common/crypto.h"
#include "common/fd.h"
#include "common/jail.h"
#include "common/kem.h"
#include "common/memory.h"
#include "common/signal.h"
#include "common/steady.h"
#include "common/title.h"
#include "worker/address.h"
#include "worker/certificates.h"
#include "worker/channel.h"
#include "worker/drain.h"
#include "worker/heartbeat.h"
#include "worker/resolve.h"

enum {
    N_FILES = 1 << 20, /* descriptors, if the system allows as many */
    N_WAITING = 1024,  /* calls that wait for a connection to one origin */
    N_PEERS = 1024,    /* peer relays remembered */
    N_PAIRS_CACHED = 4096,
    N_REDIS_CALLS = 16384, /* questions to Redis under way */
    REDIS_PING_MS = 1000,
    SWEEP_MS = 5000,
    TELL_MS = 1000, /* how old may be what the board says of peers */
};

struct worker {
    struct inherit inherit;
    struct inherit_user user;
    struct conf *conf;
    struct identity identity;
    struct certificates certificates;
    struct shm *shm;
    int listeners[INHERIT_LISTENERS_MAX];
    struct services services;
    struct resolver *redis_names; /* of REDIS_URL, and of a cluster's servers */
    struct http_server *server;
    struct admin *admin; /* NULL: there is no admin listener */
    struct channel *channel;
    struct heartbeat heartbeat;
    struct drain drain;
    struct timer sweep, tell;
    char name[32]; /* in the log */
    bool filtered; /* its system calls */
    bool over;
};

/* ---- the start, step by step ---- */

/* Without a descriptor for it somebody reads by eye what is found out about the settings. */
static int take_log(const struct worker *w)
{
    const struct conf *conf = w->conf;
    struct log_sink sink = log_sink_to(INHERIT_LOG);
    int r = 0;

    log_set_level(conf->log_level);
    if (fcntl(INHERIT_LOG, F_GETFD) < 0)
        return 0;
    if (conf->log_output.place == LOG_PLACE_SYSLOG)
        r = log_sink_to_syslog(INHERIT_LOG, conf->syslog_socket, &sink);
    log_set_sink(&sink);
    log_set_format(conf->log_format);
    return r;
}

static int read_settings(struct worker *w)
{
    struct boot *boot = NULL;
    int r = boot_open(INHERIT_BOOT, &boot);

    if (r == 0)
        r = conf_from_boot(boot, &w->conf);
    if (r == 0)
        r = inherit_get_user(boot, &w->user);
    boot_close(&boot);
    close(INHERIT_BOOT);
    if (r == 0)
        r = take_log(w);
    return r;
}

/*
 * The user changes here and not between the master's fork and exec: so the program file need not
 * be readable for that user. Until here only our own master has been listened to.
 */
static int enter_jail(struct worker *w)
{
    int r = 0;

    jail_raise_files(N_FILES);
    if (w->user.set)
        r = jail_drop(w->user.user, w->user.group);
    if (r == 0)
        r = jail_no_new_privileges();
    if (r == 0)
        r = jail_hide();
    if (r == 0)
        r = jail_filter();
    w->filtered = r == 0;
    return r == ERR_UNSUPPORTED ? 0 : r;
}

/* What is the same in all workers of these settings. */
static void tell_facts(const struct worker *w, struct metric_block *metrics)
{
    bool is_own = strcmp(kem_provider(), "own") == 0;

    metric_set(metrics, METRIC_generation, w->inherit.generation);
    metric_set(metrics, METRIC_secret_strength, conf_secret_strength(w->conf));
    metric_set(metrics, metric_of(METRIC_build_info, VERSION_THIS, is_own ? KEM_OWN : KEM_OPENSSL),
               1);
    certificates_count_ends(&w->certificates, metrics);
}

static int attach_memory(struct worker *w)
{
    int r = shm_attach(INHERIT_SHM, &w->shm);

    close(INHERIT_SHM);
    if (r < 0)
        return r;
    steady_share(shm_steady_mark(w->shm));
    w->services.metrics = metric_block(w->shm, 1 + (size_t)w->inherit.slot);
    tell_facts(w, w->services.metrics);
    return 0;
}

static int prove_crypto(struct worker *w)
{
    const struct identity_config config = {
        .secret = w->conf->secret,
        .secret_also = w->conf->secret_also,
        .client_id_secret = w->conf->client_id_secret,
        .client_id_secret_also = w->conf->client_id_secret_also,
        .upstream = w->conf->upstream.url,
    };
    int r = crypto_init();

    if (r == 0)
        r = kem_init();
    if (r == 0)
        r = identity_init(&w->identity, &config);
    return r;
}

/* The last step that needs what the keys were made from. */
static int read_certificates(struct worker *w)
{
    int r = certificates_read(&w->certificates, w->conf);

    conf_forget_keys(w->conf);
    return r;
}

static int make_loop(struct worker *w)
{
    /* libh2o would put larger bodies into files: a plaintext must not reach a disk. */
    h2o_socket_buffer_mmap_settings.threshold = SIZE_MAX;
    w->services.loop = h2o_evloop_create();
    return timers_new(w->services.loop, &w->services.timers);
}

static int make_outward(struct worker *w)
{
    struct services *s = &w->services;
    const struct upstream_limits limits = {
        .connect_ms = w->conf->connect_timeout,
        .silence_ms = w->conf->upstream_timeout,
        .max_connections = w->conf->upstream_max_connections,
        .max_waiting = N_WAITING,
        .metrics = s->metrics,
    };
    int r = upstream_new(s->loop, s->timers, &limits, &s->upstream);
    const struct peers_config peers = {
        .identity = &w->identity,
        .upstream = s->upstream,
        .timers = s->timers,
        .pair_lifetime_ms = w->conf->pair_lifetime,
        .max_peers = N_PEERS,
        .metrics = s->metrics,
        .allow = address_is_allowed,
    };

    for (size_t side = 0; r == 0 && side < N_UPSTREAM_SIDES; side++)
        upstream_set_tls(s->upstream, (enum upstream_side)side, &w->certificates.trust[side]);
    return r == 0 ? peers_new(&peers, &s->peers) : r;
}

static void sweep(struct timer *timer)
{
    struct worker *w = H2O_STRUCT_FROM_MEMBER(struct worker, sweep, timer);

    session_store_sweep(w->services.store);
    metric_set(w->services.metrics, METRIC_pairs, session_store_n_pairs(w->services.store));
    (void)memory_give_back();
    timer_start(&w->sweep, w->services.timers, SWEEP_MS, sweep);
}

static int make_store(struct worker *w)
{
    bool shared = w->conf->redis_url.len > 0;
    int r = shared ? resolver_new(w->services.loop, &w->redis_names) : 0;
    const struct redis_config redis = {
        .loop = w->services.loop,
        .timers = w->services.timers,
        .resolver = w->redis_names,
        .trust = w->certificates.redis,
        .url = w->conf->redis_url,
        .connect_ms = w->conf->redis_timeout,
        .answer_ms = w->conf->redis_timeout,
        .ping_ms = REDIS_PING_MS,
        .max_calls = N_REDIS_CALLS,
    };
    const struct session_store_config config = {
        .shm = w->shm,
        .pairs_per_node = w->conf->pairs_per_node,
        .pairing_rate = w->conf->pairing_rate,
        .max_cached = N_PAIRS_CACHED,
        .metrics = w->services.metrics,
        .redis = shared ? &redis : NULL,
        .strict = w->conf->redis_failure == CONF_FAILURE_STRICT,
        .away_after_ms = w->conf->redis_timeout,
        .identity = &w->identity,
    };

    if (r == 0)
        r = session_store_new(&config, &w->services.store);
    if (r == 0)
        sweep(&w->sweep);
    return r;
}

static int open_door(struct worker *w)
{
    int r = request_ids_init(&w->services.request_ids);

    if (r == 0)
        r = access_log_open(&w->services.access_log, w->conf, INHERIT_ACCESS_LOG);
    w->services.conf = w->conf;
    w->services.shm = w->shm;
    w->services.max_buffered =
        w->conf->max_buffered != 0 ? w->conf->max_buffered : memory_available() / 4;
    w->services.identity = &w->identity;
    w->services.tls = w->certificates.door;
    for (size_t i = 0; i < w->inherit.n_listeners; i++)
        w->listeners[i] = INHERIT_LISTENERS + (int)i;
    return r < 0 ? r
                 : http_server_new(&w->services, w->listeners, w->inherit.n_listeners, &w->server);
}

static int open_admin(struct worker *w)
{
    int r;

    if (w->inherit.admin == 0)
        return 0;
    r = admin_new(&w->services, INHERIT_ADMIN, &w->admin);
    close(INHERIT_ADMIN);
    return r;
}

static void on_drain(void *arg, uint64_t ms, bool relay_stops)
{
    struct worker *w = arg;

    title_set("mte-api-relay: %s (draining)", w->name);
    drain_begin(&w->drain, ms, relay_stops);
}

static void on_log_level(void *arg, enum log_level level)
{
    (void)arg;
    log_set_level(level);
}

static void on_forget(void *arg, uint64_t url_hash)
{
    struct worker *w = arg;

    peers_forget(w->services.peers, url_hash);
}

static enum log_place place_of(const struct conf *conf, uint64_t which)
{
    if (which == INHERIT_LOG)
        return conf->log_output.place;
    return which == INHERIT_ACCESS_LOG ? conf->access_log.place : LOG_PLACE_NONE;
}

/* In the place of the descriptor that it had, so nobody need know. */
static void on_log(void *arg, uint64_t which, uint64_t place, int fd)
{
    struct worker *w = arg;

    if (place == place_of(w->conf, which) && dup3(fd, (int)which, O_CLOEXEC) < 0)
        log_error("cannot go on in the new log: %s", error_text(-errno));
}

static void on_orphaned(void *arg)
{
    struct worker *w = arg;

    log_error("the master is gone: leaving");
    on_drain(w, w->conf->drain_timeout, false); /* another master may want the listeners */
}

static void on_over(void *arg)
{
    struct worker *w = arg;

    w->over = true;
}

static void tell_of_peers(struct timer *timer)
{
    struct worker *w = H2O_STRUCT_FROM_MEMBER(struct worker, tell, timer);
    struct board_peers peers;

    peers_describe(w->services.peers, &peers);
    board_put_peers(w->shm, (size_t)w->inherit.slot, &peers);
    timer_start(&w->tell, w->services.timers, TELL_MS, tell_of_peers);
}

static int say_ready(struct worker *w)
{
    const struct channel_events events = {
        on_drain, on_log, on_log_level, on_forget, on_orphaned, w
    };
    int r = channel_new(w->services.loop, INHERIT_CHANNEL, &events, &w->channel);

    w->drain = (struct drain){
        .services = &w->services,
        .server = w->server,
        .admin = w->admin,
        .listeners = w->listeners,
        .n_listeners = w->inherit.n_listeners,
        .over = on_over,
        .arg = w,
    };
    heartbeat_start(&w->heartbeat, w->services.timers, w->shm, (size_t)w->inherit.slot);
    tell_of_peers(&w->tell);
    return r == 0 ? channel_say_ready(w->channel, w->inherit.generation) : r;
}

struct step {
    const char *name;
    int (*run)(struct worker *w);
};

static const struct step start[] = {
    { "boot record", read_settings },
    { "jail", enter_jail },
    { "cryptography", prove_crypto },
    { "certificates", read_certificates },
    { "shared memory", attach_memory },
    { "event loop", make_loop },
    { "outward client", make_outward },
    { "session store", make_store },
    { "listeners", open_door },
    { "admin listener", open_admin },
    { "channel to the master", say_ready },
};
enum { N_STEPS = sizeof(start) / sizeof(*start), N_CHECK_STEPS = 4 };

static int take_steps(struct worker *w, size_t n)
{
    static const int masters_business[] = { SIGINT,  SIGTERM, SIGQUIT, SIGHUP,
                                            SIGPIPE, SIGUSR1, SIGUSR2 };

    signal_ignore(masters_business, sizeof(masters_business) / sizeof(*masters_business));
    log_open(STDERR_FILENO, LOG_LEVEL_INFO, w->name);
    for (size_t i = 0; i < n; i++) {
        int r = start[i].run(w);

        if (r != 0) {
            log_panic("cannot start: %s: %s", start[i].name, error_text(r));
            return r;
        }
    }
    return 0;
}

/* ---- the end ---- */

static void take_down(struct worker *w)
{
    struct services *s = &w->services;

    heartbeat_stop(&w->heartbeat);
    drain_stop(&w->drain);
    timer_stop(&w->sweep);
    timer_stop(&w->tell);
    http_server_free(&w->server);
    admin_free(&w->admin);
    channel_free(&w->channel);
    peers_free(&s->peers);
    upstream_free(&s->upstream);
    session_store_free(&s->store);
    resolver_free(&w->redis_names);
    timers_free(&s->timers);
    steady_share(NULL);
    shm_close(&w->shm);
    certificates_fini(&w->certificates);
    identity_fini(&w->identity);
    conf_free(&w->conf);
    kem_fini();
    crypto_fini();
    if (s->loop != NULL) {
        h2o_evloop_run(s->loop, 0); /* lets go of what was closed */
        h2o_evloop_destroy(s->loop);
    }
}

int worker_run(const struct inherit *inherit)
{
    struct worker *w = calloc(1, sizeof(*w));
    int r;

    if (w == NULL)
        return EXIT_FAILURE;
    w->inherit = *inherit;
    snprintf(w->name, sizeof(w->name), "worker %llu", (unsigned long long)inherit->slot);
    title_set("mte-api-relay: %s", w->name);
    r = take_steps(w, N_STEPS);
    while (r == 0 && !w->over)
        h2o_evloop_run(w->services.loop, INT32_MAX); /* -1 is EINTR, and no error */
    take_down(w);
    free(w);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int worker_check(void)
{
    struct worker *w = calloc(1, sizeof(*w));
    int r;

    if (w == NULL)
        return EXIT_FAILURE;
    snprintf(w->name, sizeof(w->name), "check");
    r = take_steps(w, N_CHECK_STEPS);
    if (r == 0) { /* here: once a start, and not by each worker */
        log_info("what workers run with version=%s kem=%s store=%s", PACKAGE_VERSION,
                 kem_provider(), w->conf->redis_url.len > 0 ? "redis" : "memory");
        certificates_tell_ends(&w->certificates, (int64_t)(clock_wall_ms() / 1000));
        if (!w->filtered)
            log_warning("system calls are not filtered: no libseccomp in this build, or a kernel "
                        "without seccomp filters");
    }
    take_down(w);
    free(w);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
