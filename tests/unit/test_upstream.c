/* SPDX-License-Identifier: MIT */
/* One outward call at a time, against servers that behave, and servers that do not. */
#include "tests/unit/outside.h"

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"

enum { SILENCE_MS = 150, BIG = 16 << 20 };

static const struct upstream_limits limits = {
    .connect_ms = 300,
    .silence_ms = SILENCE_MS,
    .max_connections = 2,
    .max_waiting = 2,
};

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

static void assert_body_is(const struct watch *watch, const char *text)
{
    assert_true(span_equal(buffer_span(&watch->body), span_text(text)));
}

/* Sends the first n bytes of the text, 0 for all, and closes. */
static void say(struct server *server, int fd, unsigned nth)
{
    (void)nth;
    if (server_read_head(fd))
        server_send_all(fd, server->text,
                        server->n < strlen(server->text) ? server->n : strlen(server->text));
}

static void say_and_reset(struct server *server, int fd, unsigned nth)
{
    say(server, fd, nth);
    usleep(2000); /* so that the bytes are not overtaken */
    server_reset(fd);
}

static void say_and_stay(struct server *server, int fd, unsigned nth)
{
    say(server, fd, nth);
    server_linger(fd);
}

static const char LENGTH[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
static const char CHUNKED[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "5\r\nhello\r\n0\r\n\r\n";

static void an_answer_comes_whole(void **state)
{
    const char *const texts[] = { LENGTH, CHUNKED,
                                  "HTTP/1.1 100 Continue\r\n\r\n"
                                  "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello" };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct server server = { .script = say_and_stay, .text = texts[i], .n = SIZE_MAX };
        struct watch watch = { 0 };

        server_start(&server);
        assert_int_equal(UPSTREAM_OK, watch_call(&watch, &inside, server.port));
        assert_int_equal(200, watch.status);
        assert_body_is(&watch, "hello");
        watch_fini(&watch);
        upstream_drain(inside.upstream); /* hangs up */
        server_stop(&server);
    }
}

static void an_answer_cut_at_any_byte_is_never_whole(void **state)
{
    const char *const texts[] = { LENGTH, CHUNKED };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(texts[i]);
        struct server server = { .script = say, .text = texts[i] };

        server_start(&server);
        for (server.n = 0; server.n <= len; server.n++) {
            struct watch watch = { 0 };
            enum upstream_failure failure = watch_call(&watch, &inside, server.port);

            assert_int_equal(server.n == 0     ? UPSTREAM_LOST
                             : server.n == len ? UPSTREAM_OK
                                               : UPSTREAM_CUT,
                             failure);
            watch_fini(&watch);
        }
        server_stop(&server);
    }
}

static void without_a_length_only_an_end_in_order_completes(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\n\r\nhello";
    struct server ends = { .script = say, .text = text, .n = SIZE_MAX };
    struct server resets = { .script = say_and_reset, .text = text, .n = SIZE_MAX };
    struct watch watch = { 0 };

    (void)state;
    server_start(&ends);
    server_start(&resets);
    assert_int_equal(UPSTREAM_OK, watch_call(&watch, &inside, ends.port));
    assert_body_is(&watch, "hello");
    watch_fini(&watch);
    assert_int_equal(UPSTREAM_CUT, watch_call(&watch, &inside, resets.port));
    assert_body_is(&watch, "hello");
    watch_fini(&watch);
    server_stop(&ends);
    server_stop(&resets);
}

/* The reset is first noticed by the writing; reading alone would take it for an end in order. */
static void a_reset_during_the_upload_completes_nothing(void **state)
{
    struct server server = { .script = say_and_reset,
                             .text = "HTTP/1.1 200 OK\r\n\r\nhello",
                             .n = SIZE_MAX };
    uint8_t *big = calloc(1, BIG);

    (void)state;
    server_start(&server);
    for (size_t i = 0; i < 20; i++) {
        struct watch watch = { .request = { .body = span_of(big, BIG) } };

        assert_int_equal(UPSTREAM_CUT, watch_call(&watch, &inside, server.port));
        watch_fini(&watch);
    }
    server_stop(&server);
    free(big);
}

static void what_is_not_http_is_a_bad_answer(void **state)
{
    static const char *const texts[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct server server = { .script = say_and_stay, .text = texts[i], .n = SIZE_MAX };
        struct watch watch = { 0 };

        server_start(&server);
        assert_int_equal(UPSTREAM_BAD_ANSWER, watch_call(&watch, &inside, server.port));
        assert_true(strlen(watch.detail) > 0);
        watch_fini(&watch);
        server_stop(&server);
    }
}

static void endless_head(struct server *server, int fd, unsigned nth)
{
    (void)nth;
    server_send(fd, "HTTP/1.1 200 OK\r\n");
    while (!atomic_load(&server->go) && send(fd, "A: b\r\n", 6, MSG_NOSIGNAL) == 6)
        ;
}

static void an_endless_head_is_a_bad_answer(void **state)
{
    struct server server = { .script = endless_head };
    struct watch watch = { 0 };

    (void)state;
    server_start(&server);
    assert_int_equal(UPSTREAM_BAD_ANSWER, watch_call(&watch, &inside, server.port));
    watch_fini(&watch);
    server_stop(&server);
}

