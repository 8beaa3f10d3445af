/* SPDX-License-Identifier: MIT */
/*
 * Client ids (protocol.md, "Keys from the configuration"): a name that the answering side gives to
 * a peer deployment and knows again, in a token that only CLIENT_ID_SECRET can make.
 */
#ifndef WORKER_CLIENT_TOKEN_H
#define WORKER_CLIENT_TOKEN_H

#include "common/pairing.h"
#include "worker/session.h"

/* A token with a new random id for the deployment that calls itself node. ERR_CRYPTO. */
MUST_CHECK int client_token_issue(const struct identity *identity,
                                  const uint8_t node[static NODE_LEN], uint64_t now_s,
                                  uint8_t token_r[static CLIENT_TOKEN_LEN]);
/* ERR_AUTH: none that we, with any CLIENT_ID_SECRET of ours, gave to that node. */
MUST_CHECK int client_token_verify(const struct identity *identity,
                                   const uint8_t node[static NODE_LEN],
                                   const uint8_t token[static CLIENT_TOKEN_LEN]);
/* The id in a token. */
void client_token_id(const uint8_t token[static CLIENT_TOKEN_LEN],
                     uint8_t id_r[static CLIENT_ID_LEN]);

#endif
