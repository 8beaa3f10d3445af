/* SPDX-License-Identifier: MIT */
/*
 * SSL_CTX of the outward side: one a host, so that OpenSSL itself holds the certificate against the
 * name. Owns stores, certificates and contexts.
 *
 * libh2o looks for the name on its own, but not under TLS 1.3 (nor in a resumed session) and never
 * among IP addresses; so its word on the name does not count, and OpenSSL's does.
 */
#include "worker/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "common/url.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct tls_trust {
    struct tls_material own; /* cas: never NULL */
};

struct tls_host {
    SSL_CTX *ctx;
    const char *server_name; /* "" for an address: SNI has names only (RFC 6066 3) */
    char name[URL_HOST_MAX + 1];
};

static int use_system_store(struct tls_material *own)
{
    own->cas = X509_STORE_new();
    if (own->cas == NULL)
        return -ENOMEM;
    return X509_STORE_set_default_paths(own->cas) ? 0 : ERR_CRYPTO;
}

int tls_trust_new(const struct tls_pem *pem, struct tls_trust **trust_r,
                  struct tls_mistake *mistake_r)
{
    struct tls_trust *trust = calloc(1, sizeof(*trust));
    int r;

    if (trust == NULL)
        return -ENOMEM;
    r = tls_material_read(pem, &trust->own, mistake_r);
    if (r == 0 && trust->own.cas == NULL)
        r = use_system_store(&trust->own);
    ERR_clear_error();
    if (r < 0)
        tls_trust_free(&trust);
    else
        *trust_r = trust;
    return r;
}

void tls_trust_free(struct tls_trust **trust)
{
    if (*trust != NULL)
        tls_material_fini(&(*trust)->own);
    free(*trust);
    *trust = NULL;
}

int64_t tls_trust_end(const struct tls_trust *trust, enum tls_part part)
{
    return tls_material_end(&trust->own, part);
}

static const char no_certificate[] = "the other side wants a certificate of us";
static const char bad_certificate[] = "the other side does not accept our certificate";

/* libh2o swallows alerts; the socket's on_close.data, unused on this side, remembers them. */
static void on_info(const SSL *ssl, int where, int value)
{
    h2o_socket_t *sock = BIO_get_data(SSL_get_rbio(ssl));

    if (where != SSL_CB_READ_ALERT)
        return;
    switch (value & 0xff) {
    case SSL_AD_CLOSE_NOTIFY:
        sock->on_close.data = sock;
        break;
    case SSL_AD_CERTIFICATE_REQUIRED:
        sock->on_close.data = (void *)(uintptr_t)no_certificate;
        break;
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_DECRYPT_ERROR: /* its signature */
        sock->on_close.data = (void *)(uintptr_t)bad_certificate;
        break;
    }
}

bool tls_ended(const h2o_socket_t *sock)
{
    return sock->on_close.data == sock;
}

const char *tls_refusal(const h2o_socket_t *sock)
{
    const char *word = sock->on_close.data;

    return word == no_certificate || word == bad_certificate ? word : NULL;
}

static int expect_name(struct tls_host *host)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(host->ctx);
    struct in6_addr unused;

    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (inet_pton(AF_INET, host->name, &unused) == 1 ||
        inet_pton(AF_INET6, host->name, &unused) == 1) {
        host->server_name = "";
        return X509_VERIFY_PARAM_set1_ip_asc(param, host->name);
    }
    host->server_name = host->name;
    return X509_VERIFY_PARAM_set1_host(param, host->name, 0);
}

static int set_up(struct tls_host *host, const struct tls_trust *trust, enum tls_protocol protocol)
{
    static const unsigned char protocols[] = "\x08http/1.1";
    const struct tls_material *own = &trust->own;
    SSL_CTX *ctx = host->ctx;

    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set1_cert_store(ctx, own->cas);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_info_callback(ctx, on_info);
    if (!SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) || !expect_name(host))
        return ERR_CRYPTO;
    if (protocol == TLS_HTTP1 &&
        SSL_CTX_set_alpn_protos(ctx, protocols, sizeof(protocols) - 1) != 0) /* 0 is success */
        return ERR_CRYPTO;
    if (own->certificate != NULL &&
        !SSL_CTX_use_cert_and_key(ctx, own->certificate, own->key, own->chain, 1))
        return ERR_CRYPTO;
    return 0;
}

int tls_host_new(const struct tls_trust *trust, const char *name, enum tls_protocol protocol,
                 struct tls_host **host_r)
{
    struct tls_host *host = calloc(1, sizeof(*host));
    int r = -ENOMEM;

    if (host == NULL)
        return r;
    host->ctx = SSL_CTX_new(TLS_client_method());
    memcpy(host->name, name, strnlen(name, URL_HOST_MAX));
    if (host->ctx != NULL)
        r = set_up(host, trust, protocol);
    ERR_clear_error();
    if (r < 0)
        tls_host_free(&host);
    else
        *host_r = host;
    return r;
}

void tls_host_free(struct tls_host **host)
{
    if (*host != NULL)
        SSL_CTX_free((*host)->ctx);
    free(*host);
    *host = NULL;
}

void tls_handshake(const struct tls_host *host, h2o_socket_t *sock, h2o_socket_cb cb)
{
    h2o_socket_ssl_handshake(sock, host->ctx, host->server_name, cb);
}

/* libh2o gives this one only after OpenSSL had verified all that it was told to, the name too. */
const char *tls_failure(const char *handshake_error)
{
    return handshake_error == h2o_socket_error_ssl_cert_name_mismatch ? NULL : handshake_error;
}
