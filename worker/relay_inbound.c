/* SPDX-License-Identifier: MIT */
/*
 * The inbound side of the pipe: finds the pair, opens the whole sealed request, claims it, and only
 * then lets it go to UPSTREAM; the answer is sealed as it streams back. Until the claim every
 * refusal is an ERR frame, after it every refusal is sealed like an answer of the API.
 */
#include "worker/relay_inbound.h"

#include "common/bhttp.h"
#include "common/clock.h"
#include "common/metric.h"
#include "common/steady.h"
#include "worker/echo.h"
#include "worker/forward.h"
#include "worker/peer_answer.h"
#include "worker/route.h"
#include "worker/timer.h"

enum {
    OLDEST_MS = 10 * 60 * 1000, /* a message's time may differ by this from ours */
    PAD_AFTER_MS = 20 * 1000,   /* of silence: balancers between the relays keep the connection */
};

struct inbound {
    struct exchange *x;
    struct store_wait wait;
    struct session_ref *ref;
    struct span message; /* as it came; libh2o's, as long as the request */
    struct envelope_request sealed;

    struct buffer head, body; /* opened */
    struct envelope_again again;
    bool has_again, too_large;

    struct sealer *sealer;
    uint64_t to_come;   /* bytes of the answer's body, where its head told; else 0 */
    struct buffer last; /* of them, which go with the answer's end */
    bool begun;         /* the outer head has gone out */
    struct timer pad;
    uint64_t spoke_ms; /* when the last of the answer was sealed, or the wait for it began */

    struct buffer call_head; /* of the request to UPSTREAM */
};

static struct inbound *state_of(struct exchange *x)
{
    return exchange_state(x);
}

/* ---- refusing before the claim ---- */

static const struct {
    int error;
    enum errframe_code code;
    enum log_level level; /* what anybody may cause does not fill the log */
    enum metric metric;
} refusals[] = {
    { ERR_UNKNOWN, ERRFRAME_UNKNOWN_PAIR, LOG_LEVEL_DEBUG, METRIC_unknown_pairs },
    { ERR_CLOCK, ERRFRAME_CLOCK, LOG_LEVEL_WARNING, METRIC_clocks_refused },
    { ERR_REPLAY, ERRFRAME_REPLAY, LOG_LEVEL_WARNING, METRIC_replays_refused },
    { ERR_BUSY, ERRFRAME_BUSY, LOG_LEVEL_WARNING, METRIC_busy_refused },
    /* Whatever is malformed or not authentic, all alike; last: it stands for every other error. */
    { ERR_AUTH, ERRFRAME_REJECT, LOG_LEVEL_DEBUG, METRIC_messages_rejected },
};

static void refuse(struct exchange *x, int error, const char *what)
{
    const struct identity *identity = exchange_services(x)->identity;
    struct span message = state_of(x)->message;
    enum log_level level;
    uint64_t n_held;
    size_t i = 0;

    while (i + 1 < sizeof(refusals) / sizeof(*refusals) && refusals[i].error != error)
        i++;
    level = braked_log_level(&exchange_services(x)->lines, BRAKED_FRAMES + refusals[i].code,
                             refusals[i].level, &n_held);
    log_line(level, "refused a sealed request answer=%s cause=\"%s: %s\" not_logged_before=%llu",
             errframe_name(refusals[i].code), what, error_text(error), (unsigned long long)n_held);
    metric_add(exchange_services(x)->metrics, refusals[i].metric, 1);
    peer_answer_error(x, refusals[i].code, errframe_psk_of_message(identity, message),
                      errframe_about_message(message));
}

/* ---- the answer, sealed ---- */

/*
 * What was sealed lies in the door's own buffer. The outer head goes with the first of it, and
 * where all of it is there by then, as MTE wants it, with its length.
 */
static int pass_on(struct inbound *in, int sealed)
{
    int r = sealed;

    if (r < 0 || buffer_len(exchange_door_buffer(in->x)) == 0)
        return r;
    if (!in->begun)
        r = peer_answer_head(in->x, "application/mte-relay", NULL);
    in->begun = true;
    return r < 0 ? r : exchange_door_filled(in->x);
}

static int make_sealer(struct inbound *in)
{
    if (in->sealer != NULL)
        return 0;
    return sealer_new_response(in->ref->keys, &in->sealed, &in->sealer);
}

static int seal_part(struct inbound *in, enum part part, struct span bytes, bool end)
{
    int r = make_sealer(in);

    if (r == 0)
        r = pass_on(in, sealer_put(in->sealer, part, bytes, end, exchange_door_buffer(in->x)));
    stopwatch_lap(exchange_stopwatch(in->x), TIME_RESPONSE_ENCODE);
    in->spoke_ms = clock_mono_ms();
    return r;
}

static void on_silence(struct timer *timer);

