/* SPDX-License-Identifier: MIT */
/* Why a process ended, in words that an operator can act on. */
#ifndef MASTER_OBITUARY_H
#define MASTER_OBITUARY_H

enum { OBITUARY_LEN = 128 };

/* Of a status as waitpid(2) gives it: "signal SIGABRT: an assertion failed". */
void obituary_write(int status, char text_r[static OBITUARY_LEN]);

#endif
