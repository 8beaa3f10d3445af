/* SPDX-License-Identifier: MIT */
/* How a relay is, in JSON: what /status answers, and what relayctl shows. */
#ifndef COMMON_BOARD_PRINT_H
#define COMMON_BOARD_PRINT_H

#include "common/board.h"

/* One object and a line end. From the board and the metrics, so any process may say it. */
void board_print(const struct shm *shm, struct buffer *out);

/* "none", "short", "good": the metric secret_strength in a word. */
const char *board_secret_word(const struct shm *shm);

#endif