static void a_head_that_its_reader_refuses_is_a_bad_answer(void **state)
{
    struct server server = { .script = say_and_stay, .text = LENGTH, .n = SIZE_MAX };
    struct watch watch = { .head_returns = ERR_REFUSED };

    (void)state;
    server_start(&server);
    assert_int_equal(UPSTREAM_BAD_ANSWER, watch_call(&watch, &inside, server.port));
    assert_int_equal(0, buffer_len(&watch.body));
    watch_fini(&watch);
    server_stop(&server);
}

static void an_early_answer_ends_the_upload(void **state)
{
    struct server server = { .script = say, /* reads nothing of the body */
                             .text = "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n",
                             .n = SIZE_MAX };
    uint8_t *big = calloc(1, BIG);

    (void)state;
    server_start(&server);
    for (size_t i = 0; i < 20; i++) {
        struct watch watch = { .request = { .body = span_of(big, BIG) } };

        assert_int_equal(UPSTREAM_OK, watch_call(&watch, &inside, server.port));
        assert_int_equal(413, watch.status);
        watch_fini(&watch);
    }
    assert_int_equal(20, server.n_accepted);
    server_stop(&server);
    free(big);
}

static void echo(struct server *server, int fd, unsigned nth)
{
    char bytes[30000], head[100];
    size_t left = server->n;

    (void)nth;
    server_read_head(fd);
    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", left);
    server_send(fd, head);
    while (left > 0) {
        ssize_t n = read(fd, bytes, sizeof(bytes));

        if (n <= 0)
            return;
        server_send_all(fd, bytes, (size_t)n);
        left -= (size_t)n;
    }
}

static void a_streamed_echo_of_16_mib_does_not_deadlock(void **state)
{
    struct server server = { .script = echo, .n = BIG };
    uint8_t *big = malloc(BIG);
    struct watch watch = { .request = { .body = span_of(big, BIG) } };

    (void)state;
    for (size_t i = 0; i < BIG; i++)
        big[i] = (uint8_t)(i * 2654435761u >> 24);
    server_start(&server);
    assert_int_equal(UPSTREAM_OK, watch_call(&watch, &inside, server.port));
    assert_true(span_equal(span_of(big, BIG), buffer_span(&watch.body)));
    watch_fini(&watch);
    server_stop(&server);
    free(big);
}

/* ---- silence ---- */

static void silence_ends_the_call_wherever_it_sets_in(void **state)
{
    const size_t at[] = { 0, 9, strlen(LENGTH) - 5, strlen(LENGTH) - 1 };

    (void)state;
    for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
        struct server server = { .script = say_and_stay, .text = LENGTH, .n = at[i] };
        struct watch watch = { 0 };

        server_start(&server);
        assert_int_equal(UPSTREAM_SILENT, watch_call(&watch, &inside, server.port));
        assert_in_range(watch.took_ms, SILENCE_MS - 1, 10 * SILENCE_MS);
        watch_fini(&watch);
        server_stop(&server);
    }
}

static void drip(struct server *server, int fd, unsigned nth)
{
    (void)nth;
    server_read_head(fd);
    for (const char *at = server->text; *at != '\0'; at++) {
        usleep(SILENCE_MS * 1000 / 10);
        server_send_all(fd, at, 1);
    }
}

static void a_slow_answer_is_no_silence(void **state)
{
    struct server server = { .script = drip, .text = LENGTH };
    struct watch watch = { 0 };

    (void)state;
    server_start(&server);
    assert_int_equal(UPSTREAM_OK, watch_call(&watch, &inside, server.port));
    assert_true(watch.took_ms > 2 * SILENCE_MS);
    watch_fini(&watch);
    server_stop(&server);
}

static void sip(struct server *server, int fd, unsigned nth)
{
    char bytes[256 << 10];
    size_t left = server->n;
    ssize_t n;

    (void)nth;
    server_read_head(fd);
    while (left > 0 && (n = read(fd, bytes, sizeof(bytes))) > 0) {
        left -= (size_t)n;
        usleep(SILENCE_MS * 1000 / 4);
    }
    server_send(fd, LENGTH);
}

static int upload_to_sipper(uint64_t upload_ms, uint64_t *took_ms_r)
{
    struct server server = { .script = sip, .n = BIG / 4 };
    uint8_t *big = calloc(1, BIG / 4);
    struct watch watch = {
        .request = { .body = span_of(big, BIG / 4), .upload_ms = upload_ms },
    };
    int failure;

    server_start(&server);
    failure = watch_call(&watch, &inside, server.port);
    *took_ms_r = watch.took_ms;
    watch_fini(&watch);
    server_stop(&server);
    free(big);
    return failure;
}

static void a_slow_upload_is_no_silence_but_has_its_time(void **state)
{
    uint64_t took_ms;

    (void)state;
    assert_int_equal(UPSTREAM_OK, upload_to_sipper(0, &took_ms));
    assert_true(took_ms > 2 * SILENCE_MS);
    assert_int_equal(UPSTREAM_SILENT, upload_to_sipper(SILENCE_MS / 2, &took_ms));
}

