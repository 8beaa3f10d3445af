/* SPDX-License-Identifier: MIT */
/* The chunk encoder: an output stream of libh2o's. Lives in the request's pool. */
#include "worker/chunked.h"

#include <stdbool.h>

#include <h2o.h>

/* Data is sent in one piece by our door, in at most a few by libh2o's own answers. */
enum { BUFS_MAX = 8 };

struct encoder {
    h2o_ostream_t super;
    char size[20]; /* of the chunk on its way: "ffffffff\r\n" */
};

static size_t total(const h2o_iovec_t *bufs, size_t n)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        len += bufs[i].len;
    return len;
}

/* The end as it is: the last chunk, or one that is announced and never comes. */
static h2o_iovec_t tail_of(h2o_send_state_t state, bool in_chunk)
{
    if (state == H2O_SEND_STATE_ERROR)
        return in_chunk ? h2o_iovec_init(H2O_STRLIT("\r\n1\r\n"))
                        : h2o_iovec_init(H2O_STRLIT("1\r\n"));
    if (state == H2O_SEND_STATE_FINAL)
        return in_chunk ? h2o_iovec_init(H2O_STRLIT("\r\n0\r\n\r\n"))
                        : h2o_iovec_init(H2O_STRLIT("0\r\n\r\n"));
    return in_chunk ? h2o_iovec_init(H2O_STRLIT("\r\n")) : h2o_iovec_init(NULL, 0);
}

/*
 * Nothing in progress is passed on too, when it is the head that is to go out at once:
 * h2o_ostream_send_next() would swallow it.
 */
static void send_chunk(h2o_ostream_t *self, h2o_req_t *req, h2o_iovec_t *bufs, size_t n_bufs,
                       h2o_send_state_t state)
{
    struct encoder *encoder = H2O_STRUCT_FROM_MEMBER(struct encoder, super, self);
    size_t len = total(bufs, n_bufs), n = 0;
    h2o_iovec_t out[BUFS_MAX + 2], tail = tail_of(state, len > 0);

    assert(n_bufs <= BUFS_MAX);
    if (len > 0) {
        out[n++] = h2o_iovec_init(
            encoder->size, (size_t)snprintf(encoder->size, sizeof(encoder->size), "%zx\r\n", len));
        for (size_t i = 0; i < n_bufs; i++)
            out[n++] = bufs[i];
    }
    if (tail.len > 0)
        out[n++] = tail;
    if (state != H2O_SEND_STATE_IN_PROGRESS)
        req->_ostr_top = self->next;
    self->next->do_send(self->next, req, out, n, state);
}

static bool has_no_body(const h2o_req_t *req)
{
    return req->res.status < 200 || req->res.status == 204 || req->res.status == 304 ||
           h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"));
}

static void on_setup_ostream(h2o_filter_t *self, h2o_req_t *req, h2o_ostream_t **slot)
{
    struct encoder *encoder;

    (void)self;
    if (req->version >= 0x200 || req->res.content_length != SIZE_MAX || has_no_body(req)) {
        h2o_setup_next_ostream(req, slot);
        return;
    }
    if (req->version < 0x101) { /* only the end of the connection ends it */
        req->http1_is_persistent = 0;
        return;
    }
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_TRANSFER_ENCODING, NULL,
                   H2O_STRLIT("chunked"));
    encoder = (struct encoder *)(void *)h2o_add_ostream(req, sizeof(*encoder), slot);
    encoder->super.do_send = send_chunk;
}

void chunked_register(struct st_h2o_pathconf_t *path)
{
    h2o_filter_t *filter = h2o_create_filter(path, sizeof(*filter));

    filter->on_setup_ostream = on_setup_ostream;
}
