/* SPDX-License-Identifier: MIT */
/*
 * TLS of outward connections: whom we trust, who we are, and the name that the other side's
 * certificate must carry. Verification cannot be turned off.
 */
#ifndef WORKER_TLS_H
#define WORKER_TLS_H

#include <h2o/socket.h>

#include "common/error.h"
#include "worker/tls_pem.h"

/* Of one side: its CAs and our certificate. */
struct tls_trust;
/* Without TLS_CA: the system's store. ERR_FORMAT, with the mistake. ERR_CRYPTO, -ENOMEM. */
MUST_CHECK int tls_trust_new(const struct tls_pem *pem, struct tls_trust **trust_r,
                             struct tls_mistake *mistake_r);
void tls_trust_free(struct tls_trust **trust);
/* As tls_material_end(). */
int64_t tls_trust_end(const struct tls_trust *trust, enum tls_part part);

/* What is offered by ALPN (RFC 7301). */
enum tls_protocol { TLS_HTTP1, TLS_NO_PROTOCOL };

/* Towards one host: a DNS name or an IP address, as it must stand in the certificate. */
struct tls_host;
MUST_CHECK int tls_host_new(const struct tls_trust *trust, const char *host,
                            enum tls_protocol protocol, struct tls_host **host_r);
void tls_host_free(struct tls_host **host);

/* cb, maybe from within, with an error that tls_failure() judges. */
void tls_handshake(const struct tls_host *host, h2o_socket_t *sock, h2o_socket_cb cb);
/* Why the handshake failed, or NULL: the other side is who it should be. */
const char *tls_failure(const char *handshake_error);

/* Has the other side said that nothing follows (close_notify)? Of a TLS socket. */
bool tls_ended(const h2o_socket_t *sock);
/*
 * Does it refuse us for our certificate, or for want of one? A sentence, or NULL. Under TLS 1.3
 * that comes after our handshake, when the first request may be on its way.
 */
const char *tls_refusal(const h2o_socket_t *sock);

#endif
