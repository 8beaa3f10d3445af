/* SPDX-License-Identifier: MIT */
/*
 * The loop. Owns the slots, the current generation and the signal descriptor. It decides nothing
 * about a worker: it feeds events to slot_table.h. A generation goes when the next one serves.
 */
#include "master/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/inherit.h"
#include "common/message.h"
#include "common/signal.h"
#include "master/pulse.h"

enum {
    N_SLOTS = SHM_N_SLOTS,
    DYING_MS = 1000,
    RELOAD_PAUSE_MS = 1000, /* from one reload to the next: what is asked for meanwhile is one */
};

struct supervisor {
    struct supervisor_config config;
    struct crew crew;
    struct generation *generation; /* the newest; owned */
    struct slot slots[N_SLOTS];
    struct pulse pulses[N_SLOTS];
    bool adopted;           /* the workers were started by the binary before this one */
    bool stopping, serving; /* serving: all workers of the newest generation are up */
    int signals;            /* owned */
    uint64_t tick_ms;       /* when the hearts are listened to next */
    uint64_t reload_ms;     /* when settings are loaded next; SLOT_NEVER */
    uint64_t reloaded_ms;   /* when they last were */
    struct pollfd polls[1 + N_SLOTS];
    struct slot *polled[1 + N_SLOTS]; /* whose channel polls[i] is */
    nfds_t n_polls;
};

/* ---- generations ---- */

static void follow(struct supervisor *s)
{
    s->crew.boot = s->generation->boot;
    s->crew.log = s->generation->log.fd;
    s->crew.access_log = s->generation->access_log.fd;
    s->crew.generation = s->generation->number;
    s->crew.drain_ms = s->generation->drain_ms;
    s->serving = false;
    generation_take_log(s->generation);
}

static bool is_free(const struct slot *slot)
{
    return slot->state == SLOT_DOWN && slot->deadline_ms == SLOT_NEVER;
}

static int employ_workers(struct supervisor *s)
{
    size_t n_free = 0, wanted = s->generation->n_workers;

    for (size_t i = 0; i < N_SLOTS; i++)
        n_free += is_free(&s->slots[i]);
    if (n_free < wanted)
        return ERR_FULL;
    follow(s);
    for (size_t i = 0; wanted > 0; i++) {
        if (is_free(&s->slots[i])) {
            slot_employ(&s->slots[i]);
            wanted--;
        }
    }
    return 0;
}

static bool is_served(const struct supervisor *s)
{
    size_t n_up = 0;

    for (size_t i = 0; i < N_SLOTS; i++)
        n_up += s->slots[i].state == SLOT_UP && s->slots[i].generation == s->crew.generation;
    return n_up >= s->generation->n_workers;
}

static void tell_serving(struct supervisor *s)
{
    char status[96];

    log_info("serving generation=%llu workers=%zu", (unsigned long long)s->crew.generation,
             s->generation->n_workers);
    snprintf(status, sizeof(status), "serving with %zu workers, settings loaded %llu times",
             s->generation->n_workers, (unsigned long long)s->crew.generation);
    notify_ready(s->config.notify, status);
    if (s->config.serving != NULL)
        s->config.serving(s->config.arg);
}

/* Nothing is lost with those that only start: they hold no request. */
static bool can_go(const struct supervisor *s, const struct slot *slot)
{
    return s->serving || slot->state == SLOT_DOWN || slot->state == SLOT_BACKOFF ||
           slot->state == SLOT_STARTING;
}

/* Workers of older generations leave when the newest serves, and are not started again before. */
static void retire(struct supervisor *s)
{
    if (!s->serving && !s->stopping && is_served(s)) {
        s->serving = true;
        tell_serving(s);
    }
    for (size_t i = 0; i < N_SLOTS; i++) {
        struct slot *slot = &s->slots[i];

        if (slot->generation == s->crew.generation || slot->state == SLOT_DRAINING || is_free(slot))
            continue;
        if (can_go(s, slot))
            slot_event(slot, SLOT_RELOAD);
    }
}

static int load_next(struct supervisor *s, struct generation **next_r)
{
    const char *conflict;
    int r = generation_load(s->config.source, s->crew.generation + 1, next_r);

    if (r != 0)
        return r;
    conflict = generation_conflict(s->generation, *next_r);
    if (conflict == NULL)
        return 0;
    log_error("%s cannot change while the relay runs: restart it for that", conflict);
    return ERR_REFUSED;
}

static void reload(struct supervisor *s)
{
    struct generation *next = NULL, *before = s->generation;
    int r;

    notify_reloading(s->config.notify);
    r = load_next(s, &next);
    if (r == 0) {
        s->generation = next;
        r = employ_workers(s);
        if (r != 0)
            s->generation = before;
        else
            next = before;
    }
    generation_free(&next);
    if (r == 0) {
        log_info("settings reloaded generation=%llu", (unsigned long long)s->crew.generation);
        return;
    }
    log_error("settings not reloaded, those before stay in force: %s", error_text(r));
    notify_ready(s->config.notify, "the settings could not be reloaded, those before are in force");
}

