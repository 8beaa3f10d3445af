/* SPDX-License-Identifier: MIT */
/* The master's loop: signals, workers' channels and the next deadline, each turned into events of
 * slots. */
#ifndef MASTER_SUPERVISOR_H
#define MASTER_SUPERVISOR_H

#include "master/generation.h"
#include "master/notify.h"
#include "master/takeover.h"

struct supervisor_config {
    const struct generation_source *source; /* for reloads */
    struct shm *shm;
    struct ports *ports; /* closed when stopping begins */
    int control;         /* the control socket; -1: none */
    uint64_t start_ms;   /* for a worker to become ready */
    struct notify *notify;
    void (*serving)(void *arg); /* all workers of the newest settings are up; may be NULL */
    /* A new binary is wanted: returns, with why, only when it did not come to that. May be NULL. */
    int (*upgrade)(void *arg, struct takeover *state);
    void *arg;
};

struct supervisor;
struct message;

/* From now on no signal that it lives by, or ignores, ends this process: those that come while it
 * starts wait until it runs. -errno. */
MUST_CHECK int supervisor_hold_signals(void);
/* After supervisor_hold_signals(). Takes over *generation. */
MUST_CHECK int supervisor_new(const struct supervisor_config *config,
                              struct generation **generation, struct supervisor **supervisor_r);
/* Before supervisor_run(): these workers are ours, whatever they do. The settings are loaded anew
 * at once, so that workers of the new binary take their place. */
void supervisor_adopt(struct supervisor *supervisor, const struct slot slots[static SHM_N_SLOTS]);

/* Starts the workers and keeps them running until it was told to stop and all have left. */
MUST_CHECK int supervisor_run(struct supervisor *supervisor);
void supervisor_free(struct supervisor **supervisor);

/* ---- what relayctl asks for ---- */

const struct shm *supervisor_memory(const struct supervisor *supervisor);
/* Settings are loaded anew; who waits on the control socket is told how that ends. ERR_MISUSE: the
 * relay is about to stop. */
MUST_CHECK int supervisor_reload(struct supervisor *supervisor);
void supervisor_stop(struct supervisor *supervisor, bool at_once);
/* To all workers that serve or finish; returns how many heard it. */
size_t supervisor_tell(struct supervisor *supervisor, const struct message *message);
/* Of master and workers, also those to come, until settings are loaded anew. As above. */
size_t supervisor_set_log_level(struct supervisor *supervisor, enum log_level level);

/* How it stands, for whoever tells operators. */
struct supervisor_view {
    uint64_t generation; /* of the newest settings */
    size_t n_workers;    /* that these want */
    bool serving;        /* all of them are up */
    bool stopping;
    const struct slot *slots; /* SHM_N_SLOTS, to be looked at until the next event */
};
void supervisor_look(const struct supervisor *supervisor, struct supervisor_view *view_r);

#endif
