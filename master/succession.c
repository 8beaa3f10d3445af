/* SPDX-License-Identifier: MIT */
/*
 * From one generation of settings to the next: load and check, want workers for it, let the others
 * go when all of these serve. Where loading fails nothing changes, and whoever asked learns why. A
 * generation goes when the next one serves.
 */
#include "master/supervisor_internal.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/json.h"

enum {
    RELOAD_PAUSE_MS = 1000, /* from one reload to the next: what is asked for meanwhile is one */
};

void succession_follow(struct supervisor *s)
{
    s->crew.boot = s->generation->boot;
    s->crew.log = s->generation->log.fd;
    s->crew.access_log = s->generation->access_log.fd;
    s->crew.generation = s->generation->number;
    s->crew.drain_ms = s->generation->drain_ms;
    s->serving = false;
    s->level_set = false;
    s->followed_ms = clock_mono_ms();
    generation_take_log(s->generation);
}

static bool is_free(const struct slot *slot)
{
    return slot->state == SLOT_DOWN && slot->deadline_ms == SLOT_NEVER;
}

int succession_employ(struct supervisor *s)
{
    size_t n_free = 0, wanted = s->generation->n_workers;

    for (size_t i = 0; i < SHM_N_SLOTS; i++)
        n_free += is_free(&s->slots[i]);
    if (n_free < wanted)
        return ERR_FULL;
    succession_follow(s);
    for (size_t i = 0; wanted > 0; i++) {
        if (is_free(&s->slots[i])) {
            slot_employ(&s->slots[i]);
            wanted--;
        }
    }
    return 0;
}

static bool is_served(const struct supervisor *s)
{
    size_t n_up = 0;

    for (size_t i = 0; i < SHM_N_SLOTS; i++)
        n_up += s->slots[i].state == SLOT_UP && s->slots[i].generation == s->crew.generation;
    return n_up >= s->generation->n_workers;
}

static void answer_good(struct supervisor *s)
{
    char text[96];

    snprintf(text, sizeof(text), "{\"ok\":true,\"generation\":%llu,\"workers\":%zu}\n",
             (unsigned long long)s->crew.generation, s->generation->n_workers);
    control_answer_waiting(&s->control, span_text(text));
}

static void tell_serving(struct supervisor *s)
{
    char status[96];

    log_info("serving generation=%llu workers=%zu", (unsigned long long)s->crew.generation,
             s->generation->n_workers);
    snprintf(status, sizeof(status), "serving with %zu workers, settings loaded %llu times",
             s->generation->n_workers, (unsigned long long)s->crew.generation);
    notify_ready(s->config.notify, status);
    if (s->config.serving != NULL)
        s->config.serving(s->config.arg);
}

/* Nothing is lost with those that only start: they hold no request. */
static bool can_go(const struct supervisor *s, const struct slot *slot)
{
    return s->serving || slot->state == SLOT_DOWN || slot->state == SLOT_BACKOFF ||
           slot->state == SLOT_STARTING;
}

/* Workers of older generations leave when the newest serves, and are not started again before. */
void succession_retire(struct supervisor *s)
{
    if (!s->serving && !s->stopping && is_served(s)) {
        s->serving = true;
        tell_serving(s);
        answer_good(s);
    }
    for (size_t i = 0; i < SHM_N_SLOTS; i++) {
        struct slot *slot = &s->slots[i];

        if (slot->generation == s->crew.generation || slot->state == SLOT_DRAINING || is_free(slot))
            continue;
        if (can_go(s, slot))
            slot_event(slot, SLOT_RELOAD);
    }
}

/* ---- why not ---- */

static void add_reason(struct supervisor *s, const char *line)
{
    if (buffer_len(&s->reasons) > 0)
        buffer_put(&s->reasons, SPAN(","));
    json_put_string(&s->reasons, span_text(line));
}

static void on_problem(void *arg, const char *line)
{
    struct supervisor *s = arg;

    add_reason(s, line);
    s->config.source->problem(s->config.source->arg, line);
}

static void on_warning(void *arg, const char *line)
{
    struct supervisor *s = arg;

    s->config.source->warning(s->config.source->arg, line);
}

static void answer_bad(struct supervisor *s, int r)
{
    struct buffer out;

    buffer_init(&out, 0);
    buffer_put_text(&out, "{\"ok\":false,\"error\":");
    json_put_string(&out, span_text(error_text(r)));
    buffer_put_text(&out, ",\"reasons\":[");
    if (buffer_error(&s->reasons) == 0)
        buffer_put(&out, buffer_span(&s->reasons));
    buffer_put_text(&out, "]}\n");
    if (buffer_error(&out) == 0)
        control_answer_waiting(&s->control, buffer_span(&out));
    buffer_fini(&out);
}

/* ---- the next ---- */

static int load_next(struct supervisor *s, struct generation **next_r)
{
    struct generation_source source = *s->config.source;
    const char *conflict;
    char line[96];
    int r;

    buffer_clear(&s->reasons);
    source.problem = on_problem;
    source.warning = on_warning;
    source.arg = s;
    r = generation_load(&source, s->crew.generation + 1, next_r);
    if (r != 0 && buffer_len(&s->reasons) == 0)
        add_reason(s, "the worker's check failed; its lines in the log say why");

    if (r != 0)
        return r;
    conflict = generation_conflict(s->generation, *next_r);
    if (conflict == NULL)
        return 0;
    snprintf(line, sizeof(line), "%s cannot change while the relay runs: restart it for that",
             conflict);
    add_reason(s, line);
    log_error("%s", line);
    return ERR_REFUSED;
}

static void reload(struct supervisor *s)
{
    struct generation *next = NULL, *before = s->generation;
    int r;

    notify_reloading(s->config.notify);
    r = load_next(s, &next);
    if (r == 0) {
        s->generation = next;
        r = succession_employ(s);
        if (r != 0)
            s->generation = before;
        else
            next = before;
    }
    generation_free(&next);
    if (r == 0) {
        log_info("settings reloaded generation=%llu", (unsigned long long)s->crew.generation);
        return;
    }
    log_error("settings not reloaded, those before stay in force: %s", error_text(r));
    answer_bad(s, r);
    notify_ready(s->config.notify, "the settings could not be reloaded, those before are in force");
}

void succession_ask(struct supervisor *s)
{
    uint64_t now = clock_mono_ms(), earliest = s->reloaded_ms + RELOAD_PAUSE_MS;

    if (s->reload_ms == SLOT_NEVER && !s->stopping)
        s->reload_ms = now > earliest ? now : earliest;
}

void succession_take(struct supervisor *s)
{
    if (clock_mono_ms() < s->reload_ms)
        return;
    s->reload_ms = SLOT_NEVER;
    reload(s);
    s->reloaded_ms = clock_mono_ms();
}
