/* SPDX-License-Identifier: MIT */
/*
 * The boot record: named values in a sealed memfd that the master writes once a generation and a
 * worker reads at its start. A worker restarted an hour later runs exactly what was checked then.
 */
#ifndef COMMON_BOOT_H
#define COMMON_BOOT_H

#include "common/buffer.h"

enum { BOOT_VERSION = 1 };

/* Being written. Embedded; wiped by boot_writer_fini(). */
struct boot_writer {
    struct buffer bytes;
};
void boot_writer_init(struct boot_writer *w);
void boot_writer_fini(struct boot_writer *w);
/* A name is put once, and is not empty; a value may be. Errors stick and come out of boot_seal().
 */
void boot_put(struct boot_writer *w, struct span name, struct span value);
/* Writes and seals a memfd (close-on-exec); the caller closes it. ERR_LIMIT, -errno. */
MUST_CHECK int boot_seal(struct boot_writer *w, int *fd_r);

/* Read: a copy in memory of its own, wiped by boot_close(). */
struct boot;
/* Refuses what is not sealed, of another version or malformed: ERR_FORMAT, ERR_UNSUPPORTED, -errno.
 * The fd stays the caller's, and may be opened again. */
MUST_CHECK int boot_open(int fd, struct boot **boot_r);
void boot_close(struct boot **boot);
/* ERR_UNKNOWN where there is no such name. The view lives as long as the record is open. */
MUST_CHECK int boot_find(const struct boot *boot, struct span name, struct span *value_r);

#endif
