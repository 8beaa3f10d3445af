/* SPDX-License-Identifier: MIT */
/* Writing and reading what the next binary needs. Holds no secret: settings stay in the boot record
 * and in the environment. Opens nothing but the memfd. */
#include "master/takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/message.h"
#include "common/shm.h"
#include "common/wire.h"

enum { LEN_MAX = 1 << 20, MAGIC = 0x6d617274, NOBODY = 0xffff };

/* ---- writing ---- */

static void put_versions(struct buffer *b)
{
    wire_put_u32(b, MAGIC);
    wire_put_u32(b, TAKEOVER_VERSION);
    wire_put_u32(b, MESSAGE_VERSION);
    wire_put_u32(b, SHM_VERSION);
    wire_put_u32(b, SHM_N_SLOTS);
}

static void put_text(struct buffer *b, const char *text)
{
    struct span bytes = span_part(span_text(text), 0, UINT16_MAX);

    wire_put_u16(b, (uint16_t)bytes.len);
    buffer_put(b, bytes);
}

/* Not its descriptor: who goes on opens it anew. */
static void put_outlet(struct buffer *b, const struct outlet *outlet)
{
    wire_put_u8(b, (uint8_t)outlet->place);
    put_text(b, outlet->path);
}

static void put_generation(struct buffer *b, const struct generation *g)
{
    wire_put_u64(b, g->number);
    wire_put_u32(b, (uint32_t)g->boot);
    wire_put_u64(b, g->n_workers);
    wire_put_u64(b, g->drain_ms);
    wire_put_u32(b, g->log_level);
    wire_put_u8(b, (uint8_t)g->log_format);
    wire_put_u16(b, g->port);
    wire_put_u64(b, g->pairs_per_node);
    wire_put_u64(b, g->claim_pages);
    put_text(b, g->listen);
    put_text(b, g->doors.admin.address);
    wire_put_u16(b, g->doors.admin.port);
    wire_put_u8(b, g->doors.admin.by_default);
    put_text(b, g->doors.control);
    wire_put_u8(b, g->doors.control_by_default);
    put_outlet(b, &g->log);
    put_outlet(b, &g->access_log);
}

/* Of the shared memory, as this binary would lay it out: another one may count other metrics. */
static void put_layout(struct buffer *b, const struct generation *g)
{
    const struct shm_sizes sizes = shm_layout(g->pairs_per_node, g->claim_pages);

    for (size_t i = 0; i < N_SHM_REGIONS; i++)
        wire_put_u64(b, sizes.bytes[i]);
}

static void put_slot(struct buffer *b, const struct slot *slot, size_t index)
{
    wire_put_u16(b, (uint16_t)index);
    wire_put_u8(b, (uint8_t)slot->state);
    wire_put_u32(b, (uint32_t)slot->pid);
    wire_put_u32(b, (uint32_t)slot->channel);
    wire_put_u64(b, slot->generation);
    wire_put_u64(b, slot->deadline_ms);
    wire_put_u64(b, slot->spawned_ms);
    wire_put_u64(b, slot->ready_ms);
    wire_put_u64(b, slot->backoff.last_ms);
    wire_put_u64(b, slot->n_restarts);
}

static void put_ports(struct buffer *b, const struct ports *ports)
{
    wire_put_u32(b, (uint32_t)ports->admin);
    wire_put_u16(b, (uint16_t)ports->n_data);
    for (size_t i = 0; i < ports->n_data; i++)
        wire_put_u32(b, (uint32_t)ports->data[i]);
}

static void put_all(struct buffer *b, const struct takeover *t)
{
    put_versions(b);
    put_generation(b, t->generation);
    put_layout(b, t->generation);
    wire_put_u32(b, (uint32_t)t->shm);
    wire_put_u32(b, (uint32_t)t->pid_file);
    wire_put_u32(b, (uint32_t)t->control);
    put_ports(b, &t->ports);
    for (size_t i = 0; i < SHM_N_SLOTS; i++) {
        if (t->slots[i].state != SLOT_DOWN || t->slots[i].deadline_ms != SLOT_NEVER)
            put_slot(b, &t->slots[i], i);
    }
    wire_put_u16(b, NOBODY);
}

int takeover_write(const struct takeover *t, int *fd_r)
{
    struct buffer b;
    int fd = -1, r;

    buffer_init(&b, LEN_MAX);
    put_all(&b, t);
    r = buffer_error(&b);
    if (r == 0)
        r = fd_open_memory("mte-api-relay takeover", &fd);
    if (r == 0)
        r = fd_write_all(fd, buffer_span(&b));
    buffer_fini(&b);
    if (r != 0)
        fd_close(&fd);
    *fd_r = fd;
    return r;
}

/* ---- reading ---- */

static int check_versions(struct wire *w)
{
    if (wire_u32(w) != MAGIC)
        return ERR_FORMAT;
    if (wire_u32(w) != TAKEOVER_VERSION || wire_u32(w) != MESSAGE_VERSION ||
        wire_u32(w) != SHM_VERSION || wire_u32(w) != SHM_N_SLOTS)
        return ERR_UNSUPPORTED;
    return 0;
}

static int get_text(struct wire *w, char **text_r)
{
    struct span bytes = wire_bytes(w, wire_u16(w));

    *text_r = strndup(bytes.len > 0 ? (const char *)bytes.at : "", bytes.len);
    return *text_r != NULL ? 0 : -ENOMEM;
}

static int get_outlet(struct wire *w, struct outlet *outlet_r)
{
    unsigned place = wire_u8(w);

    *outlet_r = (struct outlet){ .fd = -1 };
    if (place > LOG_PLACE_FILE)
        return ERR_FORMAT;
    outlet_r->place = (enum log_place)place;
    return get_text(w, &outlet_r->path);
}

