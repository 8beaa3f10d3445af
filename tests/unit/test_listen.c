/* SPDX-License-Identifier: MIT */
/* Where the relay listens. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "master/listen.h"

static uint16_t port_of(int fd)
{
    char text[LISTEN_TEXT_LEN];

    listen_text(fd, text);
    return (uint16_t)strtoul(strrchr(text, ':') + 1, NULL, 10);
}

static bool connects(uint16_t port)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0;

    close(fd);
    return yes;
}

static void the_default_takes_ipv4_and_says_its_port(void **state)
{
    int fd;

    (void)state;
    assert_int_equal(listen_open(SPAN_NONE, 0, &fd), 0);
    assert_int_not_equal(port_of(fd), 0);
    assert_true(connects(port_of(fd)));
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    close(fd);
}

static void assert_listens(const char *address, const char *prefix)
{
    char text[LISTEN_TEXT_LEN];
    int fd;

    assert_true(listen_is_address(span_text(address)));
    assert_int_equal(listen_open(span_text(address), 0, &fd), 0);
    listen_text(fd, text);
    if (strncmp(text, prefix, strlen(prefix)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", text, prefix);
    close(fd);
}

static void an_address_is_listened_on_as_it_is_given(void **state)
{
    (void)state;
    assert_listens("127.0.0.1", "127.0.0.1:");
    assert_listens("0.0.0.0", "0.0.0.0:");
}

static void an_ipv6_address_may_have_brackets(void **state)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0);

    (void)state;
    assert_true(listen_is_address(SPAN("[::1]")));
    assert_true(listen_is_address(SPAN("::1")));
    if (fd < 0) {
        print_message("skipped: no IPv6 here\n");
        skip();
    }
    close(fd);
    assert_listens("[::1]", "[::1]:");
    assert_listens("::1", "[::1]:");
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const wrong[] = {
        "localhost", "1.2.3.256", "[::1", "::1]", "*", "1.2.3.4:80"
    };
    int fd = -1;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (listen_is_address(span_text(wrong[i])))
            fail_msg("\"%s\" was taken", wrong[i]);
        assert_int_equal(listen_open(span_text(wrong[i]), 0, &fd), ERR_FORMAT);
    }
    assert_int_equal(fd, -1);
}

static void a_port_that_is_taken_is_an_error_and_not_shared(void **state)
{
    int first, second = -1;

    (void)state;
    assert_int_equal(listen_open(SPAN("127.0.0.1"), 0, &first), 0);
    assert_int_equal(listen_open(SPAN("127.0.0.1"), port_of(first), &second), -EADDRINUSE);
    assert_int_equal(second, -1);
    close(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_takes_ipv4_and_says_its_port),
        cmocka_unit_test(an_address_is_listened_on_as_it_is_given),
        cmocka_unit_test(an_ipv6_address_may_have_brackets),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_port_that_is_taken_is_an_error_and_not_shared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
