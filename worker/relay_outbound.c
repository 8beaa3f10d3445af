/* SPDX-License-Identifier: MIT */
/*
 * The outbound side of the pipe: leases keys from the peer, seals the whole request into one POST,
 * opens the answer as it streams in. Resends once, and only on a verified promise of the peer that
 * it executed nothing; never sends anything in the clear.
 */
#include "worker/relay_outbound.h"

#include "common/bhttp.h"
#include "common/clock.h"
#include "common/errframe.h"
#include "common/metric.h"
#include "worker/address.h"
#include "worker/allow.h"
#include "worker/outbound_options.h"
#include "worker/peer.h"
#include "worker/timer.h"

enum {
    BUSY_WAIT_MS = 50,
    BUSY_WAIT_SPREAD_MS = 200,
    UPLOAD_MS = 5 * 60 * 1000,  /* the peer takes a message for 10 min after its time */
    RESEND_MS = 10 * 60 * 1000, /* then the peer may have forgotten the first sending */
};

enum answer { ANSWER_NONE, ANSWER_SEALED, ANSWER_ERROR };

struct outbound {
    struct peer *peer;
    struct peer_wait wait;
    struct peer_lease lease; /* held from the sealing until the response has begun */
    bool leased;
    enum codec codec;

    struct span target;       /* of the POST: the protocol's route, or a copy of the request's */
    struct headers copies;    /* of fields, for whoever is between */
    struct buffer head, body; /* the POST on its way */
    struct envelope_request sent;
    struct envelope_again again; /* the first sending, once there is a second */
    struct peer_sending first;   /* when it was */
    bool resent;
    struct timer pause; /* between a BUSY and the resend */

    enum answer answer;
    struct opener *opener;
    struct buffer error;     /* an ERR frame, as it comes */
    bool bodiless;           /* the answer has no DATA, whatever content-length says */
    bool has_length;         /* the answer said its length */
    uint64_t length, n_data; /* what it said, what came */
};

static void seal_and_send(struct exchange *x);

static struct outbound *state_of(struct exchange *x)
{
    return exchange_state(x);
}

/* ---- a lease, then the sealed message ---- */

static const struct {
    enum peer_failure failure;
    enum refusal refusal;
} lease_refusals[] = {
    { PEER_UNREACHABLE, REFUSAL_PEER_UNREACHABLE },
    { PEER_TLS, REFUSAL_PEER_TLS },
    { PEER_NOT_ALLOWED, REFUSAL_PEER_NOT_ALLOWED },
    { PEER_TIMEOUT, REFUSAL_PEER_TIMEOUT },
    { PEER_NOT_A_RELAY, REFUSAL_PEER_NOT_A_RELAY },
    { PEER_PAIRING_REFUSED, REFUSAL_PAIRING_REFUSED },
    { PEER_IS_SELF, REFUSAL_PEER_IS_SELF },
    { PEER_BUSY, REFUSAL_PEER_BUSY },
    { PEER_BAD_RESPONSE, REFUSAL_BAD_PEER_RESPONSE },
};

static void on_lease(struct peer_wait *wait, enum peer_failure failure,
                     const struct peer_lease *lease)
{
    struct exchange *x = wait->arg;
    struct outbound *out = state_of(x);

    if (failure == PEER_OK) {
        out->lease = *lease;
        out->leased = true;
        return seal_and_send(x);
    }
    for (size_t i = 0; i < sizeof(lease_refusals) / sizeof(*lease_refusals); i++) {
        if (lease_refusals[i].failure == failure)
            return exchange_refuse(x, lease_refusals[i].refusal, "no pair with the peer relay");
    }
}

static void ask_for_lease(struct exchange *x)
{
    struct outbound *out = state_of(x);

    out->wait.done = on_lease;
    out->wait.arg = x;
    peer_lease(out->peer, &out->wait);
}

static void end_lease(struct outbound *out)
{
    if (!out->leased)
        return;
    peer_lease_end(&out->lease);
    out->leased = false;
}

static int put_head(struct exchange *x, struct buffer *to)
{
    const struct exchange_request *request = exchange_request(x);
    struct bhttp_writer w;

    bhttp_begin_request(&w, to, request->method, request->scheme, request->authority,
                        request->path);
    for (size_t i = 0; i < request->fields.n; i++) {
        struct bhttp_field field = { request->fields.items[i].name,
                                     request->fields.items[i].value };

        if (bhttp_field_ok(field, true))
            bhttp_put_field(&w, field.name, field.value);
    }
    return bhttp_end(&w);
}

