/* SPDX-License-Identifier: MIT */
/* How a request is classified: product's order, rule by rule. Pure. */
#include "worker/classify.h"

#include "common/secret.h"
#include "worker/cors.h"
#include "worker/route.h"
#include "worker/source.h"

static struct classified is(enum class class)
{
    return (struct classified){ .class = class };
}

static struct classified refused(enum refusal refusal, const char *cause)
{
    return (struct classified){ CLASS_REFUSED, refusal, cause };
}

bool classify_is_type(struct span content_type, struct span type)
{
    return span_equal_nocase(span_trim(span_part(content_type, 0, span_find(content_type, ';'))),
                             type);
}

static bool has_type(const struct headers *fields, struct span type)
{
    const struct header *content_type = headers_find(fields, SPAN("content-type"));

    return content_type != NULL && classify_is_type(content_type->value, type);
}

static struct classified judge_protocol(enum class class, struct span method,
                                        const struct headers *fields)
{
    if (!span_equal(method, SPAN("POST")))
        return refused(REFUSAL_BAD_REQUEST, "the protocol's routes take POST only");
    if (!has_type(fields, class == CLASS_PAIR ? SPAN("application/mte-pair")
                                              : SPAN("application/mte-relay")))
        return refused(REFUSAL_BAD_REQUEST, "not the content type of the protocol's route");
    return is(class);
}

/* Rule 1. */
static bool judge_our_path(struct span method, struct span path, const struct headers *fields,
                           struct classified *result_r)
{
    bool reads = span_equal(method, SPAN("GET")) || span_equal(method, SPAN("HEAD"));

    if (span_equal(path, SPAN(ROUTE_ECHO)))
        *result_r = reads ? is(CLASS_ECHO)
                          : refused(REFUSAL_BAD_REQUEST, "the echo takes GET and HEAD only");
    else if (span_equal(path, SPAN(ROUTE_PAIR)))
        *result_r = judge_protocol(CLASS_PAIR, method, fields);
    else if (span_equal(path, SPAN(ROUTE_RELAY)))
        *result_r = reads ? is(CLASS_ABOUT) : judge_protocol(CLASS_INBOUND, method, fields);
    else
        return false;
    return true;
}

/* Both are compared, whatever the first says: the time tells nothing. An unset one is no secret. */
static bool token_is_ours(const struct conf *conf, struct span token)
{
    bool first = conf->outbound_token.len > 0 && secret_equal(token, conf->outbound_token);
    bool also = conf->outbound_token_also.len > 0 && secret_equal(token, conf->outbound_token_also);

    return first || also;
}

static bool may_show_token(const struct conf *conf, const struct ip *source)
{
    return conf->outbound_from.n == 0 ||
           (source != NULL && source_is_in(&conf->outbound_from, source));
}

/* Rule 3, of a source that may show a token at all: others learn nothing about theirs. */
static struct classified judge_outbound(const struct conf *conf, struct span path,
                                        const struct headers *fields, struct span token)
{
    if (!token_is_ours(conf, token))
        return refused(REFUSAL_INVALID_OUTBOUND_TOKEN, "wrong outbound token");
    if (!route_is_encoded(&conf->mte_routes, path))
        return refused(REFUSAL_ROUTE_NOT_FOUND, "not in MTE_ROUTES");
    if (cors_judge(conf, fields) == CORS_UNLISTED)
        return refused(REFUSAL_ORIGIN_NOT_ALLOWED, "origin not in CORS_ORIGINS");
    return is(CLASS_OUTBOUND);
}

/* Rule 6. */
static struct classified judge_rest(const struct conf *conf, struct span path)
{
    if (!route_is_encoded(&conf->mte_routes, path))
        return refused(REFUSAL_ROUTE_NOT_FOUND, "not in MTE_ROUTES");
    return refused(REFUSAL_ENCODING_REQUIRED, "no token, not sealed, no pass-through route");
}

struct classified classify(const struct conf *conf, const struct ip *source, struct span method,
                           struct span path, const struct headers *fields)
{
    const struct header *token = headers_find(fields, SPAN("x-mte-outbound-token"));
    enum cors cors = cors_judge(conf, fields);
    struct classified ours;

    if (judge_our_path(method, path, fields, &ours))
        return ours;
    if (has_type(fields, SPAN("application/mte-relay")))
        return judge_protocol(CLASS_INBOUND, method, fields);
    if (token != NULL && !may_show_token(conf, source))
        return refused(REFUSAL_SOURCE_NOT_ALLOWED,
                       source != NULL ? "source not in OUTBOUND_FROM" : "source not known");
    if (token != NULL)
        return judge_outbound(conf, path, fields, token->value);
    if (cors != CORS_NONE && cors_is_preflight(method, fields))
        return cors == CORS_LISTED
                   ? is(CLASS_PREFLIGHT)
                   : refused(REFUSAL_ORIGIN_NOT_ALLOWED, "origin not in CORS_ORIGINS");
    if (route_matches(&conf->pass_through_routes, path))
        return is(CLASS_PLAIN);
    return judge_rest(conf, path);
}
