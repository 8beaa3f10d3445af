/* SPDX-License-Identifier: MIT */
/*
 * The responder, step by step in the order of protocol.md: nothing costs a public-key operation
 * before mac1, and M2 leaves only when every worker can find the pair. Whatever stands in the way
 * is answered with an ERR frame.
 */
#include "worker/pair_endpoint.h"

#include "common/clock.h"
#include "common/metric.h"
#include "common/pairing.h"
#include "common/secret.h"
#include "common/steady.h"
#include "common/text.h"
#include "worker/client_token.h"
#include "worker/peer_answer.h"

struct pair_endpoint {
    struct store_wait wait;
    struct pairing_m1 m1;
    enum suite suite;
    struct session session;
    uint8_t m2[PAIRING_M2_LEN];
};

static struct pair_endpoint *state_of(struct exchange *x)
{
    return exchange_state(x);
}

/* ---- refusals ---- */

struct reason {
    int error;
    enum errframe_code code;
    enum pairing_refusal counted;
    bool takes_secret;  /* only who holds SECRET can cause it */
    const char *advice; /* the settings to change */
};

static const struct reason reasons[] = {
    { ERR_UNKNOWN, ERRFRAME_REJECT, PAIRING_SECRET, false, "is SECRET the same on both sides?" },
    { ERR_SELF, ERRFRAME_REFUSED, PAIRING_SELF, true,
      "both sides have the same CLIENT_ID_SECRET and UPSTREAM: give each deployment its own" },
    { ERR_UNSUPPORTED, ERRFRAME_REFUSED, PAIRING_SUITE, true,
      "no cipher suite in common: upgrade the older relay" },
    { ERR_CLOCK, ERRFRAME_CLOCK, PAIRING_CLOCK, false, "set both clocks by NTP" },
    { ERR_REPLAY, ERRFRAME_REPLAY, PAIRING_REPLAY, false, "the same bytes came before" },
    { ERR_BUSY, ERRFRAME_BUSY, PAIRING_BUSY, false,
      "see PAIRING_RATE, PAIRS_PER_NODE and REDIS_FAILURE" },
    { ERR_FORMAT, ERRFRAME_REJECT, PAIRING_FORMAT, false,
      "it is not a pairing request of this version" },
    { ERR_AUTH, ERRFRAME_REJECT, PAIRING_FORGED, false, "it was altered on its way, or forged" },
    /* Last: stands for every failure of our own, which executed nothing. */
    { 0, ERRFRAME_BUSY, PAIRING_OURS, true, "this relay failed, not the peer" },
};

static const struct reason *reason_of(int error)
{
    const struct reason *reason = reasons;

    while (reason->error != 0 && reason->error != error)
        reason++;
    return reason;
}

static void refuse(struct exchange *x, int error)
{
    struct services *services = exchange_services(x);
    struct span body = exchange_request(x)->body, source = exchange_source(x);
    const struct reason *reason = reason_of(error);
    struct log_brake *brake = &services->pairing_log[reason->takes_secret];
    uint64_t n_held;

    metric_add(services->metrics, metric_of(METRIC_pairings_refused, reason->counted, 0), 1);
    if (log_brake_lets(brake, clock_mono_ms(), &n_held))
        log_warning("refused a pairing: %s, %s answer=%s from=%.*s not_logged_before=%llu",
                    error_text(error), reason->advice, errframe_name(reason->code),
                    SPAN_PRINT(source), (unsigned long long)n_held);
    peer_answer_error(x, reason->code, errframe_psk_of_m1(services->identity, body),
                      errframe_about_m1(body));
}

/* ---- the steps ---- */

