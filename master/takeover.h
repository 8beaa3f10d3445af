/* SPDX-License-Identifier: MIT */
/*
 * What a master hands to the binary that goes on in its place: its workers, its generation and the
 * numbers of the descriptors that stay open, in a memfd with the versions of all that both share.
 */
#ifndef MASTER_TAKEOVER_H
#define MASTER_TAKEOVER_H

#include "master/ports.h"
#include "master/slot.h"

enum { TAKEOVER_VERSION = 3 };

struct takeover {
    struct generation *generation; /* owned by who wrote it; by the caller of takeover_read() */
    struct slot *slots;            /* SHM_N_SLOTS of them; the caller's */
    int shm;
    int pid_file; /* -1: none */
    int control;  /* -1: none */
    struct ports ports;
};

/* A memfd (close-on-exec) for the caller to close. -errno, ERR_LIMIT. */
MUST_CHECK int takeover_write(const struct takeover *t, int *fd_r);

/*
 * The other way round: slots have what a worker is, and nothing of crew or index. ERR_UNSUPPORTED:
 * a version of this, of the messages or of the shared memory that is not ours; ERR_FORMAT; -errno.
 */
MUST_CHECK int takeover_read(int fd, struct slot *slots, struct takeover *t_r);

/* Whether the next binary finds these descriptors open. -errno: then not all are changed. */
MUST_CHECK int takeover_keep(const struct takeover *t, bool keep);

#endif
