/* SPDX-License-Identifier: MIT */
/*
 * TLS at the door: who we are, and whom we let in. With TLS_CA only clients that show a certificate
 * of one of these CAs; versions 1.2 and 1.3; HTTP/2 before HTTP/1.1.
 */
#ifndef WORKER_TLS_SERVER_H
#define WORKER_TLS_SERVER_H

#include "worker/tls_pem.h"

struct tls_server;
/* ERR_FORMAT, with the mistake. ERR_CRYPTO, -ENOMEM. */
MUST_CHECK int tls_server_new(const struct tls_pem *pem, struct tls_server **server_r,
                              struct tls_mistake *mistake_r);
void tls_server_free(struct tls_server **server);
/* As tls_material_end(). */
int64_t tls_server_end(const struct tls_server *server, enum tls_part part);

/* For libh2o; the server's. */
struct ssl_ctx_st *tls_server_context(const struct tls_server *server);

#endif
