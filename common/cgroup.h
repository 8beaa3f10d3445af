/* SPDX-License-Identifier: MIT */
/* Limits that control groups set to this process: of its own group and each above, the smallest. */
#ifndef COMMON_CGROUP_H
#define COMMON_CGROUP_H

#include "common/buffer.h"

struct cgroup_limit {
    const char *controller; /* of version 1 */
    const char *const
        *mounts_v1; /* where that may be mounted, below sys/fs/cgroup; NULL-terminated */
    /* The limit that a group's directory says, of either version; UINT64_MAX for none. */
    uint64_t (*read_v2)(const char *directory);
    uint64_t (*read_v1)(const char *directory);
};

/* root: "", or a directory that holds proc/ and sys/. UINT64_MAX for no limit. */
uint64_t cgroup_smallest(const char *root, const struct cgroup_limit *limit);

/*
 * For the readers: the content of a small file of a directory, trimmed; false where there is none.
 * The caller frees the buffer either way.
 */
bool cgroup_slurp(const char *directory, const char *name, struct buffer *to,
                  struct span *content_r);

#endif
