/* SPDX-License-Identifier: MIT */
/* Many outward calls: kept connections, what is sent again, limits, addresses, and cancelling. */
#include "tests/unit/outside.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_MS = 150, SILENCE_MS = 2000, MAX_CONNECTIONS = 2, MAX_WAITING = 2 };

static const struct upstream_limits limits = { .connect_ms = CONNECT_MS,
                                               .silence_ms = SILENCE_MS,
                                               .max_connections = MAX_CONNECTIONS,
                                               .max_waiting = MAX_WAITING };

static struct inside inside;

static int open_inside(void **state)
{
    (void)state;
    inside_open(&inside, &limits);
    return 0;
}

static int close_inside(void **state)
{
    (void)state;
    inside_close(&inside);
    return 0;
}

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/* Answers n requests a connection, then closes; count: all requests that came. */
static void answer(struct server *server, int fd, unsigned nth)
{
    (void)nth;
    for (size_t i = 0; i < server->n && server_read_head(fd); i++) {
        atomic_fetch_add(&server->count, 1);
        server_send(fd, server->text);
    }
}

/* Reads one request more than it answers. */
static void answer_all_but_the_last(struct server *server, int fd, unsigned nth)
{
    answer(server, fd, nth);
    if (server_read_head(fd))
        atomic_fetch_add(&server->count, 1);
}

static void answer_when_told(struct server *server, int fd, unsigned nth)
{
    server_wait(server);
    answer(server, fd, nth);
}

/* Hangs up first: scripts read until we do. */
static void stop(struct server *server)
{
    upstream_drain(inside.upstream);
    server_stop(server);
}

static enum upstream_failure call(struct server *server, enum upstream_resend resend)
{
    struct watch watch = { .request.resend = resend };
    enum upstream_failure failure = watch_call(&watch, &inside, server->port);

    watch_fini(&watch);
    return failure;
}

static void connections_are_kept_and_used_again(void **state)
{
    struct server server = { .script = answer, .text = ANSWER, .n = 100 };

    (void)state;
    server_start(&server);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(UPSTREAM_OK, call(&server, UPSTREAM_RESEND_IF_UNWRITTEN));
    assert_int_equal(1, server.n_accepted);
    upstream_drain(inside.upstream);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(UPSTREAM_OK, call(&server, UPSTREAM_RESEND_IF_UNWRITTEN));
    assert_int_equal(4, server.n_accepted);
    stop(&server);
}

static void a_connection_is_not_kept_when_either_side_says_so(void **state)
{
    const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay", /* too much */
        ANSWER,
    };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct server server = { .script = answer, .text = texts[i], .n = 100 };

        server_start(&server);
        for (size_t n = 0; n < 3; n++) {
            struct watch watch = { .request.close = i == 3 };

            assert_int_equal(UPSTREAM_OK, watch_call(&watch, &inside, server.port));
            assert_true(span_equal(buffer_span(&watch.body), SPAN("ok")));
            watch_fini(&watch);
        }
        assert_int_equal(3, server.n_accepted);
        stop(&server);
    }
}

/* Closed between two calls: whether or not the loop has seen it, nothing is written to it. */
static void a_kept_connection_that_was_closed_is_never_used(void **state)
{
    (void)state;
    for (size_t seen = 0; seen < 2; seen++) {
        struct server server = { .script = answer, .text = ANSWER, .n = 1 };

        server_start(&server);
        for (size_t i = 0; i < 10; i++) {
            assert_int_equal(UPSTREAM_OK, call(&server, UPSTREAM_RESEND_IF_UNWRITTEN));
            if (seen)
                inside_run_ms(&inside, 10);
            else
                usleep(10000);
        }
        assert_int_equal(10, server.n_accepted);
        assert_int_equal(10, server.count);
        stop(&server);
    }
}

/* A call that is answered; then one on the kept connection that ends so, counted up to its end. */
static void second_call_ends(void (*script)(struct server *, int, unsigned),
                             enum upstream_resend resend, enum upstream_failure failure,
                             unsigned n_accepted, size_t count)
{
    struct server server = { .script = script, .text = ANSWER, .n = 1 };

    server_start(&server);
    assert_int_equal(UPSTREAM_OK, call(&server, resend));
    assert_int_equal(failure, call(&server, resend));
    assert_int_equal(n_accepted, server.n_accepted);
    assert_int_equal(count, server.count);
    stop(&server);
}

