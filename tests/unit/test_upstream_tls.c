/* SPDX-License-Identifier: MIT */
/* Outward calls over TLS: who is believed, and what an end of the connection means. */
#include "tests/unit/outside.h"

#include "tests/unit/issue.h"
#include "tests/unit/unit.h"
#include "worker/tls.h"

#include <stdlib.h>
#include <unistd.h>

#include <openssl/ssl.h>

enum { BIG = 4 << 20 };

static const struct upstream_limits limits = {
    .connect_ms = 2000,
    .silence_ms = 2000,
    .max_connections = 2,
    .max_waiting = 2,
};

static struct issued ca, other_ca;

/* ---- the server: one connection, one answer ---- */

struct tls_server {
    struct server server; /* first: it is what the script is given */
    struct issued identity;
    int version;
    bool want_certificate, without_close_notify, echo;
    char sni[64];
    atomic_int peer_verified;
};

static void note_the_client(struct tls_server *s, SSL *ssl)
{
    const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    snprintf(s->sni, sizeof(s->sni), "%s", sni != NULL ? sni : "");
    s->peer_verified = SSL_get0_peer_certificate(ssl) != NULL;
}

static void answer_inside(struct tls_server *s, SSL *ssl)
{
    static char bytes[16384];
    size_t left = s->server.n;
    int n = SSL_read(ssl, bytes, sizeof(bytes));

    if (n <= 0)
        return;
    SSL_write(ssl, s->server.text, (int)strlen(s->server.text));
    if (!s->echo)
        return;
    /* The head came in a record of its own or with part of the body: what is after it is body. */
    for (char *body = strstr(bytes, "\r\n\r\n") + 4; left > 0 && n > 0; body = bytes) {
        size_t len = (size_t)(bytes + n - body);

        if (len > 0)
            SSL_write(ssl, body, (int)len);
        left -= len;
        n = left > 0 ? SSL_read(ssl, bytes, sizeof(bytes)) : 0;
    }
}

static void serve(struct server *server, int fd, unsigned nth)
{
    struct tls_server *s = (struct tls_server *)server;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL *ssl;

    (void)nth;
    SSL_CTX_use_certificate(ctx, s->identity.certificate);
    SSL_CTX_use_PrivateKey(ctx, s->identity.key);
    SSL_CTX_set_max_proto_version(ctx, s->version);
    if (s->want_certificate) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca.certificate);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        note_the_client(s, ssl);
        answer_inside(s, ssl);
        if (!s->without_close_notify)
            SSL_shutdown(ssl);
    }
    shutdown(fd, SHUT_WR);
    server_linger(fd);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
}

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
static const char ENDLESS[] = "HTTP/1.1 200 OK\r\n\r\nok";

/* What a call to host finds, when it trusts ca. own: our certificate, or NULL. */
static enum upstream_failure call(struct tls_server *s, const char *host, const struct issued *own,
                                  struct watch *watch)
{
    struct buffer ca_pem, ca_key, own_pem = { 0 }, own_key = { 0 };
    struct inside inside;
    struct tls_pem pem;
    struct tls_mistake mistake;
    struct tls_trust *trust = NULL;

    put_pem(&ca, &ca_pem, &ca_key);
    if (own != NULL)
        put_pem(own, &own_pem, &own_key);
    pem =
        (struct tls_pem){ { buffer_span(&ca_pem), buffer_span(&own_pem), buffer_span(&own_key) } };
    inside_open(&inside, &limits);
    assert_int_equal(0, tls_trust_new(&pem, &trust, &mistake));
    upstream_set_tls(inside.upstream, UPSTREAM_SIDE_PEER, &trust);
    s->server.script = serve;
    s->server.text = s->server.text != NULL ? s->server.text : ANSWER;
    server_start(&s->server);
    watch->request.url.tls = true;
    watch->request.url.host = span_text(host);
    watch->request.side = UPSTREAM_SIDE_PEER;
    watch_call(watch, &inside, s->server.port);
    inside_close(&inside);
    server_stop(&s->server);
    buffer_fini(&ca_pem);
    buffer_fini(&ca_key);
    buffer_fini(&own_pem);
    buffer_fini(&own_key);
    return watch->failure;
}

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

struct name_case {
    const char *host, *names;
    enum upstream_failure failure;
    const char *sni;
};

static const struct name_case names[] = {
    { "127.0.0.1", "IP:127.0.0.1", UPSTREAM_OK, "" },
    { "127.0.0.1", "IP:127.0.0.2,DNS:api.test", UPSTREAM_TLS, "" },
    { "127.0.0.1", "DNS:127.0.0.1", UPSTREAM_TLS, "" },
    { "localhost", "DNS:other.test,DNS:localhost", UPSTREAM_OK, "localhost" },
    { "localhost", "DNS:other.test", UPSTREAM_TLS, "" },
    { "localhost", "IP:127.0.0.1", UPSTREAM_TLS, "" },
};

static void the_certificate_must_carry_the_name_or_address(void **state)
{
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
            struct tls_server s = { .version = versions[v],
                                    .identity = issue(&ca, names[i].names, 0) };
            struct watch watch = { 0 };

            if (call(&s, names[i].host, NULL, &watch) != names[i].failure)
                fail_msg("%s %s: %s", names[i].host, names[i].names, watch.detail);
            if (watch.failure == UPSTREAM_OK) {
                assert_true(span_equal(SPAN("ok"), buffer_span(&watch.body)));
                assert_string_equal(names[i].sni, s.sni);
            } else {
                assert_int_equal(0, watch.n_heads);
            }
            issued_fini(&s.identity);
            watch_fini(&watch);
        }
    }
}

