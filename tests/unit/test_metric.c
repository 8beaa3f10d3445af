/* SPDX-License-Identifier: MIT */
/* What the blocks of all processes say together, and the text of it. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/metric.h"

enum { N_BLOCKS = 7 };

static struct shm *shm;

static int create(void **state)
{
    const struct shm_sizes sizes = { { [SHM_METRICS] = metric_region_len(N_BLOCKS) } };

    (void)state;
    return shm_create(&sizes, &shm);
}

static int destroy(void **state)
{
    (void)state;
    shm_close(&shm);
    return 0;
}

static void blocks_do_not_overlap_and_begin_on_cache_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_BLOCKS; i++) {
        assert_int_equal((uintptr_t)metric_block(shm, i) % 64, 0);
        if (i > 0)
            assert_true(metric_block(shm, i - 1) + 1 <= metric_block(shm, i));
    }
    assert_null(metric_block(shm, 4096));
}

static void a_sum_is_over_all_blocks(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_BLOCKS; i++) {
        metric_add(metric_block(shm, i), METRIC_worker_starts, (int64_t)i);
        metric_block(shm, i)->refusals[3] = i;
    }
    assert_int_equal(metric_sum(shm, METRIC_worker_starts), 21);
    assert_int_equal(metric_sum_refusals(shm, 3), 21);
    assert_int_equal(metric_sum(shm, METRIC_worker_deaths), 0);
}

static void a_process_that_is_gone_keeps_its_counters_and_loses_its_gauges(void **state)
{
    struct metric_block *gone = metric_block(shm, 1), *alive = metric_block(shm, 2);

    (void)state;
    metric_add(gone, METRIC_resends, 5);
    metric_add(gone, METRIC_connections, 3);
    metric_add(alive, METRIC_connections, 2);
    metric_forget_process(gone);
    assert_int_equal(metric_sum(shm, METRIC_resends), 5);
    assert_int_equal(metric_sum(shm, METRIC_connections), 2);
}

static void a_gauge_is_never_below_zero(void **state)
{
    (void)state;
    metric_add(metric_block(shm, 1), METRIC_connections, -1);
    assert_int_equal(metric_sum(shm, METRIC_connections), 0);
}

static void a_block_counts_from_the_time_that_it_is_asked_for(void **state)
{
    (void)state;
    metric_add(metric_block(shm, N_BLOCKS - 1), METRIC_resends, 3);
    assert_int_equal(metric_sum(shm, METRIC_resends), 3);
    metric_add(metric_block(shm, 0), METRIC_resends, 4);
    assert_int_equal(metric_sum(shm, METRIC_resends), 7);
    assert_null(metric_block(shm, 4096)); /* and asking for none changes nothing */
    assert_int_equal(metric_sum(shm, METRIC_resends), 7);
}

/* ---- facts ---- */

static void tell(size_t block, uint64_t generation, uint64_t strength)
{
    metric_set(metric_block(shm, block), METRIC_generation, generation);
    metric_set(metric_block(shm, block), METRIC_secret_strength, strength);
}

static void a_fact_is_as_the_newest_generation_says(void **state)
{
    (void)state;
    assert_int_equal(metric_sum(shm, METRIC_secret_strength), 0);
    tell(1, 1, 2);
    tell(2, 1, 2);
    assert_int_equal(metric_sum(shm, METRIC_secret_strength), 2);
    assert_int_equal(metric_sum(shm, METRIC_generation), 1);
    tell(3, 2, 1); /* the workers of 1 still drain */
    assert_int_equal(metric_sum(shm, METRIC_secret_strength), 1);
    assert_int_equal(metric_sum(shm, METRIC_generation), 2);
    metric_forget_process(metric_block(shm, 3));
    assert_int_equal(metric_sum(shm, METRIC_secret_strength), 2);
}

/* ---- labels ---- */

static void every_pair_of_labels_has_a_number_of_its_own(void **state)
{
    bool taken[N_METRICS] = { false };

    (void)state;
    for (unsigned d = 0; d < N_LABEL_direction; d++) {
        for (unsigned s = 0; s < N_LABEL_status_class; s++) {
            enum metric at = metric_of(METRIC_requests, d, s);

            assert_in_range(at, METRIC_requests, METRIC_LAST_requests);
            assert_false(taken[at]);
            taken[at] = true;
        }
    }
    assert_int_equal(METRIC_LAST_requests - METRIC_requests + 1,
                     N_LABEL_direction * N_LABEL_status_class);
    for (unsigned d = 0; d < N_LABEL_direction; d++) {
        enum metric at = metric_of(METRIC_request_seconds, d, 0);

        assert_int_equal(at, METRIC_request_seconds + d * METRIC_WIDTH_WAIT_TIME);
        assert_true(at + METRIC_WIDTH_WAIT_TIME - 1 <= METRIC_LAST_request_seconds);
    }
}

