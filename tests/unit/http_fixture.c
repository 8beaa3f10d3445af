/* SPDX-License-Identifier: MIT */
#include "tests/unit/http_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "worker/pair_endpoint.h"
#include "worker/relay_inbound.h"
#include "worker/relay_outbound.h"
#include "worker/timer.h"

enum { PATIENCE_MS = 5000 };

/* ---- the puppet ---- */

struct puppet puppet;

int upstream_call(struct upstream *upstream, const struct upstream_request *request,
                  const struct upstream_events *events, void *arg, struct upstream_call **call_r)
{
    (void)upstream;
    assert_false(puppet.open);
    puppet.open = true;
    puppet.paused = false;
    puppet.n_calls++;
    puppet.events = events;
    puppet.arg = arg;
    puppet.is_head = request->is_head;
    buffer_clear(&puppet.head);
    buffer_clear(&puppet.body);
    buffer_put(&puppet.head, request->head);
    buffer_put(&puppet.body, request->body);
    *call_r = (struct upstream_call *)(void *)&puppet;
    return 0;
}

void upstream_call_pause(struct upstream_call *call)
{
    (void)call;
    puppet.paused = true;
}

void upstream_call_resume(struct upstream_call *call)
{
    (void)call;
    puppet.paused = false;
}

void upstream_call_cancel(struct upstream_call **call)
{
    assert_true(puppet.open);
    *call = NULL;
    puppet.open = false;
    puppet.n_cancelled++;
}

/* As the real one: a call that is told that its answer is not valid ends. */
static int judged(int r)
{
    if (r < 0)
        puppet_end(UPSTREAM_BAD_ANSWER);
    return r;
}

int puppet_head(unsigned status, const char *const *fields, const uint64_t *length)
{
    struct http1_head head = { .minor = 1, .status = status, .keep_alive = true };
    int r;

    headers_init(&head.fields);
    for (; *fields != NULL; fields++) {
        struct span value = span_text(*fields), name = span_cut(&value, ':');

        assert_int_equal(headers_add(&head.fields, name, span_trim(value)), 0);
    }
    head.has_length = length != NULL;
    head.content_length = length != NULL ? *length : 0;
    assert_true(puppet.open);
    r = puppet.events->head(puppet.arg, &head);
    headers_fini(&head.fields);
    return judged(r);
}

int puppet_body(struct span bytes)
{
    assert_true(puppet.open);
    assert_false(puppet.paused);
    return judged(puppet.events->body(puppet.arg, bytes));
}

void puppet_end(enum upstream_failure failure)
{
    assert_true(puppet.open);
    puppet.open = false;
    puppet.events->end(puppet.arg, failure, "by hand");
}

/* ---- stand-ins for what is not tested here ---- */

static void stand_in_begin(struct exchange *x)
{
    exchange_refuse(x, REFUSAL_OVERLOADED, "a stand-in");
}

#define STAND_IN(kind)                                                                             \
    {                                                                                              \
        .name = kind, .begin = stand_in_begin, .answer_head = exchange_door_head,                  \
        .answer_data = exchange_door_data, .answer_end = exchange_door_end                         \
    }

const struct exchange_ops relay_outbound_ops = STAND_IN("outbound");
const struct exchange_ops relay_inbound_ops = STAND_IN("inbound");
const struct exchange_ops pair_endpoint_ops = STAND_IN("pair");

/* ---- the worker ---- */

static struct span pass_through[] = { SPAN("/*") };

int fixture_open(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    signal(SIGPIPE, SIG_IGN); /* as every worker */
    f->conf.outbound_token = SPAN("abcdefg1234567");
    f->conf.upstream.url = (struct url){ .host = SPAN("api.example"), .port = 8080 };
    f->conf.pass_through_routes = (struct conf_list){ pass_through, 1 };
    f->conf.max_request_body = 4096;
    f->conf.idle_timeout = f->conf.header_timeout = 60000;
    f->conf.body_timeout = f->conf.send_timeout = 60000;
    f->conf.max_connections = 100;
    memcpy(f->identity.node[0].node, "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd",
           NODE_LEN);
    f->services = (struct services){ .conf = &f->conf,
                                     .identity = &f->identity,
                                     .metrics = &f->metrics,
                                     .max_buffered = 1 << 20,
                                     .loop = h2o_evloop_create() };
    f->listener = -1;
    assert_int_equal(timers_new(f->services.loop, &f->services.timers), 0);
    buffer_init(&f->got, 0);
    puppet = (struct puppet){ 0 };
    *state = f;
    return 0;
}

