/* SPDX-License-Identifier: MIT */
/* The supervisor as its two halves see it: supervisor.c has the loop, succession.c the way from one
 * generation of settings to the next. */
#ifndef MASTER_SUPERVISOR_INTERNAL_H
#define MASTER_SUPERVISOR_INTERNAL_H

#include <poll.h>

#include "master/bulletin.h"
#include "master/control.h"
#include "master/pulse.h"
#include "master/supervisor.h"

/* What is polled: signals, the control socket and its clients, then channels of slots. */
enum { FIRST_SLOT = 1 + CONTROL_POLLS };

struct supervisor {
    struct supervisor_config config;
    struct crew crew;
    struct generation *generation; /* the newest; owned */
    struct slot slots[SHM_N_SLOTS];
    struct pulse pulses[SHM_N_SLOTS];
    struct bulletin bulletin;
    bool adopted;           /* the workers were started by the binary before this one */
    bool stopping, serving; /* serving: all workers of the newest generation are up */
    int signals;            /* owned */
    uint64_t tick_ms;       /* when the hearts are listened to next */
    uint64_t reload_ms;     /* when settings are loaded next; SLOT_NEVER */
    uint64_t reloaded_ms;   /* when they last were */
    uint64_t followed_ms;   /* when the newest came into force */
    struct control control;
    struct buffer reasons; /* why the settings are bad: JSON strings, with commas between */
    bool level_set;        /* by hand: workers to come shall hear of it */
    enum log_level level;
    struct pollfd polls[FIRST_SLOT + SHM_N_SLOTS];
    struct slot *polled[FIRST_SLOT + SHM_N_SLOTS]; /* whose channel polls[i] is */
    nfds_t n_polls;
};

/* The newest settings are in force: workers that are made from now on run them. */
void succession_follow(struct supervisor *s);
/* Wants workers for them. ERR_FULL. */
MUST_CHECK int succession_employ(struct supervisor *s);
/* Those of older ones leave when they are served. */
void succession_retire(struct supervisor *s);
/* Settings are loaded anew, soon; several who ask meanwhile get one reload. */
void succession_ask(struct supervisor *s);
/* Loads them, where it is time. */
void succession_take(struct supervisor *s);

#endif
