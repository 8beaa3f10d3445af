/* SPDX-License-Identifier: MIT */
/* The server: keys in a row; bits are keys, too. Knows the few commands that are asked of it. */
#include "tests/unit/redis_double.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/text.h"

enum { MAX_CLIENTS = 4, MAX_KEYS = 256, MAX_WORDS = 8, MAX_WAITING = 256, MAX_LEN = 256 };

struct redis {
    struct redis_config config;
};

struct redis_request {
    struct redis_call *call; /* NULL: cancelled */
    uint8_t bytes[MAX_WORDS][MAX_LEN];
    struct span words[MAX_WORDS];
};

static struct redis *clients[MAX_CLIENTS];
static struct redis_request *waiting[MAX_WAITING];
static size_t n_waiting;
static unsigned n_asked;
static struct {
    char name[MAX_LEN];
    uint8_t value[MAX_LEN];
    size_t len;
} keys[MAX_KEYS];
static char server[REDIS_RUN_ID_LEN + 1];
static bool connected, knows_script;

/* ---- keys ---- */

static int find_key(struct span name)
{
    for (int i = 0; i < MAX_KEYS; i++) {
        if (keys[i].name[0] != '\0' && span_equal(span_text(keys[i].name), name))
            return i;
    }
    return -1;
}

static void set_key(struct span name, struct span value)
{
    int i = find_key(name);

    if (i < 0)
        for (i = 0; keys[i].name[0] != '\0'; i++)
            assert_true(i + 1 < MAX_KEYS);
    snprintf(keys[i].name, MAX_LEN, "%.*s", SPAN_PRINT(name));
    assert_true(value.len <= MAX_LEN);
    memcpy(keys[i].value, value.at, value.len);
    keys[i].len = value.len;
}

struct span redis_double_get(const char *key)
{
    int i = find_key(span_text(key));

    return i < 0 ? SPAN_NONE : span_of(keys[i].value, keys[i].len);
}

void redis_double_set(const char *key, const char *value)
{
    set_key(span_text(key), span_text(value));
}

static const char *bit_name(struct span page, struct span bit)
{
    static char name[MAX_LEN];

    snprintf(name, sizeof(name), "%.*s#%.*s", SPAN_PRINT(page), SPAN_PRINT(bit));
    return name;
}

bool redis_double_bit(const char *key, unsigned bit)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", bit);
    return find_key(span_text(bit_name(span_text(key), span_text(text)))) >= 0;
}

/* ---- commands ---- */

/* The claim, as the script says it: (page, pair?, bit, ...). Its reply. */
static const char *claim(const struct span *words)
{
    bool with_pair = span_equal(words[2], SPAN("2"));
    const char *bit = bit_name(words[3], words[with_pair ? 5 : 4]);
    bool was_set = find_key(span_text(bit)) >= 0;

    if (span_equal(words[0], SPAN("EVALSHA")) && !knows_script)
        return "-NOSCRIPT No matching script.\r\n";
    knows_script = true;
    if (with_pair && find_key(words[4]) < 0)
        return ":-1\r\n";
    redis_double_set(bit, "1");
    return was_set ? ":1\r\n" : ":0\r\n";
}

static void put_reply(struct buffer *b, const struct span *words)
{
    int i = find_key(words[1]);

    if (span_starts(words[0], SPAN("EVAL"))) {
        buffer_put_text(b, claim(words));
    } else if (span_equal(words[0], SPAN("GET"))) {
        if (i < 0)
            buffer_put_text(b, "$-1\r\n");
        else
            buffer_printf(b, "$%zu\r\n", keys[i].len);
        if (i >= 0) {
            buffer_put(b, span_of(keys[i].value, keys[i].len));
            buffer_put_text(b, "\r\n");
        }
    } else if (i >= 0 && span_equal(words[3], SPAN("NX"))) {
        buffer_put_text(b, "$-1\r\n");
    } else {
        set_key(words[1], words[2]);
        buffer_put_text(b, "+OK\r\n");
    }
}