static void ask_for_reload(struct supervisor *s)
{
    uint64_t now = clock_mono_ms(), earliest = s->reloaded_ms + RELOAD_PAUSE_MS;

    if (s->reload_ms == SLOT_NEVER && !s->stopping)
        s->reload_ms = now > earliest ? now : earliest;
}

static void take_reload(struct supervisor *s)
{
    if (clock_mono_ms() < s->reload_ms)
        return;
    s->reload_ms = SLOT_NEVER;
    reload(s);
    s->reloaded_ms = clock_mono_ms();
}

/* ---- what comes in ---- */

static void stop(struct supervisor *s, uint64_t drain_ms)
{
    notify_say(s->config.notify, "STOPPING=1\nSTATUS=finishing what is in flight");
    s->stopping = true;
    s->reload_ms = SLOT_NEVER;
    s->crew.drain_ms = drain_ms;
    for (size_t i = 0; i < s->config.n_listeners; i++)
        fd_close(&s->config.listeners[i]);
    for (size_t i = 0; i < N_SLOTS; i++)
        slot_event(&s->slots[i], SLOT_STOP);
}

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < N_SLOTS; i++) {
            if (s->slots[i].pid == pid) {
                s->slots[i].status = status;
                slot_event(&s->slots[i], SLOT_EXIT);
            }
        }
    }
}

static void upgrade(struct supervisor *s)
{
    struct takeover state = {
        .generation = s->generation,
        .slots = s->slots,
        .shm = shm_fd(s->config.shm),
        .pid_file = -1,
        .n_listeners = s->config.n_listeners,
    };
    int r;

    if (s->stopping || s->config.upgrade == NULL) {
        log_error("no upgrade: the relay is about to stop");
        return;
    }
    memcpy(state.listeners, s->config.listeners, state.n_listeners * sizeof(*state.listeners));
    notify_reloading(s->config.notify);
    r = s->config.upgrade(s->config.arg, &state);
    log_error("no upgrade, this binary goes on: %s", error_text(r));
    notify_ready(s->config.notify, "the upgrade failed, the binary before goes on");
}

/* To all who have such a log; one that does not listen any more writes on where it did. */
static void pass_on(struct supervisor *s, enum inherit_fd which, const struct outlet *outlet)
{
    const struct message log = { MESSAGE_LOG, { which, outlet->place } };

    for (size_t i = 0; outlet->place == LOG_PLACE_FILE && i < N_SLOTS; i++) {
        const struct slot *slot = &s->slots[i];
        int r = slot->channel >= 0 ? message_send_fd(slot->channel, &log, outlet->fd) : 0;

        if (r < 0)
            log_error("a worker does not get its log: %s slot=%zu", error_text(r), slot->index);
    }
}

static void reopen_logs(struct supervisor *s)
{
    generation_reopen_logs(s->generation);
    pass_on(s, INHERIT_LOG, &s->generation->log);
    pass_on(s, INHERIT_ACCESS_LOG, &s->generation->access_log);
    log_info("logs opened anew");
}

static void take_signals(struct supervisor *s)
{
    int signo;

    while ((signo = signal_read(s->signals)) != 0) {
        if (signo != SIGCHLD)
            log_info("signal SIG%s", sigabbrev_np(signo));
        if (signo == SIGCHLD)
            reap(s);
        else if (signo == SIGHUP)
            ask_for_reload(s);
        else if (signo == SIGUSR1)
            reopen_logs(s);
        else if (signo == SIGUSR2)
            upgrade(s);
        else if (signo == SIGQUIT)
            stop(s, 0);
        else if (signo == SIGTERM || signo == SIGINT)
            stop(s, s->crew.drain_ms);
    }
}

static void take_message(struct slot *slot, const struct message *message)
{
    if (message->kind == MESSAGE_READY && message->numbers[0] == slot->generation)
        slot_event(slot, SLOT_READY);
    else
        log_error("bug: a worker said what it cannot mean slot=%zu said=%s", slot->index,
                  message_word(message->kind));
}

static void take_messages(struct slot *slot)
{
    struct message message;
    int r;

    while ((r = message_receive(slot->channel, &message)) == 0)
        take_message(slot, &message);
    if (r == ERR_BUSY)
        return;
    if (r != ERR_CLOSED)
        log_error("a worker's channel failed: %s slot=%zu", error_text(r), slot->index);
    fd_close(&slot->channel);
    if (slot->deadline_ms == SLOT_NEVER) /* it is dying; if not, it is beyond our control */
        slot->deadline_ms = clock_mono_ms() + DYING_MS;
}

static void take_timeouts(struct supervisor *s)
{
    for (size_t i = 0; i < N_SLOTS; i++) {
        if (s->slots[i].deadline_ms <= clock_mono_ms())
            slot_event(&s->slots[i], SLOT_TIMEOUT);
    }
}

static bool has_lost_its_pulse(struct supervisor *s, const struct slot *slot, uint64_t now)
{
    struct shm_heartbeat *beat = shm_heartbeat(s->crew.shm, slot->index);
    struct pulse_sign sign = pulse_look(slot->pid, atomic_load(&beat->mono_ms));

    return pulse_is_lost(&s->pulses[slot->index], &sign, now);
}

