/* SPDX-License-Identifier: MIT */
/* The doubles and the cast. */
#include "tests/unit/peer_stage.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "worker/timer.h"

/* ---- the clocks ---- */

uint64_t mono_ms, wall_ms;

uint64_t clock_mono_ms(void)
{
    return mono_ms;
}

uint64_t clock_wall_ms(void)
{
    return wall_ms;
}

void clock_text(uint64_t ms, char text_r[static CLOCK_TEXT_LEN])
{
    (void)ms;
    text_r[0] = '\0';
}

/* ---- the timers ---- */

static struct timer *running[64];

void timer_start(struct timer *timer, struct timers *timers, uint64_t ms,
                 void (*fire)(struct timer *timer))
{
    size_t i = 0;

    timer_stop(timer);
    timer->timers = timers;
    timer->due_ms = mono_ms + ms;
    timer->fire = fire;
    while (running[i] != NULL)
        i++;
    running[i] = timer;
}

void timer_stop(struct timer *timer)
{
    for (size_t i = 0; i < 64; i++) {
        if (running[i] == timer)
            running[i] = NULL;
    }
}

static struct timer *next_due(uint64_t until_ms)
{
    struct timer *next = NULL;

    for (size_t i = 0; i < 64; i++) {
        if (running[i] != NULL && running[i]->due_ms <= until_ms &&
            (next == NULL || running[i]->due_ms < next->due_ms))
            next = running[i];
    }
    return next;
}

void pass(uint64_t ms)
{
    uint64_t until_ms = mono_ms + ms;
    struct timer *timer;

    while ((timer = next_due(until_ms)) != NULL) {
        wall_ms += timer->due_ms - mono_ms;
        mono_ms = timer->due_ms;
        timer_stop(timer);
        timer->fire(timer);
    }
    wall_ms += until_ms - mono_ms;
    mono_ms = until_ms;
}

/* ---- the outward client: one call at a time ---- */

struct out out;

int upstream_call(struct upstream *upstream, const struct upstream_request *request,
                  const struct upstream_events *events, void *arg, struct upstream_call **call_r)
{
    (void)upstream;
    if (out.no_memory)
        return -12;
    assert_false(out.under_way); /* one pairing at a time */
    assert_int_equal(request->body.len, PAIRING_M1_LEN);
    assert_int_equal(request->resend, UPSTREAM_RESEND_SAME_BYTES);
    assert_true(request->head.len < sizeof(out.head));
    memcpy(out.head, request->head.at, request->head.len);
    out.head[request->head.len] = '\0';
    memcpy(out.m1, request->body.at, PAIRING_M1_LEN);
    out.url = request->url;
    out.events = *events;
    out.arg = arg;
    out.under_way = true;
    out.n_calls++;
    *call_r = (void *)&out;
    return 0;
}

void upstream_call_cancel(struct upstream_call **call)
{
    out.under_way = false;
    *call = NULL;
}

void end_call(enum upstream_failure failure)
{
    assert_true(out.under_way);
    out.under_way = false;
    out.events.end(out.arg, failure, "detail");
}

/* An answer of any status: it is not looked at. */
void answer_with(const char *type, struct span body)
{
    struct http1_head head = { .status = 503 };
    int r;

    assert_true(out.under_way);
    headers_init(&head.fields);
    if (type != NULL)
        assert_int_equal(headers_add(&head.fields, SPAN("content-type"), span_text(type)), 0);
    r = out.events.head(out.arg, &head);
    headers_fini(&head.fields);
    for (size_t i = 0; i < body.len && r == 0; i += 1000)
        r = out.events.body(out.arg, span_part(body, i, 1000));
    end_call(r == 0 ? UPSTREAM_OK : UPSTREAM_BAD_ANSWER);
}

/* ---- the responder ---- */

struct identity ours, theirs, others;
uint8_t last_pair[PAIR_ID_LEN], given_token[CLIENT_TOKEN_LEN];
uint32_t lifetime_s;
int64_t their_clock_ahead_ms;

void answer_m2_by(const struct identity *identity)
{
    struct pairing_answer answer = { .now_ms = wall_ms + (uint64_t)their_clock_ahead_ms,
                                     .lifetime_s = lifetime_s,
                                     .max_body = MAX_BODY };
    uint8_t m2[PAIRING_M2_LEN];
    struct pair_secret secret;
    struct pairing_m1 m1;

    assert_int_equal(pairing_read_m1(identity, span_of(out.m1, PAIRING_M1_LEN), &m1), 0);
    assert_int_equal(pairing_choose(identity, &m1, &answer.suite), 0);
    memcpy(answer.client_token, given_token, CLIENT_TOKEN_LEN);
    assert_int_equal(pairing_answer(identity, &m1, &answer, m2, &secret), 0);
    memcpy(last_pair, secret.id, PAIR_ID_LEN);
    answer_with("application/mte-pair", span_of(m2, sizeof(m2)));
}

