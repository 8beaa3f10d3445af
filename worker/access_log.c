/* SPDX-License-Identifier: MIT */
/* One line of an exchange that is over. Owns no descriptor; allocates nothing. */
#include "worker/access_log.h"

#include <arpa/inet.h>

#include "common/clock.h"
#include "worker/exchange.h"

enum { SEVERITY = 6, PEER_LEN = 512 }; /* informational */

static const struct span time_keys[N_STOPWATCH_TIMES] = {
    [TIME_REQUEST] = { (const uint8_t *)"request_us", 10 },
    [TIME_OUTBOUND_PROXY] = { (const uint8_t *)"outbound_proxy_us", 17 },
    [TIME_UPSTREAM_PROXY] = { (const uint8_t *)"upstream_proxy_us", 17 },
    [TIME_REQUEST_ENCODE] = { (const uint8_t *)"request_encode_us", 17 },
    [TIME_REQUEST_DECODE] = { (const uint8_t *)"request_decode_us", 17 },
    [TIME_RESPONSE_ENCODE] = { (const uint8_t *)"response_encode_us", 18 },
    [TIME_RESPONSE_DECODE] = { (const uint8_t *)"response_decode_us", 18 },
};

int access_log_open(struct access_log *log, const struct conf *conf, int fd)
{
    int r = 0;

    *log = (struct access_log){
        .on = conf->access_log.place != LOG_PLACE_NONE,
        .format = conf->log_format,
        .sink = log_sink_to(fd),
    };
    if (conf->access_log.place == LOG_PLACE_SYSLOG)
        r = log_sink_to_syslog(fd, conf->syslog_socket, &log->sink);
    return r;
}

static struct span address_text(const struct ip *ip, char text_r[static INET6_ADDRSTRLEN])
{
    bool v4 = ip_is_v4(ip);

    if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip->bytes + 12 : ip->bytes, text_r,
                  INET6_ADDRSTRLEN) == NULL)
        return SPAN_NONE;
    return span_text(text_r);
}

/* Where an outbound request went; else who opened the connection. */
static void put_peer(struct log_entry *entry, const struct exchange_report *report,
                     struct exchange *x)
{
    char text[PEER_LEN];
    struct buffer b = buffer_over(text, sizeof(text));
    struct ip ip;

    if (report->peer != NULL) {
        url_put_canonical(&b, report->peer);
        log_entry_text(entry, SPAN("peer"), buffer_span(&b));
    } else if (exchange_find_connected(x, &ip)) {
        log_entry_text(entry, SPAN("peer"), address_text(&ip, text));
    }
}

static void put_head(struct log_entry *entry, bool syslog)
{
    char now[CLOCK_TEXT_LEN];

    clock_text(clock_wall_ms(), now);
    if (entry->format == LOG_FORMAT_JSON) {
        log_entry_text(entry, SPAN("time"), span_text(now));
        log_entry_text(entry, SPAN("kind"), SPAN("access"));
    } else if (syslog) { /* which tells the time */
        log_entry_printf(entry, "access");
    } else {
        log_entry_printf(entry, "%s access", now);
    }
}

/* What did not happen is left out. */
static void put_members(struct log_entry *entry, const struct exchange_report *report,
                        struct exchange *x)
{
    log_entry_text(entry, SPAN("id"), exchange_id(x));
    log_entry_text(entry, SPAN("direction"),
                   report->direction == DIRECTION_OWN ? SPAN("own") : span_text(report->kind));
    log_entry_text(entry, SPAN("route"), span_text(report->kind));
    put_peer(entry, report, x);
    if (exchange_request(x)->method.len > 0)
        log_entry_text(entry, SPAN("method"), exchange_request(x)->method);
    log_entry_number(entry, SPAN("status"), report->status);
    if (report->refusal != N_REFUSALS)
        log_entry_text(entry, SPAN("refusal"), span_text(refusal_code(report->refusal)));
    log_entry_number(entry, SPAN("bytes_in"), report->bytes_in);
    log_entry_number(entry, SPAN("bytes_out"), report->bytes_out);
    for (size_t i = 0; i < N_STOPWATCH_TIMES; i++) {
        if (report->watch.ns[i] != 0)
            log_entry_number(entry, time_keys[i], report->watch.ns[i] / 1000);
    }
    if (report->why != NULL)
        log_entry_text(entry, SPAN("why"), span_text(report->why));
}

void access_log_write(struct access_log *log, const struct exchange_report *report,
                      struct exchange *x, struct metric_block *metrics)
{
    char line[LOG_LINE_LEN];
    size_t head = log_sink_head(&log->sink, SEVERITY, line);
    struct log_entry entry = log_entry_open(line + head, LOG_LINE_LEN - head, log->format);
    uint64_t n_dropped = log->sink.n_dropped;

    put_head(&entry, log->sink.syslog);
    put_members(&entry, report, x);
    log_sink_write(&log->sink, span_of(line, head + log_entry_close(&entry)));
    metric_add(metrics, METRIC_log_lines_dropped, (int64_t)(log->sink.n_dropped - n_dropped));
}