static void watch_silence(struct inbound *in, uint64_t ms)
{
    timer_start(&in->pad, exchange_services(in->x)->timers, ms, on_silence);
}

static void on_silence(struct timer *timer)
{
    struct inbound *in = H2O_STRUCT_FROM_MEMBER(struct inbound, pad, timer);
    uint64_t quiet_ms = clock_mono_ms() - in->spoke_ms;
    int r;

    if (quiet_ms < PAD_AFTER_MS)
        return watch_silence(in, PAD_AFTER_MS - quiet_ms);
    stopwatch_mark(exchange_stopwatch(in->x));
    r = make_sealer(in);
    if (r == 0)
        r = pass_on(in, sealer_pad(in->sealer, exchange_door_buffer(in->x)));
    stopwatch_lap(exchange_stopwatch(in->x), TIME_RESPONSE_ENCODE);
    if (r < 0)
        return exchange_abort(in->x, "padding: %s", error_text(r));
    in->spoke_ms = clock_mono_ms();
    watch_silence(in, PAD_AFTER_MS);
}

static int inbound_answer_head(struct exchange *x, unsigned status, const struct headers *fields,
                               const uint64_t *content_length)
{
    struct bhttp_writer w;
    struct buffer head;
    uint8_t room[20];
    struct buffer digits = buffer_over(room, sizeof(room));
    int r;

    buffer_init_secret(&head, 0);
    bhttp_begin_response(&w, &head, status);
    for (size_t i = 0; i < fields->n; i++) {
        struct bhttp_field field = { fields->items[i].name, fields->items[i].value };

        if (bhttp_field_ok(field, false))
            bhttp_put_field(&w, field.name, field.value);
    }
    if (content_length != NULL) {
        buffer_put_decimal(&digits, *content_length);
        bhttp_put_field(&w, SPAN("content-length"), buffer_span(&digits));
        state_of(x)->to_come = *content_length;
    }
    r = bhttp_end(&w);
    if (r == 0 && state_of(x)->to_come <= ENVELOPE_FRAME_PLAIN)
        buffer_reserve(exchange_door_buffer(x),
                       sealer_room(buffer_len(&head) + state_of(x)->to_come));
    if (r == 0)
        r = seal_part(state_of(x), PART_HEAD, buffer_span(&head), false);
    buffer_fini(&head);
    return r;
}

/* The end follows the last bytes at once: one frame for both is cheaper than two. */
static int inbound_answer_data(struct exchange *x, struct span bytes)
{
    struct inbound *in = state_of(x);

    if (bytes.len == 0 || bytes.len != in->to_come) {
        in->to_come -= bytes.len < in->to_come ? bytes.len : in->to_come;
        return seal_part(in, PART_DATA, bytes, false);
    }
    in->to_come = 0;
    buffer_put(&in->last, bytes);
    return buffer_error(&in->last);
}

static int inbound_answer_end(struct exchange *x)
{
    struct inbound *in = state_of(x);
    int r;

    timer_stop(&in->pad);
    if (buffer_len(&in->last) == 0) /* or else they came just now */
        stopwatch_mark(exchange_stopwatch(x));
    r = seal_part(in, PART_DATA, buffer_span(&in->last), true);
    return r < 0 ? r : exchange_door_end(x);
}

/* ---- the request: pair, open, claim, go ---- */

static void serve(struct exchange *x)
{
    struct inbound *in = state_of(x);
    const struct services *services = exchange_services(x);
    const struct exchange_request *request = exchange_request(x);

    in->spoke_ms = clock_mono_ms();
    watch_silence(in, PAD_AFTER_MS);
    if (in->too_large)
        return exchange_refuse(x, REFUSAL_BODY_TOO_LARGE, "inside a sealed request");
    if (route_target_is_echo(request->path))
        return echo_answer(x);
    if (!route_target_is_encoded(&services->conf->mte_routes, request->path))
        return exchange_refuse(x, REFUSAL_ROUTE_NOT_FOUND, "inside a sealed request");
    forward_call(x, &in->call_head);
}

/* The opened message becomes the exchange's request; its fields view in->head. */
static int read_opened(struct exchange *x)
{
    struct inbound *in = state_of(x);
    struct exchange_request *request = exchange_request(x);
    struct bhttp_request opened;
    struct bhttp_field field;
    struct span rest;
    int r = bhttp_read_request(buffer_span(&in->head), &opened);

    if (r < 0)
        return r;
    request->method = opened.method;
    request->scheme = opened.scheme;
    request->authority = opened.authority;
    request->path = opened.path;
    request->body = buffer_span(&in->body);
    request->fields.n = 0;
    rest = opened.fields.encoded;
    while (r == 0 && bhttp_next(&rest, &field))
        r = headers_add(&request->fields, field.name, field.value);
    return r;
}