static void answer(struct redis_request *request, bool lose_answer)
{
    struct redis_call *call = request->call;
    struct resp_reader *reader;
    struct resp_value *reply = NULL;
    struct buffer b;
    int r = 0;

    buffer_init(&b, 0);
    put_reply(&b, request->words);
    assert_int_equal(resp_reader_new(&reader), 0);
    assert_int_equal(resp_feed(reader, buffer_span(&b)), 0);
    assert_int_equal(resp_next(reader, &reply), 0);
    free(request);
    if (call != NULL) {
        call->request = NULL;
        snprintf(call->run_id, sizeof(call->run_id), "%s", lose_answer ? "" : server);
        if (resp_kind(reply) == RESP_ERROR)
            r = redis_error_of(resp_text(reply)).result;
        call->done(call, lose_answer ? ERR_TIMEOUT : r, lose_answer ? NULL : reply);
    }
    resp_value_free(&reply);
    resp_reader_free(&reader);
    buffer_fini(&b);
}

bool redis_double_run(bool lose_answer)
{
    struct redis_request *request = waiting[0];

    if (n_waiting == 0)
        return false;
    memmove(waiting, waiting + 1, --n_waiting * sizeof(*waiting));
    answer(request, lose_answer);
    return true;
}

void redis_double_run_all(void)
{
    while (redis_double_run(false))
        ;
}

size_t redis_double_n_waiting(void)
{
    return n_waiting;
}

unsigned redis_double_n_asked(void)
{
    return n_asked;
}

/* ---- the server ---- */

void redis_double_begin(const char *run_id)
{
    assert_int_equal(n_waiting, 0);
    redis_double_flush();
    redis_double_fail_over(run_id);
    knows_script = connected = false;
    n_asked = 0;
}

void redis_double_fail_over(const char *run_id)
{
    snprintf(server, sizeof(server), "%s", run_id);
}

void redis_double_flush(void)
{
    memset(keys, 0, sizeof(keys));
}

void redis_double_connect(bool up)
{
    connected = up;
    for (size_t i = 0; i < MAX_CLIENTS; i++) {
        if (clients[i] == NULL)
            continue;
        if (up)
            clients[i]->config.met(clients[i]->config.arg, server);
        clients[i]->config.changed(clients[i]->config.arg, up);
    }
}

/* ---- redis.h ---- */

int redis_new(const struct redis_config *config, struct redis **redis_r)
{
    size_t i = 0;

    while (clients[i] != NULL)
        assert_true(++i < MAX_CLIENTS);
    *redis_r = clients[i] = calloc(1, sizeof(**redis_r));
    assert_non_null(*redis_r);
    (*redis_r)->config = *config;
    return 0;
}

void redis_free(struct redis **redis)
{
    for (size_t i = 0; i < MAX_CLIENTS; i++) {
        if (*redis != NULL && clients[i] == *redis)
            clients[i] = NULL;
    }
    for (size_t i = 0; i < n_waiting; i++) {
        if (waiting[i]->call != NULL)
            redis_call_cancel(waiting[i]->call);
    }
    free(*redis);
    *redis = NULL;
}

bool redis_is_up(const struct redis *redis)
{
    (void)redis;
    return connected;
}

const char *redis_run_id(const struct redis *redis, struct span key)
{
    (void)redis;
    (void)key;
    return connected ? server : NULL;
}

int redis_call(struct redis *redis, struct redis_call *call, struct span key,
               const struct span *words, size_t n_words)
{
    struct redis_request *request;

    (void)redis;
    (void)key;
    if (!connected)
        return ERR_CLOSED;
    request = calloc(1, sizeof(*request));
    assert_non_null(request);
    assert_true(n_waiting < MAX_WAITING && n_words <= MAX_WORDS);
    for (size_t i = 0; i < n_words; i++) {
        size_t len = words[i].len < MAX_LEN ? words[i].len : MAX_LEN; /* a script is long */

        memcpy(request->bytes[i], words[i].at, len);
        request->words[i] = span_of(request->bytes[i], len);
    }
    request->call = call;
    call->request = request;
    waiting[n_waiting++] = request;
    n_asked++;
    return 0;
}

void redis_call_cancel(struct redis_call *call)
{
    if (call->request != NULL)
        call->request->call = NULL;
    call->request = NULL;
}
