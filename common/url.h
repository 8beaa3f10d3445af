/* SPDX-License-Identifier: MIT */
/* The http(s) URLs of settings and of x-mte-upstream: an origin and a base path, nothing else. */
#ifndef COMMON_URL_H
#define COMMON_URL_H

#include "common/buffer.h"
#include "common/span.h"

enum { URL_HOST_MAX = 255 };

struct url {
    bool tls;         /* https */
    struct span host; /* a name or an address, IPv6 without its brackets; views of the input */
    uint16_t port;    /* 80 or 443 where none is written */
    struct span path; /* as written, without a trailing "/"; empty or begins with "/" */
};

/*
 * ERR_FORMAT for anything but http(s)://host[:port][/path] (user info, query, fragment, control
 * bytes, spaces, an empty or overlong host, port 0). *why_r is then a sentence for the operator.
 */
MUST_CHECK int url_parse(struct span text, struct url *url_r, const char **why_r);

/* scheme://host:port/path: port always written, lower case up to the path, no trailing "/". */
void url_put_canonical(struct buffer *b, const struct url *url);

/* The same for all spellings of a URL, and hardly for two URLs. ERR_LIMIT: it is overlong. */
MUST_CHECK int url_hash(const struct url *url, uint64_t *hash_r);

/* host[:port] as a Host field has it: the port only where it is not the scheme's default. */
void url_put_authority(struct buffer *b, const struct url *url);

#endif
