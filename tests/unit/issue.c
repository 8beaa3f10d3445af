/* SPDX-License-Identifier: MIT */
/* Makes keys and certificates. They are the caller's. */
#include "tests/unit/issue.h"

#include "tests/unit/unit.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(extension);
    assert_int_equal(1, X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

struct issued issue(const struct issued *issuer, const char *names, int day)
{
    static long serial = 1;
    struct issued new = { X509_new(), EVP_EC_gen("P-256") };
    X509_NAME *subject = X509_get_subject_name(new.certificate);

    X509_set_version(new.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(new.certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(new.certificate), 86400L * day - 60);
    X509_gmtime_adj(X509_getm_notAfter(new.certificate), 86400L * (day + 1));
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               (const unsigned char *)(names == NULL ? "CA" : "api.test"), -1, -1,
                               0);
    X509_set_issuer_name(new.certificate,
                         issuer != NULL ? X509_get_subject_name(issuer->certificate) : subject);
    X509_set_pubkey(new.certificate, new.key);
    add_extension(new.certificate, NID_basic_constraints,
                  names == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (names != NULL)
        add_extension(new.certificate, NID_subject_alt_name, names);
    assert_true(X509_sign(new.certificate, issuer != NULL ? issuer->key : new.key, EVP_sha256()) >
                0);
    return new;
}

void issued_fini(struct issued *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

void put_pem(const struct issued *identity, struct buffer *certificate, struct buffer *key)
{
    BIO *bios[] = { BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()) };
    struct buffer *buffers[] = { certificate, key };

    PEM_write_bio_X509(bios[0], identity->certificate);
    PEM_write_bio_PrivateKey(bios[1], identity->key, NULL, NULL, 0, NULL, NULL);
    for (size_t i = 0; i < 2; i++) {
        char *at;
        long len = BIO_get_mem_data(bios[i], &at);

        buffer_init(buffers[i], 0);
        buffer_put(buffers[i], span_of(at, (size_t)len));
        BIO_free(bios[i]);
    }
}
