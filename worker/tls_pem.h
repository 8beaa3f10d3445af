/* SPDX-License-Identifier: MIT */
/* What one side of TLS is made from: whom it believes and who it is, out of PEM texts. */
#ifndef WORKER_TLS_PEM_H
#define WORKER_TLS_PEM_H

#include "common/error.h"
#include "common/span.h"

enum tls_part { TLS_CA, TLS_CERTIFICATE, TLS_KEY, N_TLS_PARTS };

/* By part; one that is empty is not there. */
struct tls_pem {
    struct span parts[N_TLS_PARTS];
};

struct tls_mistake {
    enum tls_part part;
    const char *what; /* constant; never shows what is in the text */
};

/* Read: OpenSSL's objects, owned by this. Embedded, zeroed before. */
struct tls_material {
    struct x509_store_st *cas; /* NULL: there is no TLS_CA */
    struct stack_st_X509 *ca_list;
    struct x509_st *certificate; /* NULL: there is none */
    struct stack_st_X509 *chain; /* what leads from it to a CA */
    struct evp_pkey_st *key;     /* fits the certificate */
};

/* ERR_FORMAT, with the mistake: it is no PEM, does not fit, or OpenSSL finds it too weak. -ENOMEM.
 */
MUST_CHECK int tls_material_read(const struct tls_pem *pem, struct tls_material *material,
                                 struct tls_mistake *mistake_r);
void tls_material_fini(struct tls_material *material);

/*
 * Until when a part is good, in seconds since 1970: a certificate until the first of its chain
 * ends, CAs until the last of them does. INT64_MAX where there is none.
 */
int64_t tls_material_end(const struct tls_material *material, enum tls_part part);

#endif
