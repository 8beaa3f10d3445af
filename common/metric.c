/* SPDX-License-Identifier: MIT */
/*
 * Counters and gauges in shared memory: where a process' block is, and what all of them add up to.
 * Owns nothing; never locks.
 */
#include "common/metric.h"

/* A block begins on a cache line of its own: its one writer shares it with nobody. */
enum {
    CACHE_LINE = 64,
    STRIDE = (sizeof(struct metric_block) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE
};

enum kind { COUNTER, GAUGE };

static const struct {
    enum kind kind;
    const char *name, *help;
} metrics[N_METRICS] = {
#define METRIC_ROW(field, kind, name, help) [METRIC_##field] = { kind, name, help },
#include "common/metric_table.h"
#undef METRIC_ROW
};

size_t metric_region_len(size_t n_blocks)
{
    return n_blocks * STRIDE;
}

struct metric_block *metric_block(const struct shm *shm, size_t index)
{
    if (index >= shm_len(shm, SHM_METRICS) / STRIDE)
        return NULL;
    return (void *)((uint8_t *)shm_at(shm, SHM_METRICS) + index * STRIDE);
}

void metric_zero_gauges(struct metric_block *block)
{
    for (int i = 0; i < N_METRICS; i++) {
        if (metrics[i].kind == GAUGE)
            atomic_store_explicit(&block->values[i], 0, memory_order_relaxed);
    }
}

uint64_t metric_sum(const struct shm *shm, enum metric metric)
{
    const struct metric_block *block;
    uint64_t sum = 0;

    for (size_t i = 0; (block = metric_block(shm, i)) != NULL; i++)
        sum += atomic_load_explicit(&block->values[metric], memory_order_relaxed);
    return metrics[metric].kind == GAUGE && (int64_t)sum < 0 ? 0 : sum;
}

uint64_t metric_sum_refusals(const struct shm *shm, unsigned refusal)
{
    const struct metric_block *block;
    uint64_t sum = 0;

    for (size_t i = 0; (block = metric_block(shm, i)) != NULL; i++)
        sum += atomic_load_explicit(&block->refusals[refusal], memory_order_relaxed);
    return sum;
}

static void print_head(struct buffer *out, const char *name, enum kind kind, const char *help)
{
    buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
                  kind == GAUGE ? "gauge" : "counter");
}

void metric_print(const struct shm *shm, const char *(*code_of)(unsigned refusal),
                  struct buffer *out)
{
    static const char refusals[] = "mte_relay_refusals_total";

    for (int i = 0; i < N_METRICS; i++) {
        print_head(out, metrics[i].name, metrics[i].kind, metrics[i].help);
        buffer_printf(out, "%s %llu\n", metrics[i].name,
                      (unsigned long long)metric_sum(shm, (enum metric)i));
    }
    print_head(out, refusals, COUNTER, "Requests refused by this relay itself");
    for (unsigned i = 0; i < METRIC_N_REFUSALS; i++) {
        const char *code = code_of(i);

        if (code != NULL)
            buffer_printf(out, "%s{code=\"%s\"} %llu\n", refusals, code,
                          (unsigned long long)metric_sum_refusals(shm, i));
    }
}
