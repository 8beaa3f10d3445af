/* SPDX-License-Identifier: MIT */
/*
 * The supervisor over real processes. This program is also the worker that it starts: FAKE in the
 * environment says how that one behaves. What the supervisor did is read from its log.
 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/inherit.h"
#include "common/message.h"
#include "master/supervisor.h"

enum { WAIT_MS = 30000, EXIT_BAD_BIRTH = 5, PENSIVE_MS = 500 };

/* ---- the worker ---- */

/* Exactly what common/inherit.h says: descriptors 0 to 7, and no setting. */
static bool is_well_born(const struct inherit *inherit)
{
    int end = INHERIT_LISTENERS + (int)inherit->n_listeners;

    for (int fd = 0; fd < 256; fd++) {
        if ((fcntl(fd, F_GETFD) >= 0) != (fd < end))
            return false;
    }
    return getenv("SECRET") == NULL && getenv("UPSTREAM") == NULL && getenv("FAKE") != NULL;
}

static void wait_readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    while (poll(&p, 1, -1) < 0)
        ;
}

static void sleep_for_ever(void)
{
    for (;;)
        pause();
}

/* As an endless loop in a library does. Not for ever: nothing of a failed test shall stay. */
static void spin(void)
{
    uint64_t until = clock_mono_ms() + 4 * WAIT_MS;

    while (clock_mono_ms() < until)
        ;
}

static int behave(const char *how, const struct inherit *inherit)
{
    const struct message ready = { MESSAGE_READY, { inherit->generation } };
    struct message message = { .kind = MESSAGE_READY };

    if (!is_well_born(inherit))
        return EXIT_BAD_BIRTH;
    if (strcmp(how, "dying") == 0)
        return 3;
    if (strcmp(how, "mute") == 0)
        sleep_for_ever();
    if (message_send(INHERIT_CHANNEL, &ready) != 0)
        return EXIT_FAILURE;
    if (strcmp(how, "closing") == 0)
        close(INHERIT_CHANNEL);
    if (strcmp(how, "spinning") == 0)
        spin();
    if (strcmp(how, "good") != 0 && strcmp(how, "pensive") != 0)
        sleep_for_ever();
    wait_readable(INHERIT_CHANNEL);
    return message_receive(INHERIT_CHANNEL, &message) == 0 && message.kind == MESSAGE_DRAIN
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

static int worker(const char *argument)
{
    struct inherit inherit;

    if (strcmp(argument, INHERIT_CHECK) == 0 && strcmp(getenv("FAKE"), "pensive") == 0)
        usleep(PENSIVE_MS * 1000);
    if (strcmp(argument, INHERIT_CHECK) == 0)
        return access("/proc/self/fd/4", F_OK) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    return inherit_parse(span_text(argument), &inherit) == 0 ? behave(getenv("FAKE"), &inherit)
                                                             : EXIT_FAILURE;
}

/* ---- the relay under test ---- */

static struct {
    pid_t pid;
    int log;
    char text[1 << 18]; /* of its log */
    size_t len, seen;
    char conf[64];
} relay;

static void tell(void *arg, const char *line)
{
    (void)arg;
    log_error("%s", line);
}

static bool any_worker_counted(const struct shm *shm)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < N_LABEL_worker_state; i++)
        n += metric_sum(shm, metric_of(METRIC_workers, i, 0));
    return n > 0;
}

/* Runs in a child, which becomes the master. */
static int master(char **environment, uint64_t start_ms)
{
    struct environment *parted = NULL;
    struct generation *generation = NULL;
    struct supervisor *supervisor = NULL;
    const struct shm_sizes sizes = shm_layout(1, 16);
    struct ports ports = { .data = { open("/dev/null", O_RDONLY | O_CLOEXEC) },
                           .n_data = 1,
                           .admin = open("/dev/null", O_RDONLY | O_CLOEXEC) };
    int r;
    struct notify notify = { .fd = -1, .due_ms = NOTIFY_NEVER };
    struct supervisor_config config = {
        .ports = &ports,
        .control = -1,
        .start_ms = start_ms,
        .notify = &notify,
    };

    (void)!dup(ports.admin); /* not close-on-exec: no worker may get it */
    r = environment_take(environment, conf_is_setting, &parted);
    const struct generation_source source = {
        relay.conf, "/proc/self/exe", parted, tell, tell, NULL, false
    };
    config.source = &source;
    if (r == 0)
        r = shm_create(&sizes, &config.shm);
    if (r == 0)
        r = generation_load(&source, 1, &generation);
    if (r == 0)
        r = supervisor_new(&config, &generation, &supervisor);
    if (r == 0)
        r = supervisor_run(supervisor);
    if (r == 0 && (ports.data[0] != -1 || ports.admin != -1 || any_worker_counted(config.shm)))
        r = ERR_MISUSE;
    log_info("end starts=%llu deaths=%llu",
             (unsigned long long)metric_sum(config.shm, METRIC_worker_starts),
             (unsigned long long)metric_sum(config.shm, METRIC_worker_deaths));
    supervisor_free(&supervisor);
    shm_close(&config.shm);
    environment_free(&parted);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void put_conf(const char *text)
{
    int fd = open(relay.conf, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, span_text(text)), 0);
    close(fd);
}

