/* SPDX-License-Identifier: MIT */
/*
 * Writing and reading boot records. Owns the bytes while a record is written or open, secrets
 * among them, and wipes them; what is in the memfd lives as long as a descriptor of it does.
 *
 *      magic(8) ‖ version u16 ‖ (name length u8 ‖ name ‖ value length u32 ‖ value)*
 *
 * The seals make it constant, so what boot_open() has checked stays true for later workers.
 */
#include "common/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/wire.h"

enum {
    SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
    RECORD_MAX = 16 << 20,
};

static const struct span magic = { (const uint8_t *)"mte-boot", 8 };

struct boot {
    struct buffer bytes;
    struct span entries; /* of bytes; well-formed */
};

struct entry {
    struct span name, value;
};

void boot_writer_init(struct boot_writer *w)
{
    buffer_init_secret(&w->bytes, RECORD_MAX);
    buffer_put(&w->bytes, magic);
    wire_put_u16(&w->bytes, BOOT_VERSION);
}

void boot_writer_fini(struct boot_writer *w)
{
    buffer_fini(&w->bytes);
}

void boot_put(struct boot_writer *w, struct span name, struct span value)
{
    if (name.len == 0 || name.len > UINT8_MAX || value.len > RECORD_MAX) {
        w->bytes.error = ERR_LIMIT;
        return;
    }
    wire_put_u8(&w->bytes, (uint8_t)name.len);
    buffer_put(&w->bytes, name);
    wire_put_u32(&w->bytes, (uint32_t)value.len);
    buffer_put(&w->bytes, value);
}

int boot_seal(struct boot_writer *w, int *fd_r)
{
    int fd = -1, r;

    r = buffer_error(&w->bytes);
    if (r == 0)
        r = fd_open_memory("mte-api-relay boot record", &fd);
    if (r == 0)
        r = fd_write_all(fd, buffer_span(&w->bytes));
    if (r == 0 && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        r = -errno;
    if (r < 0)
        fd_close(&fd);
    else
        *fd_r = fd;
    return r;
}

static struct entry next_entry(struct wire *w)
{
    struct entry e;

    e.name = wire_bytes(w, wire_u8(w));
    e.value = wire_bytes(w, wire_u32(w));
    return e;
}

static int find(struct span entries, struct span name, struct span *value_r)
{
    struct wire w = wire_read(entries);

    while (w.rest.len > 0) {
        struct entry e = next_entry(&w);

        if (span_equal(e.name, name)) {
            *value_r = e.value;
            return 0;
        }
    }
    return ERR_UNKNOWN;
}

/* Each name is there once and is not empty, and the last entry ends where the record ends. */
static int check_entries(struct span entries)
{
    struct wire w = wire_read(entries);
    struct span before, unused;

    while (w.rest.len > 0) {
        struct entry e;

        before = span_part(entries, 0, entries.len - w.rest.len);
        e = next_entry(&w);

        if (wire_error(&w) < 0 || e.name.len == 0 || find(before, e.name, &unused) == 0)
            return ERR_FORMAT;
    }
    return 0;
}

static int check(struct boot *boot)
{
    struct wire w = wire_read(buffer_span(&boot->bytes));
    struct span start = wire_bytes(&w, magic.len);
    uint16_t version = wire_u16(&w);

    if (wire_error(&w) < 0 || !span_equal(start, magic))
        return ERR_FORMAT;
    if (version != BOOT_VERSION)
        return ERR_UNSUPPORTED;
    boot->entries = w.rest;
    return check_entries(boot->entries);
}

/* From its beginning, wherever an earlier reader of the same descriptor has left its offset. */
static int read_sealed(int fd, struct buffer *to)
{
    struct stat st;
    size_t len, done = 0;
    uint8_t *room;
    ssize_t n;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0)
        return errno == EINVAL ? ERR_FORMAT : -errno; /* EINVAL: no file that has seals */
    if ((seals & SEALS) != SEALS)
        return ERR_FORMAT;
    if (fstat(fd, &st) < 0)
        return -errno;
    len = (size_t)st.st_size;
    room = buffer_reserve(to, len);
    if (room == NULL)
        return buffer_error(to);
    while (done < len) {
        n = pread(fd, room + done, len - done, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : ERR_SHORT;
        done += (size_t)n;
    }
    buffer_commit(to, len);
    return 0;
}

int boot_open(int fd, struct boot **boot_r)
{
    struct boot *boot = calloc(1, sizeof(*boot));
    int r;

    if (boot == NULL)
        return -ENOMEM;
    buffer_init_secret(&boot->bytes, RECORD_MAX);
    r = read_sealed(fd, &boot->bytes);
    if (r == 0)
        r = check(boot);
    if (r < 0)
        boot_close(&boot);
    else
        *boot_r = boot;
    return r;
}

void boot_close(struct boot **boot)
{
    if (*boot != NULL)
        buffer_fini(&(*boot)->bytes);
    free(*boot);
    *boot = NULL;
}

int boot_find(const struct boot *boot, struct span name, struct span *value_r)
{
    return find(boot->entries, name, value_r);
}