void answer_m2(void)
{
    answer_m2_by(&theirs);
}

void answer_error(enum errframe_code code)
{
    uint8_t frame[ERRFRAME_LEN];

    assert_int_equal(errframe_make(&theirs.psk[0], code, wall_ms + (uint64_t)their_clock_ahead_ms,
                                   span_of(out.m1, PAIRING_M1_LEN), frame),
                     0);
    answer_with("application/mte-error", span_of(frame, sizeof(frame)));
}

uint64_t m1_time(void)
{
    struct pairing_m1 m1;

    assert_int_equal(pairing_read_m1(&theirs, span_of(out.m1, PAIRING_M1_LEN), &m1), 0);
    return m1.time_ms;
}

/* ---- who waits ---- */

struct waiter waiters[N_WAITS];
struct peers *peers;
struct metric_block metrics;
struct peer *peer;
static int log_fd;

void on_done(struct peer_wait *wait, enum peer_failure failure, const struct peer_lease *lease)
{
    struct waiter *w = wait->arg;

    w->n_done++;
    w->failure = failure;
    assert_int_equal(failure == PEER_OK, lease != NULL);
    if (lease != NULL)
        w->lease = *lease;
}

struct waiter *ask(size_t i)
{
    struct waiter *w = &waiters[i];

    peer_lease_end(&w->lease);
    *w = (struct waiter){ .wait = { .done = on_done, .arg = w } };
    peer_lease(peer, &w->wait);
    return w;
}

void assert_leased(const struct waiter *w)
{
    assert_int_equal(w->n_done, 1);
    assert_int_equal(w->failure, PEER_OK);
    assert_non_null(w->lease.keys);
}

void assert_failed(const struct waiter *w, enum peer_failure failure)
{
    assert_int_equal(w->n_done, 1);
    assert_int_equal(w->failure, failure);
}

struct url url_of(const char *text)
{
    struct url url;
    const char *why = NULL;

    assert_int_equal(url_parse(span_text(text), &url, &why), 0);
    return url;
}

/* How often a phrase stands in the log. */
unsigned n_logged(const char *phrase)
{
    static char text[1 << 16];
    ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);
    unsigned count = 0;

    assert_true(n >= 0);
    text[n] = '\0';
    for (const char *at = text; (at = strstr(at, phrase)) != NULL; at++)
        count++;
    return count;
}

int open_all(void **state)
{
    struct peers_config config = {
        .identity = &ours, .pair_lifetime_ms = 3600 * SECOND, .max_peers = 4, .metrics = &metrics
    };
    struct url url = url_of("http://Peer.example/base");

    (void)state;
    mono_ms = 1000 * MINUTE;
    wall_ms = 1700000000000;
    lifetime_s = LIFETIME_S;
    their_clock_ahead_ms = 0;
    memset(&out, 0, sizeof(out));
    memset(waiters, 0, sizeof(waiters));
    memset(&metrics, 0, sizeof(metrics));
    log_fd = memfd_create("log", MFD_CLOEXEC);
    assert_true(log_fd >= 0);
    log_open(log_fd, LOG_LEVEL_INFO, "test");
    assert_int_equal(peers_new(&config, &peers), 0);
    assert_int_equal(peers_get(peers, &url, &peer), 0);
    return 0;
}

int close_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_WAITS; i++) {
        peer_wait_cancel(&waiters[i].wait);
        peer_lease_end(&waiters[i].lease);
    }
    peer_put(&peer);
    peers_free(&peers);
    assert_int_equal(metrics.values[METRIC_peer_pairs], 0);
    assert_null(next_due(UINT64_MAX));
    log_open(STDERR_FILENO, LOG_LEVEL_INFO, "test");
    close(log_fd);
    return 0;
}

int played_start(void **state)
{
    const struct span upstream_texts[] = { SPAN("http://ours"), SPAN("http://theirs") };
    struct identity_config config = { .secret = SPAN("the secret of both"),
                                      .client_id_secret = SPAN("0123456789012345678901234567890") };
    const char *why = NULL;

    (void)state;
    assert_int_equal(crypto_init(), 0);
    assert_int_equal(kem_init(), 0);
    assert_int_equal(url_parse(upstream_texts[0], &config.upstream, &why), 0);
    assert_int_equal(identity_init(&ours, &config), 0);
    assert_int_equal(url_parse(upstream_texts[1], &config.upstream, &why), 0);
    assert_int_equal(identity_init(&theirs, &config), 0);
    config.secret = SPAN("another secret");
    assert_int_equal(identity_init(&others, &config), 0);
    return 0;
}

int played_stop(void **state)
{
    (void)state;
    identity_fini(&ours);
    identity_fini(&theirs);
    identity_fini(&others);
    crypto_fini();
    return 0;
}
