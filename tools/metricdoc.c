/* SPDX-License-Identifier: MIT */
/*
 * Writes docs/metrics.md out of the table that the programs count by. `make metrics-docs` renews
 * it; a test compares.
 */
#include <err.h>
#include <stdio.h>

#include "common/metric.h"

static void put_head(void)
{
    puts(
        "# Metrics\n\n"
        "Made from `common/metric_table.h` by `tools/metricdoc`; `make metrics-docs` renews it.\n\n"
        "`GET /metrics` of the admin listener (ADMIN_LISTEN) has all of these in Prometheus' text\n"
        "format, of the whole instance: master and all workers, whichever of them answers. Counters\n"
        "go on when a worker dies, at a reload and at an upgrade, and begin anew with the instance.\n"
        "Names, labels, their values and the bounds of buckets are an interface: they stay.\n\n"
        "| metric | type | labels | meaning |\n|---|---|---|---|");
}

static void put_label(const struct metric_row *row, size_t i)
{
    printf("%s`%s`: ", i > 0 ? "; " : "", row->labels[i]);
    if (row->n_texts[i] == 1) {
        fputs("that of this build", stdout); /* a document must not have it */
        return;
    }
    for (size_t n = 0; n < row->n_texts[i]; n++)
        printf("%s%s", n > 0 ? ", " : "", row->texts[i][n]);
}

static void put_row(const struct metric_row *row)
{
    printf("| `%s` | %s | ", row->name, row->type);
    for (size_t i = 0; i < 2 && row->labels[i] != NULL; i++)
        put_label(row, i);
    printf(" | %s |\n", row->help);
}

static void put_time(uint64_t ns)
{
    if (ns < 1000000)
        printf("%g µs", (double)ns / 1e3);
    else if (ns < 1000000000)
        printf("%g ms", (double)ns / 1e6);
    else
        printf("%g s", (double)ns / 1e9);
}

static void put_bounds(const char *what, enum metric_kind kind)
{
    size_t n;
    const uint64_t *bounds = metric_bounds(kind, &n);

    printf("- %s: ", what);
    for (size_t i = 0; i < n; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        put_time(bounds[i]);
    }
    puts("");
}

static void put_foot(void)
{
    puts(
        "| `mte_relay_refusals_total` | counter | `code`: those of the refusals | Requests refused by "
        "this relay itself |\n\n"
        "A request is counted when it has ended, by the status that the application gets (inbound:\n"
        "the one that is sealed; an answer by an ERR frame counts as 5xx where it says BUSY, else as\n"
        "4xx). `aborted` is an answer that broke off, or that nobody waited for any more. `own` is\n"
        "what is answered here: the relay's own routes, CORS preflights, and what was refused before\n"
        "it was known to be something else. What is refused before it is a request at all (a head\n"
        "that is not HTTP, a connection too many) is in `mte_relay_refusals_total` alone.\n\n"
        "Facts, gauges that every worker knows alike (generation, secret strength, certificates,\n"
        "build), are told as the workers of the newest settings have them; a certificate that is not\n"
        "set has no line.\n\n"
        "## Times\n\n"
        "All in seconds, as histograms. Bounds of their buckets:");
    put_bounds("of `encode` and `decode`, which a processor computes", WORK_TIME);
    put_bounds("of the others, which are waited for", WAIT_TIME);
    puts(
        "\n`encode` and `decode` are counted once a message, also where an answer is streamed in\n"
        "many frames: then the time is that of all its frames. A request that was sent to a peer\n"
        "relay twice has both calls in its `outbound_proxy`. What did not happen is not counted: a\n"
        "refused request has a request time only.\n\n"
        "## What a dashboard shows\n\n"
        "| quantity | metric |\n|---|---|\n"
        "| requests processed | `mte_relay_requests_total` |\n"
        "| request time | `mte_relay_request_seconds` |\n"
        "| outbound proxy time | `mte_relay_outbound_proxy_seconds` |\n"
        "| upstream proxy time | `mte_relay_upstream_proxy_seconds` |\n"
        "| request encode time | `mte_relay_request_encode_seconds` |\n"
        "| request decode time | `mte_relay_request_decode_seconds` |\n"
        "| response encode time | `mte_relay_response_encode_seconds` |\n"
        "| response decode time | `mte_relay_response_decode_seconds` |");
}

int main(void)
{
    struct metric_row row;

    put_head();
    for (size_t i = 0; metric_row(i, &row); i++)
        put_row(&row);
    put_foot();
    if (fflush(stdout) != 0 || ferror(stdout))
        err(1, "standard output");
    return 0;
}
