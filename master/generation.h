/* SPDX-License-Identifier: MIT */
/*
 * A generation of settings: loaded, checked, sealed into the boot record that its workers run. Of
 * the settings themselves the master keeps only what it acts on; the rest is wiped.
 */
#ifndef MASTER_GENERATION_H
#define MASTER_GENERATION_H

#include "common/conf.h"
#include "master/environment.h"
#include "master/outlet.h"

/* Where settings come from, and who judges them. Constant for the master's life. */
struct generation_source {
    const char *path;                      /* the configuration file; NULL: the default one */
    const char *worker_path;               /* gives the verdict */
    const struct environment *environment; /* outlives all generations */
    conf_problem_cb problem, warning;      /* told of each, one line a call */
    void *arg;
    bool quiet; /* only looked at: the settings are not logged, nor the log changed */
};

/* ADMIN_LISTEN as it is meant. */
struct generation_admin {
    char *address; /* "": there is none; owned */
    uint16_t port;
    bool by_default; /* nobody asked for it, so the relay goes without it where it must */
};

/* Where operators ask. */
struct generation_doors {
    struct generation_admin admin;
    char *control; /* CONTROL_SOCKET; "": there is none; owned */
    bool control_by_default;
};

struct generation {
    uint64_t number;
    int boot; /* sealed boot record; owned */
    size_t n_workers;
    uint64_t drain_ms;
    enum log_level log_level;
    enum log_format log_format;
    struct outlet log, access_log;
    /* What cannot change while the master lives: */
    char *listen; /* LISTEN; owned */
    uint16_t port;
    struct generation_doors doors;
    const char *store; /* of pairs, in a word for operators: see board.h */
    uint64_t pairs_per_node, claim_pages;
};

/* ERR_FORMAT, ERR_REFUSED (the settings are bad, the problems were told); else as it failed. */
MUST_CHECK int generation_load(const struct generation_source *source, uint64_t number,
                               struct generation **generation_r);
void generation_free(struct generation **generation);

/* The log of this process as it says. */
void generation_take_log(const struct generation *generation);
/* Opens both logs, or what stands in for them, of a generation that another binary left. */
void generation_open_logs(struct generation *generation);
/* Its files anew, by their paths. */
void generation_reopen_logs(struct generation *generation);

/* Only where operators ask, of settings that are not judged by a worker. Returned as above. */
MUST_CHECK int generation_load_doors(const struct generation_source *source,
                                     struct generation_doors *doors_r);
void generation_doors_fini(struct generation_doors *doors);

/* The name of a setting that differs though it cannot change in a running master, or NULL. */
const char *generation_conflict(const struct generation *now, const struct generation *next);

#endif
