/* SPDX-License-Identifier: MIT */
/*
 * The loop. Owns the slots, the current generation and the signal descriptor. It decides nothing
 * about a worker: it feeds events to slot_table.h. A generation goes when the next one serves.
 */
#include "master/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/inherit.h"
#include "common/message.h"
#include "common/signal.h"
#include "master/command.h"
#include "master/supervisor_internal.h"

enum {
    N_SLOTS = SHM_N_SLOTS,
    DYING_MS = 1000,
    REASONS_MAX = 65536,
};

/* ---- what comes in ---- */

static void stop(struct supervisor *s, uint64_t drain_ms)
{
    notify_say(s->config.notify, "STOPPING=1\nSTATUS=finishing what is in flight");
    s->stopping = true;
    s->reload_ms = SLOT_NEVER;
    s->crew.drain_ms = drain_ms;
    ports_close(s->config.ports);
    for (size_t i = 0; i < N_SLOTS; i++)
        slot_event(&s->slots[i], SLOT_STOP);
    control_answer_waiting(&s->control, SPAN("{\"ok\":false,\"error\":\"the relay stops\"}\n"));
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
        .control = s->config.control,
        .ports = *s->config.ports,
    };
    int r;

    if (s->stopping || s->config.upgrade == NULL) {
        log_error("no upgrade: the relay is about to stop");
        return;
    }
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
            succession_ask(s);
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

/* The level that was set by hand is not in the settings that it has. */
static void greet(struct supervisor *s, struct slot *slot)
{
    const struct message level = { MESSAGE_LOG_LEVEL, { s->level } };

    slot_event(slot, SLOT_READY);
    if (s->level_set && message_send(slot->channel, &level) != 0)
        log_warning("a worker does not hear of the log level slot=%zu", slot->index);
}

static void take_message(struct supervisor *s, struct slot *slot, const struct message *message)
{
    if (message->kind == MESSAGE_READY && message->numbers[0] == slot->generation)
        greet(s, slot);
    else
        log_error("bug: a worker said what it cannot mean slot=%zu said=%s", slot->index,
                  message_word(message->kind));
}

static void take_messages(struct supervisor *s, struct slot *slot)
{
    struct message message;
    int r;

    while ((r = message_receive(slot->channel, &message)) == 0)
        take_message(s, slot, &message);
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

/* One serves, and each of the others has been tried: a worker that dies at each start must not keep
 * the relay from being ready. */
static bool has_started(const struct supervisor *s)
{
    size_t n_up = 0;

    for (size_t i = 0; i < N_SLOTS; i++) {
        const struct slot *slot = &s->slots[i];

        if (slot->state == SLOT_STARTING ||
            (slot->state == SLOT_DOWN && slot->deadline_ms != SLOT_NEVER))
            return false;
        n_up += slot->state == SLOT_UP;
    }
    return n_up > 0;
}

static void tell(struct supervisor *s)
{
    struct board_relay now = {
        .generation = s->crew.generation,
        .loaded_ms = s->followed_ms,
        .n_workers = s->generation->n_workers,
        .serving = s->serving,
        .served = has_started(s),
        .stopping = s->stopping,
    };

    board_copy_text(now.store, sizeof(now.store), s->generation->store);
    bulletin_tell(&s->bulletin, &now, s->slots);
}

static void prepare_polls(struct supervisor *s)
{
    s->polls[0] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
    control_prepare(&s->control, &s->polls[1]);
    s->n_polls = FIRST_SLOT;
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
    if (control_due_ms(&s->control) < next)
        next = control_due_ms(&s->control);
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
    int r = s->adopted ? 0 : succession_employ(s);

    if (r != 0)
        return r;
    while (!has_left(s)) {
        /* First: a dead worker of old settings must not come back with the new ones. */
        succession_retire(s);
        take_timeouts(s);
        tell(s);
        prepare_polls(s);
        if (poll(s->polls, s->n_polls, poll_timeout(s)) < 0 && errno != EINTR)
            return -errno;
        for (nfds_t i = FIRST_SLOT; i < s->n_polls; i++) {
            if (s->polls[i].revents != 0)
                take_messages(s, s->polled[i]);
        }
        take_signals(s);
        control_take(&s->control, &s->polls[1]);
        succession_take(s);
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
        .ports = config->ports,
        .start_ms = config->start_ms,
    };
    for (size_t i = 0; i < N_SLOTS; i++)
        slot_init(&s->slots[i], &s->crew, i);
    bulletin_init(&s->bulletin, config->shm);
    control_init(&s->control, config->control, command_run, s);
    buffer_init(&s->reasons, REASONS_MAX);
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
    succession_follow(s);
    s->adopted = true;
    s->reload_ms = 0;
    reap(s); /* who left while nobody was there to notice */
}

/* ---- what relayctl asks for ---- */

const struct shm *supervisor_memory(const struct supervisor *s)
{
    return s->config.shm;
}

int supervisor_reload(struct supervisor *s)
{
    log_info("asked for a reload by=relayctl");
    succession_ask(s);
    return s->stopping ? ERR_MISUSE : 0;
}

void supervisor_stop(struct supervisor *s, bool at_once)
{
    log_info("asked to stop by=relayctl");
    stop(s, at_once ? 0 : s->crew.drain_ms);
}

size_t supervisor_tell(struct supervisor *s, const struct message *message)
{
    size_t n = 0;

    for (size_t i = 0; i < N_SLOTS; i++) {
        if (s->slots[i].state == SLOT_UP || s->slots[i].state == SLOT_DRAINING)
            n += message_send(s->slots[i].channel, message) == 0;
    }
    return n;
}

size_t supervisor_set_log_level(struct supervisor *s, enum log_level level)
{
    const struct message message = { MESSAGE_LOG_LEVEL, { level } };

    log_set_level(level);
    s->level = level;
    s->level_set = true;
    return supervisor_tell(s, &message);
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
    control_close(&s->control);
    buffer_fini(&s->reasons);
    fd_close(&s->signals);
    generation_free(&s->generation);
    free(s);
    *supervisor = NULL;
}
