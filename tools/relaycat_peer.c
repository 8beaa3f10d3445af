/* SPDX-License-Identifier: MIT */
/*
 * Posts to a relay and sorts its answers by what protocol.md says of them. Never sends anything a
 * second time: whoever runs relaycat wants to see the first answer.
 */
#include "tools/relaycat_peer.h"

#include <errno.h>

#include "common/clock.h"
#include "tools/relaycat_layout.h"

static const struct {
    const char *path, *type;
    struct span (*about)(struct span body);
    const struct identity_psk *(*psk)(const struct identity *identity, struct span body);
} endpoints[] = {
    [PEER_PAIR] = { "/api/mte-pair", "application/mte-pair", errframe_about_m1,
                    errframe_psk_of_m1 },
    [PEER_RELAY] = { "/api/mte-relay", "application/mte-relay", errframe_about_message,
                     errframe_psk_of_message },
};

static const char *const meanings[] = {
    [ERRFRAME_REJECT] = "to it this is malformed or not authentic",
    [ERRFRAME_UNKNOWN_PAIR] = "it does not know the pair; it executed nothing",
    [ERRFRAME_CLOCK] = "our clocks differ too much; it executed nothing",
    [ERRFRAME_REPLAY] = "these bytes or their counter came before, or might have",
    [ERRFRAME_BUSY] = "it has no room, or its store does not answer; it executed nothing",
    [ERRFRAME_REFUSED] = "it is our own deployment (CLIENT_ID_SECRET and UPSTREAM are the same), "
                         "or there is no suite in common",
};

enum outcome peer_broken(const struct http *http, int error)
{
    if (error == -ENOMEM)
        return outcome_tell(OUTCOME_FAILED_HERE, "%s", error_text(error));
    return outcome_tell(OUTCOME_VIOLATION, "the answer: %s", http_why(http, error));
}

static enum outcome tell_refusal(enum errframe_code code, uint64_t time_ms)
{
    if (code == ERRFRAME_CLOCK)
        return outcome_tell(OUTCOME_REFUSED, "refused: CLOCK, %s; its clock is %+lld ms from ours",
                            meanings[code], (long long)(time_ms - clock_wall_ms()));
    return outcome_tell(OUTCOME_REFUSED, "refused: %s, %s", errframe_name(code), meanings[code]);
}

static enum outcome read_refusal(const struct peer *peer, enum peer_endpoint endpoint,
                                 struct span body, struct peer_answer *answer)
{
    const struct identity_psk *psk = endpoints[endpoint].psk(peer->identity, body);
    struct buffer frame;
    uint64_t time_ms;
    int r;

    buffer_init(&frame, ERRFRAME_LEN);
    r = http_read_body(answer->http, &frame);
    if (r < 0) {
        buffer_fini(&frame);
        return peer_broken(answer->http, r);
    }
    layout_print(peer->trace, '<', LAYOUT_ERR, buffer_span(&frame));
    r = errframe_read(psk, buffer_span(&frame), endpoints[endpoint].about(body), &answer->code,
                      &time_ms);
    buffer_fini(&frame);
    if (r == 0)
        return tell_refusal(answer->code, time_ms);
    if (r == ERR_AUTH)
        return outcome_tell(OUTCOME_VIOLATION,
                            "an ERR frame that is forged or about something else; is SECRET that "
                            "of the relay?");
    return outcome_tell(r == ERR_FORMAT ? OUTCOME_VIOLATION : OUTCOME_FAILED_HERE,
                        "an ERR frame: %s", error_text(r));
}

static enum outcome judge(const struct peer *peer, enum peer_endpoint endpoint, struct span body,
                          struct peer_answer *answer)
{
    struct http_head head;
    int r = http_read_head(answer->http, &head);

    if (r < 0)
        return peer_broken(answer->http, r);
    if (peer->trace != NULL)
        fprintf(peer->trace, "* HTTP %u, %.*s\n", head.status, SPAN_PRINT(head.content_type));
    if (head.status != 200)
        return outcome_tell(OUTCOME_VIOLATION, "HTTP %u in answer to %s: %s", head.status,
                            endpoints[endpoint].path,
                            head.status == 413 ? "more than it takes" : "is it a relay?");
    if (span_equal_nocase(head.content_type, SPAN("application/mte-error")))
        return read_refusal(peer, endpoint, body, answer);
    if (!span_equal_nocase(head.content_type, span_text(endpoints[endpoint].type)))
        return outcome_tell(OUTCOME_VIOLATION, "\"%.*s\" in answer to %s: is it a relay?",
                            SPAN_PRINT(head.content_type), endpoints[endpoint].path);
    return OUTCOME_ANSWERED;
}

enum outcome peer_post(const struct peer *peer, enum peer_endpoint endpoint, struct span body,
                       struct peer_answer *answer_r)
{
    const struct http_post post = { peer->url, endpoints[endpoint].path, endpoints[endpoint].type,
                                    body };
    const char *why;
    int r;

    *answer_r = (struct peer_answer){ .http = NULL };
    r = http_open(peer->url, peer->timeout_ms, &answer_r->http, &why);
    if (r < 0)
        return outcome_tell(OUTCOME_NOT_CONNECTED, "%.*s port %u: %s", SPAN_PRINT(peer->url->host),
                            peer->url->port, why);
    if (peer->trace != NULL)
        fprintf(peer->trace, "* POST %.*s%s, %zu bytes\n", SPAN_PRINT(peer->url->path),
                post.endpoint, body.len);
    r = http_post(answer_r->http, &post);
    if (r < 0)
        return outcome_tell(r == -ENOMEM ? OUTCOME_FAILED_HERE : OUTCOME_VIOLATION, "sending: %s",
                            error_text(r));
    return judge(peer, endpoint, body, answer_r);
}

void peer_answer_fini(struct peer_answer *answer)
{
    http_close(&answer->http);
}
