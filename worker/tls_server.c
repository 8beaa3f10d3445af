/* SPDX-License-Identifier: MIT */
/*
 * The SSL_CTX of the accepting side. Owns it and what it was made from.
 *
 * Sessions are not resumed. A ticket would have to open in every worker, so its key would be one
 * for all, as old as the generation, and whoever got it would read what TLS 1.2 had sealed under
 * such tickets; and a resumed session lets a client in whose certificate was judged long ago. Our
 * clients are servers that keep their connections: a handshake more costs them nothing they would
 * notice.
 */
#include "worker/tls_server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <h2o/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "common/clock.h"
#include "common/log.h"
#include "worker/log_brake.h"

struct tls_server {
    SSL_CTX *ctx;
    struct log_brake brake;
    struct tls_material own;
};

/* Forward secrecy and AEAD only: of the others RFC 9113 (appendix A) lets clients end HTTP/2. */
static const char ciphers_1_2[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

static int require_certificates(SSL_CTX *ctx, const struct tls_material *own)
{
    for (int i = 0; i < sk_X509_num(own->ca_list); i++) {
        if (!SSL_CTX_add_client_CA(ctx, sk_X509_value(own->ca_list, i)))
            return ERR_CRYPTO;
    }
    SSL_CTX_set1_cert_store(ctx, own->cas);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return 0;
}

/* libh2o ends a failed handshake without its alert, so nobody but our log can say why. */
static void on_info(const SSL *ssl, int where, int value)
{
    struct tls_server *server = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    uint64_t n_held;

    if (where != SSL_CB_WRITE_ALERT || (value & 0xff) == SSL_AD_CLOSE_NOTIFY)
        return;
    if (log_brake_lets(&server->brake, clock_mono_ms(), &n_held))
        log_warning(
            "TLS failed at the door cause=\"%s\" certificate=\"%s\" not_logged_before=%" PRIu64,
            why != NULL ? why : "unknown",
            X509_verify_cert_error_string(SSL_get_verify_result(ssl)), n_held);
}

static int set_up(SSL_CTX *ctx, const struct tls_material *own)
{
    static char h2[] = "h2", http1[] = "http/1.1"; /* only read, but libh2o's type has no const */
    static const h2o_iovec_t protocols[] = { { h2, sizeof(h2) - 1 },
                                             { http1, sizeof(http1) - 1 },
                                             { NULL, 0 } };

    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS); /* of idle connections */
    SSL_CTX_set_info_callback(ctx, on_info);
    h2o_ssl_register_alpn_protocols(ctx, protocols);
    if (!SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) ||
        !SSL_CTX_set_cipher_list(ctx, ciphers_1_2) || !SSL_CTX_set_num_tickets(ctx, 0) ||
        !SSL_CTX_use_cert_and_key(ctx, own->certificate, own->key, own->chain, 1))
        return ERR_CRYPTO;
    return own->cas != NULL ? require_certificates(ctx, own) : 0;
}

int tls_server_new(const struct tls_pem *pem, struct tls_server **server_r,
                   struct tls_mistake *mistake_r)
{
    struct tls_server *server = calloc(1, sizeof(*server));
    int r;

    if (server == NULL)
        return -ENOMEM;
    r = tls_material_read(pem, &server->own, mistake_r);
    if (r == 0) {
        server->ctx = SSL_CTX_new(TLS_server_method());
        r = server->ctx != NULL && SSL_CTX_set_app_data(server->ctx, server) == 1
                ? set_up(server->ctx, &server->own)
                : -ENOMEM;
    }
    ERR_clear_error();
    if (r < 0)
        tls_server_free(&server);
    else
        *server_r = server;
    return r;
}

void tls_server_free(struct tls_server **server)
{
    if (*server != NULL) {
        SSL_CTX_free((*server)->ctx);
        tls_material_fini(&(*server)->own);
    }
    free(*server);
    *server = NULL;
}

int64_t tls_server_end(const struct tls_server *server, enum tls_part part)
{
    return tls_material_end(&server->own, part);
}

struct ssl_ctx_st *tls_server_context(const struct tls_server *server)
{
    return server->ctx;
}