static void sealed_bytes_go_once_more_when_a_kept_connection_dies(void **state)
{
    (void)state;
    second_call_ends(answer_all_but_the_last, UPSTREAM_RESEND_SAME_BYTES, UPSTREAM_OK, 2, 3);
}

static void other_bytes_do_not(void **state)
{
    (void)state;
    second_call_ends(answer_all_but_the_last, UPSTREAM_RESEND_IF_UNWRITTEN, UPSTREAM_LOST, 1, 2);
}

static void nothing_goes_again_from_a_fresh_connection(void **state)
{
    struct server server = { .script = answer_all_but_the_last, .text = ANSWER, .n = 0 };

    (void)state;
    server_start(&server);
    assert_int_equal(UPSTREAM_LOST, call(&server, UPSTREAM_RESEND_SAME_BYTES));
    assert_int_equal(1, server.n_accepted);
    stop(&server);
}

/* The first connection answers once and dies at the second request; all others die at the first. */
static void answer_once(struct server *server, int fd, unsigned nth)
{
    if (nth == 0)
        answer(server, fd, nth);
    if (server_read_head(fd))
        atomic_fetch_add(&server->count, 1);
}

static void nothing_goes_a_third_time(void **state)
{
    (void)state;
    second_call_ends(answer_once, UPSTREAM_RESEND_SAME_BYTES, UPSTREAM_LOST, 2, 3);
}

/* Dies at the second request, and takes no more connections. */
static void answer_once_and_vanish(struct server *server, int fd, unsigned nth)
{
    answer_all_but_the_last(server, fd, nth);
    shutdown(server->fd, SHUT_RDWR);
}

/* Not unreachable: the first time it may have been executed. */
static void what_cannot_go_once_more_is_lost(void **state)
{
    (void)state;
    second_call_ends(answer_once_and_vanish, UPSTREAM_RESEND_SAME_BYTES, UPSTREAM_LOST, 1, 2);
}

/* One byte of an answer, and it is an answer. */
static void answer_once_then_one_byte(struct server *server, int fd, unsigned nth)
{
    answer(server, fd, nth);
    if (server_read_head(fd))
        server_send(fd, "H");
}

static void nothing_goes_again_once_an_answer_has_begun(void **state)
{
    (void)state;
    second_call_ends(answer_once_then_one_byte, UPSTREAM_RESEND_SAME_BYTES, UPSTREAM_CUT, 1, 1);
}

/* ---- limits ---- */

static void connections_and_queue_are_bounded(void **state)
{
    struct server server = { .script = answer_when_told, .text = ANSWER, .n = 100 };
    struct watch watches[MAX_CONNECTIONS + MAX_WAITING + 1] = { 0 };
    const size_t last = MAX_CONNECTIONS + MAX_WAITING;

    (void)state;
    server_start(&server);
    for (size_t i = 0; i <= last; i++)
        watch_start(&watches[i], &inside, server.port);
    inside_run(&inside, &watches[last]);
    assert_int_equal(UPSTREAM_OVERLOADED, watches[last].failure);
    inside_run_ms(&inside, 20);
    assert_int_equal(MAX_CONNECTIONS, server.n_accepted);
    assert_int_equal(MAX_CONNECTIONS, inside.metrics.values[METRIC_outward_connections]);
    assert_int_equal(MAX_WAITING, inside.metrics.values[METRIC_calls_waiting]);
    atomic_store(&server.go, true);
    for (size_t i = 0; i < last; i++) {
        inside_run(&inside, &watches[i]);
        assert_int_equal(UPSTREAM_OK, watches[i].failure);
    }
    assert_int_equal(MAX_CONNECTIONS, server.n_accepted);
    for (size_t i = 0; i <= last; i++)
        watch_fini(&watches[i]);
    stop(&server);
}

static void nobody_waits_in_the_queue_for_ever(void **state)
{
    struct server server = { .script = answer_when_told, .text = ANSWER, .n = 1 };
    struct watch watches[MAX_CONNECTIONS + 1] = { 0 };

    (void)state;
    server_start(&server);
    for (size_t i = 0; i <= MAX_CONNECTIONS; i++)
        watch_start(&watches[i], &inside, server.port);
    inside_run(&inside, &watches[MAX_CONNECTIONS]);
    assert_int_equal(UPSTREAM_OVERLOADED, watches[MAX_CONNECTIONS].failure);
    assert_in_range(watches[MAX_CONNECTIONS].took_ms, CONNECT_MS - 1, 10 * CONNECT_MS);
    for (size_t i = 0; i <= MAX_CONNECTIONS; i++)
        watch_fini(&watches[i]);
    stop(&server);
}

