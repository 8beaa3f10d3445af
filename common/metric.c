/* SPDX-License-Identifier: MIT */
/*
 * Metrics in shared memory: where a process' block is, and what all of them say together. The
 * region is a line that says how many blocks were asked for, then the blocks. Owns nothing; never
 * locks.
 */
#include "common/metric.h"

/* A block begins on a cache line of its own: its one writer shares it with nobody. */
enum {
    CACHE_LINE = 64,
    STRIDE = (sizeof(struct metric_block) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE,
    NS_DIGITS = 9
};

struct region {
    _Atomic size_t n_asked; /* blocks, from the first on, that may have been written to */
};

struct totals {
    uint64_t values[N_METRICS];
    uint64_t refusals[METRIC_N_REFUSALS];
};

/* ---- the tables ---- */

#define LABEL_BEGIN(label, name) static const char *const texts_##label[] = {
#define LABEL_VALUE(id, text)    text,
#define LABEL_END(label)                                                                           \
    }                                                                                              \
    ;
#include "common/metric_label_table.h"
#undef LABEL_BEGIN
#undef LABEL_VALUE
#undef LABEL_END

enum {
#define LABEL_BEGIN(label, name) LABEL_##label,
#define LABEL_VALUE(id, text)
#define LABEL_END(label)
#include "common/metric_label_table.h"
#undef LABEL_BEGIN
#undef LABEL_VALUE
#undef LABEL_END
};

static const struct label {
    const char *name;
    const char *const *texts;
    size_t n;
} labels[] = {
#define LABEL_BEGIN(label, name) { name, texts_##label, N_LABEL_##label },
#define LABEL_VALUE(id, text)
#define LABEL_END(label)
#include "common/metric_label_table.h"
#undef LABEL_BEGIN
#undef LABEL_VALUE
#undef LABEL_END
};

static const uint64_t work_bounds[] = {
#define WORK_BUCKET(ns) UINT64_C(ns),
#define WAIT_BUCKET(ns)
#include "common/metric_bucket_table.h"
#undef WORK_BUCKET
#undef WAIT_BUCKET
};

static const uint64_t wait_bounds[] = {
#define WORK_BUCKET(ns)
#define WAIT_BUCKET(ns) UINT64_C(ns),
#include "common/metric_bucket_table.h"
#undef WORK_BUCKET
#undef WAIT_BUCKET
};

static const struct {
    const char *type;
    const uint64_t *bounds;
    size_t n_bounds;
} kinds[METRIC_N_KINDS] = {
    [COUNTER] = { "counter", NULL, 0 },
    [GAUGE] = { "gauge", NULL, 0 },
    [FACT] = { "gauge", NULL, 0 },
    [WORK_TIME] = { "histogram", work_bounds, METRIC_N_WORK_BUCKETS },
    [WAIT_TIME] = { "histogram", wait_bounds, METRIC_N_WAIT_BUCKETS },
};

