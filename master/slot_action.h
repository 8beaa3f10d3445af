/* SPDX-License-Identifier: MIT */
/*
 * The actions of slot_table.h, each called with the slot already in its next state. A worker's
 * life: spawn, greet, serve, drain, farewell; or bury.
 */
#ifndef MASTER_SLOT_ACTION_H
#define MASTER_SLOT_ACTION_H

#include "master/slot.h"

void slot_action_spawn(struct slot *slot, enum slot_event event);
void slot_action_greet(struct slot *slot, enum slot_event event);
void slot_action_serve(struct slot *slot, enum slot_event event);
void slot_action_drain(struct slot *slot, enum slot_event event);
void slot_action_hurry(struct slot *slot, enum slot_event event);
void slot_action_kill(struct slot *slot, enum slot_event event);
void slot_action_farewell(struct slot *slot, enum slot_event event);
void slot_action_bury(struct slot *slot, enum slot_event event);
void slot_action_rest(struct slot *slot, enum slot_event event);
void slot_action_pass(struct slot *slot, enum slot_event event);
void slot_action_bug(struct slot *slot, enum slot_event event);

#endif
