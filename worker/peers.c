/* SPDX-License-Identifier: MIT */
/*
 * The peers that a worker remembers, by the canonical form of their base URL. Owns them; the most
 * recently asked for comes first, and goes last when there are too many.
 */
#include "worker/peer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/board.h"
#include "worker/peer_internal.h"
#include "worker/peer_pair.h"

void peer_put_post(struct buffer *head, const struct url *base, const struct peer_post *post)
{
    buffer_put_text(head, "POST ");
    buffer_put(head, base->path);
    buffer_put(head, post->target);
    buffer_put_text(head, " HTTP/1.1\r\nhost: ");
    url_put_authority(head, base);
    buffer_put_text(head, "\r\ncontent-type: ");
    buffer_put_text(head, post->content_type);
    buffer_put_text(head, "\r\ncontent-length: ");
    buffer_put_decimal(head, post->body_len);
    buffer_put_text(head, "\r\n");
    for (size_t i = 0; post->copies != NULL && i < post->copies->n; i++) {
        buffer_put(head, post->copies->items[i].name);
        buffer_put_text(head, ": ");
        buffer_put(head, post->copies->items[i].value);
        buffer_put_text(head, "\r\n");
    }
    buffer_put_text(head, "\r\n");
}

int peers_new(const struct peers_config *config, struct peers **peers_r)
{
    struct peers *peers = calloc(1, sizeof(*peers));

    if (peers == NULL)
        return -ENOMEM;
    peers->config = *config;
    *peers_r = peers;
    return 0;
}

static void link_first(struct peers *peers, struct peer *peer)
{
    peer->next = peers->first;
    peer->pprev = &peers->first;
    if (peer->next != NULL)
        peer->next->pprev = &peer->next;
    peers->first = peer;
}

static void unlink_peer(struct peer *peer)
{
    *peer->pprev = peer->next;
    if (peer->next != NULL)
        peer->next->pprev = peer->pprev;
}

static void free_peer(struct peer *peer)
{
    assert(peer->waiting == NULL);
    unlink_peer(peer);
    peer->peers->n--;
    pairing_call_cancel(&peer->call);
    timer_stop(&peer->due);
    timer_stop(&peer->over);
    peer_set_pair(peer, NULL);
    buffer_fini(&peer->head);
    free(peer);
}

void peers_free(struct peers **peers)
{
    if (*peers == NULL)
        return;
    while ((*peers)->first != NULL)
        free_peer((*peers)->first);
    free(*peers);
    *peers = NULL;
}

static int new_peer(struct peers *peers, struct span canonical, struct peer **peer_r)
{
    const struct peer_post post = { SPAN("/api/mte-pair"), "application/mte-pair", PAIRING_M1_LEN,
                                    NULL };
    struct peer *peer = calloc(1, sizeof(*peer));
    const char *why = NULL;
    int r;

    if (peer == NULL)
        return -ENOMEM;
    memcpy(peer->url_text, canonical.at, canonical.len);
    r = url_parse(span_text(peer->url_text), &peer->url, &why);
    assert(r == 0); /* the canonical form of a URL is one */
    peer->peers = peers;
    peer->waiting_end = &peer->waiting;
    buffer_init(&peer->head, 0);
    peer_put_post(&peer->head, &peer->url, &post);
    r = buffer_error(&peer->head);
    link_first(peers, peer);
    peers->n++;
    if (r < 0)
        free_peer(peer);
    else
        *peer_r = peer;
    return r;
}

static bool is_idle(const struct peer *peer)
{
    return peer->n_refs == 0 && peer->waiting == NULL && peer->call.upstream == NULL;
}

/* Frees the idle peer that was not asked for the longest. */
static int make_room(struct peers *peers)
{
    struct peer *last_idle = NULL;

    for (struct peer *peer = peers->first; peer != NULL; peer = peer->next) {
        if (is_idle(peer))
            last_idle = peer;
    }
    if (last_idle == NULL)
        return ERR_FULL;
    free_peer(last_idle);
    return 0;
}

static struct peer *find(struct peers *peers, struct span canonical)
{
    struct peer *peer = peers->first;

    while (peer != NULL && !span_equal(span_text(peer->url_text), canonical))
        peer = peer->next;
    return peer;
}

int peers_get(struct peers *peers, const struct url *base, struct peer **peer_r)
{
    uint8_t bytes[PEER_URL_MAX];
    struct buffer canonical = buffer_over(bytes, sizeof(bytes));
    struct peer *peer;
    int r = 0;

    url_put_canonical(&canonical, base);
    if (buffer_error(&canonical) < 0)
        return buffer_error(&canonical);
    peer = find(peers, buffer_span(&canonical));
    if (peer == NULL) {
        if (peers->n >= peers->config.max_peers)
            r = make_room(peers);
        if (r == 0)
            r = new_peer(peers, buffer_span(&canonical), &peer);
        if (r < 0)
            return r;
    } else if (peer != peers->first) {
        unlink_peer(peer);
        link_first(peers, peer);
    }
    peer->n_refs++;
    *peer_r = peer;
    return 0;
}

static void describe(const struct peer *peer, struct board_peer *peer_r)
{
    static const char *const words[] = {
#define PEER_ROW(state, ...) [state] = #state,
#include "worker/peer_table.h"
#undef PEER_ROW
    };

    board_copy_text(peer_r->url, sizeof(peer_r->url), peer->url_text);
    board_copy_text(peer_r->state, sizeof(peer_r->state), words[peer->state]);
    for (char *c = peer_r->state; *c != 0; c++)
        *c = *c == '_' ? ' ' : (char)(*c | 0x20);
    board_copy_text(peer_r->failure, sizeof(peer_r->failure), peer_failure_text(peer->failure));
    peer_r->has_pair = peer->pair != NULL;
}

void peers_describe(const struct peers *peers, struct board_peers *peers_r)
{
    size_t n = 0;

    *peers_r = (struct board_peers){ .n = peers->n };
    for (const struct peer *peer = peers->first; peer != NULL && n < BOARD_PEERS_MAX;
         peer = peer->next)
        describe(peer, &peers_r->items[n++]);
}

void peers_forget(struct peers *peers, uint64_t hash)
{
    uint64_t its;

    for (struct peer *peer = peers->first; peer != NULL; peer = peer->next) {
        if (url_hash(&peer->url, &its) == 0 && its == hash)
            peer_forget(peer);
    }
}

void peer_put(struct peer **peer)
{
    if (*peer != NULL)
        (*peer)->n_refs--;
    *peer = NULL;
}

const struct url *peer_url(const struct peer *peer)
{
    return &peer->url;
}
