/* SPDX-License-Identifier: MIT */
/* The command line, and the identity that the environment gives: secrets are never arguments. */
#ifndef TOOLS_RELAYCAT_OPTIONS_H
#define TOOLS_RELAYCAT_OPTIONS_H

#include "common/bhttp.h"
#include "common/identity.h"
#include "tools/relaycat_outcome.h"

enum { OPTIONS_FIELDS_MAX = 256 };

struct options {
    bool verbose, show_head, fail_on_status, mte;
    uint8_t suite; /* the only one offered; 0 = both */
    struct span method, authority, path;
    struct bhttp_field fields[OPTIONS_FIELDS_MAX];
    size_t n_fields;
    const char *data; /* DATA, @FILE or @-; NULL = no body */
    uint64_t n_requests;
    uint64_t timeout_ms;
    uint64_t late_ms;        /* requests bear the time of so long ago */
    const char *save, *send; /* files; NULL = neither */
    struct url relay;
    struct buffer relay_authority; /* owned: what authority is by default */
};

/* Exits where the options say so, or are wrong. What it gives views argv. */
void options_parse(int argc, char **argv, struct options *options_r);
void options_fini(struct options *options);

/* The body that is to be sent, or the file of --send. Tells what went wrong. */
MUST_CHECK enum outcome options_read_body(const struct options *options, struct buffer *to);

/* From SECRET, CLIENT_ID_SECRET and UPSTREAM; crypto_init() comes before. Tells what went wrong. */
MUST_CHECK enum outcome options_identity(struct identity *identity_r);

#endif
