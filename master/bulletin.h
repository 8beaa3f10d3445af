/* SPDX-License-Identifier: MIT */
/* What the master tells on the board: written where it has changed. */
#ifndef MASTER_BULLETIN_H
#define MASTER_BULLETIN_H

#include "common/board.h"
#include "master/slot.h"

/* Embedded. */
struct bulletin {
    const struct shm *shm;
    struct board_relay relay; /* as it was told */
    struct board_worker workers[SHM_N_SLOTS];
};

/* Goes on with what the binary before us told, or begins. */
void bulletin_init(struct bulletin *bulletin, const struct shm *shm);
/* relay: what has to be told; pid and started_ms are filled in here, and what has served, has. */
void bulletin_tell(struct bulletin *bulletin, const struct board_relay *relay,
                   const struct slot slots[static SHM_N_SLOTS]);

#endif
