/* SPDX-License-Identifier: MIT */
/* REDIS_URL: where Redis is and who we are to it. May hold a password: its text is never printed.
 */
#ifndef COMMON_REDIS_URL_H
#define COMMON_REDIS_URL_H

#include "common/url.h"

enum { REDIS_URL_PATH_MAX = 107 }; /* of a unix socket, unix(7) */

/* All spans are views of the input. */
struct redis_url {
    bool tls;         /* rediss */
    struct span path; /* of a unix socket; empty: host and port */
    struct span host; /* a name or an address, IPv6 without its brackets */
    uint16_t port;    /* 6379 where none is written */
    bool auth;        /* there is a password, maybe with a user */
    struct span user; /* percent-encoded, as the password; empty: Redis' default user */
    struct span password;
    uint32_t db;
};

/*
 * redis://[[user]:password@]host[:port][/number], rediss:// the same over TLS, and
 * unix:/path/of/the/socket or unix://[user]:password@/path/of/the/socket. ERR_FORMAT for anything
 * else; *why_r is then a sentence for the operator, without a byte of the text.
 */
MUST_CHECK int redis_url_parse(struct span text, struct redis_url *url_r, const char **why_r);

/* Writes user or password as it is meant, its escapes resolved. */
void redis_url_put_decoded(struct buffer *b, struct span encoded);

/* Writes what a log line may show: host:port or the path. */
void redis_url_put_place(struct buffer *b, const struct redis_url *url);

#endif
