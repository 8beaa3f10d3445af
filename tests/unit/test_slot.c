/* SPDX-License-Identifier: MIT */
/* The table of slots: every state with every event. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "master/slot.h"

/* What docs/architecture.md says, written a second time: "action next". */
static const char *const want[N_SLOT_STATES][N_SLOT_EVENTS] = {
    /*  SPAWNED,  READY,  EXIT,  TIMEOUT,  STOP,  RELOAD,  HANG  */
    [SLOT_DOWN] = { "greet starting", "bug down", "bug down", "spawn down", "rest down",
                    "rest down", "bug down" },
    [SLOT_STARTING] = { "bug starting", "serve up", "bury backoff", "kill starting",
                        "kill draining", "kill draining", "bug starting" },
    [SLOT_UP] = { "bug up", "bug up", "bury backoff", "kill up", "drain draining", "drain draining",
                  "kill up" },
    [SLOT_DRAINING] = { "bug draining", "pass draining", "farewell down", "kill draining",
                        "hurry draining", "pass draining", "kill draining" },
    [SLOT_BACKOFF] = { "greet starting", "bug backoff", "bug backoff", "spawn backoff", "rest down",
                       "rest down", "bug backoff" },
};

#define FOR_EACH_PAIR(state_, event_)                                                              \
    for (enum slot_state state_ = 0; state_ < N_SLOT_STATES; state_++)                             \
        for (enum slot_event event_ = 0; event_ < N_SLOT_EVENTS; event_++)

static void every_state_knows_every_event(void **state)
{
    (void)state;
    FOR_EACH_PAIR(at, event)
    {
        const struct slot_rule *rule = slot_rule(at, event);
        char got[64];

        if (rule->action == NULL)
            fail_msg("nothing for %s x %s", slot_state_name(at), slot_event_name(event));
        snprintf(got, sizeof(got), "%s %s", rule->action_name, slot_state_name(rule->next));
        if (strcmp(got, want[at][event]) != 0)
            fail_msg("%s x %s: \"%s\" instead of \"%s\"", slot_state_name(at),
                     slot_event_name(event), got, want[at][event]);
    }
}

static void an_impossible_pair_changes_nothing(void **state)
{
    const struct crew crew = { .generation = 1 };

    (void)state;
    FOR_EACH_PAIR(at, event)
    {
        struct slot slot, before;

        if (strcmp(slot_rule(at, event)->action_name, "bug") != 0)
            continue;
        slot_init(&slot, &crew, 3);
        slot.state = at;
        before = slot;
        slot_event(&slot, event);
        assert_memory_equal(&slot, &before, sizeof(slot));
    }
}

/* A state without a process must never reach an action that needs one, nor lose a live one. */
static void no_process_is_lost_or_invented(void **state)
{
    (void)state;
    FOR_EACH_PAIR(at, event)
    {
        const struct slot_rule *rule = slot_rule(at, event);
        bool had = at != SLOT_DOWN && at != SLOT_BACKOFF;
        bool has = rule->next != SLOT_DOWN && rule->next != SLOT_BACKOFF;

        if (strcmp(rule->action_name, "kill") == 0 || strcmp(rule->action_name, "drain") == 0)
            assert_true(had && has);
        if (had && !has)
            assert_int_equal(event, SLOT_EXIT);
        if (!had && has)
            assert_int_equal(event, SLOT_SPAWNED);
    }
}

static void who_stops_before_it_started_rests(void **state)
{
    const struct crew crew = { .generation = 7 };
    struct slot slot;

    (void)state;
    slot_init(&slot, &crew, 0);
    assert_int_equal(slot.deadline_ms, SLOT_NEVER);
    slot_employ(&slot);
    assert_int_equal(slot.generation, 7);
    assert_true(slot.deadline_ms <= clock_mono_ms());
    slot_event(&slot, SLOT_STOP);
    assert_int_equal(slot.state, SLOT_DOWN);
    assert_int_equal(slot.deadline_ms, SLOT_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_knows_every_event),
        cmocka_unit_test(an_impossible_pair_changes_nothing),
        cmocka_unit_test(no_process_is_lost_or_invented),
        cmocka_unit_test(who_stops_before_it_started_rests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
