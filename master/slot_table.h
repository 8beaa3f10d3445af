/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a worker: for each state and event the action (slot_action.h) and the state that
 * the slot is in from before the action on. "bug" is a pair that cannot be unless we are wrong.
 */
#ifndef SLOT_ROW
#error "define SLOT_ROW(state, event, action, next) before including this table"
#endif

/* clang-format off */
/*       state     event    action    next                                                       */
SLOT_ROW(DOWN,     SPAWNED, greet,    STARTING) /* it has until start_ms to become ready         */
SLOT_ROW(DOWN,     READY,   bug,      DOWN)
SLOT_ROW(DOWN,     EXIT,    bug,      DOWN)
SLOT_ROW(DOWN,     TIMEOUT, spawn,    DOWN)     /* SPAWNED follows; else TIMEOUT, later          */
SLOT_ROW(DOWN,     STOP,    rest,     DOWN)
SLOT_ROW(DOWN,     RELOAD,  rest,     DOWN)
SLOT_ROW(DOWN,     HANG,    bug,      DOWN)

SLOT_ROW(STARTING, SPAWNED, bug,      STARTING)
SLOT_ROW(STARTING, READY,   serve,    UP)
SLOT_ROW(STARTING, EXIT,    bury,     BACKOFF)
SLOT_ROW(STARTING, TIMEOUT, kill,     STARTING) /* never ready; EXIT follows                     */
SLOT_ROW(STARTING, STOP,    kill,     DRAINING) /* it holds no request yet                       */
SLOT_ROW(STARTING, RELOAD,  kill,     DRAINING)
SLOT_ROW(STARTING, HANG,    bug,      STARTING) /* only a heart that beat once can stop          */

SLOT_ROW(UP,       SPAWNED, bug,      UP)
SLOT_ROW(UP,       READY,   bug,      UP)
SLOT_ROW(UP,       EXIT,    bury,     BACKOFF)
SLOT_ROW(UP,       TIMEOUT, kill,     UP)       /* its channel is closed, but it lives           */
SLOT_ROW(UP,       STOP,    drain,    DRAINING)
SLOT_ROW(UP,       RELOAD,  drain,    DRAINING)
SLOT_ROW(UP,       HANG,    kill,     UP)       /* EXIT follows                                  */

SLOT_ROW(DRAINING, SPAWNED, bug,      DRAINING)
SLOT_ROW(DRAINING, READY,   pass,     DRAINING) /* it said so before it heard us                 */
SLOT_ROW(DRAINING, EXIT,    farewell, DOWN)
SLOT_ROW(DRAINING, TIMEOUT, kill,     DRAINING) /* drained for too long; EXIT follows            */
SLOT_ROW(DRAINING, STOP,    hurry,    DRAINING) /* by the deadline of the stop, if that is sooner */
SLOT_ROW(DRAINING, RELOAD,  pass,     DRAINING)
SLOT_ROW(DRAINING, HANG,    kill,     DRAINING)

SLOT_ROW(BACKOFF,  SPAWNED, greet,    STARTING)
SLOT_ROW(BACKOFF,  READY,   bug,      BACKOFF)
SLOT_ROW(BACKOFF,  EXIT,    bug,      BACKOFF)
SLOT_ROW(BACKOFF,  TIMEOUT, spawn,    BACKOFF)
SLOT_ROW(BACKOFF,  STOP,    rest,     DOWN)
SLOT_ROW(BACKOFF,  RELOAD,  rest,     DOWN)
SLOT_ROW(BACKOFF,  HANG,    bug,      BACKOFF)
/* clang-format on */
