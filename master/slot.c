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
    slot->deadline_ms = clock_mono_ms();
}

const struct slot_rule *slot_rule(enum slot_state state, enum slot_event event)
{
    return &rules[state][event];
}

void slot_event(struct slot *slot, enum slot_event event)
{
    const struct slot_rule *rule = slot_rule(slot->state, event);

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
