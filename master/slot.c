/* SPDX-License-Identifier: MIT */
/* The table of slot_table.h, and looking things up in it. What is done stands in slot_action.c. */
#include "master/slot.h"

#include "common/clock.h"
#include "master/slot_action.h"

static const struct slot_rule rules[N_SLOT_STATES][N_SLOT_EVENTS] = {
#define SLOT_ROW(state, event, action, next)                                                       \
    [SLOT_##state][SLOT_##event] = { slot_action_##action, #action, SLOT_##next },
#include "master/slot_table.h"
#undef SLOT_ROW
};

static const char *const state_names[N_SLOT_STATES] = {
    [SLOT_DOWN] = "down",         [SLOT_STARTING] = "starting", [SLOT_UP] = "up",
    [SLOT_DRAINING] = "draining", [SLOT_BACKOFF] = "backoff",
};

static const char *const event_names[N_SLOT_EVENTS] = {
    [SLOT_SPAWNED] = "spawned", [SLOT_READY] = "ready", [SLOT_EXIT] = "exit",
    [SLOT_TIMEOUT] = "timeout", [SLOT_STOP] = "stop",   [SLOT_RELOAD] = "reload",
    [SLOT_HANG] = "hang",
};

void slot_init(struct slot *slot, const struct crew *crew, size_t index)
{
    *slot = (struct slot){
        .crew = crew,
        .index = index,
        .state = SLOT_DOWN,
        .channel = -1,
        .deadline_ms = SLOT_NEVER,
    };
}

void slot_employ(struct slot *slot)
{
    slot->generation = slot->crew->generation;
    slot->backoff = (struct backoff){ 0 };
    slot->n_restarts = 0;
    slot->deadline_ms = clock_mono_ms();
}

const struct slot_rule *slot_rule(enum slot_state state, enum slot_event event)
{
    return &rules[state][event];
}

/* A row of METRIC_workers; a slot that is down has no worker. */
static const enum worker_state worker_states[N_SLOT_STATES] = {
    [SLOT_DOWN] = N_LABEL_worker_state, [SLOT_STARTING] = WORKER_STARTING, [SLOT_UP] = WORKER_UP,
    [SLOT_DRAINING] = WORKER_DRAINING,  [SLOT_BACKOFF] = WORKER_BACKOFF,
};

static void count(const struct slot *slot, enum slot_state state, int n)
{
    if (worker_states[state] != N_LABEL_worker_state)
        metric_add(metric_block(slot->crew->shm, 0),
                   metric_of(METRIC_workers, worker_states[state], 0), n);
}

void slot_event(struct slot *slot, enum slot_event event)
{
    const struct slot_rule *rule = slot_rule(slot->state, event);

    if (rule->next != slot->state) {
        count(slot, slot->state, -1);
        count(slot, rule->next, 1);
    }
    slot->state = rule->next;
    rule->action(slot, event);
}

const char *slot_state_name(enum slot_state state)
{
    return state_names[state];
}

const char *slot_event_name(enum slot_event event)
{
    return event_names[event];
}