static void listen_to_hearts(struct supervisor *s)
{
    uint64_t now = clock_mono_ms();

    if (now < s->tick_ms)
        return;
    s->tick_ms = now + PULSE_TICK_MS;
    for (size_t i = 0; i < N_SLOTS; i++) {
        struct slot *slot = &s->slots[i];

        if (slot->state != SLOT_UP && slot->state != SLOT_DRAINING)
            s->pulses[i] = (struct pulse){ 0 };
        else if (has_lost_its_pulse(s, slot, now))
            slot_event(slot, SLOT_HANG);
    }
}

/* ---- the loop ---- */

static void prepare_polls(struct supervisor *s)
{
    s->polls[0] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
    s->n_polls = 1;
    for (size_t i = 0; i < N_SLOTS; i++) {
        if (s->slots[i].channel < 0)
            continue;
        s->polled[s->n_polls] = &s->slots[i];
        s->polls[s->n_polls++] = (struct pollfd){ .fd = s->slots[i].channel, .events = POLLIN };
    }
}

static int poll_timeout(const struct supervisor *s)
{
    uint64_t now = clock_mono_ms(), next = s->tick_ms;

    if (s->reload_ms < next)
        next = s->reload_ms;
    if (s->config.notify->due_ms < next)
        next = s->config.notify->due_ms;
    for (size_t i = 0; i < N_SLOTS; i++) {
        if (s->slots[i].deadline_ms < next)
            next = s->slots[i].deadline_ms;
    }
    return next > now ? (int)(next - now) : 0;
}

static bool has_left(const struct supervisor *s)
{
    for (size_t i = 0; i < N_SLOTS; i++) {
        if (s->slots[i].state != SLOT_DOWN)
            return false;
    }
    return s->stopping;
}

int supervisor_run(struct supervisor *s)
{
    int r = s->adopted ? 0 : employ_workers(s);

    if (r != 0)
        return r;
    while (!has_left(s)) {
        retire(s); /* first: a dead worker of old settings must not come back with the new ones */
        take_timeouts(s);
        prepare_polls(s);
        if (poll(s->polls, s->n_polls, poll_timeout(s)) < 0 && errno != EINTR)
            return -errno;
        for (nfds_t i = 1; i < s->n_polls; i++) {
            if (s->polls[i].revents != 0)
                take_messages(s->polled[i]);
        }
        take_signals(s);
        take_reload(s);
        listen_to_hearts(s);
        notify_watchdog(s->config.notify, clock_mono_ms());
    }
    return 0;
}

static const int wanted[] = { SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2 };
static const int unwanted[] = { SIGPIPE };

int supervisor_hold_signals(void)
{
    signal_ignore(unwanted, sizeof(unwanted) / sizeof(*unwanted));
    return signal_block(wanted, sizeof(wanted) / sizeof(*wanted));
}

int supervisor_new(const struct supervisor_config *config, struct generation **generation,
                   struct supervisor **supervisor_r)
{
    struct supervisor *s = calloc(1, sizeof(*s));
    int r;

    if (s == NULL)
        return -ENOMEM;
    r = signal_open(wanted, sizeof(wanted) / sizeof(*wanted), &s->signals);
    if (r != 0) {
        free(s);
        return r;
    }
    s->config = *config;
    s->reload_ms = SLOT_NEVER;
    s->crew = (struct crew){
        .worker_path = config->source->worker_path,
        .environment = environment_rest(config->source->environment),
        .shm = config->shm,
        .listeners = config->listeners,
        .n_listeners = config->n_listeners,
        .start_ms = config->start_ms,
    };
    for (size_t i = 0; i < N_SLOTS; i++)
        slot_init(&s->slots[i], &s->crew, i);
    s->generation = *generation;
    *generation = NULL;
    *supervisor_r = s;
    return 0;
}

void supervisor_adopt(struct supervisor *s, const struct slot slots[static SHM_N_SLOTS])
{
    for (size_t i = 0; i < N_SLOTS; i++) {
        s->slots[i] = slots[i];
        s->slots[i].crew = &s->crew;
        s->slots[i].index = i;
    }
    follow(s);
    s->adopted = true;
    s->reload_ms = 0;
    reap(s); /* who left while nobody was there to notice */
}

void supervisor_look(const struct supervisor *s, struct supervisor_view *view_r)
{
    *view_r = (struct supervisor_view){
        .generation = s->crew.generation,
        .n_workers = s->generation->n_workers,
        .serving = s->serving,
        .stopping = s->stopping,
        .slots = s->slots,
    };
}

void supervisor_free(struct supervisor **supervisor)
{
    struct supervisor *s = *supervisor;

    if (s == NULL)
        return;
    for (size_t i = 0; i < N_SLOTS; i++)
        fd_close(&s->slots[i].channel);
    fd_close(&s->signals);
    generation_free(&s->generation);
    free(s);
    *supervisor = NULL;
}
