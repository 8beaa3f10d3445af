/* SPDX-License-Identifier: MIT */
/* How many processors count as ours, with control groups of both versions. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/memory.h"
#include "master/cores.h"

static char root[64];

static int make_root(void **state)
{
    const char *top = getenv("TMPDIR");

    (void)state;
    snprintf(root, sizeof(root), "%.40s/cores.XXXXXX", top != NULL ? top : "/tmp");
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes a file under the root, with the directories that lead to it. */
static void put(const char *path, const char *content)
{
    char whole[PATH_MAX];
    int fd;

    snprintf(whole, sizeof(whole), "%s%s", root, path);
    for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = 0;
        mkdir(whole, 0700);
        *at = '/';
    }
    fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, span_text(content)), 0);
    close(fd);
}

static void without_control_groups_all_processors_count(void **state)
{
    (void)state;
    assert_int_equal(cores_under(root, 12), 12);
    put("/proc/self/cgroup", "0::/some/group\n"); /* whose files we cannot see */
    assert_int_equal(cores_under(root, 12), 12);
}

static void a_quota_of_version_2_counts_rounded_up(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/pod/box\n");
    put("/sys/fs/cgroup/pod/box/cpu.max", "250000 100000\n");
    assert_int_equal(cores_under(root, 12), 3);
    assert_int_equal(cores_under(root, 2), 2);
    put("/sys/fs/cgroup/pod/box/cpu.max", "10000 100000\n");
    assert_int_equal(cores_under(root, 12), 1);
    put("/sys/fs/cgroup/pod/box/cpu.max", "max 100000\n");
    assert_int_equal(cores_under(root, 12), 12);
}

static void the_smallest_quota_of_the_groups_above_counts(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/pod/box\n");
    put("/sys/fs/cgroup/pod/box/cpu.max", "800000 100000\n");
    put("/sys/fs/cgroup/pod/cpu.max", "400000 100000\n");
    assert_int_equal(cores_under(root, 12), 4);
    put("/sys/fs/cgroup/cpu.max", "200000 100000\n"); /* of a container, mounted as its root */
    assert_int_equal(cores_under(root, 12), 2);
}

static void a_quota_of_version_1_counts_too(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/\n");
    put("/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "300000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
    assert_int_equal(cores_under(root, 12), 3);
    put("/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "-1\n");
    assert_int_equal(cores_under(root, 12), 12);
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    assert_int_equal(cores_under(root, 12), 1);
}

static void nonsense_in_the_files_is_no_limit(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/g\n");
    put("/sys/fs/cgroup/g/cpu.max", "");
    assert_int_equal(cores_under(root, 12), 12);
    put("/sys/fs/cgroup/g/cpu.max", "100000 0\n");
    assert_int_equal(cores_under(root, 12), 12);
    put("/sys/fs/cgroup/g/cpu.max", "garbage\n");
    assert_int_equal(cores_under(root, 12), 12);
}

static void there_is_at_least_one(void **state)
{
    (void)state;
    assert_int_equal(cores_under(root, 0), 1);
    assert_true(cores_available() >= 1);
}

#define IN_FRESH_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

static void the_smallest_limit_of_memory_counts(void **state)
{
    (void)state;
    assert_int_equal(memory_under(root, 1 << 30), 1 << 30);
    put("/proc/self/cgroup", "0::/a/b\n");
    put("/sys/fs/cgroup/a/memory.max", "4096000\n");
    put("/sys/fs/cgroup/a/b/memory.max", "max\n");
    assert_int_equal(memory_under(root, 1 << 30), 4096000);
    assert_int_equal(memory_under(root, 4096), 4096);
    put("/proc/self/cgroup", "7:memory:/c\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(memory_under(root, 1 << 30), 1 << 30);
    put("/sys/fs/cgroup/memory/c/memory.limit_in_bytes", "65536\n");
    assert_int_equal(memory_under(root, 1 << 30), 65536);
    assert_true(memory_available() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FRESH_ROOT(without_control_groups_all_processors_count),
        IN_FRESH_ROOT(a_quota_of_version_2_counts_rounded_up),
        IN_FRESH_ROOT(the_smallest_quota_of_the_groups_above_counts),
        IN_FRESH_ROOT(a_quota_of_version_1_counts_too),
        IN_FRESH_ROOT(nonsense_in_the_files_is_no_limit),
        IN_FRESH_ROOT(there_is_at_least_one),
        IN_FRESH_ROOT(the_smallest_limit_of_memory_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
