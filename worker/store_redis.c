/* SPDX-License-Identifier: MIT */
/*
 * The questions to Redis, one command each. Owns nothing: a question's words live in its wait until
 * the answer, because a script that the server does not know is sent again, whole.
 */
#include "worker/store_redis.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/envelope.h"
#include "common/steady.h"
#include "common/text.h"
#include "worker/claim.h"
#include "worker/nonce_table.h"
#include "worker/session_table.h"

/*
 * KEYS: the page, and the pair unless it need not be there. ARGV: bit, expires in ms. Returns the
 * old bit, or -1 where the pair is not there: then nothing was written. SETBIT comes first, because
 * a server that is full lets a script go on that has written.
 */
static const char CLAIM[] = "if KEYS[2] and redis.call('EXISTS', KEYS[2]) == 0 then return -1 end "
                            "local old = redis.call('SETBIT', KEYS[1], ARGV[1], 1) "
                            "redis.call('EXPIRE', KEYS[1], 1800) "
                            "if KEYS[2] then redis.call('PEXPIREAT', KEYS[2], ARGV[2]) end "
                            "return old";
_Static_assert(CLAIM_KEEP_MS == 1800 * 1000, "the script keeps pages as long as memory does");
/* Its SHA-1; the tests see whether a server agrees. */
static const char CLAIM_SHA1[] = "34d6c304a503303ea27c62b41758a4f3f1f092db";

static const char ANYBODY[] = "0000000000000000000000000000000000000000";

/* ---- waiting ---- */

void store_redis_cancel(struct store_redis_wait *wait)
{
    redis_call_cancel(&wait->call);
}

static struct store_redis_wait *wait_of(struct redis_call *call)
{
    return (struct store_redis_wait *)(void *)((char *)call -
                                               offsetof(struct store_redis_wait, call));
}

static void ask(struct store_redis_wait *wait, struct span key, const struct span *words, size_t n,
                void (*done)(struct redis_call *call, int result, const struct resp_value *reply))
{
    wait->call.done = done;
    if (redis_call(wait->store->redis, &wait->call, key, words, n) < 0)
        wait->done(wait, ERR_BUSY);
}

/* Is it the server whose answer counts? One that does not say who it is cannot be told apart. */
static bool is_same_server(const char *wanted, const char *answering)
{
    return strcmp(wanted, answering) == 0 || strcmp(wanted, ANYBODY) == 0 ||
           strcmp(answering, ANYBODY) == 0;
}

/* ---- nonces ---- */

static void on_nonce(struct redis_call *call, int result, const struct resp_value *reply)
{
    struct store_redis_wait *wait = wait_of(call);

    if (result == 0 && resp_kind(reply) == RESP_STATUS)
        wait->done(wait, 0);
    else
        wait->done(wait, result == 0 && resp_kind(reply) == RESP_NIL ? ERR_REPLAY : ERR_BUSY);
}

void store_redis_nonce(struct store_redis *store, const uint8_t nonce[static PAIRING_NONCE_LEN],
                       struct store_redis_wait *wait)
{
    char name[11 + 2 * PAIRING_NONCE_LEN + 1] = "mar1:nonce:", keep_ms[16];
    struct span words[] = { SPAN("SET"), SPAN_NONE, SPAN("1"), SPAN("NX"), SPAN("PX"), SPAN_NONE };

    text_hex(span_of(nonce, PAIRING_NONCE_LEN), name + 11);
    snprintf(keep_ms, sizeof(keep_ms), "%d", NONCE_KEEP_MS);
    words[1] = span_text(name);
    words[5] = span_text(keep_ms);
    wait->store = store;
    ask(wait, words[1], words, 6, on_nonce);
}

/* ---- pairs ---- */

/* Stored elsewhere than the record says, nobody would find it again. */
static void on_put(struct redis_call *call, int result, const struct resp_value *reply)
{
    struct store_redis_wait *wait = wait_of(call);

    wait->done(wait, result == 0 && resp_kind(reply) == RESP_STATUS &&
                             is_same_server(wait->run_id, call->run_id)
                         ? 0
                         : ERR_BUSY);
}

void store_redis_put(struct store_redis *store, struct pair_record *record,
                     struct store_redis_wait *wait)
{
    uint8_t sealed[PAIR_RECORD_LEN];
    char keep_ms[16];
    struct span words[] = { SPAN("SET"), SPAN_NONE,  span_of(sealed, sizeof(sealed)),
                            SPAN("NX"),  SPAN("PX"), SPAN_NONE };
    const char *run_id;

    pair_record_name(record->secret.id, wait->pair);
    words[1] = span_text(wait->pair);
    run_id = redis_run_id(store->redis, words[1]);
    if (run_id != NULL)
        memcpy(record->run_id, run_id, sizeof(record->run_id));
    if (run_id == NULL || pair_record_seal(store->identity, record, sealed) < 0) {
        wait->done(wait, ERR_BUSY);
        return;
    }
    memcpy(wait->run_id, record->run_id, sizeof(wait->run_id));
    snprintf(keep_ms, sizeof(keep_ms), "%d", SESSION_UNUSED_MS);
    words[5] = span_text(keep_ms);
    wait->store = store;
    ask(wait, words[1], words, 6, on_put);
}

static void on_get(struct redis_call *call, int result, const struct resp_value *reply)
{
    struct store_redis_wait *wait = wait_of(call);
    struct pair_record *record = wait->record_r;
    enum resp_kind kind = resp_kind(reply);
    int r = ERR_BUSY;

    if (result == 0 && kind == RESP_NIL)
        r = ERR_UNKNOWN;
    else if (result == 0 && kind == RESP_BYTES)
        r = pair_record_open(wait->store->identity, wait->id, resp_text(reply), record);
    if (r == 0 && !is_same_server(record->run_id, call->run_id)) {
        secret_wipe(record, sizeof(*record));
        r = ERR_UNKNOWN;
    }
    wait->done(wait, r == 0 || r == ERR_UNKNOWN ? r : ERR_BUSY);
}

