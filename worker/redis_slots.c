/* SPDX-License-Identifier: MIT */
/* The map of a Redis Cluster, by what its servers say; nothing of it is believed unread. */
#include "worker/redis_slots.h"

#include "common/text.h"

static uint16_t crc16(struct span bytes)
{
    uint16_t crc = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (uint16_t)(bytes.at[i] << 8);
        for (unsigned bit = 0; bit < 8; bit++)
            crc = (uint16_t)((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return crc;
}

/* What stands between the first { and the next }, where that is not empty. */
uint16_t redis_slot_of(struct span key)
{
    struct span tag = span_from(key, span_find(key, '{') + 1);
    size_t len = span_find(tag, '}');

    if (len > 0 && len < tag.len)
        key = span_part(tag, 0, len);
    return crc16(key) % REDIS_SLOTS;
}

bool redis_node_equal(const struct redis_node *a, const struct redis_node *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static int read_host(struct span text, const char *own_host, struct redis_node *node_r)
{
    if (text.len == 0)
        text = span_text(own_host);
    if (text.len == 0 || text.len > URL_HOST_MAX)
        return ERR_FORMAT;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i], letter = c | 0x20;

        if ((letter < 'a' || letter > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' &&
            c != '_' && c != ':')
            return ERR_FORMAT;
    }
    memset(node_r->host, 0, sizeof(node_r->host));
    memcpy(node_r->host, text.at, text.len);
    return 0;
}

static int find_or_add(struct redis_slots *slots, const struct redis_node *node, uint16_t *number_r)
{
    for (size_t i = 0; i < slots->n_nodes; i++) {
        if (redis_node_equal(&slots->nodes[i], node)) {
            *number_r = (uint16_t)(i + 1);
            return 0;
        }
    }
    if (slots->n_nodes == REDIS_NODES_MAX)
        return ERR_LIMIT;
    slots->nodes[slots->n_nodes++] = *node;
    *number_r = (uint16_t)slots->n_nodes;
    return 0;
}

static void serve(struct redis_slots *slots, size_t slot, uint16_t number)
{
    if (slots->served_by[slot] == 0)
        slots->n_served++;
    slots->served_by[slot] = number;
}

/* first, last, the primary [host, port, ...], replicas */
static int read_range(const struct resp_value *range, const char *own_host,
                      struct redis_slots *slots)
{
    int64_t first = resp_integer(resp_at(range, 0)), last = resp_integer(resp_at(range, 1));
    const struct resp_value *primary = resp_at(range, 2);
    int64_t port = resp_integer(resp_at(primary, 1));
    struct redis_node node = { .port = (uint16_t)port };
    uint16_t number;
    int r;

    if (resp_kind(resp_at(range, 0)) != RESP_INTEGER ||
        resp_kind(resp_at(range, 1)) != RESP_INTEGER || first < 0 || first > last ||
        last >= REDIS_SLOTS || port < 1 || port > UINT16_MAX)
        return ERR_FORMAT;
    r = read_host(resp_text(resp_at(primary, 0)), own_host, &node);
    if (r == 0)
        r = find_or_add(slots, &node, &number);
    for (int64_t slot = first; r == 0 && slot <= last; slot++)
        serve(slots, (size_t)slot, number);
    return r;
}

int redis_slots_read(const struct resp_value *reply, const char *own_host,
                     struct redis_slots *slots_r)
{
    int r = resp_kind(reply) == RESP_ARRAY ? 0 : ERR_FORMAT;

    memset(slots_r, 0, sizeof(*slots_r));
    for (size_t i = 0; r == 0 && i < resp_n(reply); i++)
        r = read_range(resp_at(reply, i), own_host, slots_r);
    return r;
}

const struct redis_node *redis_slots_find(const struct redis_slots *slots, uint16_t slot)
{
    uint16_t number = slots->served_by[slot];

    return number > 0 ? &slots->nodes[number - 1] : NULL;
}

int redis_slots_move(struct redis_slots *slots, uint16_t slot, const struct redis_node *node)
{
    uint16_t number;
    int r = find_or_add(slots, node, &number);

    if (r == 0)
        serve(slots, slot, number);
    return r;
}

/* MOVED 3999 127.0.0.1:6381; an IPv6 address has no brackets here. */
bool redis_redirection_read(struct span error, const char *own_host, struct redis_redirection *to_r)
{
    struct span rest = error, word = span_cut(&rest, ' '), number = span_cut(&rest, ' ');
    struct redis_redirection to = { .ask = span_equal(word, SPAN("ASK")) };
    size_t colon = rest.len;
    uint64_t slot, port;

    if (!to.ask && !span_equal(word, SPAN("MOVED")))
        return false;
    while (colon > 0 && rest.at[colon - 1] != ':')
        colon--;
    if (colon == 0 || text_u64(number, REDIS_SLOTS - 1, &slot) < 0 ||
        text_u64(span_from(rest, colon), UINT16_MAX, &port) < 0 || port == 0 ||
        read_host(span_part(rest, 0, colon - 1), own_host, &to.node) < 0)
        return false;
    to.slot = (uint16_t)slot;
    to.node.port = (uint16_t)port;
    *to_r = to;
    return true;
}
