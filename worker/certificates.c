/* SPDX-License-Identifier: MIT */
/* From settings to what OpenSSL holds, and back to the settings' names in what is said about it.
 * Owns it until others take it. */
#include "worker/certificates.h"

#include "common/log.h"

enum { DAY_S = 86400, SOON_DAYS = 30 };

/* The settings of the door, of Redis and of each outward side, by part. */
static const char *const door_names[N_TLS_PARTS] = { "TLS_CLIENT_CA_FILE", "TLS_CERT_FILE",
                                                     "TLS_KEY_FILE" };
static const char *const redis_names[N_TLS_PARTS] = { "REDIS_CA_FILE", NULL, NULL };
static const char *const side_names[N_UPSTREAM_SIDES][N_TLS_PARTS] = {
    [UPSTREAM_SIDE_API] = { "UPSTREAM_CA_FILE", NULL, NULL },
    [UPSTREAM_SIDE_PEER] = { "PEER_CA_FILE", "PEER_CERT_FILE", "PEER_KEY_FILE" },
};

static int say(int r, const char *const names[static N_TLS_PARTS],
               const struct tls_mistake *mistake)
{
    if (r == ERR_FORMAT)
        log_error("%s: %s", names[mistake->part], mistake->what);
    return r;
}

static int read_door(struct certificates *c, const struct conf *conf)
{
    const struct tls_pem pem = { .parts = {
                                     [TLS_CA] = conf->tls_client_ca_file.content,
                                     [TLS_CERTIFICATE] = conf->tls_cert_file.content,
                                     [TLS_KEY] = conf->tls_key_file.content,
                                 } };
    struct tls_mistake mistake;

    if (pem.parts[TLS_CERTIFICATE].len == 0)
        return 0;
    return say(tls_server_new(&pem, &c->door, &mistake), door_names, &mistake);
}

static int read_side(struct certificates *c, enum upstream_side side, const struct tls_pem *pem)
{
    struct tls_mistake mistake;

    return say(tls_trust_new(pem, &c->trust[side], &mistake), side_names[side], &mistake);
}

static int read_redis(struct certificates *c, const struct conf *conf)
{
    const struct tls_pem pem = { .parts = { [TLS_CA] = conf->redis_ca_file.content } };
    struct tls_mistake mistake;

    return say(tls_trust_new(&pem, &c->redis, &mistake), redis_names, &mistake);
}

int certificates_read(struct certificates *c, const struct conf *conf)
{
    const struct tls_pem api = { .parts = { [TLS_CA] = conf->upstream_ca_file.content } };
    const struct tls_pem peer = { .parts = {
                                      [TLS_CA] = conf->peer_ca_file.content,
                                      [TLS_CERTIFICATE] = conf->peer_cert_file.content,
                                      [TLS_KEY] = conf->peer_key_file.content,
                                  } };
    const int verdicts[] = {
        read_door(c, conf),
        read_side(c, UPSTREAM_SIDE_API, &api),
        read_side(c, UPSTREAM_SIDE_PEER, &peer),
        read_redis(c, conf),
    };

    for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
        if (verdicts[i] < 0)
            return verdicts[i];
    }
    return 0;
}

void certificates_fini(struct certificates *c)
{
    for (size_t i = 0; i < N_UPSTREAM_SIDES; i++)
        tls_trust_free(&c->trust[i]);
    tls_trust_free(&c->redis);
    tls_server_free(&c->door);
}

static void tell_end(const char *name, enum tls_part part, int64_t end_s, int64_t now_s)
{
    const char *what =
        part == TLS_CA ? "the last of its CAs" : "its certificate or one of its chain";
    int64_t left = end_s - now_s;

    if (left <= 0)
        log_error("%s: %s has expired, nobody who looks will accept it", name, what);
    else if (left < (int64_t)SOON_DAYS * DAY_S)
        log_warning("%s: %s expires in %lld days", name, what, (long long)(left / DAY_S));
}

/* Whatever ends, and under which label it is counted. A key does not end. */
enum { DOOR = -1, REDIS = -2 };
static const struct {
    enum certificate label;
    enum tls_part part;
    int side; /* of the outward client, DOOR or REDIS */
} ends[] = {
    { CERTIFICATE_TLS_CLIENT_CA_FILE, TLS_CA, DOOR },
    { CERTIFICATE_UPSTREAM_CA_FILE, TLS_CA, UPSTREAM_SIDE_API },
    { CERTIFICATE_PEER_CA_FILE, TLS_CA, UPSTREAM_SIDE_PEER },
    { CERTIFICATE_REDIS_CA_FILE, TLS_CA, REDIS },
    { CERTIFICATE_TLS_CERT_FILE, TLS_CERTIFICATE, DOOR },
    { CERTIFICATE_PEER_CERT_FILE, TLS_CERTIFICATE, UPSTREAM_SIDE_PEER },
};
enum { N_ENDS = sizeof(ends) / sizeof(*ends) };

static const char *name_of(size_t i)
{
    if (ends[i].side >= 0)
        return side_names[ends[i].side][ends[i].part];
    return (ends[i].side == DOOR ? door_names : redis_names)[ends[i].part];
}

/* INT64_MAX: there is nothing that ends. */
static int64_t end_of(const struct certificates *c, size_t i)
{
    if (ends[i].side >= 0)
        return tls_trust_end(c->trust[ends[i].side], ends[i].part);
    if (ends[i].side == REDIS)
        return tls_trust_end(c->redis, ends[i].part);
    return c->door != NULL ? tls_server_end(c->door, ends[i].part) : INT64_MAX;
}

void certificates_tell_ends(const struct certificates *c, int64_t now_s)
{
    for (size_t i = 0; i < N_ENDS; i++)
        tell_end(name_of(i), ends[i].part, end_of(c, i), now_s);
}

void certificates_count_ends(const struct certificates *c, struct metric_block *metrics)
{
    for (size_t i = 0; i < N_ENDS; i++) {
        int64_t end_s = end_of(c, i);

        /* 0 would be none; what ended before 1970 ended long ago. */
        if (end_s != INT64_MAX)
            metric_set(metrics, metric_of(METRIC_certificate_expiry, ends[i].label, 0),
                       end_s > 0 ? (uint64_t)end_s : 1);
    }
}
