/* SPDX-License-Identifier: MIT */
/*
 * The asking side of one pairing. Owns the ephemeral key until the answer is judged. Believes an M2
 * or a verified ERR frame; the outer status never.
 */
#include "worker/pairing_call.h"

#include "common/clock.h"
#include "common/secret.h"

static int on_head(void *arg, const struct http1_head *head)
{
    struct pairing_call *call = arg;
    const struct header *type = headers_find(&head->fields, SPAN("content-type"));

    if (type != NULL && span_equal_nocase(type->value, SPAN("application/mte-pair")))
        call->type = PAIRING_ANSWER_M2;
    else if (type != NULL && span_equal_nocase(type->value, SPAN("application/mte-error")))
        call->type = PAIRING_ANSWER_ERROR;
    return call->type != PAIRING_ANSWER_OTHER ? 0 : ERR_FORMAT;
}

static int on_body(void *arg, struct span bytes)
{
    struct pairing_call *call = arg;

    buffer_put(&call->answer, bytes);
    if (buffer_error(&call->answer) < 0)
        call->type = PAIRING_ANSWER_OTHER;
    return buffer_error(&call->answer);
}

/* ---- verdicts ---- */

static struct pairing_verdict failed(enum peer_failure failure, bool retry, const char *detail)
{
    return (struct pairing_verdict){ .failure = failure, .retry = retry, .detail = detail };
}

static const struct {
    enum peer_failure failure;
    bool retry;
} of_upstream[UPSTREAM_FAILURE_LAST_] = {
    [UPSTREAM_UNRESOLVED] = { PEER_UNREACHABLE, true },
    [UPSTREAM_NOT_ALLOWED] = { PEER_NOT_ALLOWED, false },
    [UPSTREAM_UNREACHABLE] = { PEER_UNREACHABLE, true },
    [UPSTREAM_CONNECT_TIMEOUT] = { PEER_TIMEOUT, false }, /* those who wait did so long enough */
    [UPSTREAM_TLS] = { PEER_TLS, false },
    [UPSTREAM_OVERLOADED] = { PEER_BUSY, true },
    [UPSTREAM_LOST] = { PEER_UNREACHABLE, true },
    [UPSTREAM_SILENT] = { PEER_TIMEOUT, false },
    [UPSTREAM_BAD_ANSWER] = { PEER_BAD_RESPONSE, false },
    [UPSTREAM_CUT] = { PEER_UNREACHABLE, true },
};

enum peer_failure pairing_call_failure(enum upstream_failure failure)
{
    return of_upstream[failure].failure;
}

/*
 * A peer with another SECRET cannot sign what it refuses: a frame that does not verify is most
 * likely that. REFUSED means our own node here, for we offer every suite that there is.
 */
static struct pairing_verdict judge_error(struct pairing_call *call)
{
    struct pairing_verdict verdict;
    enum errframe_code code;
    uint64_t clock_ms;
    int r = errframe_read(&call->identity->psk[0], buffer_span(&call->answer),
                          errframe_about_m1(pairing_m1(call->pairing)), &code, &clock_ms);

    if (r == ERR_AUTH)
        return failed(PEER_PAIRING_REFUSED, false, "its refusal was not made with our SECRET");
    if (r < 0)
        return failed(PEER_NOT_A_RELAY, false, "its refusal is malformed");
    switch (code) {
    case ERRFRAME_BUSY:
    case ERRFRAME_REPLAY:
        return failed(PEER_BUSY, true, errframe_name(code));
    case ERRFRAME_CLOCK:
        verdict = failed(PEER_BUSY, true, errframe_name(code));
        verdict.has_clock = true;
        verdict.clock_ms = clock_ms;
        return verdict;
    case ERRFRAME_REFUSED:
        return failed(PEER_IS_SELF, false, errframe_name(code));
    case ERRFRAME_REJECT:
        return failed(PEER_PAIRING_REFUSED, false, errframe_name(code));
    default:
        return failed(PEER_BAD_RESPONSE, false, errframe_name(code));
    }
}

static struct pairing_verdict judge_m2(struct pairing_call *call, struct pairing_result *result)
{
    int r = pairing_finish(call->pairing, buffer_span(&call->answer), clock_wall_ms(), result);

    if (r == ERR_SELF)
        return failed(PEER_IS_SELF, false, error_text(r));
    if (r < 0)
        return failed(PEER_BAD_RESPONSE, false, error_text(r));
    return (struct pairing_verdict){ .detail = "", .result = result, .asked_ms = call->asked_ms };
}

static struct pairing_verdict judge(struct pairing_call *call, enum upstream_failure failure,
                                    const char *detail, struct pairing_result *result)
{
    if (failure == UPSTREAM_BAD_ANSWER && call->type == PAIRING_ANSWER_OTHER)
        return failed(PEER_NOT_A_RELAY, false, "what it answered is not a relay's answer");
    if (failure != UPSTREAM_OK)
        return failed(of_upstream[failure].failure, of_upstream[failure].retry, detail);
    return call->type == PAIRING_ANSWER_M2 ? judge_m2(call, result) : judge_error(call);
}

static void on_end(void *arg, enum upstream_failure failure, const char *detail)
{
    struct pairing_call *call = arg;
    struct pairing_result result = { .lifetime_s = 0 };
    struct pairing_verdict verdict = judge(call, failure, detail, &result);

    call->upstream = NULL;
    pairing_free(&call->pairing);
    call->done(call, &verdict);
    secret_wipe(&result, sizeof(result));
}

/* ---- start and stop ---- */

static const struct upstream_events events = { on_head, on_body, on_end };

int pairing_call_start(struct pairing_call *call, const struct peers_config *config,
                       const struct url *url, struct span head, const struct pairing_offer *offer)
{
    struct upstream_request request = {
        .url = *url,
        .head = head,
        .side = UPSTREAM_SIDE_PEER,
        .resend = UPSTREAM_RESEND_SAME_BYTES,
        .allow = config->allow,
        .allow_arg = config->allow_arg,
    };
    int r = pairing_start(config->identity, offer, &call->pairing);

    if (r < 0)
        return r;
    call->identity = config->identity;
    call->asked_ms = clock_mono_ms();
    call->type = PAIRING_ANSWER_OTHER;
    call->answer = buffer_over(call->bytes, sizeof(call->bytes));
    request.body = pairing_m1(call->pairing);
    r = upstream_call(config->upstream, &request, &events, call, &call->upstream);
    if (r < 0)
        pairing_free(&call->pairing);
    return r;
}

void pairing_call_cancel(struct pairing_call *call)
{
    if (call->upstream != NULL)
        upstream_call_cancel(&call->upstream);
    pairing_free(&call->pairing);
}