static int on_part(void *arg, enum part part, struct span bytes)
{
    struct inbound *in = arg;

    switch (part) {
    case PART_HEAD:
        buffer_put(&in->head, bytes);
        return buffer_error(&in->head);
    case PART_AGAIN:
        in->has_again = true;
        return envelope_read_again(bytes, &in->again);
    case PART_DATA:
        /* What is too large is still opened to its end: only a whole message gets an answer. */
        if (in->too_large ||
            bytes.len > exchange_services(in->x)->conf->max_request_body - buffer_len(&in->body)) {
            in->too_large = true;
            return 0;
        }
        if (buffer_len(&in->body) == 0)
            buffer_reserve(&in->body,
                           bytes.len < ENVELOPE_FRAME_PLAIN ? bytes.len : in->message.len);
        buffer_put(&in->body, bytes);
        return buffer_error(&in->body);
    default:
        return 0; /* trailers are dropped in this version */
    }
}

static int open_message(struct exchange *x)
{
    struct inbound *in = state_of(x);
    struct opener *opener = NULL;
    int r = opener_new_request(in->ref->keys, &in->sealed, &opener);

    if (r == 0)
        r = opener_feed(opener, span_from(in->message, ENVELOPE_REQ_LEN), on_part, in);
    if (r == 0 && !opener_ended(opener))
        r = ERR_SHORT;
    opener_free(&opener);
    if (r == 0)
        r = read_opened(x);
    stopwatch_lap(exchange_stopwatch(x), TIME_REQUEST_DECODE);
    return r;
}

static int check_time(const struct envelope_request *sealed)
{
    uint64_t now = steady_ms();
    uint64_t apart = now > sealed->time_ms ? now - sealed->time_ms : sealed->time_ms - now;

    return apart <= OLDEST_MS ? 0 : ERR_CLOCK;
}

/*
 * The time is asked again: had this process been stopped since the first asking, for so long that
 * the memory of earlier claims is gone, then the claim would prove nothing.
 */
static void on_claimed(struct store_wait *wait, int result)
{
    struct exchange *x = wait->arg;
    int r = result == 0 ? check_time(&state_of(x)->sealed) : result;

    stopwatch_mark(exchange_stopwatch(x));
    if (r < 0)
        return refuse(x, r, "claim");
    serve(x);
}

static void on_pair(struct store_wait *wait, int result)
{
    struct exchange *x = wait->arg;
    struct inbound *in = state_of(x);
    int r;

    if (result < 0)
        return refuse(x, result, "pair");
    stopwatch_mark(exchange_stopwatch(x));
    r = open_message(x);
    if (r < 0)
        return refuse(x, r, "opening");
    r = check_time(&in->sealed);
    if (r < 0)
        return refuse(x, r, "time");
    wait->done = on_claimed;
    session_store_claim(exchange_services(x)->store, in->ref, in->sealed.counter,
                        in->has_again ? &in->again : NULL, wait);
}

static void inbound_begin(struct exchange *x)
{
    struct inbound *in = state_of(x);
    int r;

    in->x = x;
    in->message = exchange_request(x)->body;
    buffer_init_secret(&in->head, 0);
    buffer_init_secret(&in->body, 0);
    buffer_init_secret(&in->call_head, 0);
    buffer_init_secret(&in->last, 0);
    r = envelope_read_request(in->message, &in->sealed);
    if (r == 0 && exchange_services(x)->leaving)
        return refuse(x, ERR_BUSY, "draining");
    if (r < 0)
        return refuse(x, r, "header");
    if (identity_find_psk(exchange_services(x)->identity, in->sealed.pair_id, PAIR_ID_PSK_LEN) ==
        NULL)
        return refuse(x, ERR_UNKNOWN, "a pair of a SECRET that is none any more");
    in->wait.arg = x;
    in->wait.done = on_pair;
    session_store_get(exchange_services(x)->store, in->sealed.pair_id, &in->ref, &in->wait);
}

static void inbound_fini(struct exchange *x)
{
    struct inbound *in = state_of(x);

    timer_stop(&in->pad);
    store_wait_cancel(&in->wait);
    sealer_free(&in->sealer);
    session_ref_put(&in->ref);
    buffer_fini(&in->head);
    buffer_fini(&in->body);
    buffer_fini(&in->call_head);
    buffer_fini(&in->last);
}

const struct exchange_ops relay_inbound_ops = {
    .name = "inbound",
    .direction = DIRECTION_INBOUND,
    .to_peer = true,
    .state_len = sizeof(struct inbound),
    .begin = inbound_begin,
    .call_head = forward_call_head,
    .call_body = exchange_answer_data,
    .call_end = exchange_answer_end,
    .call_failed = forward_call_failed,
    .answer_head = inbound_answer_head,
    .answer_data = inbound_answer_data,
    .answer_end = inbound_answer_end,
    .fini = inbound_fini,
};
