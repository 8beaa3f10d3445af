/* SPDX-License-Identifier: MIT */
/* Certificates and keys: what is wrong with one is said before anything runs. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <time.h>

#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "tests/unit/issue.h"
#include "worker/tls_pem.h"

enum { DAY_S = 86400 };

struct texts {
    struct buffer certificate, key;
};

static struct issued ca, leaf;
static struct texts ca_pem, leaf_pem;

static int issue_all(void **state)
{
    (void)state;
    ca = issue(NULL, NULL, 2);
    leaf = issue(&ca, "DNS:api.test", 0);
    put_pem(&ca, &ca_pem.certificate, &ca_pem.key);
    put_pem(&leaf, &leaf_pem.certificate, &leaf_pem.key);
    return 0;
}

static void texts_fini(struct texts *texts)
{
    buffer_fini(&texts->certificate);
    buffer_fini(&texts->key);
}

static int free_all(void **state)
{
    (void)state;
    issued_fini(&ca);
    issued_fini(&leaf);
    texts_fini(&ca_pem);
    texts_fini(&leaf_pem);
    return 0;
}

static void assert_refused(struct span texts[static N_TLS_PARTS], enum tls_part part,
                           const char *what)
{
    struct tls_material material = { .cas = NULL };
    struct tls_mistake mistake;
    struct tls_pem pem;

    memcpy(pem.parts, texts, sizeof(pem.parts));
    assert_int_equal(tls_material_read(&pem, &material, &mistake), ERR_FORMAT);
    assert_int_equal(mistake.part, part);
    assert_string_equal(mistake.what, what);
}

static void what_is_wrong_is_said_of_the_text_that_has_it(void **state)
{
    const struct span certificate = buffer_span(&leaf_pem.certificate);
    const struct span key = buffer_span(&leaf_pem.key), other = buffer_span(&ca_pem.key);
    const struct span half = span_part(certificate, 0, certificate.len / 2);
    const struct {
        struct span texts[N_TLS_PARTS];
        enum tls_part part;
        const char *what;
    } cases[] = {
        { { SPAN("no PEM"), SPAN_NONE, SPAN_NONE },
          TLS_CA,
          "has no certificate in it (-----BEGIN CERTIFICATE-----)" },
        { { key, SPAN_NONE, SPAN_NONE },
          TLS_CA,
          "has no certificate in it (-----BEGIN CERTIFICATE-----)" },
        { { half, SPAN_NONE, SPAN_NONE }, TLS_CA, "has a certificate in it that is broken" },
        { { SPAN_NONE, half, key }, TLS_CERTIFICATE, "has a certificate in it that is broken" },
        { { SPAN_NONE, SPAN("no PEM"), key },
          TLS_CERTIFICATE,
          "has no certificate in it (-----BEGIN CERTIFICATE-----)" },
        { { SPAN_NONE, certificate, SPAN("no PEM") },
          TLS_KEY,
          "has no private key in it, or one with a password" },
        { { SPAN_NONE, certificate, SPAN_NONE },
          TLS_KEY,
          "has no private key in it, or one with a password" },
        { { SPAN_NONE, certificate, other }, TLS_KEY, "is not the key of the certificate" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct span texts[N_TLS_PARTS];

        memcpy(texts, cases[i].texts, sizeof(texts));
        assert_refused(texts, cases[i].part, cases[i].what);
    }
}

static void a_key_that_openssl_finds_too_weak_is_refused(void **state)
{
    struct issued weak = { X509_dup(leaf.certificate), EVP_RSA_gen(1024) };
    struct texts pem;

    (void)state;
    X509_set_pubkey(weak.certificate, weak.key);
    assert_true(X509_sign(weak.certificate, ca.key, EVP_sha256()) > 0);
    put_pem(&weak, &pem.certificate, &pem.key);
    assert_refused((struct span[]){ SPAN_NONE, buffer_span(&pem.certificate),
                                    buffer_span(&pem.key) },
                   TLS_CERTIFICATE, "ee key too small");
    texts_fini(&pem);
    issued_fini(&weak);
}

/* Certificate, chain and key in one file, in any order, with words between. */
static void one_text_may_have_it_all(void **state)
{
    struct tls_material material = { .cas = NULL };
    struct tls_mistake mistake;
    struct buffer all;
    struct tls_pem pem;

    (void)state;
    buffer_init(&all, 0);
    buffer_put_text(&all, "made by hand\n");
    buffer_put(&all, buffer_span(&leaf_pem.key));
    buffer_put(&all, buffer_span(&leaf_pem.certificate));
    buffer_put_text(&all, "its issuer\n");
    buffer_put(&all, buffer_span(&ca_pem.certificate));
    pem = (struct tls_pem){ { buffer_span(&all), buffer_span(&all), buffer_span(&all) } };
    assert_int_equal(tls_material_read(&pem, &material, &mistake), 0);
    assert_int_equal(X509_cmp(material.certificate, leaf.certificate), 0);
    assert_int_equal(sk_X509_num(material.chain), 1);
    assert_int_equal(sk_X509_num(material.ca_list), 2);
    tls_material_fini(&material);
    buffer_fini(&all);
}

static void a_chain_ends_with_its_first_and_cas_with_their_last(void **state)
{
    struct tls_material material = { .cas = NULL };
    struct tls_mistake mistake;
    struct buffer both;
    struct tls_pem pem;
    int64_t now = time(NULL);

    (void)state;
    buffer_init(&both, 0);
    buffer_put(&both, buffer_span(&leaf_pem.certificate)); /* for a day from now */
    buffer_put(&both, buffer_span(&ca_pem.certificate));   /* for three */
    pem =
        (struct tls_pem){ { buffer_span(&both), buffer_span(&both), buffer_span(&leaf_pem.key) } };
    assert_int_equal(tls_material_read(&pem, &material, &mistake), 0);
    assert_in_range(tls_material_end(&material, TLS_CERTIFICATE) - now, DAY_S - 60, DAY_S + 1);
    assert_in_range(tls_material_end(&material, TLS_CA) - now, 3 * DAY_S - 60, 3 * DAY_S + 1);
    tls_material_fini(&material);

    pem = (struct tls_pem){ { SPAN_NONE, SPAN_NONE, SPAN_NONE } };
    assert_int_equal(tls_material_read(&pem, &material, &mistake), 0);
    assert_true(tls_material_end(&material, TLS_CERTIFICATE) == INT64_MAX);
    assert_true(tls_material_end(&material, TLS_CA) == INT64_MAX);
    tls_material_fini(&material);
    buffer_fini(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_said_of_the_text_that_has_it),
        cmocka_unit_test(a_key_that_openssl_finds_too_weak_is_refused),
        cmocka_unit_test(one_text_may_have_it_all),
        cmocka_unit_test(a_chain_ends_with_its_first_and_cas_with_their_last),
    };

    return cmocka_run_group_tests(tests, issue_all, free_all);
}