static void a_stranger_is_not_believed(void **state)
{
    struct issued strangers[] = { issue(&other_ca, "IP:127.0.0.1", 0),
                                  issue(NULL, "IP:127.0.0.1", 0), issue(&ca, "IP:127.0.0.1", -7),
                                  issue(&ca, "IP:127.0.0.1", 7) };

    (void)state;
    for (size_t v = 0; v < 2; v++) {
        for (size_t i = 0; i < 4; i++) {
            struct tls_server s = { .version = versions[v], .identity = strangers[i] };
            struct watch watch = { 0 };

            assert_int_equal(UPSTREAM_TLS, call(&s, "127.0.0.1", NULL, &watch));
            assert_true(strlen(watch.detail) > 0);
            watch_fini(&watch);
        }
    }
    for (size_t i = 0; i < 4; i++)
        issued_fini(&strangers[i]);
}

static void old_versions_are_refused(void **state)
{
    struct tls_server s = { .version = TLS1_1_VERSION, .identity = issue(&ca, "IP:127.0.0.1", 0) };
    struct watch watch = { 0 };

    (void)state;
    assert_int_equal(UPSTREAM_TLS, call(&s, "127.0.0.1", NULL, &watch));
    watch_fini(&watch);
    issued_fini(&s.identity);
}

static void speak_plain(struct server *server, int fd, unsigned nth)
{
    (void)nth;
    server_send(fd, server->text);
    server_linger(fd);
}

static void plain_http_behind_https_is_no_answer(void **state)
{
    struct inside inside;
    struct server server = { .script = speak_plain, .text = ANSWER };
    struct watch watch = { .request.url.tls = true };

    (void)state;
    inside_open(&inside, &limits);
    server_start(&server);
    assert_int_equal(UPSTREAM_TLS, watch_call(&watch, &inside, server.port));
    assert_int_equal(0, watch.n_heads);
    watch_fini(&watch);
    inside_close(&inside);
    server_stop(&server);
}

static void our_certificate_is_shown_where_it_is_asked_for(void **state)
{
    struct issued own = issue(&ca, "DNS:relay.test", 0);
    struct issued strange = issue(&other_ca, "DNS:relay.test", 0);

    (void)state;
    for (size_t v = 0; v < 2; v++) {
        struct tls_server s = { .version = versions[v],
                                .want_certificate = true,
                                .identity = issue(&ca, "IP:127.0.0.1", 0) };
        struct watch watch = { 0 };

        assert_int_equal(UPSTREAM_OK, call(&s, "127.0.0.1", &own, &watch));
        assert_true(s.peer_verified);
        watch_fini(&watch);
        assert_int_equal(UPSTREAM_TLS, call(&s, "127.0.0.1", NULL, &watch));
        watch_fini(&watch);
        assert_int_equal(UPSTREAM_TLS, call(&s, "127.0.0.1", &strange, &watch));
        watch_fini(&watch);
        issued_fini(&s.identity);
    }
    issued_fini(&own);
    issued_fini(&strange);
}

/* Without a length, a FIN that TLS did not announce may be an attacker's. */
static void only_a_close_notify_completes_what_has_no_length(void **state)
{
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        for (int without = 0; without < 2; without++) {
            struct tls_server s = { .version = versions[v],
                                    .server.text = ENDLESS,
                                    .without_close_notify = without,
                                    .identity = issue(&ca, "IP:127.0.0.1", 0) };
            struct watch watch = { 0 };

            assert_int_equal(without ? UPSTREAM_CUT : UPSTREAM_OK,
                             call(&s, "127.0.0.1", NULL, &watch));
            assert_true(span_equal(SPAN("ok"), buffer_span(&watch.body)));
            watch_fini(&watch);
            issued_fini(&s.identity);
        }
    }
}

static void a_streamed_echo_comes_back_unchanged(void **state)
{
    uint8_t *big = malloc(BIG);

    (void)state;
    for (size_t i = 0; i < BIG; i++)
        big[i] = (uint8_t)(i * 2654435761u >> 24);
    for (size_t v = 0; v < 2; v++) {
        struct tls_server s = { .version = versions[v],
                                .server = { .text = ENDLESS, .n = BIG },
                                .echo = true,
                                .identity = issue(&ca, "IP:127.0.0.1", 0) };
        struct watch watch = { .request.body = span_of(big, BIG) };

        assert_int_equal(UPSTREAM_OK, call(&s, "127.0.0.1", NULL, &watch));
        assert_true(span_equal(span_of(big, BIG), span_from(buffer_span(&watch.body), 2)));
        watch_fini(&watch);
        issued_fini(&s.identity);
    }
    free(big);
}

static int make_cas(void **state)
{
    (void)state;
    ca = issue(NULL, NULL, 0);
    other_ca = issue(NULL, NULL, 0);
    return 0;
}

static int free_cas(void **state)
{
    (void)state;
    issued_fini(&ca);
    issued_fini(&other_ca);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_certificate_must_carry_the_name_or_address),
        cmocka_unit_test(a_stranger_is_not_believed),
        cmocka_unit_test(old_versions_are_refused),
        cmocka_unit_test(plain_http_behind_https_is_no_answer),
        cmocka_unit_test(our_certificate_is_shown_where_it_is_asked_for),
        cmocka_unit_test(only_a_close_notify_completes_what_has_no_length),
        cmocka_unit_test(a_streamed_echo_comes_back_unchanged),
    };

    return cmocka_run_group_tests(tests, make_cas, free_cas);
}
