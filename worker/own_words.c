/* SPDX-License-Identifier: MIT */
/* A filter over answers that no exchange made; what they say is replaced, their status stays. */
#include "worker/own_words.h"

#include <h2o.h>

#include "common/metric.h"
#include "worker/braked_log.h"
#include "worker/refusal.h"

struct own_words {
    h2o_filter_t super;
    struct metric_block *metrics;
    struct braked_log *lines;
};

struct replacement {
    h2o_ostream_t super;
    h2o_iovec_t body;
};

/* libh2o gives its own answers in one piece. */
static void send_replacement(h2o_ostream_t *self, h2o_req_t *req, h2o_iovec_t *bufs, size_t n_bufs,
                             h2o_send_state_t state)
{
    struct replacement *replacement = H2O_STRUCT_FROM_MEMBER(struct replacement, super, self);

    (void)bufs;
    h2o_ostream_send_next(self, req, &replacement->body, n_bufs > 0, state);
}

static enum refusal refusal_of(const h2o_req_t *req)
{
    return req->res.status == 413 ? REFUSAL_BODY_TOO_LARGE : REFUSAL_BAD_REQUEST;
}

static h2o_iovec_t body_of(h2o_req_t *req, enum refusal refusal)
{
    h2o_iovec_t copy = { NULL, 0 };
    struct buffer body;

    buffer_init(&body, 0);
    refusal_body(refusal, SPAN_NONE, &body);
    if (buffer_error(&body) == 0)
        copy = h2o_strdup(&req->pool, (const char *)buffer_span(&body).at, buffer_len(&body));
    buffer_fini(&body);
    return copy;
}

static void replace(h2o_req_t *req, enum refusal refusal, struct replacement *replacement)
{
    const char *code = refusal_code(refusal);

    replacement->super.do_send = send_replacement;
    replacement->body = body_of(req, refusal);
    req->res.content_length = replacement->body.len;
    req->res.headers = (h2o_headers_t){ 0 };
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT(REFUSAL_TYPE));
    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT(REFUSAL_FIELD), 0, NULL, code,
                          strlen(code));
}

/* An exchange's generator has a proceed(), that of libh2o's own answers has none. */
static void on_setup_ostream(h2o_filter_t *self, h2o_req_t *req, h2o_ostream_t **slot)
{
    struct own_words *words = H2O_STRUCT_FROM_MEMBER(struct own_words, super, self);
    const char *reason = req->res.reason;

    if (req->_generator->proceed == NULL) {
        enum refusal refusal = refusal_of(req);
        h2o_ostream_t *ostream = h2o_add_ostream(req, sizeof(struct replacement), slot);

        replace(req, refusal, H2O_STRUCT_FROM_MEMBER(struct replacement, super, ostream));
        braked_log_refusal(words->lines, refusal, "unknown", SPAN_NONE, reason);
        metric_add_refusal(words->metrics, refusal);
        slot = &ostream->next;
    }
    h2o_setup_next_ostream(req, slot);
}

void own_words_register(struct st_h2o_pathconf_t *path, struct metric_block *metrics,
                        struct braked_log *lines)
{
    h2o_filter_t *filter = h2o_create_filter(path, sizeof(struct own_words));
    struct own_words *words = H2O_STRUCT_FROM_MEMBER(struct own_words, super, filter);

    filter->on_setup_ostream = on_setup_ostream;
    words->metrics = metrics;
    words->lines = lines;
}
