/* SPDX-License-Identifier: MIT */
/* Compares what is with what was told: the board is written seldom, however often the loop turns.
 */
#include "master/bulletin.h"

#include <unistd.h>

#include "common/clock.h"

void bulletin_init(struct bulletin *bulletin, const struct shm *shm)
{
    *bulletin = (struct bulletin){ .shm = shm };
    board_get_relay(shm, &bulletin->relay);
    if (bulletin->relay.started_ms == 0)
        bulletin->relay.started_ms = clock_mono_ms();
    for (size_t i = 0; i < SHM_N_SLOTS; i++)
        board_get_worker(shm, i, &bulletin->workers[i]);
}

static void tell_slot(struct bulletin *bulletin, const struct slot *slot)
{
    struct board_worker *told = &bulletin->workers[slot->index];
    struct board_worker now = { .state = "" };

    if (slot->state != SLOT_DOWN) {
        board_copy_text(now.state, sizeof(now.state), slot_state_name(slot->state));
        now.pid = (uint64_t)slot->pid;
        now.generation = slot->generation;
        now.started_ms = slot->pid != 0 ? slot->spawned_ms : 0;
        now.n_restarts = slot->n_restarts;
    }
    if (memcmp(&now, told, sizeof(now)) == 0)
        return;
    if (now.pid == 0 && told->pid != 0)
        board_put_peers(bulletin->shm, slot->index, &(struct board_peers){ .n = 0 });
    *told = now;
    board_put_worker(bulletin->shm, slot->index, told);
}

void bulletin_tell(struct bulletin *bulletin, const struct board_relay *relay,
                   const struct slot slots[static SHM_N_SLOTS])
{
    struct board_relay now = *relay;

    now.pid = (uint64_t)getpid();
    now.started_ms = bulletin->relay.started_ms;
    now.served = bulletin->relay.served || relay->served;
    for (size_t i = 0; i < SHM_N_SLOTS; i++)
        tell_slot(bulletin, &slots[i]);
    if (memcmp(&now, &bulletin->relay, sizeof(now)) == 0)
        return;
    bulletin->relay = now;
    board_put_relay(bulletin->shm, &now);
}
