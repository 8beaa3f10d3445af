/* SPDX-License-Identifier: MIT */
/* What one binary hands over is what the next one gets, or the next one refuses it. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "master/takeover.h"

static struct slot slots[SHM_N_SLOTS], got[SHM_N_SLOTS];
static char listen_address[] = "127.0.0.1", admin_address[] = "::1", control_path[] = "/run/c.sock",
            log_path[] = "/var/log/x";
static struct generation generation;
static struct takeover state;

static int fill(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < SHM_N_SLOTS; i++)
        slots[i] = (struct slot){ .channel = -1, .deadline_ms = SLOT_NEVER };
    slots[0] = (struct slot){ .state = SLOT_UP,
                              .pid = 1234,
                              .channel = -1,
                              .generation = 3,
                              .deadline_ms = SLOT_NEVER,
                              .spawned_ms = 5,
                              .ready_ms = 6,
                              .n_restarts = 4 };
    slots[7] = (struct slot){
        .state = SLOT_BACKOFF, .channel = -1, .generation = 3, .deadline_ms = 99, .backoff = { 400 }
    };
    slots[511] = (struct slot){ .state = SLOT_DOWN, .channel = -1, .deadline_ms = 7 };
    generation = (struct generation){
        .number = 3,
        .boot = -1,
        .n_workers = 2,
        .drain_ms = 1000,
        .log_level = LOG_LEVEL_ERROR,
        .log_format = LOG_FORMAT_JSON,
        .log = { LOG_PLACE_FILE, log_path, 77 },
        .access_log = { LOG_PLACE_NONE, log_path, -1 },
        .listen = listen_address,
        .port = 8080,
        .doors = { { admin_address, 8081, true }, control_path, true },
        .pairs_per_node = 4,
        .claim_pages = 16,
    };
    state = (struct takeover){ .generation = &generation,
                               .slots = slots,
                               .shm = -1,
                               .pid_file = -1,
                               .control = -1,
                               .ports = { .data = { 40, 41 }, .n_data = 2, .admin = 42 } };
    return 0;
}

static void what_is_written_is_read(void **unused)
{
    struct takeover t;
    int fd;

    (void)unused;
    assert_int_equal(takeover_write(&state, &fd), 0);
    assert_int_equal(takeover_read(fd, got, &t), 0);
    assert_memory_equal(got, slots, sizeof(slots));
    assert_string_equal(t.generation->listen, listen_address);
    assert_int_equal(t.generation->number, 3);
    assert_int_equal(t.generation->n_workers, 2);
    assert_int_equal(t.generation->drain_ms, 1000);
    assert_int_equal(t.generation->log_level, LOG_LEVEL_ERROR);
    assert_int_equal(t.generation->log_format, LOG_FORMAT_JSON);
    assert_int_equal(t.generation->log.place, LOG_PLACE_FILE);
    assert_string_equal(t.generation->log.path, "/var/log/x");
    assert_int_equal(t.generation->log.fd, -1);
    assert_int_equal(t.generation->port, 8080);
    assert_int_equal(t.generation->doors.admin.port, 8081);
    assert_true(t.generation->doors.admin.by_default);
    assert_true(t.generation->doors.control_by_default);
    assert_int_equal(t.control, -1);
    assert_int_equal(t.generation->pairs_per_node, 4);
    assert_int_equal(t.generation->claim_pages, 16);
    assert_null(generation_conflict(&generation, t.generation));
    assert_int_equal(t.ports.n_data, 2);
    assert_int_equal(t.ports.data[1], 41);
    assert_int_equal(t.ports.admin, 42);
    assert_int_equal(t.shm, -1);
    assert_int_equal(t.pid_file, -1);
    generation_free(&t.generation);
    close(fd);
}

/* Each of the five numbers at the beginning. */
static void another_version_is_refused(void **unused)
{
    struct takeover t;
    int fd;

    (void)unused;
    for (int i = 0; i < 5; i++) {
        const uint8_t other[4] = { 0, 0, 77, 77 };

        assert_int_equal(takeover_write(&state, &fd), 0);
        assert_int_equal(pwrite(fd, other, sizeof(other), 4 * i), sizeof(other));
        assert_int_equal(takeover_read(fd, got, &t), i == 0 ? ERR_FORMAT : ERR_UNSUPPORTED);
        assert_null(t.generation);
        close(fd);
    }
}

