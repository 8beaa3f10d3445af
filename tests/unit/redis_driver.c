/* SPDX-License-Identifier: MIT */
/*
 * redis_driver URL ANSWER_MS PING_MS MAX_CALLS [CA_FILE]: the client of Redis, alone on its loop,
 * for tests that do things to its servers. Obeys lines of standard input, their words apart by one
 * space, and ends with it. "up" and "down" come by themselves; the log is standard error.
 *
 * - call ID KEY WORD...: a command; "answer ID RESULT RUN_ID REPLY" comes once
 * - burst N KEY WORD...: N times in one turn; "burst N_OK" comes when all were answered
 * - cancel: the last call
 * - run_id KEY: "run_id RUN_ID"
 * - put ID PAIR EXPIRES_S, get ID PAIR, claim ID PAIR COUNTER, again ID PAIR COUNTER and
 *   nonce ID BYTE: questions to store_redis.h, answered as calls are. A pair is a number below
 *   N_PAIRS: its id consists of that byte, its key of that plus 100. A claim is under what put or
 *   get gave.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/crypto.h"
#include "common/log.h"
#include "common/metric.h"
#include "common/text.h"
#include "worker/resolve.h"
#include "worker/store_redis.h"
#include "worker/timer.h"
#include "worker/tls.h"

enum { WORDS_MAX = 12, N_PAIRS = 16 };

struct line {
    struct span words[WORDS_MAX];
    size_t n;
};

struct asked {
    struct redis_call call;
    char id[32];
    struct burst *burst; /* NULL: it is one call */
};

struct burst {
    size_t n_left, n_ok;
};

static struct redis *redis;
static struct metric_block metrics;
static struct asked *last;
static bool ended;

static uint64_t number(struct span text)
{
    uint64_t value;

    if (text_u64(text, UINT32_MAX, &value) < 0)
        errx(2, "not a number");
    return value;
}

static void print_reply(const struct resp_value *value)
{
    if (resp_kind(value) == RESP_NIL)
        printf(" nil");
    else if (resp_kind(value) == RESP_INTEGER)
        printf(" %lld", (long long)resp_integer(value));
    else if (resp_kind(value) == RESP_ARRAY)
        printf(" array");
    else
        printf(" %.*s", SPAN_PRINT(resp_text(value)));
    for (size_t i = 0; i < resp_n(value); i++)
        print_reply(resp_at(value, i));
}

static const char *result_name(int result)
{
    switch (result) {
    case 0:
        return "ok";
#define ERROR_ROW(name, text)                                                                      \
    case name:                                                                                     \
        return #name;
#include "common/error_table.h"
#undef ERROR_ROW
    default:
        return "other";
    }
}

static void on_done(struct redis_call *call, int result, const struct resp_value *reply)
{
    struct asked *asked = (struct asked *)call;

    if (asked == last)
        last = NULL;
    if (asked->burst == NULL) {
        printf("answer %s %s %s", asked->id, result_name(result), call->run_id);
        print_reply(reply);
        printf("\n");
    } else {
        asked->burst->n_ok += result == 0;
        if (--asked->burst->n_left == 0) {
            printf("burst %zu\n", asked->burst->n_ok);
            free(asked->burst);
        }
    }
    free(asked);
}

static void call(const struct line *line, struct burst *burst)
{
    struct asked *asked = calloc(1, sizeof(*asked));
    int r;

    if (asked == NULL || line->n < 4)
        errx(2, "call ID KEY WORD...");
    snprintf(asked->id, sizeof(asked->id), "%.*s", SPAN_PRINT(line->words[1]));
    asked->call.done = on_done;
    asked->burst = burst;
    last = asked;
    r = redis_call(redis, &asked->call, line->words[2], line->words + 3, line->n - 3);
    if (r < 0)
        on_done(&asked->call, r, NULL);
}

/* ---- the store ---- */

struct question {
    struct store_redis_wait wait;
    char id[32];
    struct pair_record found; /* by get */
    struct pair_record *pair;
};

static struct pair_record pairs[N_PAIRS];
static struct identity identity;
static struct store_redis store;

static void open_store(void)
{
    struct identity_config config = { .secret = SPAN("sharedsecret1234567890"),
                                      .client_id_secret =
                                          SPAN("2DkV4DDabehO8cifDktdF9elKJL0CKrk") };
    const char *why;

    if (store.redis != NULL)
        return;
    if (url_parse(SPAN("http://api.example"), &config.upstream, &why) < 0 ||
        identity_init(&identity, &config) < 0)
        errx(2, "no identity");
    store = (struct store_redis){ .redis = redis, .identity = &identity };
}

static void on_answered(struct store_redis_wait *wait, int result)
{
    struct question *question = (struct question *)wait;

    if (result == 0 && wait->record_r != NULL)
        *question->pair = question->found;
    printf("answer %s %s - -\n", question->id, result_name(result));
    free(question);
}

