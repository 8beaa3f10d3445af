/* SPDX-License-Identifier: MIT */
/* Counting memory and giving it back. Owns nothing. */
#include "common/memory.h"

#include <malloc.h>
#include <unistd.h>

#include "common/cgroup.h"
#include "common/text.h"

enum { KEPT_FREE = 32 * 1024 * 1024 /* bytes: not worth the page faults of the next burst */ };

static uint64_t read_limit(const char *directory, const char *name)
{
    uint64_t limit = UINT64_MAX;
    struct buffer b;
    struct span text;

    /* "max" is none; and so is the number, near 2^63, that version 1 has for it. */
    if (cgroup_slurp(directory, name, &b, &text) && text_u64(text, INT64_MAX, &limit) != 0)
        limit = UINT64_MAX;
    buffer_fini(&b);
    return limit;
}

static uint64_t read_v2(const char *directory)
{
    return read_limit(directory, "memory.max");
}

static uint64_t read_v1(const char *directory)
{
    return read_limit(directory, "memory.limit_in_bytes");
}

uint64_t memory_under(const char *root, uint64_t physical)
{
    static const char *const mounts[] = { "memory", NULL };
    const struct cgroup_limit limit = { "memory", mounts, read_v2, read_v1 };
    uint64_t n = cgroup_smallest(root, &limit);

    return n < physical ? n : physical;
}

uint64_t memory_available(void)
{
    return memory_under("", (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
}

/*
 * The C library keeps what lies below a block in use, and large bodies leave it much. A mapping of
 * its own for each (M_MMAP_THRESHOLD) would give back at once, but doubles the CPU time of a
 * request of 1 MB: every page is faulted in again.
 */
bool memory_give_back(void)
{
    struct mallinfo2 heap = mallinfo2();

    if (heap.fordblks <= KEPT_FREE || heap.fordblks <= heap.uordblks)
        return false;
    return malloc_trim(0) == 1;
}