static void start(const char *fake, uint64_t start_ms)
{
    char behaviour[32], upstream[] = "UPSTREAM=http://127.0.0.1:9",
                        id[] = "CLIENT_ID_SECRET=2DkV4DDabehO8cifDktdF9elKJL0CKrk",
                        token[] = "OUTBOUND_TOKEN=abcdefg1234567",
                        secret[] = "SECRET=sharedsecret1234567890", user[] = "RUN_USER=65534",
                        format[] = "LOG_FORMAT=text", access[] = "ACCESS_LOG=stderr";
    char *environment[] = { behaviour, upstream, id, token, secret, user, format, access, NULL };
    int ends[2];

    snprintf(behaviour, sizeof(behaviour), "FAKE=%s", fake);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    relay.pid = fork();
    assert_true(relay.pid >= 0);
    if (relay.pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        log_open(STDERR_FILENO, LOG_LEVEL_INFO, "master");
        _exit(master(environment, start_ms));
    }
    close(ends[1]);
    relay.log = ends[0];
    relay.len = relay.seen = 0;
    relay.text[0] = 0;
}

static bool read_log(int timeout_ms)
{
    struct pollfd p = { .fd = relay.log, .events = POLLIN };
    ssize_t n;

    if (timeout_ms < 0 || poll(&p, 1, timeout_ms) <= 0)
        return false;
    n = read(relay.log, relay.text + relay.len, sizeof(relay.text) - 1 - relay.len);
    if (n <= 0)
        return false;
    relay.len += (size_t)n;
    relay.text[relay.len] = 0;
    return true;
}

/* Waits for the next place in the log that says so, after the last one that was waited for. */
static const char *expect(const char *what)
{
    uint64_t until = clock_mono_ms() + WAIT_MS;
    const char *at;

    while ((at = strstr(relay.text + relay.seen, what)) == NULL) {
        if (!read_log((int)(until - clock_mono_ms())))
            fail_msg("no \"%s\" after %zu bytes of:\n%s", what, relay.seen, relay.text);
    }
    relay.seen = (size_t)(at - relay.text) + strlen(what);
    return relay.text + relay.seen;
}

static void expect_good_end(void)
{
    int status;

    expect("end starts=");
    assert_int_equal(waitpid(relay.pid, &status, 0), relay.pid);
    relay.pid = 0;
    assert_int_equal(status, 0);
    assert_null(strstr(relay.text, "bug:"));
}

static pid_t pid_after(const char *what)
{
    return (pid_t)strtol(strstr(expect(what), "pid=") + 4, NULL, 10);
}

static int make_conf(void **state)
{
    const char *top = getenv("TMPDIR");
    int fd;

    (void)state;
    snprintf(relay.conf, sizeof(relay.conf), "%.40s/supervisor.XXXXXX", top ? top : "/tmp");
    fd = mkstemp(relay.conf);
    close(fd);
    put_conf("workers = 2; drain_timeout = \"1s\";\n");
    return fd >= 0 ? 0 : -1;
}

static int clean_up(void **state)
{
    (void)state;
    if (relay.pid > 0) { /* a test failed half-way; workers leave when their channel closes */
        kill(relay.pid, SIGKILL);
        waitpid(relay.pid, NULL, 0);
        relay.pid = 0;
    }
    close(relay.log);
    return unlink(relay.conf);
}

/* ---- the laws ---- */

static void workers_serve_and_leave_at_sigterm(void **state)
{
    (void)state;
    start("good", WAIT_MS);
    expect("serving generation=1 workers=2");
    kill(relay.pid, SIGTERM);
    expect("exit status 0");
    expect("exit status 0");
    expect_good_end();
    assert_non_null(strstr(relay.text, "end starts=2 deaths=0"));
}

static void a_killed_worker_is_replaced_at_once(void **state)
{
    pid_t pid;

    (void)state;
    start("good", WAIT_MS);
    pid = pid_after("worker ready");
    expect("serving generation=1 workers=2");
    kill(pid, SIGKILL);
    expect("cause=\"signal SIGKILL");
    expect("restart_in_ms=100");
    expect("worker ready");
    kill(relay.pid, SIGINT);
    expect_good_end();
    assert_non_null(strstr(relay.text, "end starts=3 deaths=1"));
}

static void one_that_always_dies_is_started_ever_more_slowly(void **state)
{
    (void)state;
    put_conf("workers = 1;\n");
    start("dying", WAIT_MS);
    expect("exit status 3: unknown to the master\" restart_in_ms=100");
    expect("restart_in_ms=200");
    expect("restart_in_ms=400");
    kill(relay.pid, SIGTERM); /* while it waits */
    expect_good_end();
}

