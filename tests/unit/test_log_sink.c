/* SPDX-License-Identifier: MIT */
/* Where lines go: a syslog daemon gets what it expects, a full disk spoils one line and no more. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"

static char folder[64], path[96];

static int make_folder(void **state)
{
    const char *top = getenv("TMPDIR");

    (void)state;
    snprintf(folder, sizeof(folder), "%.30s/log_sink.XXXXXX", top ? top : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/place", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void limit_files(rlim_t len)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = len;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void after_half_a_line_the_next_begins_anew(void **state)
{
    struct log_sink sink = log_sink_to(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    struct buffer all;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    log_sink_write(&sink, SPAN("one\n"));
    limit_files(8);
    log_sink_write(&sink, SPAN("two has no room\n"));
    log_sink_write(&sink, SPAN("nor has three\n"));
    assert_int_equal(sink.n_dropped, 2);
    limit_files(RLIM_INFINITY);
    log_sink_write(&sink, SPAN("four\n"));
    log_sink_write(&sink, SPAN("five\n"));
    assert_int_equal(sink.n_dropped, 2);
    close(sink.fd);
    buffer_init(&all, 0);
    assert_int_equal(fd_read_file(path, 1000, &all), 0);
    assert_true(span_equal(buffer_span(&all), SPAN("one\ntwo \nfour\nfive\n")));
    buffer_fini(&all);
}

static int bind_daemon(const struct log_sink *sink)
{
    int daemon = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    unlink(path);
    assert_int_equal(bind(daemon, (const struct sockaddr *)&sink->daemon, sizeof(sink->daemon)), 0);
    return daemon;
}

static void assert_says(int daemon, const char *begin, const char *end)
{
    char text[LOG_LINE_LEN + 1] = "";
    ssize_t n = recv(daemon, text, sizeof(text) - 1, 0);

    assert_true(n > 0);
    assert_memory_equal(text, begin, strlen(begin));
    assert_true(span_ends(span_text(text), span_text(end)));
}

static void a_daemon_gets_a_datagram_a_line(void **state)
{
    int daemon, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct log_sink sink;
    char tag[64];

    (void)state;
    assert_int_equal(log_sink_to_syslog(fd, span_text(path), &sink), 0);
    daemon = bind_daemon(&sink);
    log_open(STDERR_FILENO, LOG_LEVEL_INFO, "test");
    log_set_sink(&sink);
    snprintf(tag, sizeof(tag), " mte-api-relay[%d]: info test: hello a=1", (int)getpid());
    log_info("hello a=%d", 1);
    assert_says(daemon, "<30>", tag); /* the facility daemon, and informational */
    log_error("so");
    assert_says(daemon, "<27>", "error test: so");
    log_set_format(LOG_FORMAT_JSON);
    log_warning("so a=%d", 1);
    assert_says(daemon, "<28>", "\"message\":\"so\",\"a\":1}");
    log_set_format(LOG_FORMAT_TEXT);
    close(daemon);
    log_info("nobody hears this");
    assert_int_equal(log_n_dropped(), 1);
    daemon = bind_daemon(&sink); /* it was started anew */
    log_info("hello again");
    assert_says(daemon, "<30>", "info test: hello again");
    while (log_n_dropped() < 3) /* its queue is full, for it does not read */
        log_info("on and on");
    log_open(STDERR_FILENO, LOG_LEVEL_INFO, "start");
    close(daemon);
    close(fd);
}

static void a_path_that_no_socket_can_have_is_refused(void **state)
{
    struct log_sink sink;
    char text[sizeof(sink.daemon.sun_path) + 1];

    (void)state;
    memset(text, '/', sizeof(text));
    assert_int_equal(log_sink_to_syslog(-1, span_of(text, sizeof(text) - 1), &sink), ERR_LIMIT);
    assert_int_equal(log_sink_to_syslog(-1, SPAN_NONE, &sink), ERR_LIMIT);
    assert_int_equal(log_sink_to_syslog(-1, span_of(text, sizeof(text) - 2), &sink), 0);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(after_half_a_line_the_next_begins_anew),
        WITH_FOLDER(a_daemon_gets_a_datagram_a_line),
        cmocka_unit_test(a_path_that_no_socket_can_have_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