static void a_thousand_calls_share_two_connections(void **state)
{
    struct server server = { .script = answer, .text = ANSWER, .n = SIZE_MAX };

    (void)state;
    server_start(&server);
    for (size_t i = 0; i < 250; i++) {
        struct watch watches[4] = { 0 };

        for (size_t n = 0; n < 4; n++)
            watch_start(&watches[n], &inside, server.port);
        for (size_t n = 0; n < 4; n++) {
            inside_run(&inside, &watches[n]);
            assert_int_equal(UPSTREAM_OK, watches[n].failure);
            watch_fini(&watches[n]);
        }
    }
    assert_int_equal(1000, server.count);
    assert_true(server.n_accepted <= MAX_CONNECTIONS);
    stop(&server);
}

/* ---- addresses ---- */

static bool refuse(void *arg, const struct sockaddr *address)
{
    assert_int_equal(AF_INET, address->sa_family);
    ++*(unsigned *)arg;
    return false;
}

static void an_address_that_is_not_allowed_is_not_touched(void **state)
{
    struct server server = { .script = answer, .text = ANSWER, .n = 100 };
    unsigned n_asked = 0;
    struct watch watch = { .request = { .allow = refuse, .allow_arg = &n_asked } };

    (void)state;
    server_start(&server);
    assert_int_equal(UPSTREAM_NOT_ALLOWED, watch_call(&watch, &inside, server.port));
    assert_int_equal(1, n_asked);
    assert_int_equal(0, server.n_accepted);
    watch_fini(&watch);
    /* Nor is a connection to it that another call has left. */
    assert_int_equal(UPSTREAM_OK, call(&server, UPSTREAM_RESEND_IF_UNWRITTEN));
    watch = (struct watch){ .request = { .allow = refuse, .allow_arg = &n_asked } };
    assert_int_equal(UPSTREAM_NOT_ALLOWED, watch_call(&watch, &inside, server.port));
    assert_int_equal(3, n_asked);
    assert_int_equal(1, server.count);
    watch_fini(&watch);
    stop(&server);
}

/* localhost may be ::1 first, where nobody listens. */
static void the_next_address_is_tried(void **state)
{
    struct server server = { .script = answer, .text = ANSWER, .n = 1 };
    struct watch watch = { .request.url.host = SPAN("localhost") };

    (void)state;
    server_start(&server);
    assert_int_equal(UPSTREAM_OK, watch_call(&watch, &inside, server.port));
    watch_fini(&watch);
    stop(&server);
}

/* A name that no resolver can ask for. */
static void a_name_without_an_address_is_unresolved(void **state)
{
    struct watch watch = { .request.url.host = SPAN("no..such..name") };

    (void)state;
    assert_int_equal(UPSTREAM_UNRESOLVED, watch_call(&watch, &inside, 80));
    watch_fini(&watch);
}

static int listen_on(uint16_t *port_r, int backlog)
{
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(any);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(0, bind(fd, (struct sockaddr *)&any, sizeof(any)));
    if (backlog >= 0)
        assert_int_equal(0, listen(fd, backlog));
    assert_int_equal(0, getsockname(fd, (struct sockaddr *)&any, &len));
    *port_r = ntohs(any.sin_port);
    return fd;
}

static void a_refused_connection_is_unreachable(void **state)
{
    struct watch watch = { 0 };
    uint16_t port;
    int fd = listen_on(&port, -1);

    (void)state;
    assert_int_equal(UPSTREAM_UNREACHABLE, watch_call(&watch, &inside, port));
    assert_true(watch.took_ms < CONNECT_MS);
    watch_fini(&watch);
    close(fd);
}

/* A backlog of one is full with two: further SYNs are dropped, as by a host that is not there. */
struct black_hole {
    int fd, fillers[2];
    uint16_t port;
};

static void black_hole_open(struct black_hole *hole)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    hole->fd = listen_on(&hole->port, 1);
    to.sin_port = htons(hole->port);
    for (size_t i = 0; i < 2; i++) {
        hole->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(0, connect(hole->fillers[i], (struct sockaddr *)&to, sizeof(to)));
    }
}