/* HEAD, AGAIN where this is the second sending, DATA; all of it into out->body. */
static int seal(struct exchange *x)
{
    struct outbound *out = state_of(x);
    uint8_t again[ENVELOPE_AGAIN_LEN];
    struct sealer *sealer = NULL;
    struct buffer head;
    int r;

    buffer_init_secret(&head, 0);
    buffer_clear(&out->body);
    r = sealer_new_request(out->lease.keys, out->codec, out->lease.counter, out->lease.time_ms,
                           &out->sent, &sealer);
    if (r < 0)
        goto out;
    r = put_head(x, &head);
    if (r < 0)
        goto out;
    buffer_reserve(&out->body, sealer_room(buffer_len(&head) + exchange_request(x)->body.len));
    r = sealer_put(sealer, PART_HEAD, buffer_span(&head), false, &out->body);
    if (r < 0)
        goto out;
    if (out->resent) {
        envelope_put_again(&out->again, again);
        r = sealer_put(sealer, PART_AGAIN, span_of(again, sizeof(again)), false, &out->body);
        if (r < 0)
            goto out;
    }
    r = sealer_put(sealer, PART_DATA, exchange_request(x)->body, true, &out->body);
    out->lease.n_bytes = buffer_len(&out->body);
out:
    sealer_free(&sealer);
    buffer_fini(&head);
    return r < 0 ? r : buffer_error(&out->body);
}

static void send_sealed(struct exchange *x)
{
    struct outbound *out = state_of(x);
    const struct peer_post post = {
        .target = out->target,
        .content_type = "application/mte-relay",
        .body_len = buffer_len(&out->body),
        .copies = &out->copies,
    };
    struct upstream_request request = {
        .url = *peer_url(out->peer),
        .body = buffer_span(&out->body),
        .side = UPSTREAM_SIDE_PEER,
        .resend = UPSTREAM_RESEND_SAME_BYTES,
        .upload_ms = UPLOAD_MS,
        .allow = address_is_allowed,
    };

    out->answer = ANSWER_NONE;
    buffer_clear(&out->error);
    buffer_clear(&out->head);
    peer_put_post(&out->head, peer_url(out->peer), &post);
    request.head = buffer_span(&out->head);
    if (buffer_error(&out->head) < 0)
        return exchange_refuse(x, REFUSAL_OVERLOADED, "out of memory");
    exchange_call(x, &request);
}

/* A head has one frame, MTE has one for all. What was small enough before AGAIN is not too large.
 */
static void refuse_size(struct exchange *x)
{
    const struct outbound *out = state_of(x);

    if (out->codec == CODEC_MKE)
        exchange_refuse(x, REFUSAL_HEADERS_TOO_LARGE, "a sealed head holds 64 KiB");
    else if (out->resent)
        exchange_refuse(x, REFUSAL_PEER_BUSY, "no room to send it again in an MTE message");
    else
        exchange_refuse(x, REFUSAL_BODY_TOO_LARGE, "an MTE message holds 64 KiB");
}

static void seal_and_send(struct exchange *x)
{
    struct outbound *out = state_of(x);
    int r;

    if (exchange_request(x)->body.len > out->lease.max_body)
        return exchange_refuse(x, REFUSAL_BODY_TOO_LARGE, "the peer takes %llu bytes",
                               (unsigned long long)out->lease.max_body);
    if (out->resent)
        out->again.time_ms = peer_sending_ms(&out->first, &out->lease);
    else
        out->first = peer_sending_of(&out->lease);
    stopwatch_mark(exchange_stopwatch(x));
    r = seal(x);
    stopwatch_lap(exchange_stopwatch(x), TIME_REQUEST_ENCODE);
    if (r == ERR_LIMIT)
        return refuse_size(x);
    if (r < 0)
        return exchange_refuse(x, REFUSAL_OVERLOADED, "sealing: %s", error_text(r));
    send_sealed(x);
}

static void outbound_begin(struct exchange *x)
{
    struct outbound *out = state_of(x);
    struct exchange_request *request = exchange_request(x);
    const struct services *services = exchange_services(x);
    struct outbound_options options;
    enum refusal refusal;
    const char *cause;
    int r;

    headers_init(&out->copies);
    buffer_init(&out->head, 0);
    buffer_init(&out->body, 0);
    buffer_init(&out->error, ERRFRAME_LEN);
    r = outbound_options_read(&request->fields, services->conf, &options, &refusal, &cause);
    if (r < 0)
        return exchange_refuse(x, refusal, "%s", cause);
    if (!allow_peer(&services->conf->outbound_allow, &options.base))
        return exchange_refuse(x, REFUSAL_PEER_NOT_ALLOWED, "peer not in OUTBOUND_ALLOW");
    out->codec = options.codec;
    r = peers_get(services->peers, &options.base, &out->peer);
    if (r < 0)
        return exchange_refuse(x, REFUSAL_OVERLOADED, "peers: %s", error_text(r));
    exchange_goes_to(x, peer_url(out->peer));
    outbound_options_strip(&request->fields);
    out->target = outbound_options_target(&options, request->path);
    r = outbound_options_copy(&options, &request->fields, &out->copies);
    if (r < 0)
        return exchange_refuse(x, REFUSAL_OVERLOADED, "%s", error_text(r));
    ask_for_lease(x);
}