void store_redis_get(struct store_redis *store, const uint8_t id[static PAIR_ID_LEN],
                     struct pair_record *record_r, struct store_redis_wait *wait)
{
    struct span words[] = { SPAN("GET"), SPAN_NONE };

    pair_record_name(id, wait->pair);
    words[1] = span_text(wait->pair);
    memcpy(wait->id, id, PAIR_ID_LEN);
    wait->record_r = record_r;
    wait->store = store;
    ask(wait, words[1], words, 2, on_get);
}

/* ---- claims ---- */

static void on_claim(struct redis_call *call, int result, const struct resp_value *reply);

static void run_script(struct store_redis_wait *wait)
{
    bool with_pair = wait->pair[0] != '\0';
    struct span words[8];
    size_t n = 0;

    words[n++] = wait->by_text ? SPAN("EVAL") : SPAN("EVALSHA");
    words[n++] = span_text(wait->by_text ? CLAIM : CLAIM_SHA1);
    words[n++] = with_pair ? SPAN("2") : SPAN("1");
    words[n++] = span_text(wait->page);
    if (with_pair)
        words[n++] = span_text(wait->pair);
    words[n++] = span_text(wait->bit);
    if (with_pair)
        words[n++] = span_text(wait->expires_ms);
    ask(wait, words[3], words, n, on_claim);
}

/* Only a bit that was 0 at the server which keeps the pair lets a request run. */
static void on_claim(struct redis_call *call, int result, const struct resp_value *reply)
{
    struct store_redis_wait *wait = wait_of(call);
    int64_t old = resp_integer(reply);
    int r = ERR_BUSY;

    if (result == ERR_UNKNOWN && !wait->by_text) {
        wait->by_text = true;
        run_script(wait);
        return;
    }
    if (result == 0 && resp_kind(reply) == RESP_INTEGER) {
        if (old == -1 || !is_same_server(wait->run_id, call->run_id))
            r = ERR_UNKNOWN;
        else if (old == 0 || old == 1)
            r = old == 0 ? 0 : ERR_REPLAY;
    }
    wait->done(wait, r);
}

static void claim(struct store_redis *store, const uint8_t id[static PAIR_ID_LEN], uint64_t counter,
                  struct store_redis_wait *wait)
{
    char hex[2 * PAIR_ID_LEN + 1];

    assert(counter < ENVELOPE_COUNTER_END);
    text_hex(span_of(id, PAIR_ID_LEN), hex);
    snprintf(wait->page, sizeof(wait->page), "mar1:seen:{%s}:%" PRIu64, hex,
             counter / CLAIM_PAGE_BITS);
    snprintf(wait->bit, sizeof(wait->bit), "%" PRIu64, counter % CLAIM_PAGE_BITS);
    wait->by_text = false;
    wait->store = store;
    run_script(wait);
}

void store_redis_claim(struct store_redis *store, const struct pair_record *pair, uint64_t counter,
                       struct store_redis_wait *wait)
{
    pair_record_name(pair->secret.id, wait->pair);
    snprintf(wait->expires_ms, sizeof(wait->expires_ms), "%" PRIu64 "000", pair->expires_s);
    memcpy(wait->run_id, pair->run_id, sizeof(wait->run_id));
    claim(store, pair->secret.id, counter, wait);
}

void store_redis_claim_again(struct store_redis *store, const uint8_t id[static PAIR_ID_LEN],
                             uint64_t counter, struct store_redis_wait *wait)
{
    wait->pair[0] = '\0';
    memcpy(wait->run_id, ANYBODY, sizeof(wait->run_id));
    claim(store, id, counter, wait);
}

/* ---- since when ---- */

static const struct span SINCE = SPAN("mar1:since");

static void on_since(struct redis_call *call, int result, const struct resp_value *reply)
{
    struct store_redis_wait *wait = wait_of(call);
    int r = ERR_BUSY;

    if (result == 0 && resp_kind(reply) == RESP_NIL)
        r = ERR_UNKNOWN;
    else if (result == 0 && resp_kind(reply) == RESP_BYTES)
        r = text_u64(resp_text(reply), UINT64_MAX, &wait->since_ms) < 0 ? ERR_UNKNOWN : 0;
    wait->done(wait, r);
}

void store_redis_since(struct store_redis *store, struct store_redis_wait *wait)
{
    const struct span words[] = { SPAN("GET"), SINCE };

    wait->store = store;
    ask(wait, SINCE, words, 2, on_since);
}

static void on_marked(struct redis_call *call, int result, const struct resp_value *reply)
{
    (void)call;
    (void)result;
    (void)reply;
}

static void mark(struct store_redis *store, uint64_t from_ms, bool anew)
{
    char text[24];
    struct span words[] = { SPAN("SET"), SINCE, SPAN_NONE, SPAN("NX") };

    redis_call_cancel(&store->marking); /* it runs all the same */
    snprintf(text, sizeof(text), "%" PRIu64, from_ms);
    words[2] = span_text(text);
    store->marking.done = on_marked;
    if (redis_call(store->redis, &store->marking, SINCE, words, anew ? 3 : 4) < 0)
        return; /* the next one does it */
}

void store_redis_mark(struct store_redis *store)
{
    mark(store, steady_ms(), false);
}

void store_redis_begin_anew(struct store_redis *store, uint64_t from_ms)
{
    mark(store, from_ms, true);
}
