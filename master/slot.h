/* SPDX-License-Identifier: MIT */
/*
 * A slot is a place for one worker process: what state it is in, and what becomes of it at each
 * event. slot_table.h has all of it.
 */
#ifndef MASTER_SLOT_H
#define MASTER_SLOT_H

#include "common/shm_layout.h"
#include "master/backoff.h"

enum slot_state {
    SLOT_DOWN,     /* no process and none wanted, or about to be started for the first time */
    SLOT_STARTING, /* a process that is not ready yet */
    SLOT_UP,       /* it serves */
    SLOT_DRAINING, /* it was told to leave */
    SLOT_BACKOFF,  /* its process died; another will be started */
    N_SLOT_STATES
};

enum slot_event {
    SLOT_SPAWNED, /* a process was made */
    SLOT_READY,   /* it says that it serves */
    SLOT_EXIT,    /* it is gone; status says how */
    SLOT_TIMEOUT, /* deadline_ms has come */
    SLOT_STOP,    /* the relay stops */
    SLOT_RELOAD,  /* newer settings are served by others */
    SLOT_HANG,    /* its heart does not beat */
    N_SLOT_EVENTS
};

struct ports;

/* What all workers are made from and measured by. The supervisor's; slots only read it. */
struct crew {
    const char *worker_path;
    char *const *environment;
    int boot; /* the boot record of the current generation */
    uint64_t generation;
    struct shm *shm;
    int log, access_log; /* of the current generation */
    const struct ports *ports;
    uint64_t start_ms; /* for becoming ready */
    uint64_t drain_ms; /* for leaving; 0: at once */
};

#define SLOT_NEVER UINT64_MAX

struct slot {
    const struct crew *crew;
    size_t index;
    enum slot_state state;
    pid_t pid;                     /* 0: no process */
    int channel;                   /* -1: none; owned */
    int status;                    /* of the process that is gone, as waitpid(2) has it */
    uint64_t generation;           /* of the settings that it runs */
    uint64_t deadline_ms;          /* by clock_mono_ms(); SLOT_NEVER */
    uint64_t spawned_ms, ready_ms; /* when it did; ready_ms 0: not yet */
    struct backoff backoff;
    uint64_t n_restarts; /* since it was employed */
};

void slot_init(struct slot *slot, const struct crew *crew, size_t index);

/* Down, to be started by its next TIMEOUT, which is due now. */
void slot_employ(struct slot *slot);

/* Looks up the table, changes the state, then runs the action. */
void slot_event(struct slot *slot, enum slot_event event);

/* A row of the table: what is done, and the state after it. */
struct slot_rule {
    void (*action)(struct slot *slot, enum slot_event event);
    const char *action_name;
    enum slot_state next;
};
const struct slot_rule *slot_rule(enum slot_state state, enum slot_event event);

const char *slot_state_name(enum slot_state state);
const char *slot_event_name(enum slot_event event);

#endif
