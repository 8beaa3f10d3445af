/* SPDX-License-Identifier: MIT */
/* The client's side of the control socket. */
#ifndef TOOLS_RELAYCTL_SOCKET_H
#define TOOLS_RELAYCTL_SOCKET_H

#include "common/buffer.h"

/* Says a line and appends all that is answered. ERR_CLOSED: nothing was. -errno, ERR_LIMIT. */
MUST_CHECK int relayctl_ask(const char *path, struct span line, struct buffer *answer);

/* Does somebody listen there? */
bool relayctl_listens(const char *path);

#endif
