/* SPDX-License-Identifier: MIT */
/* The control socket from both sides: lines in, lines out, and nobody is waited for. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "master/control.h"
#include "master/control_socket.h"

static char folder[64], path[128];
static int listener;
static struct control control;
static char heard[CONTROL_LINE_MAX + 1];
static unsigned n_heard;

/* "later" is answered later, "much" by a megabyte, all else by itself. */
static bool on_line(void *arg, struct span line, struct buffer *out)
{
    (void)arg;
    n_heard++;
    snprintf(heard, sizeof(heard), "%.*s", SPAN_PRINT(line));
    for (int i = 0; i < 1 << 17 && strcmp(heard, "much") == 0; i++)
        buffer_put_text(out, "12345678");
    if (strcmp(heard, "later") == 0)
        return false;
    buffer_printf(out, "%s!\n", heard);
    return true;
}

static int open_control(void **state)
{
    const char *top = getenv("TMPDIR");

    (void)state;
    snprintf(folder, sizeof(folder), "%.40s/control.XXXXXX", top != NULL ? top : "/tmp");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/made/sock", folder);
    listener = -1;
    n_heard = 0;
    assert_int_equal(control_socket_open(path, &listener), 0);
    control_init(&control, listener, on_line, NULL);
    return 0;
}

static int close_control(void **state)
{
    char made[96];

    (void)state;
    control_close(&control);
    control_socket_remove(path, &listener);
    assert_int_equal(listener, -1);
    assert_int_not_equal(access(path, F_OK), 0);
    snprintf(made, sizeof(made), "%s/made", folder);
    assert_int_equal(rmdir(made), 0);
    return rmdir(folder);
}

/* Rounds until nothing more is to be done. */
static void turn(void)
{
    struct pollfd polls[CONTROL_POLLS];

    control_prepare(&control, polls);
    while (poll(polls, CONTROL_POLLS, 0) > 0) {
        control_take(&control, polls);
        control_prepare(&control, polls);
    }
}

static int join(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    memcpy(address.sun_path, path, strlen(path) + 1);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    turn();
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    turn();
}

/* All that came and, where that is wanted, the end. */
static void expect(int fd, const char *text, bool end)
{
    char got[256];
    ssize_t n = recv(fd, got, sizeof(got) - 1, 0);

    if (*text != 0) {
        assert_true(n > 0);
        got[n] = 0;
        assert_string_equal(got, text);
        n = recv(fd, got, sizeof(got) - 1, 0);
    }
    assert_int_equal(n, end ? 0 : -1);
}

static void a_line_is_answered_and_the_connection_ends(void **state)
{
    int fd = join();

    (void)state;
    say(fd, "hello relay\nand more\n");
    expect(fd, "hello relay!\n", true);
    assert_int_equal(n_heard, 1);
    close(fd);
}

static void a_line_may_come_in_pieces_and_others_are_served_between(void **state)
{
    int slow = join(), fd = join();

    (void)state;
    for (const char *c = "slow"; *c != 0; c++)
        say(slow, (const char[]){ *c, 0 });
    say(fd, "quick\n");
    expect(fd, "quick!\n", true);
    expect(slow, "", false);
    say(slow, "\n");
    expect(slow, "slow!\n", true);
    close(fd);
    close(slow);
}

static void who_leaves_early_was_never_heard(void **state)
{
    int fd = join();

    (void)state;
    say(fd, "half a li");
    shutdown(fd, SHUT_WR);
    turn();
    expect(fd, "", true);
    assert_int_equal(n_heard, 0);
    close(fd);
}

static void a_line_without_end_is_refused(void **state)
{
    static char much[CONTROL_LINE_MAX + 2];
    int fd = join();

    (void)state;
    memset(much, 'x', sizeof(much) - 1);
    say(fd, much);
    expect(fd, "{\"ok\":false,\"error\":\"the line is too long\"}\n", true);
    assert_int_equal(n_heard, 0);
    close(fd);
}

static void all_who_wait_are_answered_together_and_nobody_else(void **state)
{
    int first = join(), second = join(), other = join();

    (void)state;
    say(first, "later\n");
    say(second, "later\n");
    expect(first, "", false);
    control_answer_waiting(&control, SPAN("now\n"));
    expect(first, "now\n", true);
    expect(second, "now\n", true);
    expect(other, "", false);
    control_answer_waiting(&control, SPAN("again\n"));
    expect(other, "", false);
    close(first);
    close(second);
    close(other);
}

static void who_does_not_read_holds_up_nobody(void **state)
{
    int idle = join(), fd = join();
    size_t n = 0;
    char got[65536];
    ssize_t more;

    (void)state;
    say(idle, "much\n");
    say(fd, "quick\n");
    expect(fd, "quick!\n", true);
    while ((more = recv(idle, got, sizeof(got), 0)) > 0) {
        n += (size_t)more;
        turn();
    }
    assert_int_equal(more, 0);
    assert_true(n > 0);
    close(idle);
    close(fd);
}

static void those_beyond_the_bound_wait_for_a_place(void **state)
{
    int fds[CONTROL_CLIENTS_MAX], late;

    (void)state;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        fds[i] = join();
    late = join();
    say(late, "late\n");
    expect(late, "", false);
    assert_true(control_due_ms(&control) < UINT64_MAX);
    close(fds[0]);
    turn();
    expect(late, "late!\n", true);
    for (size_t i = 1; i < CONTROL_CLIENTS_MAX; i++)
        close(fds[i]);
    close(late);
    turn();
    assert_true(control_due_ms(&control) == UINT64_MAX);
}

static void the_socket_is_its_owners_alone(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void one_that_nobody_listens_at_is_replaced_and_no_other(void **state)
{
    int second = -1, old = listener;

    (void)state;
    assert_int_equal(control_socket_open(path, &second), ERR_BUSY);
    assert_int_equal(second, -1);
    close(old);
    assert_int_equal(control_socket_open(path, &listener), 0);
    control_init(&control, listener, on_line, NULL);
    assert_int_equal(control_socket_open(folder, &second), ERR_BUSY);
    assert_int_equal(access(folder, F_OK), 0);
}

static void a_path_that_is_none_is_an_error(void **state)
{
    static const char endless[] =
        "/tmp/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    int fd = -1;

    (void)state;
    assert_int_equal(control_socket_open("", &fd), ERR_LIMIT);
    assert_int_equal(control_socket_open(endless, &fd), ERR_LIMIT);
    assert_true(control_socket_open("/proc/no/such", &fd) < 0);
    assert_int_equal(fd, -1);
}

int main(void)
{
#define LAW(name) cmocka_unit_test_setup_teardown(name, open_control, close_control)
    const struct CMUnitTest tests[] = {
        LAW(a_line_is_answered_and_the_connection_ends),
        LAW(a_line_may_come_in_pieces_and_others_are_served_between),
        LAW(who_leaves_early_was_never_heard),
        LAW(a_line_without_end_is_refused),
        LAW(all_who_wait_are_answered_together_and_nobody_else),
        LAW(who_does_not_read_holds_up_nobody),
        LAW(those_beyond_the_bound_wait_for_a_place),
        LAW(the_socket_is_its_owners_alone),
        LAW(one_that_nobody_listens_at_is_replaced_and_no_other),
        LAW(a_path_that_is_none_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