static int get_doors(struct wire *w, struct generation_doors *doors)
{
    int r = get_text(w, &doors->admin.address);

    doors->admin.port = wire_u16(w);
    doors->admin.by_default = wire_u8(w) != 0;
    if (r == 0)
        r = get_text(w, &doors->control);
    doors->control_by_default = wire_u8(w) != 0;
    return r;
}

static int get_generation(struct wire *w, struct generation **generation_r)
{
    struct generation *g = calloc(1, sizeof(*g));
    int r;

    if (g == NULL)
        return -ENOMEM;
    g->number = wire_u64(w);
    g->boot = (int)wire_u32(w);
    g->n_workers = (size_t)wire_u64(w);
    g->drain_ms = wire_u64(w);
    g->log_level = (enum log_level)wire_u32(w);
    g->log_format = (enum log_format)wire_u8(w);
    g->port = wire_u16(w);
    g->pairs_per_node = wire_u64(w);
    g->claim_pages = wire_u64(w);
    *generation_r = g;
    g->store = ""; /* the settings are loaded anew at once */
    r = get_text(w, &g->listen);
    if (r == 0)
        r = get_doors(w, &g->doors);
    if (r == 0)
        r = get_outlet(w, &g->log);
    return r == 0 ? get_outlet(w, &g->access_log) : r;
}

static int check_layout(struct wire *w, const struct generation *g)
{
    const struct shm_sizes sizes = shm_layout(g->pairs_per_node, g->claim_pages);

    for (size_t i = 0; i < N_SHM_REGIONS; i++) {
        if (wire_u64(w) != sizes.bytes[i])
            return ERR_UNSUPPORTED;
    }
    return 0;
}

static int get_slot(struct wire *w, struct slot *slot)
{
    unsigned state = wire_u8(w);

    if (state >= N_SLOT_STATES)
        return ERR_FORMAT;
    slot->state = (enum slot_state)state;
    slot->pid = (pid_t)wire_u32(w);
    slot->channel = (int)wire_u32(w);
    slot->generation = wire_u64(w);
    slot->deadline_ms = wire_u64(w);
    slot->spawned_ms = wire_u64(w);
    slot->ready_ms = wire_u64(w);
    slot->backoff.last_ms = wire_u64(w);
    slot->n_restarts = wire_u64(w);
    return slot->pid == 0 || slot->pid > 1 ? 0 : ERR_FORMAT; /* 1 and below are not to be killed */
}

static int get_slots(struct wire *w, struct slot *slots)
{
    size_t index;
    int r = 0;

    for (size_t i = 0; i < SHM_N_SLOTS; i++)
        slots[i] = (struct slot){ .channel = -1, .deadline_ms = SLOT_NEVER };
    while (r == 0 && (index = wire_u16(w)) != NOBODY)
        r = index < SHM_N_SLOTS && wire_error(w) == 0 ? get_slot(w, &slots[index]) : ERR_FORMAT;
    return r;
}

static int get_ports(struct wire *w, struct ports *ports)
{
    ports->admin = (int)wire_u32(w);
    ports->n_data = wire_u16(w);
    if (ports->n_data > INHERIT_LISTENERS_MAX) {
        ports_init(ports);
        return ERR_FORMAT;
    }
    for (size_t i = 0; i < ports->n_data; i++)
        ports->data[i] = (int)wire_u32(w);
    return 0;
}

static int get_all(struct wire *w, struct takeover *t)
{
    int r = check_versions(w);

    if (r == 0)
        r = get_generation(w, &t->generation);
    if (r == 0)
        r = check_layout(w, t->generation);
    if (r != 0)
        return r;
    t->shm = (int)wire_u32(w);
    t->pid_file = (int)wire_u32(w);
    t->control = (int)wire_u32(w);
    r = get_ports(w, &t->ports);
    if (r == 0)
        r = get_slots(w, t->slots);
    return r == 0 && wire_end(w) != 0 ? ERR_FORMAT : r;
}

int takeover_read(int fd, struct slot *slots, struct takeover *t_r)
{
    struct buffer b;
    struct wire w;
    int r;

    *t_r = (struct takeover){ .slots = slots, .shm = -1, .pid_file = -1, .control = -1 };
    ports_init(&t_r->ports);
    buffer_init(&b, LEN_MAX);
    r = lseek(fd, 0, SEEK_SET) == 0 ? fd_read_all(fd, LEN_MAX, &b) : -errno;
    if (r == 0) {
        w = wire_read(buffer_span(&b));
        r = get_all(&w, t_r);
    }
    buffer_fini(&b);
    if (r != 0 && t_r->generation != NULL) {
        t_r->generation->boot = -1; /* a number that was not proved to be a descriptor of ours */
        generation_free(&t_r->generation);
    }
    return r;
}

/* ---- descriptors ---- */

static int keep_fd(int fd, bool keep)
{
    return fd < 0 || fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC) == 0 ? 0 : -errno;
}

int takeover_keep(const struct takeover *t, bool keep)
{
    int r = keep_fd(t->generation->boot, keep);

    if (r == 0)
        r = keep_fd(t->shm, keep);
    if (r == 0)
        r = keep_fd(t->pid_file, keep);
    if (r == 0)
        r = keep_fd(t->control, keep);
    if (r == 0)
        r = keep_fd(t->ports.admin, keep);
    for (size_t i = 0; r == 0 && i < t->ports.n_data; i++)
        r = keep_fd(t->ports.data[i], keep);
    for (size_t i = 0; r == 0 && i < SHM_N_SLOTS; i++)
        r = keep_fd(t->slots[i].channel, keep);
    return r;
}
