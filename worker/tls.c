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

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct tls_trust {
    X509_STORE *cas;
    X509 *certificate; /* ours, or NULL */
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
};

struct tls_host {
    SSL_CTX *ctx;
    const char *server_name; /* "" for an address: SNI has names only (RFC 6066 3) */
    char name[URL_HOST_MAX + 1];
};

/* A key behind a password is no use to a daemon; without this OpenSSL would ask the terminal. */
static int no_password(char *text, int size, int writing, void *arg)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static BIO *bio_of(struct span pem)
{
    return pem.len <= INT32_MAX ? BIO_new_mem_buf(pem.at, (int)pem.len) : NULL;
}

/* take() is given each certificate, and keeps a reference of its own if it wants one. */
static int each_certificate(struct span pem, struct tls_trust *trust,
                            int (*take)(struct tls_trust *trust, X509 *certificate))
{
    BIO *bio = bio_of(pem);
    X509 *certificate;
    int n = 0, ok = bio != NULL;

    while (ok && (certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL) {
        ok = take(trust, certificate);
        X509_free(certificate);
        n++;
    }
    if (ok && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        ok = 0; /* it broke off inside a certificate */
    BIO_free(bio);
    ERR_clear_error();
    return ok && n > 0 ? 0 : ERR_FORMAT;
}

static int take_ca(struct tls_trust *trust, X509 *certificate)
{
    return X509_STORE_add_cert(trust->cas, certificate);
}

/* The first is ours, the others lead up to a CA. */
static int take_own(struct tls_trust *trust, X509 *certificate)
{
    if (!X509_up_ref(certificate))
        return 0;
    if (trust->certificate == NULL)
        trust->certificate = certificate;
    else if (!sk_X509_push(trust->chain, certificate)) {
        X509_free(certificate);
        return 0;
    }
    return 1;
}

static int load(struct tls_trust *trust, const struct upstream_tls *tls, const char **why_r)
{
    BIO *bio;

    *why_r = "the CA certificates are not PEM";
    if (tls->ca.len == 0 && !X509_STORE_set_default_paths(trust->cas))
        return ERR_CRYPTO;
    if (tls->ca.len > 0 && each_certificate(tls->ca, trust, take_ca) < 0)
        return ERR_FORMAT;
    if (tls->certificate.len == 0)
        return 0;
    *why_r = "the certificate is not PEM";
    if (each_certificate(tls->certificate, trust, take_own) < 0)
        return ERR_FORMAT;
    *why_r = "the private key is not PEM, or has a password";
    bio = bio_of(tls->key);
    trust->key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    if (trust->key == NULL)
        return ERR_FORMAT;
    *why_r = "the private key is not that of the certificate";
    return X509_check_private_key(trust->certificate, trust->key) == 1 ? 0 : ERR_FORMAT;
}

int tls_trust_new(const struct upstream_tls *tls, struct tls_trust **trust_r, const char **why_r)
{
    struct tls_trust *trust = calloc(1, sizeof(*trust));
    int r = -ENOMEM;

    *why_r = "out of memory";
    if (trust == NULL)
        return r;
    trust->cas = X509_STORE_new();
    trust->chain = sk_X509_new_null();
    if (trust->cas != NULL && trust->chain != NULL)
        r = load(trust, tls, why_r);
    ERR_clear_error();
    if (r < 0) {
        tls_trust_free(&trust);
        return r;
    }
    *why_r = NULL;
    *trust_r = trust;
    return 0;
}

void tls_trust_free(struct tls_trust **trust)
{
    struct tls_trust *t = *trust;

    *trust = NULL;
    if (t == NULL)
        return;
    X509_STORE_free(t->cas);
    X509_free(t->certificate);
    sk_X509_pop_free(t->chain, X509_free);
    EVP_PKEY_free(t->key);
    free(t);
}

/* libh2o swallows a close_notify; the socket's on_close.data, unused on this side, remembers it. */
static void on_info(const SSL *ssl, int where, int value)
{
    h2o_socket_t *sock = BIO_get_data(SSL_get_rbio(ssl));

    if (where == SSL_CB_READ_ALERT && (value & 0xff) == SSL_AD_CLOSE_NOTIFY)
        sock->on_close.data = sock;
}

bool tls_ended(const h2o_socket_t *sock)
{
    return sock->on_close.data == sock;
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

static int set_up(struct tls_host *host, const struct tls_trust *trust)
{
    static const unsigned char protocols[] = "\x08http/1.1";
    SSL_CTX *ctx = host->ctx;

    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set1_cert_store(ctx, trust->cas);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_info_callback(ctx, on_info);
    if (!SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) || !expect_name(host))
        return ERR_CRYPTO;
    if (SSL_CTX_set_alpn_protos(ctx, protocols, sizeof(protocols) - 1) != 0) /* 0 is success */
        return ERR_CRYPTO;
    if (trust->certificate != NULL &&
        !SSL_CTX_use_cert_and_key(ctx, trust->certificate, trust->key, trust->chain, 1))
        return ERR_CRYPTO;
    return 0;
}

int tls_host_new(const struct tls_trust *trust, const char *name, struct tls_host **host_r)
{
    struct tls_host *host = calloc(1, sizeof(*host));
    int r = -ENOMEM;

    if (host == NULL)
        return r;
    host->ctx = SSL_CTX_new(TLS_client_method());
    memcpy(host->name, name, strnlen(name, URL_HOST_MAX));
    if (host->ctx != NULL)
        r = set_up(host, trust);
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