/* As a binary does that counts one more metric. */
static void another_layout_of_the_memory_is_refused(void **unused)
{
    const off_t at = 5 * 4 + 8 + 4 + 8 + 8 + 4 + 1 + 2 + 8 + 8 + 2 + sizeof(listen_address) - 1 +
                     2 + sizeof(admin_address) - 1 + 2 + 1 + 2 + sizeof(control_path) - 1 + 1 +
                     2 * (1 + 2 + sizeof(log_path) - 1);
    struct takeover t;
    uint8_t low;
    int fd;

    (void)unused;
    for (int i = 0; i < N_SHM_REGIONS; i++) {
        assert_int_equal(takeover_write(&state, &fd), 0);
        assert_int_equal(pread(fd, &low, 1, at + 8 * i + 7), 1);
        low ^= 8;
        assert_int_equal(pwrite(fd, &low, 1, at + 8 * i + 7), 1);
        assert_int_equal(takeover_read(fd, got, &t), ERR_UNSUPPORTED);
        close(fd);
    }
}

static void what_is_cut_or_too_long_is_refused(void **unused)
{
    struct takeover t;
    off_t len;
    int fd;

    (void)unused;
    assert_int_equal(takeover_write(&state, &fd), 0);
    len = lseek(fd, 0, SEEK_END);
    assert_int_equal(ftruncate(fd, len + 1), 0);
    assert_int_equal(takeover_read(fd, got, &t), ERR_FORMAT);
    while (--len >= 0) {
        assert_int_equal(ftruncate(fd, len), 0);
        assert_true(takeover_read(fd, got, &t) < 0);
        assert_null(t.generation);
    }
    close(fd);
}

static void a_worker_that_would_be_everybody_is_refused(void **unused)
{
    static const pid_t pids[] = { -1, 1, -1234 };
    struct takeover t;
    int fd;

    (void)unused;
    for (size_t i = 0; i < sizeof(pids) / sizeof(*pids); i++) {
        slots[0].pid = pids[i];
        assert_int_equal(takeover_write(&state, &fd), 0);
        assert_int_equal(takeover_read(fd, got, &t), ERR_FORMAT);
        close(fd);
    }
}

static void descriptors_stay_open_only_for_the_next_binary(void **unused)
{
    int ends[2];

    (void)unused;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    slots[0].channel = ends[0];
    state.shm = ends[1];
    state.ports.n_data = 0;
    state.ports.admin = -1;
    assert_int_equal(takeover_keep(&state, true), 0);
    assert_int_equal(fcntl(ends[0], F_GETFD) | fcntl(ends[1], F_GETFD), 0);
    assert_int_equal(takeover_keep(&state, false), 0);
    assert_int_equal(fcntl(ends[0], F_GETFD) & fcntl(ends[1], F_GETFD), FD_CLOEXEC);
    close(ends[0]);
    close(ends[1]);
    assert_true(takeover_keep(&state, true) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_written_is_read, fill),
        cmocka_unit_test_setup(another_version_is_refused, fill),
        cmocka_unit_test_setup(another_layout_of_the_memory_is_refused, fill),
        cmocka_unit_test_setup(what_is_cut_or_too_long_is_refused, fill),
        cmocka_unit_test_setup(a_worker_that_would_be_everybody_is_refused, fill),
        cmocka_unit_test_setup(descriptors_stay_open_only_for_the_next_binary, fill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