/* ---- the answer ---- */

static bool is_type(const struct http1_head *head, struct span type)
{
    const struct header *field = headers_find(&head->fields, SPAN("content-type"));

    return field != NULL && span_equal_nocase(field->value, type);
}

static int outbound_call_head(struct exchange *x, const struct http1_head *head)
{
    struct outbound *out = state_of(x);
    int r;

    if (is_type(head, SPAN("application/mte-error"))) {
        out->answer = ANSWER_ERROR;
        return 0;
    }
    if (!is_type(head, SPAN("application/mte-relay"))) {
        log_debug("what answered a sealed request is not a relay status=%u", head->status);
        return ERR_FORMAT;
    }
    out->answer = ANSWER_SEALED;
    r = opener_new_response(out->lease.keys, &out->sent, &out->opener);
    stopwatch_lap(exchange_stopwatch(x), TIME_RESPONSE_DECODE);
    return r;
}

static int open_head(struct exchange *x, struct span bytes)
{
    struct outbound *out = state_of(x);
    struct bhttp_response response;
    struct bhttp_field field;
    struct headers fields;
    struct span rest;
    int r;

    headers_init(&fields);
    r = bhttp_read_response(bytes, &response);
    rest = r < 0 ? SPAN_NONE : response.fields.encoded;
    while (r == 0 && bhttp_next(&rest, &field))
        r = headers_add(&fields, field.name, field.value);
    if (r == 0) {
        out->has_length = response.has_content_length;
        out->length = response.content_length;
        out->bodiless =
            span_equal(exchange_request(x)->method, SPAN("HEAD")) || response.status == 304;
        r = exchange_answer_head(x, response.status, &fields,
                                 out->has_length ? &out->length : NULL);
    }
    headers_fini(&fields);
    return r;
}

static int on_part(void *arg, enum part part, struct span bytes)
{
    struct exchange *x = arg;
    struct outbound *out = state_of(x);

    switch (part) {
    case PART_HEAD:
        peer_call_answered(out->peer);
        end_lease(out); /* the opener has its own key: the pair is no longer needed */
        return open_head(x, bytes);
    case PART_DATA:
        out->n_data += bytes.len;
        if (out->bodiless && bytes.len > 0)
            return ERR_FORMAT;
        if (out->has_length && out->n_data > out->length)
            return ERR_FORMAT;
        return exchange_answer_data(x, bytes);
    default:
        return 0; /* trailers are dropped in this version */
    }
}

static int outbound_call_body(struct exchange *x, struct span bytes)
{
    struct outbound *out = state_of(x);
    int r;

    if (out->answer == ANSWER_SEALED) {
        peer_count_answer(out->peer, out->lease.pair_id, bytes.len);
        r = opener_feed(out->opener, bytes, on_part, x);
        stopwatch_lap(exchange_stopwatch(x), TIME_RESPONSE_DECODE);
        return r;
    }
    buffer_put(&out->error, bytes);
    return buffer_error(&out->error);
}

/* ---- refusals of the peer ---- */

static void resend(struct exchange *x)
{
    struct outbound *out = state_of(x);

    out->resent = true;
    metric_add(exchange_services(x)->metrics, METRIC_resends, 1);
    ask_for_lease(x);
}

static void on_pause_over(struct timer *timer)
{
    struct outbound *out = H2O_STRUCT_FROM_MEMBER(struct outbound, pause, timer);

    resend(out->wait.arg);
}

static void wait_and_resend(struct exchange *x)
{
    struct outbound *out = state_of(x);
    uint8_t random = 0;

    if (crypto_random(&random, sizeof(random)) < 0)
        return exchange_refuse(x, REFUSAL_OVERLOADED, "no random numbers");
    timer_start(&out->pause, exchange_services(x)->timers,
                BUSY_WAIT_MS + random * BUSY_WAIT_SPREAD_MS / UINT8_MAX, on_pause_over);
}

