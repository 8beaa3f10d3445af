/* SPDX-License-Identifier: MIT */
/*
 * Paths in their one spelling, and the patterns of routes. Pure. What is forwarded is always the
 * path as it came; only decisions are made on the path as it is here.
 */
#ifndef WORKER_ROUTE_H
#define WORKER_ROUTE_H

#include "common/buffer.h"
#include "common/conf.h"

#define ROUTE_ECHO  "/api/mte-echo"
#define ROUTE_PAIR  "/api/mte-pair"
#define ROUTE_RELAY "/api/mte-relay"

/*
 * Appends the path of a request target without its query: unreserved characters decoded, other
 * escapes in upper case, dot segments removed (RFC 3986 6.2.2, 5.2.4). Slashes are not merged.
 * 0 or the buffer's error.
 */
MUST_CHECK int route_normalise(struct span target, struct buffer *path);

/*
 * The same without a copy where the path is in its one spelling already, as most are. *path_r views
 * the target, or what was put into the empty buffer.
 */
MUST_CHECK int route_path(struct span target, struct buffer *room, struct span *path_r);

/*
 * Does a normalised path match one of the patterns? An exact pattern equals it; a prefix pattern
 * ("/api/v1/" and a star) begins it, unless the path has a segment that another server might read
 * as "..": "..%2F", "..;x", "..\\".
 */
bool route_matches(const struct conf_list *patterns, struct span path);

/* MTE_ROUTES: not set, or with this path in it? */
bool route_is_encoded(const struct conf_list *mte_routes, struct span path);

/* The same two questions for a request target as it came. */
bool route_target_is_encoded(const struct conf_list *mte_routes, struct span target);
bool route_target_is_echo(struct span target);
/* A path of a relay's own, or one that cannot be told from it for want of memory. */
bool route_target_is_ours(struct span target);

#endif
