/* SPDX-License-Identifier: MIT */
/* What a worker inherits, written by the master and read by the worker. Owns nothing. */
#include "common/inherit.h"

#include <stdio.h>

#include "common/shm_layout.h"
#include "common/text.h"
#include "common/wire.h"

/* No setting is spelled so. */
static const struct span user_name = { (const uint8_t *)"process user", 12 };

void inherit_print(const struct inherit *inherit, char text_r[static INHERIT_TEXT_LEN])
{
    snprintf(text_r, INHERIT_TEXT_LEN, "slot=%llu,generation=%llu,listeners=%llu,admin=%llu",
             (unsigned long long)inherit->slot, (unsigned long long)inherit->generation,
             (unsigned long long)inherit->n_listeners, (unsigned long long)inherit->admin);
}

static int read_field(struct span *rest, const char *name, uint64_t max, uint64_t *value_r)
{
    struct span value = span_cut(rest, ','), key = span_cut(&value, '=');

    return span_equal(key, span_text(name)) ? text_u64(value, max, value_r) : ERR_FORMAT;
}

int inherit_parse(struct span text, struct inherit *inherit_r)
{
    if (read_field(&text, "slot", SHM_N_SLOTS - 1, &inherit_r->slot) != 0 ||
        read_field(&text, "generation", UINT64_MAX, &inherit_r->generation) != 0 ||
        read_field(&text, "listeners", INHERIT_LISTENERS_MAX, &inherit_r->n_listeners) != 0 ||
        read_field(&text, "admin", 1, &inherit_r->admin) != 0)
        return ERR_FORMAT;
    return text.at == NULL ? 0 : ERR_FORMAT;
}

void inherit_put_user(struct boot_writer *boot, const struct inherit_user *user)
{
    uint8_t bytes[8];
    struct buffer b = buffer_over(bytes, sizeof(bytes));

    if (!user->set)
        return;
    wire_put_u32(&b, user->user);
    wire_put_u32(&b, user->group);
    boot_put(boot, user_name, buffer_span(&b));
}

int inherit_get_user(const struct boot *boot, struct inherit_user *user_r)
{
    struct span value;
    struct wire w;

    *user_r = (struct inherit_user){ .set = false };
    if (boot_find(boot, user_name, &value) != 0)
        return 0;
    w = wire_read(value);
    user_r->set = true;
    user_r->user = wire_u32(&w);
    user_r->group = wire_u32(&w);
    return wire_end(&w) == 0 ? 0 : ERR_FORMAT;
}