static void on_stored(struct store_wait *wait, int result)
{
    struct exchange *x = wait->arg;
    struct pair_endpoint *p = state_of(x);
    char node[2 * NODE_LEN + 1];
    enum log_level level;
    uint64_t n_held;

    if (result < 0)
        return refuse(x, result);
    text_hex(span_of(p->m1.node, NODE_LEN), node);
    level = braked_log_level(&exchange_services(x)->lines, BRAKED_PAIRED, LOG_LEVEL_INFO, &n_held);
    log_line(level, "paired with a peer that sends to us node=%s not_logged_before=%llu", node,
             (unsigned long long)n_held);
    metric_add(exchange_services(x)->metrics, METRIC_pairings_answered, 1);
    peer_answer(x, "application/mte-pair", span_of(p->m2, sizeof(p->m2)));
}

/* A good token is returned as it came, any other is replaced. */
static int choose_token(struct exchange *x, uint8_t token_r[static CLIENT_TOKEN_LEN])
{
    const struct identity *identity = exchange_services(x)->identity;
    const struct pairing_m1 *m1 = &state_of(x)->m1;
    int r = client_token_verify(identity, m1->node, m1->client_token);

    if (r == 0)
        memcpy(token_r, m1->client_token, CLIENT_TOKEN_LEN);
    if (r != ERR_AUTH)
        return r;
    return client_token_issue(identity, m1->node, clock_wall_ms() / 1000, token_r);
}

/* The KEM, and the pair that follows. */
static int make_pair(struct exchange *x)
{
    const struct services *services = exchange_services(x);
    struct pair_endpoint *p = state_of(x);
    struct pairing_answer answer = {
        .suite = p->suite,
        .now_ms = steady_ms(),
        .lifetime_s = (uint32_t)(services->conf->pair_lifetime / 1000),
        .max_body = services->conf->max_request_body,
    };
    int r = choose_token(x, answer.client_token);

    if (r == 0)
        r = pairing_answer(services->identity, &p->m1, &answer, p->m2, &p->session.secret);
    if (r < 0)
        return r;
    memcpy(p->session.node, p->m1.node, NODE_LEN);
    client_token_id(answer.client_token, p->session.client_id);
    p->session.created_mono_ms = clock_mono_ms();
    p->session.expires_mono_ms = p->session.created_mono_ms + services->conf->pair_lifetime;
    return 0;
}

static void on_nonce(struct store_wait *wait, int result)
{
    struct exchange *x = wait->arg;
    struct pair_endpoint *p = state_of(x);
    int r = result;

    if (r == 0)
        r = make_pair(x);
    if (r < 0)
        return refuse(x, r);
    p->wait.done = on_stored;
    session_store_put(exchange_services(x)->store, &p->session, &p->wait);
}

static int check_m1(struct exchange *x)
{
    const struct services *services = exchange_services(x);
    struct pair_endpoint *p = state_of(x);
    int r = pairing_read_m1(services->identity, exchange_request(x)->body, &p->m1);

    if (r == 0 && services->leaving)
        r = ERR_BUSY;
    if (r == 0)
        r = session_store_pairing_allowed(services->store, p->m1.node);
    if (r == 0)
        r = pairing_choose(services->identity, &p->m1, &p->suite);
    if (r == 0)
        r = pairing_check_time(&p->m1, steady_ms());
    return r;
}

static void pair_begin(struct exchange *x)
{
    struct pair_endpoint *p = state_of(x);
    int r = check_m1(x);

    if (r < 0)
        return refuse(x, r);
    p->wait.arg = x;
    p->wait.done = on_nonce;
    session_store_nonce(exchange_services(x)->store, p->m1.nonce, &p->wait);
}

static void pair_fini(struct exchange *x)
{
    struct pair_endpoint *p = state_of(x);

    store_wait_cancel(&p->wait);
    secret_wipe(p, sizeof(*p));
}

const struct exchange_ops pair_endpoint_ops = {
    .name = "pair",
    .to_peer = true,
    .state_len = sizeof(struct pair_endpoint),
    .begin = pair_begin,
    .answer_head = exchange_door_head,
    .answer_data = exchange_door_data,
    .answer_end = exchange_door_end,
    .fini = pair_fini,
};
