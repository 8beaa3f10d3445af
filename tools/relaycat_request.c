/* SPDX-License-Identifier: MIT */
/*
 * The sealed exchange. What is printed was authentic when it was printed; whether it was all of it
 * is known at the end, and said by the outcome.
 */
#include "tools/relaycat_request.h"

#include <errno.h>
#include <unistd.h>

#include "common/fd.h"
#include "tools/relaycat_frames.h"
#include "tools/relaycat_peer.h"

/* ---- sealing ---- */

static int make_head(const struct options *options, struct buffer *head)
{
    struct bhttp_writer w;

    bhttp_begin_request(&w, head, options->method, SPAN("http"), options->authority, options->path);
    for (size_t i = 0; i < options->n_fields; i++)
        bhttp_put_field(&w, options->fields[i].name, options->fields[i].value);
    return bhttp_end(&w);
}

static int seal(struct request *request, struct span head, struct span body, struct buffer *message)
{
    struct sealer *sealer = NULL;
    int r;

    r = sealer_new_request(request->keys, request->options->mte ? CODEC_MTE : CODEC_MKE,
                           request->counter, request->time_ms, &request->sent, &sealer);
    if (r == 0)
        r = sealer_put(sealer, PART_HEAD, head, false, message);
    if (r == 0)
        r = sealer_put(sealer, PART_DATA, body, true, message);
    sealer_free(&sealer);
    return r;
}

enum outcome request_seal(struct request *request, struct span body, struct buffer *message)
{
    struct frames frames;
    struct buffer head;
    int r;

    buffer_init_secret(&head, 0);
    r = make_head(request->options, &head);
    if (r == 0)
        r = seal(request, buffer_span(&head), body, message);
    buffer_fini(&head);
    frames_init_request(&frames, request->trace);
    if (r == 0)
        r = frames_feed(&frames, buffer_span(message));
    if (r == ERR_LIMIT)
        return outcome_tell(OUTCOME_FAILED_HERE, "the request is too long%s",
                            request->options->mte ? " for --mte" : "");
    if (r < 0)
        return outcome_tell(OUTCOME_FAILED_HERE, "sealing: %s", error_text(r));
    return OUTCOME_ANSWERED;
}

/* ---- opening ---- */

struct printer {
    const struct options *options;
    struct bhttp_response response; /* its numbers; what it views is gone after the HEAD */
    uint64_t n_data;                /* bytes */
    int write_error;                /* ours, not the relay's */
};

static int write_out(struct printer *p, struct span bytes)
{
    return p->write_error = fd_write_all(STDOUT_FILENO, bytes);
}

static int print_head(struct printer *p)
{
    struct span rest = p->response.fields.encoded;
    struct bhttp_field field;
    struct buffer text;
    int r;

    buffer_init_secret(&text, 0);
    buffer_printf(&text, "HTTP %u\n", p->response.status);
    while (bhttp_next(&rest, &field)) {
        buffer_put(&text, field.name);
        buffer_put_text(&text, ": ");
        buffer_put(&text, field.value);
        buffer_put_text(&text, "\n");
    }
    buffer_put_text(&text, "\n");
    r = p->write_error = buffer_error(&text);
    if (r == 0)
        r = write_out(p, buffer_span(&text));
    buffer_fini(&text);
    return r;
}

static int on_part(void *arg, enum part part, struct span bytes)
{
    struct printer *p = arg;
    int r;

    switch (part) {
    case PART_HEAD:
        r = bhttp_read_response(bytes, &p->response);
        return r == 0 && p->options->show_head ? print_head(p) : r;
    case PART_DATA:
        p->n_data += bytes.len;
        return write_out(p, bytes);
    case PART_TRAILERS: /* reserved: received and dropped */
        return 0;
    case PART_AGAIN:
        break;
    }
    return ERR_FORMAT;
}

/* Of an answer to HEAD and of 304 the length is that of another answer. */
static bool length_ok(const struct printer *p)
{
    return !p->response.has_content_length || p->response.content_length == p->n_data ||
           p->response.status == 304 || span_equal(p->options->method, SPAN("HEAD"));
}

static enum outcome judge(const struct printer *p, const struct frames *frames, int error)
{
    if (p->write_error != 0)
        return outcome_tell(OUTCOME_FAILED_HERE, "standard output: %s", error_text(p->write_error));
    if (error == -ENOMEM || error == ERR_CRYPTO)
        return outcome_tell(OUTCOME_FAILED_HERE, "%s", error_text(error));
    if (error != 0)
        return outcome_tell(OUTCOME_VIOLATION, "frame %llu of the response, or before it: %s",
                            (unsigned long long)frames->n, error_text(error));
    if (!frames_complete(frames))
        return outcome_tell(OUTCOME_VIOLATION, "the response broke off in or after frame %llu",
                            (unsigned long long)frames->n);
    if (!length_ok(p))
        return outcome_tell(OUTCOME_VIOLATION, "content-length says %llu, the body has %llu bytes",
                            (unsigned long long)p->response.content_length,
                            (unsigned long long)p->n_data);
    if (p->options->fail_on_status && p->response.status >= 400)
        return outcome_tell(OUTCOME_BAD_STATUS, "the API answered %u", p->response.status);
    return OUTCOME_ANSWERED;
}

enum outcome request_print_answer(const struct request *request, struct http *http)
{
    struct printer printer = { .options = request->options };
    struct opener *opener = NULL;
    struct frames frames;
    struct span piece = SPAN_NONE;
    int r, http_error = 0;

    frames_init_response(&frames, request->trace);
    r = opener_new_response(request->keys, &request->sent, &opener);
    while (r == 0) {
        http_error = http_read_piece(http, &piece);
        if (http_error < 0 || piece.len == 0)
            break;
        r = frames_feed(&frames, piece);
        if (r == 0)
            r = opener_feed(opener, piece, on_part, &printer);
    }
    /* Two readers of one message: they must agree on where it ends. */
    if (r == 0 && http_error == 0 && opener_ended(opener) != frames_complete(&frames))
        r = ERR_FORMAT;
    opener_free(&opener);
    return http_error < 0 ? peer_broken(http, http_error) : judge(&printer, &frames, r);
}
