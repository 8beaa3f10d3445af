/* SPDX-License-Identifier: MIT */
/* The words of relayctl, done to the relay. */
#ifndef MASTER_COMMAND_H
#define MASTER_COMMAND_H

#include "common/buffer.h"

struct supervisor;

/* As control_line_cb of control.h, with the supervisor as arg. */
bool command_run(void *supervisor, struct span line, struct buffer *out);

#endif
