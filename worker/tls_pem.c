/* SPDX-License-Identifier: MIT */
/*
 * Reading certificates and keys. What is refused here is refused before anything runs: a mistake
 * names the text and what is wrong with it. Owns what it has read; asks nobody for a password.
 */
#include "worker/tls_pem.h"

#include <errno.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

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
    if (pem.len > INT32_MAX)
        return NULL;
    return BIO_new_mem_buf(pem.at != NULL ? pem.at : (const uint8_t *)"", (int)pem.len);
}

static int refuse(struct tls_mistake *mistake, enum tls_part part, const char *what)
{
    *mistake = (struct tls_mistake){ part, what };
    return ERR_FORMAT;
}

/* All certificates of a part, at least one; what else is between them is passed over. */
static int read_certificates(const struct tls_pem *pem, enum tls_part part, STACK_OF(X509) * to,
                             struct tls_mistake *mistake)
{
    BIO *bio = bio_of(pem->parts[part]);
    X509 *certificate;
    bool at_end;

    if (bio == NULL)
        return -ENOMEM;
    ERR_clear_error();
    while ((certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL) {
        if (!sk_X509_push(to, certificate)) {
            X509_free(certificate);
            break;
        }
    }
    at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    BIO_free(bio);
    if (!at_end)
        return refuse(mistake, part, "has a certificate in it that is broken");
    if (sk_X509_num(to) == 0)
        return refuse(mistake, part, "has no certificate in it (-----BEGIN CERTIFICATE-----)");
    return 0;
}

static int read_cas(const struct tls_pem *pem, struct tls_material *m, struct tls_mistake *mistake)
{
    int r = read_certificates(pem, TLS_CA, m->ca_list, mistake);

    if (r < 0)
        return r;
    m->cas = X509_STORE_new();
    for (int i = 0; i < sk_X509_num(m->ca_list); i++) {
        if (m->cas == NULL || !X509_STORE_add_cert(m->cas, sk_X509_value(m->ca_list, i)))
            return -ENOMEM;
    }
    return 0;
}

static int read_key(const struct tls_pem *pem, struct tls_material *m, struct tls_mistake *mistake)
{
    BIO *bio = bio_of(pem->parts[TLS_KEY]);

    if (bio == NULL)
        return -ENOMEM;
    m->key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    if (m->key == NULL)
        return refuse(mistake, TLS_KEY, "has no private key in it, or one with a password");
    if (X509_check_private_key(m->certificate, m->key) != 1)
        return refuse(mistake, TLS_KEY, "is not the key of the certificate");
    return 0;
}

/* Once, on trial: what OpenSSL finds too weak (keys, digests) it would refuse at each connection.
 */
static int try_out(const struct tls_material *m, struct tls_mistake *mistake)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    const char *why = NULL;
    int r = ctx != NULL ? 0 : -ENOMEM;

    ERR_clear_error();
    if (r == 0 && SSL_CTX_use_cert_and_key(ctx, m->certificate, m->key, m->chain, 1) != 1) {
        why = ERR_reason_error_string(ERR_peek_last_error());
        r = refuse(mistake, TLS_CERTIFICATE, why != NULL ? why : "is refused by OpenSSL");
    }
    SSL_CTX_free(ctx);
    return r;
}

/* The first is ours, the others lead up to a CA. */
static int read_own(const struct tls_pem *pem, struct tls_material *m, struct tls_mistake *mistake)
{
    int r = read_certificates(pem, TLS_CERTIFICATE, m->chain, mistake);

    if (r < 0)
        return r;
    m->certificate = sk_X509_shift(m->chain);
    r = read_key(pem, m, mistake);
    return r == 0 ? try_out(m, mistake) : r;
}

int tls_material_read(const struct tls_pem *pem, struct tls_material *m,
                      struct tls_mistake *mistake_r)
{
    int r = 0;

    m->ca_list = sk_X509_new_null();
    m->chain = sk_X509_new_null();
    if (m->ca_list == NULL || m->chain == NULL)
        r = -ENOMEM;
    if (r == 0 && pem->parts[TLS_CA].len > 0)
        r = read_cas(pem, m, mistake_r);
    if (r == 0 && pem->parts[TLS_CERTIFICATE].len > 0)
        r = read_own(pem, m, mistake_r);
    ERR_clear_error();
    if (r < 0)
        tls_material_fini(m);
    return r;
}

void tls_material_fini(struct tls_material *m)
{
    X509_STORE_free(m->cas);
    sk_X509_pop_free(m->ca_list, X509_free);
    X509_free(m->certificate);
    sk_X509_pop_free(m->chain, X509_free);
    EVP_PKEY_free(m->key);
    *m = (struct tls_material){ .cas = NULL };
}

/* One whose date cannot be read never was good. */
static int64_t end_of(const X509 *certificate)
{
    struct tm tm;

    return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) == 1 ? timegm(&tm) : 0;
}

int64_t tls_material_end(const struct tls_material *m, enum tls_part part)
{
    const STACK_OF(X509) *list = part == TLS_CA ? m->ca_list : m->chain;
    int64_t end = INT64_MAX, next;

    if (part == TLS_CERTIFICATE && m->certificate != NULL)
        end = end_of(m->certificate);
    for (int i = 0; i < sk_X509_num(list); i++) {
        next = end_of(sk_X509_value(list, i));
        if ((part == TLS_CA && (i == 0 || next > end)) || (part == TLS_CERTIFICATE && next < end))
            end = next;
    }
    return end;
}
