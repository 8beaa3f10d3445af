/* SPDX-License-Identifier: MIT */
/*
 * What is done to a worker, in the order of its life. Each action leaves the slot with the deadline
 * that its state needs. None waits for anything: what follows comes as the next event.
 */
#include "master/slot_action.h"

#include <assert.h>
#include <signal.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/inherit.h"
#include "common/log.h"
#include "common/message.h"
#include "master/obituary.h"
#include "master/ports.h"
#include "master/spawn.h"

/* What a worker may take beyond its time for draining before it is killed. */
enum { GRACE_MS = 1000 };

static struct metric_block *own_metrics(const struct slot *slot)
{
    return metric_block(slot->crew->shm, 0);
}

static int start_process(struct slot *slot, int channel)
{
    const struct crew *crew = slot->crew;
    const struct ports *ports = crew->ports;
    const struct inherit inherit = { slot->index, crew->generation, ports->n_data,
                                     ports->admin >= 0 };
    char argument[INHERIT_TEXT_LEN];
    struct spawn spawn = {
        .path = crew->worker_path,
        .argument = argument,
        .environment = crew->environment,
        .fds = {
            [INHERIT_CHANNEL - SPAWN_FIRST_FD] = channel,
            [INHERIT_BOOT - SPAWN_FIRST_FD] = crew->boot,
            [INHERIT_SHM - SPAWN_FIRST_FD] = shm_fd(crew->shm),
            [INHERIT_ACCESS_LOG - SPAWN_FIRST_FD] = crew->access_log,
            [INHERIT_LOG - SPAWN_FIRST_FD] = crew->log,
            [INHERIT_ADMIN - SPAWN_FIRST_FD] = ports->admin,
        },
        .n_fds = INHERIT_LISTENERS - SPAWN_FIRST_FD,
    };

    inherit_print(&inherit, argument);
    for (size_t i = 0; i < ports->n_data; i++)
        spawn.fds[spawn.n_fds++] = ports->data[i];
    return spawn_process(&spawn, &slot->pid);
}

void slot_action_spawn(struct slot *slot, enum slot_event event)
{
    int ends[2] = { -1, -1 }, r;

    (void)event;
    slot->generation = slot->crew->generation;
    atomic_store(&shm_heartbeat(slot->crew->shm, slot->index)->mono_ms, 0);
    r = message_pair(ends);
    if (r == 0)
        r = start_process(slot, ends[1]);
    fd_close(&ends[1]);
    if (r != 0) {
        uint64_t wait_ms = backoff_next(&slot->backoff, 0);

        fd_close(&ends[0]);
        slot->deadline_ms = clock_mono_ms() + wait_ms;
        log_error("cannot start a worker: %s slot=%zu again_in_ms=%llu", error_text(r), slot->index,
                  (unsigned long long)wait_ms);
        return;
    }
    slot->channel = ends[0];
    slot_event(slot, SLOT_SPAWNED);
}

void slot_action_greet(struct slot *slot, enum slot_event event)
{
    (void)event;
    slot->spawned_ms = clock_mono_ms();
    slot->ready_ms = 0;
    slot->deadline_ms = slot->spawned_ms + slot->crew->start_ms;
    metric_add(own_metrics(slot), METRIC_worker_starts, 1);
    log_info("worker started slot=%zu worker_pid=%d generation=%llu", slot->index, (int)slot->pid,
             (unsigned long long)slot->generation);
}

void slot_action_serve(struct slot *slot, enum slot_event event)
{
    (void)event;
    slot->ready_ms = clock_mono_ms();
    slot->deadline_ms = SLOT_NEVER;
    log_info("worker ready slot=%zu worker_pid=%d after_ms=%llu", slot->index, (int)slot->pid,
             (unsigned long long)(slot->ready_ms - slot->spawned_ms));
}

/* When a worker that was told to leave now is killed. */
static uint64_t drain_deadline(const struct slot *slot)
{
    uint64_t drain_ms = slot->crew->drain_ms;

    return clock_mono_ms() + (drain_ms > 0 ? drain_ms + GRACE_MS : 0);
}

void slot_action_drain(struct slot *slot, enum slot_event event)
{
    const struct message drain = { MESSAGE_DRAIN, { slot->crew->drain_ms, event == SLOT_STOP } };
    int r = message_send(slot->channel, &drain);

    slot->deadline_ms = drain_deadline(slot);
    if (r != 0) /* not a reason to wait: it will not hear us later either */
        slot->deadline_ms = clock_mono_ms();
    log_info("worker told to leave slot=%zu worker_pid=%d because=%s", slot->index, (int)slot->pid,
             slot_event_name(event));
}

void slot_action_hurry(struct slot *slot, enum slot_event event)
{
    uint64_t deadline_ms = drain_deadline(slot);

    (void)event;
    if (deadline_ms < slot->deadline_ms)
        slot->deadline_ms = deadline_ms;
}

void slot_action_kill(struct slot *slot, enum slot_event event)
{
    assert(slot->pid > 1); /* 0 and -1 are everybody */
    slot->deadline_ms = SLOT_NEVER;
    log_warning("worker killed slot=%zu worker_pid=%d state=%s because=%s", slot->index,
                (int)slot->pid, slot_state_name(slot->state), slot_event_name(event));
    kill(slot->pid, SIGKILL);
}

/* The process is gone: nothing of it stays but its counters. */
static void clear(struct slot *slot)
{
    metric_forget_process(metric_block(slot->crew->shm, 1 + slot->index));
    fd_close(&slot->channel);
    slot->pid = 0;
    slot->deadline_ms = SLOT_NEVER;
}

void slot_action_farewell(struct slot *slot, enum slot_event event)
{
    char why[OBITUARY_LEN];

    (void)event;
    obituary_write(slot->status, why);
    log_info("worker left slot=%zu worker_pid=%d cause=\"%s\"", slot->index, (int)slot->pid, why);
    clear(slot);
}

void slot_action_bury(struct slot *slot, enum slot_event event)
{
    uint64_t now = clock_mono_ms();
    uint64_t wait_ms = backoff_next(&slot->backoff, slot->ready_ms != 0 ? now - slot->ready_ms : 0);
    char why[OBITUARY_LEN];

    (void)event;
    obituary_write(slot->status, why);
    log_error("worker died slot=%zu worker_pid=%d cause=\"%s\" restart_in_ms=%llu", slot->index,
              (int)slot->pid, why, (unsigned long long)wait_ms);
    metric_add(own_metrics(slot), METRIC_worker_deaths, 1);
    slot->n_restarts++;
    clear(slot);
    slot->deadline_ms = now + wait_ms;
}

void slot_action_rest(struct slot *slot, enum slot_event event)
{
    (void)event;
    slot->deadline_ms = SLOT_NEVER;
}

void slot_action_pass(struct slot *slot, enum slot_event event)
{
    (void)slot;
    (void)event;
}

void slot_action_bug(struct slot *slot, enum slot_event event)
{
    log_error("bug: a worker slot got an event that cannot be slot=%zu state=%s event=%s",
              slot->index, slot_state_name(slot->state), slot_event_name(event));
}