void fixture_start(struct fixture *f)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);

    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(f->listener, 16), 0);
    assert_int_equal(getsockname(f->listener, (struct sockaddr *)&address, &len), 0);
    f->port = ntohs(address.sin_port);
    assert_int_equal(http_server_new(&f->services, &f->listener, 1, &f->server), 0);
}

int fixture_close(void **state)
{
    struct fixture *f = *state;

    http_server_free(&f->server);
    assert_false(puppet.open);
    assert_int_equal(f->metrics.values[METRIC_connections], 0);
    assert_int_equal(f->metrics.values[METRIC_requests_in_flight], 0);
    assert_int_equal(f->metrics.values[METRIC_body_bytes_held], 0);
    assert_int_equal(f->metrics.values[METRIC_workers_accepting], 0);
    timers_free(&f->services.timers);
    h2o_evloop_run(f->services.loop, 0);
    h2o_evloop_destroy(f->services.loop);
    close(f->listener);
    buffer_fini(&f->got);
    buffer_fini(&puppet.head);
    buffer_fini(&puppet.body);
    free(f);
    return 0;
}

void fixture_turn(struct fixture *f, int ms)
{
    uint64_t until = clock_mono_ms() + (uint64_t)ms;

    do
        h2o_evloop_run(f->services.loop, 5);
    while (clock_mono_ms() < until);
}

/* ---- applications ---- */

int fixture_connect(struct fixture *f)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(f->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    buffer_clear(&f->got);
    f->get_error = 0;
    return fd;
}

void fixture_send(struct fixture *f, int fd, const char *text)
{
    (void)f;
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void fixture_receive(struct fixture *f, int fd, size_t len)
{
    uint64_t until = clock_mono_ms() + PATIENCE_MS;

    while (buffer_len(&f->got) < len && f->get_error == 0) {
        uint8_t bytes[16384];
        ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

        if (clock_mono_ms() > until)
            fail_msg("nothing more after %zu bytes: %.*s", buffer_len(&f->got),
                     SPAN_PRINT(buffer_span(&f->got)));
        if (n > 0)
            buffer_put(&f->got, span_of(bytes, (size_t)n));
        else if (n == 0)
            f->get_error = ERR_CLOSED;
        else if (errno != EAGAIN)
            f->get_error = -errno;
        if (n < 0)
            h2o_evloop_run(f->services.loop, 1);
    }
}

void fixture_receive_all(struct fixture *f, int fd)
{
    fixture_receive(f, fd, SIZE_MAX);
}

void fixture_await_call(struct fixture *f)
{
    uint64_t until = clock_mono_ms() + PATIENCE_MS;

    while (!puppet.open && clock_mono_ms() < until)
        h2o_evloop_run(f->services.loop, 1);
    assert_true(puppet.open);
}

int fixture_ask(struct fixture *f, const char *request)
{
    int fd = fixture_connect(f);

    fixture_send(f, fd, request);
    fixture_await_call(f);
    return fd;
}

bool fixture_got(const struct fixture *f, const char *text)
{
    struct span got = buffer_span(&f->got);

    return got.len > 0 && memmem(got.at, got.len, text, strlen(text)) != NULL;
}

struct span fixture_body(const struct fixture *f)
{
    struct span got = buffer_span(&f->got);
    const uint8_t *end = got.len > 0 ? memmem(got.at, got.len, "\r\n\r\n", 4) : NULL;

    assert_non_null(end);
    return span_from(got, (size_t)(end - got.at) + 4);
}

uint64_t fixture_refused(const struct fixture *f, enum refusal refusal)
{
    return f->metrics.refusals[refusal];
}
