/* SPDX-License-Identifier: MIT */
/*
 * Counting processors. A container's quota is in a control group: of ours and of each above it,
 * the smallest counts. Part of a processor counts as one. Reads files, owns nothing.
 */
#include "master/cores.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/fd.h"
#include "common/text.h"

enum { FILE_MAX_LEN = 65536, PATH_LEN = 4096 };

/* The content of a file, trimmed; false where there is none. The caller frees the buffer. */
static bool slurp(const char *path, struct buffer *to, struct span *content_r)
{
    buffer_init(to, FILE_MAX_LEN);
    if (fd_read_file(path, FILE_MAX_LEN, to) != 0)
        return false;
    *content_r = buffer_span(to);
    if (span_ends(*content_r, SPAN("\n")))
        content_r->len--;
    return true;
}

/* quota / period rounded up; SIZE_MAX where one of them is no number ("max", "-1"). */
static size_t cores_of(struct span quota, struct span period)
{
    uint64_t q, p;

    if (text_u64(quota, 1u << 30, &q) != 0 || text_u64(period, 1u << 30, &p) != 0 || p == 0)
        return SIZE_MAX;
    return q > p ? (size_t)((q + p - 1) / p) : 1;
}

/* Version 2: one file, "QUOTA PERIOD". */
static size_t quota_v2(const char *directory)
{
    char path[PATH_LEN + 32];
    struct buffer b;
    struct span rest;
    size_t n = SIZE_MAX;

    snprintf(path, sizeof(path), "%s/cpu.max", directory);
    if (slurp(path, &b, &rest)) {
        struct span quota = span_cut(&rest, ' ');

        n = cores_of(quota, rest);
    }
    buffer_fini(&b);
    return n;
}

/* Version 1: a file each. */
static size_t quota_v1(const char *directory)
{
    char path[PATH_LEN + 32];
    struct buffer bq, bp;
    struct span quota, period;
    size_t n = SIZE_MAX;
    bool both;

    snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", directory);
    both = slurp(path, &bq, &quota);
    snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", directory);
    both &= slurp(path, &bp, &period);
    if (both)
        n = cores_of(quota, period);
    buffer_fini(&bq);
    buffer_fini(&bp);
    return n;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The smallest quota of a group and of those above it, up to where the hierarchy is mounted. */
static size_t quota_upwards(const char *mount, struct span group, size_t (*quota)(const char *))
{
    char directory[PATH_LEN];
    size_t n = SIZE_MAX;

    for (;;) {
        snprintf(directory, sizeof(directory), "%s%.*s", mount, SPAN_PRINT(group));
        n = smaller(n, quota(directory));
        if (group.len == 0)
            return n;
        do
            group.len--;
        while (group.len > 0 && group.at[group.len] != '/');
    }
}

static bool lists(struct span controllers, const char *wanted)
{
    while (controllers.at != NULL) {
        if (span_equal(span_cut(&controllers, ','), span_text(wanted)))
            return true;
    }
    return false;
}

/* One line of /proc/self/cgroup: "0::/path", or "4:cpu,cpuacct:/path". */
static size_t quota_of_line(const char *root, struct span line)
{
    static const char *const mounts[] = { "cpu", "cpu,cpuacct" };
    struct span number = span_cut(&line, ':'), controllers = span_cut(&line, ':');
    char mount[PATH_LEN / 2];
    size_t n = SIZE_MAX;

    if (span_equal(number, SPAN("0")) && controllers.len == 0) {
        snprintf(mount, sizeof(mount), "%s/sys/fs/cgroup", root);
        return quota_upwards(mount, line, quota_v2);
    }
    for (size_t i = 0; lists(controllers, "cpu") && i < 2; i++) {
        snprintf(mount, sizeof(mount), "%s/sys/fs/cgroup/%s", root, mounts[i]);
        n = smaller(n, quota_upwards(mount, line, quota_v1));
    }
    return n;
}

size_t cores_under(const char *root, size_t n_processors)
{
    char path[PATH_LEN + 32];
    struct buffer b;
    struct span rest;
    size_t n = n_processors;

    snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
    if (slurp(path, &b, &rest)) {
        while (rest.at != NULL)
            n = smaller(n, quota_of_line(root, span_cut(&rest, '\n')));
    }
    buffer_fini(&b);
    return n > 0 ? n : 1;
}

size_t cores_available(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) !=
        0) /* more processors than the set has room for */
        return cores_under("", CPU_SETSIZE);
    return cores_under("", (size_t)CPU_COUNT(&set));
}