static void black_hole_close(struct black_hole *hole)
{
    close(hole->fillers[0]);
    close(hole->fillers[1]);
    close(hole->fd);
}

static void connecting_takes_only_so_long(void **state)
{
    struct black_hole hole;
    struct watch watch = { 0 };

    (void)state;
    black_hole_open(&hole);
    assert_int_equal(UPSTREAM_CONNECT_TIMEOUT, watch_call(&watch, &inside, hole.port));
    assert_in_range(watch.took_ms, CONNECT_MS - 1, 10 * CONNECT_MS);
    watch_fini(&watch);
    black_hole_close(&hole);
}

/* ---- cancelling ---- */

static void cancel(struct watch *watch)
{
    upstream_call_cancel(&watch->call);
    assert_null(watch->call);
    inside_run_ms(&inside, 5);
    assert_false(watch->ended);
    watch_fini(watch);
}

static void a_cancelled_call_says_nothing_more(void **state)
{
    struct server server = { .script = answer_when_told, .text = ANSWER, .n = 100 };
    struct black_hole hole;
    struct watch watches[MAX_CONNECTIONS + MAX_WAITING + 1] = { 0 };

    (void)state;
    server_start(&server);
    black_hole_open(&hole);
    watch_start(&watches[0], &inside, server.port); /* not begun */
    cancel(&watches[0]);
    watch_start(&watches[0], &inside, hole.port); /* connecting */
    inside_run_ms(&inside, 5);
    cancel(&watches[0]);
    watches[0].request.url.host = SPAN("localhost"); /* resolving */
    watch_start(&watches[0], &inside, hole.port);
    h2o_evloop_run(inside.loop, 0);
    cancel(&watches[0]);
    for (size_t i = 0; i <= MAX_CONNECTIONS + MAX_WAITING; i++)
        watch_start(&watches[i], &inside, server.port);
    cancel(&watches[MAX_CONNECTIONS + MAX_WAITING]); /* refused, and not yet told */
    inside_run_ms(&inside, 20);
    cancel(&watches[MAX_CONNECTIONS]); /* waiting */
    cancel(&watches[0]);               /* sent */
    atomic_store(&server.go, true);
    for (size_t i = 1; i < MAX_CONNECTIONS + MAX_WAITING; i++) { /* the others never notice */
        if (i == MAX_CONNECTIONS)
            continue;
        inside_run(&inside, &watches[i]);
        assert_int_equal(UPSTREAM_OK, watches[i].failure);
        watch_fini(&watches[i]);
    }
    black_hole_close(&hole);
    stop(&server);
}

static void a_call_can_be_cancelled_inside_its_answer(void **state)
{
    struct server server = { .script = answer, .n = 100 };

    (void)state;
    server.text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok";
    server_start(&server);
    for (size_t resume = 0; resume < 3; resume++) {
        struct watch watch = { .pause_each = resume > 0 ? 1 : 0 };

        watch_start(&watch, &inside, server.port);
        while (buffer_len(&watch.body) == 0)
            h2o_evloop_run(inside.loop, 10);
        if (resume == 2)
            upstream_call_resume(watch.call); /* and what it scheduled goes too */
        cancel(&watch);
    }
    stop(&server);
}

#define LAW(f) cmocka_unit_test_setup_teardown(f, open_inside, close_inside)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAW(connections_are_kept_and_used_again),
        LAW(a_connection_is_not_kept_when_either_side_says_so),
        LAW(a_kept_connection_that_was_closed_is_never_used),
        LAW(sealed_bytes_go_once_more_when_a_kept_connection_dies),
        LAW(other_bytes_do_not),
        LAW(nothing_goes_again_from_a_fresh_connection),
        LAW(nothing_goes_a_third_time),
        LAW(what_cannot_go_once_more_is_lost),
        LAW(nothing_goes_again_once_an_answer_has_begun),
        LAW(connections_and_queue_are_bounded),
        LAW(nobody_waits_in_the_queue_for_ever),
        LAW(a_thousand_calls_share_two_connections),
        LAW(an_address_that_is_not_allowed_is_not_touched),
        LAW(the_next_address_is_tried),
        LAW(a_name_without_an_address_is_unresolved),
        LAW(a_refused_connection_is_unreachable),
        LAW(connecting_takes_only_so_long),
        LAW(a_cancelled_call_says_nothing_more),
        LAW(a_call_can_be_cancelled_inside_its_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
