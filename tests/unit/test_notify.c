/* SPDX-License-Identifier: MIT */
/* The service manager hears what sd_notify(3) says it would. The test is that manager. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/fd.h"
#include "master/notify.h"

static struct {
    int fd;
    char setting[128]; /* NOTIFY_SOCKET=@… */
    char text[2048];   /* what came last */
} manager;

static const char *heard(void)
{
    ssize_t n = recv(manager.fd, manager.text, sizeof(manager.text) - 1, MSG_DONTWAIT);

    if (n < 0)
        return NULL;
    manager.text[n] = 0;
    return manager.text;
}

static void open_with(struct notify *notify, char *watchdog, char *pid)
{
    char *environment[] = { manager.setting, watchdog, watchdog != NULL ? pid : NULL, NULL };

    assert_int_equal(notify_open(notify, environment), 0);
}

static void a_datagram_is_what_was_said(void **state)
{
    struct notify notify;

    (void)state;
    open_with(&notify, NULL, NULL);
    notify_say(&notify, "STATUS=%d of %d", 1, 2);
    assert_string_equal(heard(), "STATUS=1 of 2");
    notify_ready(&notify, "serving");
    assert_string_equal(heard(), "READY=1\nSTATUS=serving");
    notify_watchdog(&notify, 1 << 30);
    assert_null(heard()); /* none was asked for */
    notify_close(&notify);
}

static void a_reload_comes_with_its_time(void **state)
{
    struct notify notify;

    (void)state;
    open_with(&notify, NULL, NULL);
    notify_reloading(&notify);
    assert_ptr_equal(strstr(heard(), "RELOADING=1\nMONOTONIC_USEC="), manager.text);
    notify_close(&notify);
}

static void the_watchdog_is_fed_at_half_its_time(void **state)
{
    char usec[] = "WATCHDOG_USEC=3000000";
    struct notify notify;

    (void)state;
    open_with(&notify, usec, NULL);
    notify_watchdog(&notify, 10000);
    assert_string_equal(heard(), "WATCHDOG=1");
    notify_watchdog(&notify, 11499);
    assert_null(heard());
    assert_int_equal(notify.due_ms, 11500);
    notify_watchdog(&notify, 11500);
    assert_string_equal(heard(), "WATCHDOG=1");
    notify_close(&notify);
    assert_true(notify.due_ms == NOTIFY_NEVER);
}

static void while_settings_are_checked_the_watchdog_has_patience(void **state)
{
    char usec[] = "WATCHDOG_USEC=3000000";
    struct notify notify;

    (void)state;
    open_with(&notify, usec, NULL);
    notify_reloading(&notify);
    assert_non_null(strstr(heard(), "WATCHDOG=1\nWATCHDOG_USEC=60000000\nRELOADING=1\n"));
    notify_ready(&notify, "serving");
    assert_string_equal(heard(), "WATCHDOG=1\nWATCHDOG_USEC=3000000\nREADY=1\nSTATUS=serving");
    notify_close(&notify);
}

static void a_watchdog_of_another_process_is_not_fed(void **state)
{
    char usec[] = "WATCHDOG_USEC=3000000", pid[] = "WATCHDOG_PID=1";
    struct notify notify;

    (void)state;
    open_with(&notify, usec, pid);
    assert_true(notify.due_ms == NOTIFY_NEVER);
    notify_close(&notify);
}

static void without_a_manager_nothing_is_said(void **state)
{
    char empty[] = "NOTIFY_SOCKET=", *environments[][2] = { { NULL }, { empty, NULL } };
    struct notify notify;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(notify_open(&notify, environments[i]), 0);
        assert_int_equal(notify.fd, -1);
        notify_ready(&notify, "serving");
        notify_close(&notify);
    }
}

static void a_manager_that_has_gone_disturbs_nobody(void **state)
{
    char gone[] = "NOTIFY_SOCKET=@mte-api-relay nobody is here", *environment[] = { gone, NULL };
    struct notify notify;

    (void)state;
    assert_int_equal(notify_open(&notify, environment), 0);
    notify_ready(&notify, "serving");
    assert_true(notify.failing);
    notify_close(&notify);
}

static void an_address_that_is_none_is_a_mistake(void **state)
{
    static const char *const values[] = { "vsock:2:1", "@", "relative/path" };
    char text[200], *environment[] = { text, NULL };
    struct notify notify;

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        snprintf(text, sizeof(text), "NOTIFY_SOCKET=%s", values[i]);
        assert_int_equal(notify_open(&notify, environment), ERR_FORMAT);
    }
    snprintf(text, sizeof(text), "NOTIFY_SOCKET=/%0*d", 120, 0);
    assert_int_equal(notify_open(&notify, environment), ERR_FORMAT);
}

static int open_manager(void **state)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int n =
        snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "mte-api-relay test %d", (int)getpid());

    (void)state;
    snprintf(manager.setting, sizeof(manager.setting), "NOTIFY_SOCKET=@%s", at.sun_path + 1);
    manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return bind(manager.fd, (const struct sockaddr *)&at,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n));
}

static int close_manager(void **state)
{
    (void)state;
    fd_close(&manager.fd);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_is_what_was_said),
        cmocka_unit_test(a_reload_comes_with_its_time),
        cmocka_unit_test(the_watchdog_is_fed_at_half_its_time),
        cmocka_unit_test(while_settings_are_checked_the_watchdog_has_patience),
        cmocka_unit_test(a_watchdog_of_another_process_is_not_fed),
        cmocka_unit_test(without_a_manager_nothing_is_said),
        cmocka_unit_test(a_manager_that_has_gone_disturbs_nobody),
        cmocka_unit_test(an_address_that_is_none_is_a_mistake),
    };

    return cmocka_run_group_tests(tests, open_manager, close_manager);
}