/* A verified promise that whoever answered executed nothing: once more, bound to the first time. */
static void on_promise(struct exchange *x, enum errframe_code code, uint64_t their_ms)
{
    struct outbound *out = state_of(x);

    if (code == ERRFRAME_UNKNOWN_PAIR)
        peer_pair_unknown(out->peer, out->lease.pair_id);
    else if (code == ERRFRAME_CLOCK)
        peer_clock_differs(out->peer, their_ms);
    if (out->resent)
        return exchange_refuse(x, REFUSAL_PEER_BUSY, "the peer said %s again", errframe_name(code));
    if (clock_mono_ms() - out->first.mono_ms > RESEND_MS)
        return exchange_refuse(x, REFUSAL_PEER_LOST_ANSWER, "%s came too late to send again",
                               errframe_name(code));
    memcpy(out->again.pair_id, out->lease.pair_id, PAIR_ID_LEN);
    out->again.counter = out->lease.counter;
    end_lease(out);
    log_debug("the peer executed nothing, sending again reason=%s", errframe_name(code));
    if (code == ERRFRAME_BUSY)
        return wait_and_resend(x);
    resend(x);
}

static void on_error_frame(struct exchange *x)
{
    struct outbound *out = state_of(x);
    const struct identity *identity = exchange_services(x)->identity;
    struct span sent = buffer_span(&out->body);
    enum errframe_code code;
    uint64_t their_ms;
    int r = errframe_read(errframe_psk_of_message(identity, sent), buffer_span(&out->error),
                          errframe_about_message(sent), &code, &their_ms);

    if (r < 0)
        return exchange_refuse(x, REFUSAL_BAD_PEER_RESPONSE, "an error that proves nothing: %s",
                               error_text(r));
    peer_call_answered(out->peer);
    switch (code) {
    case ERRFRAME_UNKNOWN_PAIR:
    case ERRFRAME_CLOCK:
    case ERRFRAME_BUSY:
        return on_promise(x, code, their_ms);
    case ERRFRAME_REPLAY:
        if (!out->resent)
            peer_pair_unknown(out->peer, out->lease.pair_id);
        return exchange_refuse(x, REFUSAL_PEER_LOST_ANSWER, "the peer has had this message before");
    default:
        return exchange_refuse(x, REFUSAL_BAD_PEER_RESPONSE, "the peer said %s",
                               errframe_name(code));
    }
}

static int outbound_call_end(struct exchange *x)
{
    struct outbound *out = state_of(x);

    if (out->answer == ANSWER_ERROR) {
        on_error_frame(x);
        return 0;
    }
    if (!opener_ended(out->opener)) {
        exchange_refuse(x, REFUSAL_PEER_LOST_ANSWER, "the sealed answer broke off");
        return 0;
    }
    if (out->has_length && !out->bodiless && out->n_data != out->length)
        return ERR_FORMAT;
    return exchange_answer_end(x);
}

static const enum refusal call_refusals[UPSTREAM_FAILURE_LAST_] = {
    [UPSTREAM_UNRESOLVED] = REFUSAL_PEER_UNREACHABLE,
    [UPSTREAM_NOT_ALLOWED] = REFUSAL_PEER_NOT_ALLOWED,
    [UPSTREAM_UNREACHABLE] = REFUSAL_PEER_UNREACHABLE,
    [UPSTREAM_CONNECT_TIMEOUT] = REFUSAL_PEER_UNREACHABLE,
    [UPSTREAM_TLS] = REFUSAL_PEER_TLS,
    [UPSTREAM_OVERLOADED] = REFUSAL_OVERLOADED,
    [UPSTREAM_LOST] = REFUSAL_PEER_LOST_ANSWER,
    [UPSTREAM_SILENT] = REFUSAL_PEER_TIMEOUT,
    [UPSTREAM_BAD_ANSWER] = REFUSAL_BAD_PEER_RESPONSE,
    [UPSTREAM_CUT] = REFUSAL_PEER_LOST_ANSWER,
};

static void outbound_call_failed(struct exchange *x, enum upstream_failure failure,
                                 const char *detail)
{
    if (failure != UPSTREAM_OVERLOADED) /* which is our own */
        peer_call_failed(state_of(x)->peer, failure, detail);
    exchange_refuse(x, call_refusals[failure], "%s", detail);
}

static void outbound_fini(struct exchange *x)
{
    struct outbound *out = state_of(x);

    timer_stop(&out->pause);
    peer_wait_cancel(&out->wait);
    end_lease(out);
    opener_free(&out->opener);
    peer_put(&out->peer);
    headers_fini(&out->copies);
    buffer_fini(&out->head);
    buffer_fini(&out->body);
    buffer_fini(&out->error);
}

const struct exchange_ops relay_outbound_ops = {
    .name = "outbound",
    .direction = DIRECTION_OUTBOUND,
    .state_len = sizeof(struct outbound),
    .begin = outbound_begin,
    .call_head = outbound_call_head,
    .call_body = outbound_call_body,
    .call_end = outbound_call_end,
    .call_failed = outbound_call_failed,
    .answer_head = exchange_door_head,
    .answer_data = exchange_door_data,
    .answer_end = exchange_door_end,
    .fini = outbound_fini,
};
