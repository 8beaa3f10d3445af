/* SPDX-License-Identifier: MIT */
/*
 * Counting processors. A container's quota is in a control group: of ours and of each above it,
 * the smallest counts. Part of a processor counts as one. Reads files, owns nothing.
 */
#include "master/cores.h"

#include <sched.h>

#include "common/cgroup.h"
#include "common/text.h"

/* quota / period rounded up; UINT64_MAX where one of them is no number ("max", "-1"). */
static uint64_t cores_of(struct span quota, struct span period)
{
    uint64_t q, p;

    if (text_u64(quota, 1u << 30, &q) != 0 || text_u64(period, 1u << 30, &p) != 0 || p == 0)
        return UINT64_MAX;
    return q > p ? (q + p - 1) / p : 1;
}

/* Version 2: one file, "QUOTA PERIOD". */
static uint64_t quota_v2(const char *directory)
{
    uint64_t n = UINT64_MAX;
    struct buffer b;
    struct span rest;

    if (cgroup_slurp(directory, "cpu.max", &b, &rest)) {
        struct span quota = span_cut(&rest, ' ');

        n = cores_of(quota, rest);
    }
    buffer_fini(&b);
    return n;
}

/* Version 1: a file each. */
static uint64_t quota_v1(const char *directory)
{
    struct buffer bq, bp;
    struct span quota, period;
    bool has_quota = cgroup_slurp(directory, "cpu.cfs_quota_us", &bq, &quota);
    bool has_period = cgroup_slurp(directory, "cpu.cfs_period_us", &bp, &period);
    uint64_t n = has_quota && has_period ? cores_of(quota, period) : UINT64_MAX;

    buffer_fini(&bq);
    buffer_fini(&bp);
    return n;
}

size_t cores_under(const char *root, size_t n_processors)
{
    static const char *const mounts[] = { "cpu", "cpu,cpuacct", NULL };
    const struct cgroup_limit limit = { "cpu", mounts, quota_v2, quota_v1 };
    uint64_t n = cgroup_smallest(root, &limit);

    if (n > n_processors)
        n = n_processors;
    return n > 0 ? (size_t)n : 1;
}

size_t cores_available(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) !=
        0) /* more processors than the set has room for */
        return cores_under("", CPU_SETSIZE);
    return cores_under("", (size_t)CPU_COUNT(&set));
}
