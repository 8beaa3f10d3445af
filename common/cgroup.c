/* SPDX-License-Identifier: MIT */
/* Walks from this process' control group upwards, in both versions. Reads files, owns nothing. */
#include "common/cgroup.h"

#include <stdio.h>

#include "common/fd.h"

enum { FILE_MAX_LEN = 65536, PATH_LEN = 4096 };

bool cgroup_slurp(const char *directory, const char *name, struct buffer *to,
                  struct span *content_r)
{
    char path[PATH_LEN + 32];

    buffer_init(to, FILE_MAX_LEN);
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (fd_read_file(path, FILE_MAX_LEN, to) != 0)
        return false;
    *content_r = buffer_span(to);
    if (span_ends(*content_r, SPAN("\n")))
        content_r->len--;
    return true;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Of a group and of those above it, up to where the hierarchy is mounted. */
static uint64_t smallest_upwards(const char *mount, struct span group,
                                 uint64_t (*read)(const char *directory))
{
    char directory[PATH_LEN];
    uint64_t n = UINT64_MAX;

    for (;;) {
        snprintf(directory, sizeof(directory), "%s%.*s", mount, SPAN_PRINT(group));
        n = smaller(n, read(directory));
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
static uint64_t smallest_of_line(const char *root, const struct cgroup_limit *limit,
                                 struct span line)
{
    struct span number = span_cut(&line, ':'), controllers = span_cut(&line, ':');
    const char *const *at = limit->mounts_v1;
    char mount[PATH_LEN / 2];
    uint64_t n = UINT64_MAX;

    if (span_equal(number, SPAN("0")) && controllers.len == 0) {
        snprintf(mount, sizeof(mount), "%s/sys/fs/cgroup", root);
        return smallest_upwards(mount, line, limit->read_v2);
    }
    for (; lists(controllers, limit->controller) && *at != NULL; at++) {
        snprintf(mount, sizeof(mount), "%s/sys/fs/cgroup/%s", root, *at);
        n = smaller(n, smallest_upwards(mount, line, limit->read_v1));
    }
    return n;
}

uint64_t cgroup_smallest(const char *root, const struct cgroup_limit *limit)
{
    uint64_t n = UINT64_MAX;
    struct buffer b;
    struct span rest;

    if (cgroup_slurp(root, "proc/self/cgroup", &b, &rest)) {
        while (rest.at != NULL)
            n = smaller(n, smallest_of_line(root, limit, span_cut(&rest, '\n')));
    }
    buffer_fini(&b);
    return n;
}
