/* SPDX-License-Identifier: MIT */
/* Certificates for tests. */
#ifndef TESTS_UNIT_ISSUE_H
#define TESTS_UNIT_ISSUE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/buffer.h"

struct issued {
    X509 *certificate;
    EVP_PKEY *key;
};

/* names: a subjectAltName, or NULL for a CA. issuer NULL: its own. Valid for a day from the given
 * one on, counted from today. */
struct issued issue(const struct issued *issuer, const char *names, int day);
void issued_fini(struct issued *issued);

/* PEM of both. */
void put_pem(const struct issued *issued, struct buffer *certificate, struct buffer *key);

#endif