/* ---- the text ---- */

static const char *code_of(unsigned refusal)
{
    return refusal == 0 ? "bad_request" : refusal == 2 ? "overloaded" : NULL;
}

/* For the caller to free. */
static char *print(void)
{
    struct buffer b;
    char *text;

    buffer_init(&b, 0);
    metric_print(shm, code_of, &b);
    assert_int_equal(buffer_error(&b), 0);
    text = strndup((const char *)buffer_span(&b).at, buffer_len(&b));
    assert_non_null(text);
    buffer_fini(&b);
    return text;
}

static void assert_prints(const char *want)
{
    char *text = print();

    if (strstr(text, want) == NULL)
        fail_msg("no \"%s\" in:\n%s", want, text);
    free(text);
}

static void the_text_is_what_prometheus_reads(void **state)
{
    (void)state;
    metric_add(metric_block(shm, 1), METRIC_resends, 12);
    metric_add(metric_block(shm, 2), METRIC_connections, 4);
    metric_block(shm, 3)->refusals[2] = 9;
    metric_add(metric_block(shm, 1), metric_of(METRIC_requests, DIRECTION_INBOUND, STATUS_5XX), 6);
    metric_set(metric_block(shm, 1), metric_of(METRIC_build_info, VERSION_THIS, KEM_OWN), 1);
    assert_prints("# HELP mte_relay_resends_total Requests sealed anew after a verified promise\n"
                  "# TYPE mte_relay_resends_total counter\n"
                  "mte_relay_resends_total 12\n");
    assert_prints("# TYPE mte_relay_connections gauge\nmte_relay_connections 4\n");
    assert_prints("# TYPE mte_relay_refusals_total counter\n"
                  "mte_relay_refusals_total{code=\"bad_request\"} 0\n"
                  "mte_relay_refusals_total{code=\"overloaded\"} 9\n");
    assert_prints("mte_relay_requests_total{direction=\"inbound\",status=\"4xx\"} 0\n"
                  "mte_relay_requests_total{direction=\"inbound\",status=\"5xx\"} 6\n");
    assert_prints("# TYPE mte_relay_build_info gauge\n"
                  "mte_relay_build_info{version=\"" PACKAGE_VERSION "\",kem=\"own\"} 1\n");
}

static void a_fact_with_labels_is_there_where_it_was_told(void **state)
{
    enum metric at = metric_of(METRIC_certificate_expiry, CERTIFICATE_PEER_CERT_FILE, 0);

    (void)state;
    metric_set(metric_block(shm, 2), at, 1893456000);
    assert_prints("# TYPE mte_relay_certificate_expiry_timestamp_seconds gauge\n"
                  "mte_relay_certificate_expiry_timestamp_seconds{setting=\"PEER_CERT_FILE\"} "
                  "1893456000\n#");
    assert_prints("\nmte_relay_secret_strength 0\n");
}

static void every_row_is_in_the_text_once(void **state)
{
    char *text = print();
    struct metric_row row;
    size_t n = 0;

    (void)state;
    for (; metric_row(n, &row); n++) {
        char want[256];
        const char *at;

        snprintf(want, sizeof(want), "# HELP %s %s\n# TYPE %s %s\n%s", row.name, row.help, row.name,
                 row.type,
                 strcmp(row.name, "mte_relay_build_info") == 0 ||
                         strstr(row.name, "_expiry_") != NULL
                     ? ""
                     : row.name);
        at = strstr(text, want);
        if (at == NULL || strstr(at + 1, want) != NULL)
            fail_msg("not once: %s", want);
    }
    assert_true(n > 30);
    free(text);
}

/* ---- histograms, held against a list of all that was observed ---- */

enum { N_OBSERVED = 2000 };

static uint64_t observed[N_OBSERVED];

/* From a nanosecond to two minutes, as many small ones as large ones; every tenth on a bound. */
static uint64_t some_ns(const uint64_t *bounds, size_t n_bounds)
{
    uint64_t ns = (uint64_t)random() << 31 | (uint64_t)random();

    if (random() % 10 == 0)
        return bounds[(size_t)random() % n_bounds];
    return (ns >> (random() % 62)) % 120000000000;
}

static uint64_t n_up_to(uint64_t bound)
{
    uint64_t n = 0;

    for (size_t i = 0; i < N_OBSERVED; i++)
        n += observed[i] <= bound;
    return n;
}

static uint64_t number_after(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    if (at == NULL)
        fail_msg("no %s in:\n%s", name, text);
    return strtoull(at + strlen(name), NULL, 10);
}

