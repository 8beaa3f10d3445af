/* SPDX-License-Identifier: MIT */
/* Boot records: what was put is found, and nothing that could change or is malformed is taken. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/boot.h"
#include "common/fd.h"
#include "common/wire.h"

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

static int fd_with(struct span bytes, int seals)
{
    int fd = -1;

    assert_int_equal(fd_open_memory("test", &fd), 0);
    assert_int_equal(fd_write_all(fd, bytes), 0);
    if (seals != 0)
        assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

/* What boot_open() says to sealed bytes. */
static int verdict(struct span bytes)
{
    int fd = fd_with(bytes, SEALS), r;
    struct boot *boot = NULL;

    r = boot_open(fd, &boot);
    assert_int_equal(r == 0, boot != NULL);
    boot_close(&boot);
    fd_close(&fd);
    return r;
}

static struct boot_writer example(void)
{
    struct boot_writer w;

    boot_writer_init(&w);
    boot_put(&w, SPAN("UPSTREAM"), SPAN("http://127.0.0.1"));
    boot_put(&w, SPAN("EMPTY"), SPAN_NONE);
    boot_put(&w, SPAN("BYTES"), SPAN("a\0b\xff"));
    return w;
}

static void assert_example(const struct boot *boot)
{
    struct span value = SPAN("?");

    assert_int_equal(boot_find(boot, SPAN("UPSTREAM"), &value), 0);
    assert_true(span_equal(value, SPAN("http://127.0.0.1")));
    assert_int_equal(boot_find(boot, SPAN("EMPTY"), &value), 0);
    assert_int_equal(value.len, 0);
    assert_int_equal(boot_find(boot, SPAN("BYTES"), &value), 0);
    assert_true(span_equal(value, SPAN("a\0b\xff")));
    assert_int_equal(boot_find(boot, SPAN("UPSTREA"), &value), ERR_UNKNOWN);
    assert_int_equal(boot_find(boot, SPAN("upstream"), &value), ERR_UNKNOWN);
    assert_int_equal(boot_find(boot, SPAN_NONE, &value), ERR_UNKNOWN);
}

static void what_was_put_is_found_by_every_reader(void **state)
{
    struct boot_writer w = example();
    struct boot *first = NULL, *second = NULL;
    int fd = -1;

    (void)state;
    assert_int_equal(boot_seal(&w, &fd), 0);
    boot_writer_fini(&w);
    assert_int_equal(boot_open(fd, &first), 0);
    assert_int_equal(boot_open(fd, &second), 0);
    fd_close(&fd);
    assert_example(first);
    boot_close(&first);
    assert_null(first);
    assert_example(second);
    boot_close(&second);
    boot_close(&second);
}

static void a_sealed_record_cannot_change(void **state)
{
    struct boot_writer w = example();
    int fd = -1;

    (void)state;
    assert_int_equal(boot_seal(&w, &fd), 0);
    boot_writer_fini(&w);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_GET_SEALS) & SEALS, SEALS);
    assert_int_equal(pwrite(fd, "x", 1, 0), -1);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_ptr_equal(mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    fd_close(&fd);
}

static void each_missing_seal_is_noticed(void **state)
{
    static const int seals[] = { F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE };
    struct boot_writer w = example();
    struct boot *boot = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(seals) / sizeof(*seals); i++) {
        int fd = fd_with(buffer_span(&w.bytes), SEALS & ~seals[i]);

        assert_int_equal(boot_open(fd, &boot), ERR_FORMAT);
        fd_close(&fd);
    }
    assert_int_equal(verdict(buffer_span(&w.bytes)), 0);
    boot_writer_fini(&w);
}

static void what_has_no_seals_is_refused(void **state)
{
    struct boot *boot = NULL;
    int ends[2];

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(boot_open(ends[0], &boot), ERR_FORMAT);
    fd_close(&ends[0]);
    fd_close(&ends[1]);
    assert_int_equal(boot_open(-1, &boot), -EBADF);
}

static void a_record_cut_anywhere_is_refused_or_has_fewer_entries(void **state)
{
    struct boot_writer w = example();
    struct span all = buffer_span(&w.bytes);
    size_t n_taken = 0;

    (void)state;
    for (size_t len = 0; len <= all.len; len++) {
        int r = verdict(span_part(all, 0, len));

        assert_true(r == 0 || r == ERR_FORMAT);
        n_taken += r == 0;
    }
    assert_int_equal(n_taken, 4); /* after the head and after each of three entries */
    boot_writer_fini(&w);
}

static void another_version_is_refused(void **state)
{
    struct boot_writer w = example();
    uint8_t bytes[512];
    struct span all = buffer_span(&w.bytes);

    (void)state;
    assert_true(all.len <= sizeof(bytes));
    memcpy(bytes, all.at, all.len);
    bytes[9]++;
    assert_int_equal(verdict(span_of(bytes, all.len)), ERR_UNSUPPORTED);
    bytes[9]--;
    bytes[0]++;
    assert_int_equal(verdict(span_of(bytes, all.len)), ERR_FORMAT);
    boot_writer_fini(&w);
}

static void a_name_that_comes_twice_or_is_empty_is_refused(void **state)
{
    struct boot_writer w = example();

    (void)state;
    wire_put_u8(&w.bytes, 0);
    wire_put_u32(&w.bytes, 0);
    assert_int_equal(verdict(buffer_span(&w.bytes)), ERR_FORMAT);
    boot_writer_fini(&w);
    w = example();
    boot_put(&w, SPAN("EMPTY"), SPAN("now not"));
    assert_int_equal(verdict(buffer_span(&w.bytes)), ERR_FORMAT);
    boot_writer_fini(&w);
}

static void what_cannot_be_put_cannot_be_sealed(void **state)
{
    static const uint8_t name[256] = { 'A' };
    struct boot_writer w;
    int fd = -1;

    (void)state;
    boot_writer_init(&w);
    boot_put(&w, span_of(name, sizeof(name)), SPAN("x"));
    boot_put(&w, SPAN("GOOD"), SPAN("x"));
    assert_int_equal(boot_seal(&w, &fd), ERR_LIMIT);
    boot_writer_fini(&w);
    boot_writer_init(&w);
    boot_put(&w, SPAN_NONE, SPAN("x"));
    assert_int_equal(boot_seal(&w, &fd), ERR_LIMIT);
    boot_writer_fini(&w);
    assert_int_equal(fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_by_every_reader),
        cmocka_unit_test(a_sealed_record_cannot_change),
        cmocka_unit_test(each_missing_seal_is_noticed),
        cmocka_unit_test(what_has_no_seals_is_refused),
        cmocka_unit_test(a_record_cut_anywhere_is_refused_or_has_fewer_entries),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(a_name_that_comes_twice_or_is_empty_is_refused),
        cmocka_unit_test(what_cannot_be_put_cannot_be_sealed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