static const struct family {
    enum metric_kind kind;
    unsigned width;
    enum metric first, last;
    const struct label *labels[2];
    const char *name, *help;
} families[] = {
#define METRIC_ROW(field, kind, first, second, name, help)                                         \
    { kind,                                                                                        \
      METRIC_WIDTH_##kind,                                                                         \
      METRIC_##field,                                                                              \
      METRIC_LAST_##field,                                                                         \
      { &labels[LABEL_##first], &labels[LABEL_##second] },                                         \
      name,                                                                                        \
      help },
#include "common/metric_table.h"
#undef METRIC_ROW
};
enum { N_FAMILIES = sizeof(families) / sizeof(*families) };

enum {
#define METRIC_ROW(field, ...) FAMILY_##field,
#include "common/metric_table.h"
#undef METRIC_ROW
};

/* The family that a number is of. */
static const uint8_t family_of[N_METRICS] = {
#define METRIC_ROW(field, ...) [METRIC_##field... METRIC_LAST_##field] = FAMILY_##field,
#include "common/metric_table.h"
#undef METRIC_ROW
};

bool metric_row(size_t index, struct metric_row *row_r)
{
    const struct family *family;

    if (index >= N_FAMILIES)
        return false;
    family = &families[index];
    *row_r = (struct metric_row){ .name = family->name,
                                  .help = family->help,
                                  .type = kinds[family->kind].type };
    for (size_t i = 0; i < 2; i++) {
        if (family->labels[i] == &labels[LABEL_no_label])
            continue;
        row_r->labels[i] = family->labels[i]->name;
        row_r->texts[i] = family->labels[i]->texts;
        row_r->n_texts[i] = family->labels[i]->n;
    }
    return true;
}

const uint64_t *metric_bounds(enum metric_kind kind, size_t *n_r)
{
    *n_r = kinds[kind].n_bounds;
    return kinds[kind].bounds;
}

/* ---- the blocks ---- */

size_t metric_region_len(size_t n_blocks)
{
    return CACHE_LINE + n_blocks * STRIDE;
}

static struct metric_block *block_at(const struct shm *shm, size_t index)
{
    return (void *)((uint8_t *)shm_at(shm, SHM_METRICS) + CACHE_LINE + index * STRIDE);
}

static size_t n_blocks(const struct shm *shm)
{
    const struct region *region = shm_at(shm, SHM_METRICS);

    return atomic_load_explicit(&region->n_asked, memory_order_relaxed);
}

struct metric_block *metric_block(const struct shm *shm, size_t index)
{
    struct region *region = shm_at(shm, SHM_METRICS);
    size_t n = n_blocks(shm);

    if (index >= (shm_len(shm, SHM_METRICS) - CACHE_LINE) / STRIDE)
        return NULL;
    while (n <= index && !atomic_compare_exchange_weak(&region->n_asked, &n, index + 1))
        continue;
    return block_at(shm, index);
}

enum metric metric_of(enum metric metric, unsigned first, unsigned second)
{
    const struct family *family = &families[family_of[metric]];

    return metric + (first * (unsigned)family->labels[1]->n + second) * family->width;
}

void metric_observe(struct metric_block *block, enum metric metric, uint64_t ns)
{
    const enum metric_kind kind = families[family_of[metric]].kind;
    const uint64_t *bounds = kinds[kind].bounds;
    unsigned n = (unsigned)kinds[kind].n_bounds, i = 0;

    while (i < n && ns > bounds[i])
        i++;
    metric_add(block, metric + i, 1);
    metric_add(block, metric + n + 1, (int64_t)ns);
}

void metric_forget_process(struct metric_block *block)
{
    for (unsigned i = 0; i < N_METRICS; i++) {
        enum metric_kind kind = families[family_of[i]].kind;

        if (kind == GAUGE || kind == FACT)
            metric_set(block, i, 0);
    }
}

/* ---- all blocks together ---- */

static uint64_t value_of(const struct metric_block *block, enum metric metric)
{
    return atomic_load_explicit(&block->values[metric], memory_order_relaxed);
}

static uint64_t newest_generation(const struct shm *shm)
{
    uint64_t newest = 0;

    for (size_t i = 0, n = n_blocks(shm); i < n; i++) {
        uint64_t generation = value_of(block_at(shm, i), METRIC_generation);

        newest = generation > newest ? generation : newest;
    }
    return newest;
}

/* A fact that its processes are just telling anew differs for a moment: the larger counts. */
static void add_value(uint64_t *total, const struct metric_block *block, enum metric metric,
                      uint64_t newest)
{
    uint64_t value = value_of(block, metric);

    if (families[family_of[metric]].kind != FACT)
        *total += value;
    else if (value > *total && value_of(block, METRIC_generation) == newest)
        *total = value;
}

static uint64_t bounded(uint64_t total, enum metric metric)
{
    return families[family_of[metric]].kind == GAUGE && (int64_t)total < 0 ? 0 : total;
}

uint64_t metric_sum(const struct shm *shm, enum metric metric)
{
    bool is_fact = families[family_of[metric]].kind == FACT;
    uint64_t newest = is_fact ? newest_generation(shm) : 0, total = 0;

    for (size_t i = 0, n = n_blocks(shm); i < n; i++)
        add_value(&total, block_at(shm, i), metric, newest);
    return bounded(total, metric);
}

uint64_t metric_sum_refusals(const struct shm *shm, unsigned refusal)
{
    uint64_t sum = 0;

    for (size_t i = 0, n = n_blocks(shm); i < n; i++)
        sum += atomic_load_explicit(&block_at(shm, i)->refusals[refusal], memory_order_relaxed);
    return sum;
}

static void sum_all(const struct shm *shm, struct totals *totals)
{
    uint64_t newest = newest_generation(shm);

    *totals = (struct totals){ 0 };
    for (size_t b = 0, n = n_blocks(shm); b < n; b++) {
        const struct metric_block *block = block_at(shm, b);

        for (unsigned i = 0; i < N_METRICS; i++)
            add_value(&totals->values[i], block, i, newest);
        for (unsigned i = 0; i < METRIC_N_REFUSALS; i++)
            totals->refusals[i] += atomic_load_explicit(&block->refusals[i], memory_order_relaxed);
    }
    for (unsigned i = 0; i < N_METRICS; i++)
        totals->values[i] = bounded(totals->values[i], i);
}

/* ---- printing ---- */

/* A decimal fraction without zeros at its end. */
static void put_seconds(struct buffer *out, uint64_t ns)
{
    uint8_t digits[NS_DIGITS];
    size_t n = NS_DIGITS;
    uint64_t rest = ns % 1000000000;

    buffer_put_decimal(out, ns / 1000000000);
    if (rest == 0)
        return;
    for (size_t i = NS_DIGITS; i-- > 0; rest /= 10)
        digits[i] = (uint8_t)('0' + rest % 10);
    while (digits[n - 1] == '0')
        n--;
    buffer_put_text(out, ".");
    buffer_put(out, span_of(digits, n));
}

static void put_head(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_put_text(out, "# HELP ");
    buffer_put_text(out, name);
    buffer_put_text(out, " ");
    buffer_put_text(out, help);
    buffer_put_text(out, "\n# TYPE ");
    buffer_put_text(out, name);
    buffer_put_text(out, " ");
    buffer_put_text(out, type);
    buffer_put_text(out, "\n");
}

/* One sample's name and labels, as far as they are known. */
struct sample {
    const struct family *family;
    unsigned values[2];
};

static const char *put_label(struct buffer *out, const char *before, const char *name,
                             const char *text)
{
    buffer_put_text(out, before);
    buffer_put_text(out, name);
    buffer_put_text(out, "=\"");
    buffer_put_text(out, text);
    buffer_put_text(out, "\"");
    return ",";
}

/* To the brace that opens, or the comma that goes on; returns which would. */
static const char *put_name(struct buffer *out, const struct sample *s, const char *suffix)
{
    const char *before = "{";

    buffer_put_text(out, s->family->name);
    buffer_put_text(out, suffix);
    for (size_t i = 0; i < 2; i++) {
        const struct label *label = s->family->labels[i];

        if (label != &labels[LABEL_no_label])
            before = put_label(out, before, label->name, label->texts[s->values[i]]);
    }
    return before;
}

static void end_name(struct buffer *out, const char *before)
{
    buffer_put_text(out, before[0] == '{' ? " " : "} ");
}

static void put_number(struct buffer *out, const struct sample *s, const char *suffix, uint64_t n)
{
    end_name(out, put_name(out, s, suffix));
    buffer_put_decimal(out, n);
    buffer_put_text(out, "\n");
}

static void put_bucket(struct buffer *out, const struct sample *s, const uint64_t *bound,
                       uint64_t n)
{
    buffer_put_text(out, put_name(out, s, "_bucket"));
    buffer_put_text(out, "le=\"");
    if (bound != NULL)
        put_seconds(out, *bound);
    else
        buffer_put_text(out, "+Inf");
    buffer_put_text(out, "\"} ");
    buffer_put_decimal(out, n);
    buffer_put_text(out, "\n");
}

static void put_histogram(struct buffer *out, const struct sample *s, const uint64_t *values)
{
    size_t n = kinds[s->family->kind].n_bounds;
    uint64_t count = 0;

    for (size_t i = 0; i <= n; i++) {
        count += values[i];
        put_bucket(out, s, i < n ? &kinds[s->family->kind].bounds[i] : NULL, count);
    }
    end_name(out, put_name(out, s, "_sum"));
    put_seconds(out, values[n + 1]);
    buffer_put_text(out, "\n");
    put_number(out, s, "_count", count);
}

static void put_sample(struct buffer *out, const struct sample *s, const uint64_t *values)
{
    bool labelled = s->family->labels[0] != &labels[LABEL_no_label];

    if (kinds[s->family->kind].bounds != NULL)
        put_histogram(out, s, values);
    else if (s->family->kind != FACT || !labelled || values[0] != 0)
        put_number(out, s, "", values[0]);
}

static void put_family(struct buffer *out, const struct family *family, const uint64_t *values)
{
    struct sample s = { .family = family };

    put_head(out, family->name, kinds[family->kind].type, family->help);
    for (s.values[0] = 0; s.values[0] < family->labels[0]->n; s.values[0]++) {
        for (s.values[1] = 0; s.values[1] < family->labels[1]->n; s.values[1]++) {
            put_sample(out, &s, values);
            values += family->width;
        }
    }
}

void metric_print(const struct shm *shm, const char *(*code_of)(unsigned refusal),
                  struct buffer *out)
{
    static const char refusals[] = "mte_relay_refusals_total";
    struct totals totals;

    sum_all(shm, &totals);
    for (size_t i = 0; i < N_FAMILIES; i++)
        put_family(out, &families[i], &totals.values[families[i].first]);
    put_head(out, refusals, "counter", "Requests refused by this relay itself");
    for (unsigned i = 0; i < METRIC_N_REFUSALS; i++) {
        const char *code = code_of(i);

        if (code == NULL)
            continue;
        buffer_put_text(out, refusals);
        end_name(out, put_label(out, "{", "code", code));
        buffer_put_decimal(out, totals.refusals[i]);
        buffer_put_text(out, "\n");
    }
}