static void bucket_name(const char *name, uint64_t bound, char text_r[static 160])
{
    char seconds[32];
    size_t n = (size_t)snprintf(seconds, sizeof(seconds), "%.9f", (double)bound / 1e9);

    while (seconds[n - 1] == '0')
        n--;
    n -= seconds[n - 1] == '.';
    snprintf(text_r, 160, "\n%s_bucket{le=\"%.*s\"} ", name, (int)n, seconds);
}

static void check_histogram(enum metric metric, enum metric_kind kind, const char *name)
{
    size_t n_bounds;
    const uint64_t *bounds = metric_bounds(kind, &n_bounds);
    uint64_t sum = 0;
    char want[160], *text;

    for (size_t i = 0; i < N_OBSERVED; i++) {
        observed[i] = some_ns(bounds, n_bounds);
        sum += observed[i];
        metric_observe(metric_block(shm, (size_t)random() % N_BLOCKS), metric, observed[i]);
    }
    text = print();
    for (size_t i = 0; i < n_bounds; i++) {
        bucket_name(name, bounds[i], want);
        assert_int_equal(number_after(text, want), n_up_to(bounds[i]));
    }
    snprintf(want, sizeof(want), "\n%s_bucket{le=\"+Inf\"} ", name);
    assert_int_equal(number_after(text, want), N_OBSERVED);
    snprintf(want, sizeof(want), "\n%s_count ", name);
    assert_int_equal(number_after(text, want), N_OBSERVED);
    snprintf(want, sizeof(want), "\n%s_sum ", name);
    assert_int_equal(number_after(text, want), sum / 1000000000);
    free(text);
}

static void a_histogram_counts_as_a_list_of_all_would(void **state)
{
    (void)state;
    srandom(20260125);
    check_histogram(METRIC_outbound_proxy_seconds, WAIT_TIME, "mte_relay_outbound_proxy_seconds");
    check_histogram(METRIC_request_encode_seconds, WORK_TIME, "mte_relay_request_encode_seconds");
}

static void histograms_of_two_labels_are_two(void **state)
{
    struct metric_block *block = metric_block(shm, 1);

    (void)state;
    metric_observe(block, metric_of(METRIC_request_seconds, DIRECTION_PLAIN, 0), 1500000);
    metric_observe(block, metric_of(METRIC_request_seconds, DIRECTION_PLAIN, 0), 61000000000);
    metric_observe(block, metric_of(METRIC_request_seconds, DIRECTION_OWN, 0), 1);
    assert_prints("mte_relay_request_seconds_bucket{direction=\"own\",le=\"0.00005\"} 1\n");
    assert_prints("mte_relay_request_seconds_sum{direction=\"own\"} 0.000000001\n"
                  "mte_relay_request_seconds_count{direction=\"own\"} 1\n");
    assert_prints("mte_relay_request_seconds_bucket{direction=\"plain\",le=\"0.001\"} 0\n"
                  "mte_relay_request_seconds_bucket{direction=\"plain\",le=\"0.0025\"} 1\n");
    assert_prints("mte_relay_request_seconds_bucket{direction=\"plain\",le=\"60\"} 1\n"
                  "mte_relay_request_seconds_bucket{direction=\"plain\",le=\"+Inf\"} 2\n"
                  "mte_relay_request_seconds_sum{direction=\"plain\"} 61.0015\n"
                  "mte_relay_request_seconds_count{direction=\"plain\"} 2\n");
}

static void bounds_rise(void **state)
{
    static const enum metric_kind kinds[] = { WORK_TIME, WAIT_TIME };
    size_t n;

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        const uint64_t *bounds = metric_bounds(kinds[k], &n);

        for (size_t i = 1; i < n; i++)
            assert_true(bounds[i - 1] < bounds[i]);
    }
}

#define IN_FRESH_MEMORY(test) cmocka_unit_test_setup_teardown(test, create, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FRESH_MEMORY(blocks_do_not_overlap_and_begin_on_cache_lines),
        IN_FRESH_MEMORY(a_sum_is_over_all_blocks),
        IN_FRESH_MEMORY(a_process_that_is_gone_keeps_its_counters_and_loses_its_gauges),
        IN_FRESH_MEMORY(a_gauge_is_never_below_zero),
        IN_FRESH_MEMORY(a_block_counts_from_the_time_that_it_is_asked_for),
        IN_FRESH_MEMORY(a_fact_is_as_the_newest_generation_says),
        IN_FRESH_MEMORY(every_pair_of_labels_has_a_number_of_its_own),
        IN_FRESH_MEMORY(the_text_is_what_prometheus_reads),
        IN_FRESH_MEMORY(a_fact_with_labels_is_there_where_it_was_told),
        IN_FRESH_MEMORY(every_row_is_in_the_text_once),
        IN_FRESH_MEMORY(a_histogram_counts_as_a_list_of_all_would),
        IN_FRESH_MEMORY(histograms_of_two_labels_are_two),
        cmocka_unit_test(bounds_rise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
