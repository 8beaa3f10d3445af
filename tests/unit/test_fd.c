/* SPDX-License-Identifier: MIT */
/* Descriptors: what is read and written whole, and what closing leaves alone. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/fd.h"

static void closing_keeps_errno_and_leaves_minus_one(void **state)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), was = fd;

    (void)state;
    errno = EPIPE;
    fd_close(&fd);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(fd, -1);
    assert_int_equal(fcntl(was, F_GETFD), -1);
    errno = EPIPE;
    fd_close(&fd);
    assert_int_equal(errno, EPIPE);
}

static int memory_with(struct span bytes)
{
    int fd = -1;

    assert_int_equal(fd_open_memory("test", &fd), 0);
    assert_int_equal(fd_write_all(fd, bytes), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void what_was_written_is_read_back_whole(void **state)
{
    static uint8_t bytes[100000];
    struct buffer b;
    int fd;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    fd = memory_with(span_of(bytes, sizeof(bytes)));
    buffer_init(&b, 0);
    assert_int_equal(fd_read_all(fd, sizeof(bytes), &b), 0);
    assert_true(span_equal(buffer_span(&b), span_of(bytes, sizeof(bytes))));
    buffer_fini(&b);
    fd_close(&fd);
}

static void one_byte_over_the_limit_is_refused(void **state)
{
    int fd = memory_with(SPAN("12345"));
    struct buffer b;

    (void)state;
    buffer_init(&b, 0);
    assert_int_equal(fd_read_all(fd, 4, &b), ERR_LIMIT);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(fd_read_all(fd, 5, &b), 0);
    buffer_fini(&b);
    fd_close(&fd);
}

static void a_full_buffer_is_refused(void **state)
{
    int fd = memory_with(SPAN("12345"));
    struct buffer b;

    (void)state;
    buffer_init(&b, 4);
    assert_int_equal(fd_read_all(fd, 5, &b), ERR_LIMIT);
    buffer_fini(&b);
    fd_close(&fd);
}

static void files_and_pipes_are_read_by_name(void **state)
{
    struct buffer b;
    char path[32];
    int ends[2];

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(fd_write_all(ends[1], SPAN("through a pipe")), 0);
    snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
    fd_close(&ends[1]);
    buffer_init(&b, 0);
    assert_int_equal(fd_read_file(path, 100, &b), 0);
    assert_true(span_equal(buffer_span(&b), SPAN("through a pipe")));
    fd_close(&ends[0]);
    buffer_fini(&b);
}

static void system_errors_come_out_as_they_are(void **state)
{
    struct buffer b;

    (void)state;
    buffer_init(&b, 0);
    assert_int_equal(fd_read_file("/nonexistent/file", 10, &b), -ENOENT);
    assert_int_equal(fd_read_file("/", 10, &b), -EISDIR);
    assert_int_equal(fd_read_all(-1, 10, &b), -EBADF);
    assert_int_equal(fd_write_all(-1, SPAN("x")), -EBADF);
    assert_int_equal(fd_write_all(-1, SPAN_NONE), 0);
    buffer_fini(&b);
}

static void memory_is_born_empty_closed_on_exec_and_sealable(void **state)
{
    int fd = -1;

    (void)state;
    assert_int_equal(fd_open_memory("test", &fd), 0);
    assert_int_equal(lseek(fd, 0, SEEK_END), 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
    assert_int_equal(fd_write_all(fd, SPAN("x")), -EPERM);
    fd_close(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_keeps_errno_and_leaves_minus_one),
        cmocka_unit_test(what_was_written_is_read_back_whole),
        cmocka_unit_test(one_byte_over_the_limit_is_refused),
        cmocka_unit_test(a_full_buffer_is_refused),
        cmocka_unit_test(files_and_pipes_are_read_by_name),
        cmocka_unit_test(system_errors_come_out_as_they_are),
        cmocka_unit_test(memory_is_born_empty_closed_on_exec_and_sealable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
