/* SPDX-License-Identifier: MIT */
/* Counters and gauges over all processes. */
#include "tests/unit/unit.h"

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
    metric_add(gone, METRIC_requests_outbound, 5);
    metric_add(gone, METRIC_connections, 3);
    metric_add(alive, METRIC_connections, 2);
    metric_zero_gauges(gone);
    assert_int_equal(metric_sum(shm, METRIC_requests_outbound), 5);
    assert_int_equal(metric_sum(shm, METRIC_connections), 2);
}

static void a_gauge_is_never_below_zero(void **state)
{
    (void)state;
    metric_add(metric_block(shm, 1), METRIC_connections, -1);
    assert_int_equal(metric_sum(shm, METRIC_connections), 0);
}

static const char *code_of(unsigned refusal)
{
    return refusal == 0 ? "bad_request" : refusal == 2 ? "overloaded" : NULL;
}

static void assert_prints(const char *want)
{
    struct buffer b;

    buffer_init(&b, 0);
    metric_print(shm, code_of, &b);
    assert_int_equal(buffer_error(&b), 0);
    buffer_put(&b, span_of("", 1));
    if (strstr((const char *)buffer_span(&b).at, want) == NULL)
        fail_msg("no \"%s\" in:\n%.*s", want, SPAN_PRINT(buffer_span(&b)));
    buffer_fini(&b);
}

static void the_text_is_what_prometheus_reads(void **state)
{
    (void)state;
    metric_add(metric_block(shm, 1), METRIC_requests_plain, 12);
    metric_add(metric_block(shm, 2), METRIC_connections, 4);
    metric_block(shm, 3)->refusals[2] = 9;
    assert_prints("# HELP mte_relay_requests_plain_total Requests passed through without encoding\n"
                  "# TYPE mte_relay_requests_plain_total counter\n"
                  "mte_relay_requests_plain_total 12\n");
    assert_prints("# TYPE mte_relay_connections gauge\nmte_relay_connections 4\n");
    assert_prints("# TYPE mte_relay_refusals_total counter\n"
                  "mte_relay_refusals_total{code=\"bad_request\"} 0\n"
                  "mte_relay_refusals_total{code=\"overloaded\"} 9\n");
}

#define IN_FRESH_MEMORY(test) cmocka_unit_test_setup_teardown(test, create, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FRESH_MEMORY(blocks_do_not_overlap_and_begin_on_cache_lines),
        IN_FRESH_MEMORY(a_sum_is_over_all_blocks),
        IN_FRESH_MEMORY(a_process_that_is_gone_keeps_its_counters_and_loses_its_gauges),
        IN_FRESH_MEMORY(a_gauge_is_never_below_zero),
        IN_FRESH_MEMORY(the_text_is_what_prometheus_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
