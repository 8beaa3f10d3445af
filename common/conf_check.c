/* SPDX-License-Identifier: MIT */
/* Warnings about settings that are well-formed and yet likely not what an operator wants. */
#include "common/conf_check.h"

#include "common/conf_peer.h"

enum { ADVISED_LEN = 16 };

static void warn_if_short(struct conf_report *report, const char *name, struct span secret,
                          const char *consequence)
{
    if (secret.len > 0 && secret.len < ADVISED_LEN)
        conf_report_warning(report, name, "is only %zu characters long, %d or more are advised: %s",
                            secret.len, ADVISED_LEN, consequence);
}

void conf_check(const struct conf *conf, struct conf_report *report)
{
    static const char guessable[] = "whoever guesses it can send requests out";
    static const char nearly[] = "pairing is nearly unauthenticated, who guesses it can pose as "
                                 "either relay";

    warn_if_short(report, "OUTBOUND_TOKEN", conf->outbound_token, guessable);
    warn_if_short(report, "OUTBOUND_TOKEN_ALSO", conf->outbound_token_also, guessable);
    warn_if_short(report, "SECRET", conf->secret, nearly);
    warn_if_short(report, "SECRET_ALSO", conf->secret_also, nearly);
    if (conf->secret.len == 0)
        conf_report_warning(report, "SECRET",
                            "is not set: pairing is unauthenticated, anybody on "
                            "the way can pose as either relay");
    if (conf->upstream_ca_file.path.len > 0 && !conf->upstream.url.tls)
        conf_report_warning(report, "UPSTREAM_CA_FILE", "has no effect: UPSTREAM is not https");
    if (conf->outbound_upstream.set &&
        !conf_peers_mean(&conf->outbound_allow, &conf->outbound_upstream.url))
        conf_report_warning(report, "OUTBOUND_UPSTREAM",
                            "is not in OUTBOUND_ALLOW: every request that goes there is refused");
    if (conf->max_buffered != 0 && conf->max_buffered < conf->max_request_body)
        conf_report_warning(report, "MAX_BUFFERED",
                            "is smaller than MAX_REQUEST_BODY: a request between the two is "
                            "always refused");
    if (conf->redis_ca_file.path.len > 0 && !span_starts(conf->redis_url, SPAN("rediss:")))
        conf_report_warning(report, "REDIS_CA_FILE", "has no effect: REDIS_URL is not rediss");
}

enum secret_strength conf_secret_strength(const struct conf *conf)
{
    if (conf->secret.len == 0)
        return SECRET_NONE;
    if (conf->secret.len < ADVISED_LEN)
        return SECRET_SHORT;
    return conf->secret_also.len > 0 && conf->secret_also.len < ADVISED_LEN ? SECRET_SHORT
                                                                            : SECRET_GOOD;
}
