/* SPDX-License-Identifier: MIT */
/*
 * A place that lines go to, opened by the master for itself and its workers: where it is a file,
 * only the master may be allowed to.
 */
#ifndef MASTER_OUTLET_H
#define MASTER_OUTLET_H

#include "common/conf.h"

/* Embedded; outlet_close() at the end, for all-zero ones too. */
struct outlet {
    enum log_place place;
    char *path; /* of a file, or of the socket of syslog; owned */
    int fd;     /* owned, but for standard output and error; -1: not open */
};

/* Not opened yet. -ENOMEM. */
MUST_CHECK int outlet_init(struct outlet *outlet, const struct conf_outlet *wanted,
                           struct span syslog);
/* -errno; ERR_LIMIT: no socket can have that path. A file is made if there is none. */
MUST_CHECK int outlet_open(struct outlet *outlet);
/* Could it be opened? Makes nothing. Returns as outlet_open() does. */
MUST_CHECK int outlet_try(const struct outlet *outlet);
/* A file anew, by its path, under the same number; else nothing. -errno: it stays as it was. */
MUST_CHECK int outlet_reopen(struct outlet *outlet);
/* What is open serves the log of this process. */
void outlet_serve_log(const struct outlet *outlet);
/* The log's descriptor stays open as long as it serves. */
void outlet_close(struct outlet *outlet);

#endif
