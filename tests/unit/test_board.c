/* SPDX-License-Identifier: MIT */
/* The board: what is read was written as a whole, whoever writes at the time, or died. */
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/board_print.h"
#include "common/shm_layout.h"

enum { N_ROUNDS = 5000, N_KILLS = 50 };

static struct shm *shm;

static int open_shm(void **state)
{
    const struct shm_sizes sizes = shm_layout(1, 16);

    (void)state;
    return shm_create(&sizes, &shm);
}

static int close_shm(void **state)
{
    (void)state;
    shm_close(&shm);
    return 0;
}

/* All of it says the same number, so that a mixture of two is seen. */
static struct board_peers peers_of(unsigned number)
{
    struct board_peers peers = { .n = number };

    for (size_t i = 0; i < BOARD_PEERS_MAX; i++) {
        snprintf(peers.items[i].url, BOARD_URL_LEN, "http://%u", number);
        snprintf(peers.items[i].state, BOARD_WORD_LEN, "%u", number);
        peers.items[i].has_pair = number;
    }
    return peers;
}

static void assert_whole(const struct board_peers *got)
{
    struct board_peers want = peers_of((unsigned)got->n);

    if (got->n == 0)
        memset(&want, 0, sizeof(want));
    assert_memory_equal(got, &want, sizeof(want));
}

static void what_was_put_is_got_and_nothing_beside_it_changes(void **state)
{
    struct board_worker worker = { "up", 1234, 5, 6, 7 }, got;
    struct board_relay relay = { .pid = 9, .serving = 1 }, got_relay;
    struct board_peers peers = peers_of(3), got_peers;

    (void)state;
    board_put_worker(shm, SHM_N_SLOTS - 1, &worker);
    board_put_peers(shm, SHM_N_SLOTS - 1, &peers);
    board_put_relay(shm, &relay);
    board_get_worker(shm, SHM_N_SLOTS - 1, &got);
    board_get_peers(shm, SHM_N_SLOTS - 1, &got_peers);
    board_get_relay(shm, &got_relay);
    assert_memory_equal(&got, &worker, sizeof(got));
    assert_memory_equal(&got_peers, &peers, sizeof(got_peers));
    assert_memory_equal(&got_relay, &relay, sizeof(got_relay));
    board_get_worker(shm, SHM_N_SLOTS - 2, &got);
    assert_int_equal(got.pid, 0);
}

static void write_for_ever(void)
{
    struct board_peers two[] = { peers_of(1), peers_of(2222222) };

    for (unsigned i = 0;; i++) {
        board_put_peers(shm, 0, &two[i % 2]);
        usleep(1); /* as seldom as may be, for the reader to find it at rest sometimes */
    }
}

static pid_t start_writer(void)
{
    pid_t pid = fork();

    if (pid == 0)
        write_for_ever();
    assert_true(pid > 0);
    return pid;
}

static void kill_writer(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void a_reader_never_gets_a_half_of_two(void **state)
{
    pid_t pid = start_writer();
    struct board_peers got;
    unsigned n_got = 0;

    (void)state;
    for (int i = 0; i < N_ROUNDS; i++) {
        board_get_peers(shm, 0, &got);
        assert_whole(&got);
        n_got += got.n != 0;
    }
    kill_writer(pid);
    assert_true(n_got > 0);
}

static void who_is_killed_while_it_writes_leaves_nothing_false(void **state)
{
    struct board_peers got, next = peers_of(7);

    (void)state;
    for (int i = 0; i < N_KILLS; i++) {
        pid_t pid = start_writer();

        usleep((useconds_t)(rand() % 2000));
        kill_writer(pid);
        board_get_peers(shm, 0, &got);
        assert_whole(&got);
        board_put_peers(shm, 0, &next);
        board_get_peers(shm, 0, &got);
        assert_memory_equal(&got, &next, sizeof(got));
    }
}

static void a_text_without_an_end_is_cut(void **state)
{
    struct board_peers peers;

    (void)state;
    memset(&peers, 'x', sizeof(peers));
    board_put_peers(shm, 0, &peers);
    board_get_peers(shm, 0, &peers);
    assert_int_equal(strlen(peers.items[3].url), BOARD_URL_LEN - 1);
    assert_int_equal(strlen(peers.items[3].state), BOARD_WORD_LEN - 1);
    assert_int_equal(strlen(peers.items[3].failure), BOARD_WHY_LEN - 1);
}

static void texts_are_copied_as_far_as_they_fit(void **state)
{
    char to[4] = "xxx";

    (void)state;
    board_copy_text(to, sizeof(to), "a");
    assert_memory_equal(to, "a\0\0", 4);
    board_copy_text(to, sizeof(to), "abcdef");
    assert_string_equal(to, "abc");
}

static void assert_says(const char *text, const char *what)
{
    if (strstr(text, what) == NULL)
        fail_msg("no %s in %s", what, text);
}

static void all_of_it_is_one_object(void **state)
{
    struct board_peers peers = { .n = 1 };
    struct buffer out;
    char *text;

    (void)state;
    board_copy_text(peers.items[0].url, BOARD_URL_LEN, "https://a.example:443/\"x\"");
    board_copy_text(peers.items[0].state, BOARD_WORD_LEN, "down");
    board_copy_text(peers.items[0].failure, BOARD_WHY_LEN, "it is busy");
    board_put_relay(shm, &(struct board_relay){ .pid = 1, .generation = 2, .served = 1 });
    board_put_worker(shm, 0, &(struct board_worker){ "up", 11, 2, 0, 3 });
    board_put_worker(shm, 5, &(struct board_worker){ "backoff", 0, 2, 0, 4 });
    board_put_peers(shm, 0, &peers);
    board_put_peers(shm, 5, &peers); /* of a worker that is gone */
    metric_add(metric_block(shm, 1), METRIC_connections, 3);
    buffer_init(&out, 0);
    board_print(shm, &out);
    buffer_put(&out, SPAN("\0"));
    assert_int_equal(buffer_error(&out), 0);
    text = (char *)out.at + out.start;
    assert_says(text, "\"state\":\"changing\",\"pid\":1");
    assert_says(text, "{\"slot\":0,\"state\":\"up\",\"pid\":11,\"generation\":2,");
    assert_says(text, "\"connections\":3");
    assert_says(text, "{\"slot\":5,\"state\":\"backoff\",\"pid\":0,");
    assert_says(text, "\"peers\":[{\"slot\":0,\"url\":\"https://a.example:443/\\\"x\\\"\","
                      "\"state\":\"down\",\"pair\":false,\"failure\":\"it is busy\"}]}\n");
    buffer_fini(&out);
}

int main(void)
{
#define LAW(name) cmocka_unit_test_setup_teardown(name, open_shm, close_shm)
    const struct CMUnitTest tests[] = {
        LAW(what_was_put_is_got_and_nothing_beside_it_changes),
        LAW(a_reader_never_gets_a_half_of_two),
        LAW(who_is_killed_while_it_writes_leaves_nothing_false),
        LAW(a_text_without_an_end_is_cut),
        LAW(texts_are_copied_as_far_as_they_fit),
        LAW(all_of_it_is_one_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