static void read_nothing(struct server *server, int fd, unsigned nth)
{
    (void)fd;
    (void)nth;
    server_wait(server);
}

static void an_upload_that_nobody_takes_is_silence(void **state)
{
    struct server server = { .script = read_nothing };
    uint8_t *big = calloc(1, BIG);
    struct watch watch = { .request = { .body = span_of(big, BIG) } };

    (void)state;
    server_start(&server);
    assert_int_equal(UPSTREAM_SILENT, watch_call(&watch, &inside, server.port));
    assert_true(watch.took_ms < 10 * SILENCE_MS);
    watch_fini(&watch);
    server_stop(&server);
    free(big);
}

/* ---- pausing ---- */

static uint8_t pattern(size_t i)
{
    return (uint8_t)((i >> 3) * 2654435761u >> 16);
}

/* n bytes without a length; count says how many have gone. */
static void pour(struct server *server, int fd, unsigned nth)
{
    const int size = 64 << 10;
    uint8_t bytes[8192];

    (void)nth;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    server_read_head(fd);
    server_send(fd, "HTTP/1.1 200 OK\r\n\r\n");
    for (size_t sent = 0; sent < server->n; sent += sizeof(bytes)) {
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = pattern(sent + i);
        server_send_all(fd, bytes, sizeof(bytes));
        atomic_store(&server->count, sent + sizeof(bytes));
    }
}

static void a_paused_call_holds_the_other_side_back(void **state)
{
    struct server server = { .script = pour, .n = BIG };
    struct watch watch = { .pause_each = 1 };
    size_t held;

    (void)state;
    server_start(&server);
    watch_start(&watch, &inside, server.port);
    inside_run_ms(&inside, 3 * SILENCE_MS); /* and it is no silence */
    assert_false(watch.ended);
    held = buffer_len(&watch.body);
    assert_true(held > 0);
    assert_true(atomic_load(&server.count) < 2 << 20);
    upstream_call_resume(watch.call);
    assert_int_equal(held, buffer_len(&watch.body)); /* never from within */
    watch.pause_each = 0;
    inside_run(&inside, &watch);
    assert_int_equal(UPSTREAM_OK, watch.failure);
    assert_int_equal(BIG, buffer_len(&watch.body));
    for (size_t i = 0; i < BIG; i++) {
        if (buffer_span(&watch.body).at[i] != pattern(i))
            fail_msg("byte %zu", i);
    }
    watch_fini(&watch);
    server_stop(&server);
}

static void pausing_at_every_piece_loses_nothing(void **state)
{
    const char *const texts[] = { LENGTH, CHUNKED };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct server server = { .script = say_and_stay, .text = texts[i], .n = SIZE_MAX };
        struct watch watch = { .pause_each = 1 };

        server_start(&server);
        watch_start(&watch, &inside, server.port);
        for (size_t n = 0; !watch.ended && n < 1000; n++) {
            inside_run_ms(&inside, 1);
            if (watch.ended)
                break;
            upstream_call_pause(watch.call);
            upstream_call_resume(watch.call);
            upstream_call_resume(watch.call);
        }
        assert_true(watch.ended);
        assert_int_equal(UPSTREAM_OK, watch.failure);
        assert_body_is(&watch, "hello");
        watch_fini(&watch);
        upstream_drain(inside.upstream);
        server_stop(&server);
    }
}

static void an_end_that_came_while_paused_is_told_after(void **state)
{
    struct server server = { .script = say, .text = CHUNKED, .n = sizeof(CHUNKED) - 6 };
    struct watch watch = { .pause_each = 1 };

    (void)state;
    server_start(&server);
    watch_start(&watch, &inside, server.port);
    inside_run_ms(&inside, 50);
    assert_false(watch.ended);
    assert_body_is(&watch, "hello");
    upstream_call_resume(watch.call);
    inside_run(&inside, &watch);
    assert_int_equal(UPSTREAM_CUT, watch.failure);
    watch_fini(&watch);
    server_stop(&server);
}

#define LAW(f) cmocka_unit_test_setup_teardown(f, open_inside, close_inside)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAW(an_answer_comes_whole),
        LAW(an_answer_cut_at_any_byte_is_never_whole),
        LAW(without_a_length_only_an_end_in_order_completes),
        LAW(a_reset_during_the_upload_completes_nothing),
        LAW(what_is_not_http_is_a_bad_answer),
        LAW(an_endless_head_is_a_bad_answer),
        LAW(a_head_that_its_reader_refuses_is_a_bad_answer),
        LAW(an_early_answer_ends_the_upload),
        LAW(a_streamed_echo_of_16_mib_does_not_deadlock),
        LAW(silence_ends_the_call_wherever_it_sets_in),
        LAW(a_slow_answer_is_no_silence),
        LAW(a_slow_upload_is_no_silence_but_has_its_time),
        LAW(an_upload_that_nobody_takes_is_silence),
        LAW(a_paused_call_holds_the_other_side_back),
        LAW(pausing_at_every_piece_loses_nothing),
        LAW(an_end_that_came_while_paused_is_told_after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
