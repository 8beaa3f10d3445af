/* SPDX-License-Identifier: MIT */
/* The order of leaving, as in docs/architecture.md. Owns only its timer. */
#include "worker/drain.h"

#include "common/clock.h"
#include "common/fd.h"

static void end(struct drain *drain)
{
    drain_stop(drain);
    if (drain->ended)
        return;
    drain->ended = true;
    drain->over(drain->arg);
}

static void on_deadline(struct timer *timer)
{
    struct drain *drain = H2O_STRUCT_FROM_MEMBER(struct drain, deadline, timer);

    log_warning("not all could finish in time connections=%zu",
                http_server_n_connections(drain->server));
    end(drain);
}

/* Who only now has sent all of a request would most likely not get its answer. */
static void on_last_call(struct timer *timer)
{
    struct drain *drain = H2O_STRUCT_FROM_MEMBER(struct drain, last_call, timer);

    log_info("new requests are refused from now on connections=%zu",
             http_server_n_connections(drain->server));
    drain->services->leaving = true;
}

static void on_admin_left(void *arg)
{
    end(arg);
}

static void on_idle(void *arg)
{
    struct drain *drain = arg;

    if (drain->admin != NULL)
        admin_leave(drain->admin, on_admin_left, drain);
    else
        end(drain);
}

void drain_begin(struct drain *drain, uint64_t ms, bool relay_stops)
{
    bool first = !drain->begun;

    if (!first && timer_running(&drain->deadline) && drain->deadline.due_ms <= clock_mono_ms() + ms)
        return;
    timer_start(&drain->deadline, drain->services->timers, ms, on_deadline);
    timer_start(&drain->last_call, drain->services->timers, ms - ms / 8, on_last_call);
    if (!first)
        return;
    drain->begun = true;
    log_info("leaving within_ms=%llu connections=%zu", (unsigned long long)ms,
             http_server_n_connections(drain->server));
    if (drain->admin != NULL && !relay_stops)
        admin_stop_accepting(drain->admin);
    upstream_drain(drain->services->upstream);
    http_server_drain(drain->server, ms, on_idle, drain);
    for (size_t i = 0; i < drain->n_listeners; i++)
        fd_close(&drain->listeners[i]);
}

void drain_stop(struct drain *drain)
{
    timer_stop(&drain->deadline);
    timer_stop(&drain->last_call);
}