static void one_that_never_gets_ready_is_killed(void **state)
{
    (void)state;
    start("mute", 200);
    expect("state=starting because=timeout");
    expect("cause=\"signal SIGKILL");
    kill(relay.pid, SIGTERM); /* some start just now: they hold no request */
    expect_good_end();
}

static void one_that_does_not_leave_is_killed_at_the_deadline(void **state)
{
    uint64_t before;

    (void)state;
    start("deaf", WAIT_MS);
    expect("serving");
    before = clock_mono_ms();
    kill(relay.pid, SIGTERM);
    expect("state=draining because=timeout");
    assert_in_range(clock_mono_ms() - before, 1000, WAIT_MS);
    expect_good_end();
}

static void sigquit_waits_for_nobody(void **state)
{
    uint64_t before;

    (void)state;
    put_conf("workers = 2; drain_timeout = \"1h\";\n");
    start("deaf", WAIT_MS);
    expect("serving");
    kill(relay.pid, SIGTERM);
    expect("because=stop");
    before = clock_mono_ms();
    kill(relay.pid, SIGQUIT); /* also while others still drain */
    expect_good_end();
    assert_true(clock_mono_ms() - before < WAIT_MS);
}

static void one_that_closed_its_channel_but_lives_is_killed(void **state)
{
    (void)state;
    put_conf("workers = 1;\n");
    start("closing", WAIT_MS);
    expect("state=up because=timeout");
    expect("cause=\"signal SIGKILL");
    kill(relay.pid, SIGQUIT);
    expect_good_end();
}

static void one_that_spins_without_a_heartbeat_is_killed(void **state)
{
    (void)state;
    put_conf("workers = 1;\n");
    start("spinning", WAIT_MS);
    expect("serving");
    expect("state=up because=hang"); /* after ten seconds */
    expect("cause=\"signal SIGKILL");
    kill(relay.pid, SIGQUIT);
    expect_good_end();
}

static void a_reload_starts_new_workers_before_the_old_ones_leave(void **state)
{
    (void)state;
    start("good", WAIT_MS);
    expect("serving generation=1 workers=2");
    put_conf("workers = 3; drain_timeout = \"1s\";\n");
    kill(relay.pid, SIGHUP);
    expect("settings reloaded generation=2");
    expect("serving generation=2 workers=3");
    expect("because=reload");
    expect("worker left");
    expect("worker left");
    kill(relay.pid, SIGTERM);
    expect_good_end();
    assert_non_null(strstr(relay.text, "end starts=5 deaths=0"));
}

/* Its time to come back is over when the new settings have been checked. */
static void one_that_died_before_a_reload_does_not_come_back(void **state)
{
    pid_t pid;

    (void)state;
    start("pensive", WAIT_MS);
    pid = pid_after("worker ready");
    expect("serving generation=1 workers=2");
    kill(pid, SIGKILL);
    expect("restart_in_ms=100");
    kill(relay.pid, SIGHUP);
    expect("settings reloaded generation=2");
    expect("serving generation=2 workers=2");
    expect("worker left");
    kill(relay.pid, SIGTERM);
    expect_good_end();
    assert_non_null(strstr(relay.text, "end starts=4 deaths=1"));
}

static void a_bad_reload_changes_nothing_and_says_why(void **state)
{
    (void)state;
    start("good", WAIT_MS);
    expect("serving generation=1");
    put_conf("workerz = 3;\n");
    kill(relay.pid, SIGHUP);
    expect("workerz");
    expect("settings not reloaded");
    put_conf("workers = 2; port = 9999;\n");
    kill(relay.pid, SIGHUP);
    expect("PORT cannot change");
    expect("settings not reloaded");
    kill(relay.pid, SIGTERM);
    expect_good_end();
    assert_non_null(strstr(relay.text, "end starts=2 deaths=0"));
}

#define OVER_A_RELAY(test) cmocka_unit_test_setup_teardown(test, make_conf, clean_up)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        OVER_A_RELAY(workers_serve_and_leave_at_sigterm),
        OVER_A_RELAY(a_killed_worker_is_replaced_at_once),
        OVER_A_RELAY(one_that_always_dies_is_started_ever_more_slowly),
        OVER_A_RELAY(one_that_never_gets_ready_is_killed),
        OVER_A_RELAY(one_that_does_not_leave_is_killed_at_the_deadline),
        OVER_A_RELAY(sigquit_waits_for_nobody),
        OVER_A_RELAY(one_that_closed_its_channel_but_lives_is_killed),
        OVER_A_RELAY(one_that_spins_without_a_heartbeat_is_killed),
        OVER_A_RELAY(a_reload_starts_new_workers_before_the_old_ones_leave),
        OVER_A_RELAY(one_that_died_before_a_reload_does_not_come_back),
        OVER_A_RELAY(a_bad_reload_changes_nothing_and_says_why),
    };

    if (argc == 2)
        return worker(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