static void ask_store(const struct line *line)
{
    struct question *question = calloc(1, sizeof(*question));
    uint8_t byte = (uint8_t)number(line->words[2]), bytes[PAIRING_NONCE_LEN];
    struct pair_record *pair = &pairs[byte % N_PAIRS];
    struct span what = line->words[0];

    if (question == NULL)
        errx(2, "no memory");
    open_store();
    snprintf(question->id, sizeof(question->id), "%.*s", SPAN_PRINT(line->words[1]));
    question->wait.done = on_answered;
    question->pair = pair;
    memset(bytes, byte, sizeof(bytes));
    if (span_equal(what, SPAN("put"))) {
        *pair = (struct pair_record){ .secret = { .suite = SUITE_AES_256_GCM },
                                      .expires_s = number(line->words[3]) };
        memcpy(pair->secret.id, bytes, PAIR_ID_LEN);
        memset(pair->secret.key.bytes, byte + 100, SECRET_KEY_LEN);
        store_redis_put(&store, pair, &question->wait);
    } else if (span_equal(what, SPAN("get"))) {
        store_redis_get(&store, bytes, &question->found, &question->wait);
    } else if (span_equal(what, SPAN("claim"))) {
        store_redis_claim(&store, pair, number(line->words[3]), &question->wait);
    } else if (span_equal(what, SPAN("again"))) {
        store_redis_claim_again(&store, bytes, number(line->words[3]), &question->wait);
    } else if (span_equal(what, SPAN("nonce"))) {
        store_redis_nonce(&store, bytes, &question->wait);
    } else {
        errx(2, "what?");
    }
}

static void obey(struct span text)
{
    struct line line = { .n = 0 };

    while (text.at != NULL && line.n < WORDS_MAX)
        line.words[line.n++] = span_cut(&text, ' ');
    if (span_equal(line.words[0], SPAN("call"))) {
        call(&line, NULL);
    } else if (span_equal(line.words[0], SPAN("burst"))) {
        struct burst *burst = calloc(1, sizeof(*burst));
        size_t n = number(line.words[1]);

        if (burst == NULL)
            errx(2, "no memory");
        burst->n_left = n;
        while (n-- > 0)
            call(&line, burst);
    } else if (span_equal(line.words[0], SPAN("cancel")) && last != NULL) {
        redis_call_cancel(&last->call);
        free(last);
        last = NULL;
        printf("cancelled\n");
    } else if (span_equal(line.words[0], SPAN("run_id"))) {
        const char *run_id = redis_run_id(redis, line.words[1]);

        printf("run_id %s\n", run_id != NULL ? run_id : "none");
    } else {
        ask_store(&line);
    }
}

static void on_input(h2o_socket_t *sock, const char *error)
{
    ended = error != NULL;
    while (!ended) {
        struct span input = span_of(sock->input->bytes, sock->input->size);
        size_t end = span_find(input, '\n');

        if (end == input.len)
            return;
        obey(span_part(input, 0, end));
        h2o_buffer_consume(&sock->input, end + 1);
    }
    h2o_socket_read_stop(sock);
}

static void on_changed(void *arg, bool up)
{
    (void)arg;
    printf(up ? "up\n" : "down\n");
}

static struct tls_trust *trust_of(const char *path)
{
    static char pem[16384];
    struct tls_pem files = { .parts = { SPAN_NONE } };
    struct tls_mistake mistake;
    struct tls_trust *trust;

    if (path != NULL) {
        FILE *file = fopen(path, "re");

        if (file == NULL)
            err(2, "%s", path);
        files.parts[TLS_CA] = span_of(pem, fread(pem, 1, sizeof(pem), file));
        fclose(file);
    }
    if (tls_trust_new(&files, &trust, &mistake) < 0)
        errx(2, "no trust");
    return trust;
}

int main(int argc, char **argv)
{
    h2o_loop_t *loop = h2o_evloop_create();
    struct redis_config config = {
        .loop = loop, .connect_ms = 1000, .changed = on_changed, .metrics = &metrics
    };
    struct timers *timers;
    struct resolver *resolver;
    struct tls_trust *trust;
    h2o_socket_t *input;

    if (argc < 5)
        errx(2, "redis_driver URL ANSWER_MS PING_MS MAX_CALLS [CA_FILE]");
    setvbuf(stdout, NULL, _IOLBF, 0);
    log_open(STDERR_FILENO, LOG_LEVEL_DEBUG, "driver");
    trust = trust_of(argv[5]);
    config.url = span_text(argv[1]);
    config.answer_ms = number(span_text(argv[2]));
    config.ping_ms = number(span_text(argv[3]));
    config.max_calls = number(span_text(argv[4]));
    config.trust = trust;
    if (crypto_init() < 0 || timers_new(loop, &timers) < 0 || resolver_new(loop, &resolver) < 0)
        errx(2, "no start");
    config.timers = timers;
    config.resolver = resolver;
    if (redis_new(&config, &redis) < 0)
        errx(2, "no client");
    input = h2o_evloop_socket_create(loop, STDIN_FILENO, 0);
    h2o_socket_read_start(input, on_input);
    while (!ended)
        h2o_evloop_run(loop, INT32_MAX);
    redis_free(&redis);
    h2o_socket_close(input);
    h2o_evloop_run(loop, 0);
    if (store.redis != NULL)
        identity_fini(&identity);
    tls_trust_free(&trust);
    resolver_free(&resolver);
    timers_free(&timers);
    h2o_evloop_run(loop, 0);
    h2o_evloop_destroy(loop);
    crypto_fini();
    return 0;
}
