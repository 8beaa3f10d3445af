/* SPDX-License-Identifier: MIT */
/*
 * What a server may answer to relaycat. The first byte says how many bytes come at once: an answer
 * that is read when it comes whole is read the same when it comes in pieces, and none is read where
 * it breaks off.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buffer.h"
#include "tools/relaycat_http.h"

enum { TIMEOUT_MS = 10 * 1000, DATAGRAMS_MAX = 64 };

struct answer {
    int r;
    unsigned status;
    struct buffer type, body;
};

/* Each slice is received by a call of its own. */
static int socket_with(struct span bytes, size_t slice)
{
    int ends[2];

    if (bytes.len / slice >= DATAGRAMS_MAX)
        slice = bytes.len / DATAGRAMS_MAX + 1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        abort();
    while (bytes.len > 0) {
        struct span piece = span_part(bytes, 0, slice);

        if (send(ends[1], piece.at, piece.len, MSG_NOSIGNAL) != (ssize_t)piece.len)
            abort();
        bytes = span_from(bytes, piece.len);
    }
    close(ends[1]);
    return ends[0];
}

static void read_answer(struct answer *answer, struct span bytes, size_t slice)
{
    struct http_head head;
    struct http *http;

    buffer_init(&answer->type, 0);
    buffer_init(&answer->body, 0);
    if (http_adopt(socket_with(bytes, slice), TIMEOUT_MS, &http) < 0)
        abort();
    answer->r = http_read_head(http, &head);
    if (answer->r == 0) {
        answer->status = head.status;
        buffer_put(&answer->type, head.content_type);
        answer->r = http_read_body(http, &answer->body);
    }
    if (http_why(http, answer->r) == NULL)
        abort();
    http_close(&http);
}

static void answer_fini(struct answer *answer)
{
    buffer_fini(&answer->type);
    buffer_fini(&answer->body);
}

static bool same(const struct answer *a, const struct answer *b)
{
    return a->r == b->r && a->status == b->status &&
           span_equal(buffer_span(&a->type), buffer_span(&b->type)) &&
           span_equal(buffer_span(&a->body), buffer_span(&b->body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = span_from(span_of(data, size), 1);
    struct answer whole, pieces, cut;

    if (size < 2 || size > 32768)
        return 0;
    read_answer(&whole, bytes, size);
    read_answer(&pieces, bytes, (size_t)data[0] + 1);
    if (whole.r == 0) {
        if (!same(&whole, &pieces) || whole.status < 200 || whole.status > 599)
            abort();
        read_answer(&cut, span_part(bytes, 0, bytes.len - 1), size);
        if (cut.r == 0)
            abort();
        answer_fini(&cut);
    }
    answer_fini(&pieces);
    answer_fini(&whole);
    return 0;
}
