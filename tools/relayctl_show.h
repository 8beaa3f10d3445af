/* SPDX-License-Identifier: MIT */
/* The answers of a relay as people read them, on standard output; refusals on standard error. */
#ifndef TOOLS_RELAYCTL_SHOW_H
#define TOOLS_RELAYCTL_SHOW_H

#include "common/json.h"

bool show_is_good(const struct json_value *answer);
void show_status(const struct json_value *answer);
void show_pairs(const struct json_value *answer);
void show_done(const char *command, const struct json_value *answer);
void show_refusal(const struct json_value *answer);

#endif
