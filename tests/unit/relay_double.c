/* SPDX-License-Identifier: MIT */
/* A relay in a child process: one connection at a time, one request each. */
#include "tests/unit/relay_double.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bhttp.h"
#include "common/clock.h"
#include "common/envelope.h"
#include "common/fd.h"
#include "common/text.h"
#include "tests/unit/relays.h"

enum { SKEW_MS = 100 * 1000 /* M2 says that our clock is that far ahead */ };

struct keys {
    struct relays relays;
    struct identity stranger; /* does not know SECRET */
};

struct relay {
    const struct keys *keys;
    struct relay_script script;
    struct pair_secret pair;
    int fd; /* of the connection */
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* ---- HTTP ---- */

static void put(const struct relay *relay, struct span bytes)
{
    ssize_t n = 0;

    for (; bytes.len > 0 && n >= 0; bytes = span_from(bytes, (size_t)(n > 0 ? n : 0)))
        n = send(relay->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
}

static bool fill(const struct relay *relay, struct buffer *to)
{
    uint8_t *room = buffer_reserve(to, 65536);
    ssize_t n;

    must(room != NULL);
    n = recv(relay->fd, room, 65536, 0);
    if (n > 0)
        buffer_commit(to, (size_t)n);
    return n > 0;
}

/* Offset of what follows the word; 0 if it is not there. */
static size_t end_of(struct span text, const char *word)
{
    const uint8_t *at = text.len > 0 ? memmem(text.at, text.len, word, strlen(word)) : NULL;

    return at != NULL ? (size_t)(at - text.at) + strlen(word) : 0;
}

static uint64_t content_length(struct span head)
{
    struct span rest = span_from(head, end_of(head, "content-length: "));
    uint64_t length = 0;

    must(text_u64(span_part(rest, 0, span_find(rest, '\r')), UINT32_MAX, &length) == 0);
    return length;
}

/* The body of the one request of this connection; *is_pair_r: of a pairing. */
static bool read_request(const struct relay *relay, struct buffer *in, bool *is_pair_r)
{
    uint64_t length;
    size_t head_len;

    while ((head_len = end_of(buffer_span(in), "\r\n\r\n")) == 0) {
        if (!fill(relay, in))
            return false;
    }
    *is_pair_r = span_starts(buffer_span(in), SPAN("POST /base/api/mte-pair HTTP/1.1\r\n"));
    if (!*is_pair_r && !span_starts(buffer_span(in), SPAN("POST /base/api/mte-relay HTTP/1.1\r\n")))
        return false; /* for somebody whose port this was before */
    length = content_length(buffer_span(in));
    buffer_take(in, head_len);
    if (!*is_pair_r && relay->script.misdeed == HTTP_EARLY_413)
        return true;
    while (buffer_len(in) < length) {
        if (!fill(relay, in))
            return false;
    }
    return true;
}

static void put_head(const struct relay *relay, const char *type, size_t len)
{
    enum misdeed misdeed = relay->script.misdeed;
    bool chunked = relay->script.chunk > 0;
    struct buffer b;

    buffer_init(&b, 0);
    buffer_put_text(&b, "HTTP/1.1 100 Continue\r\nx-is: ignored\r\n\r\n");
    buffer_put_text(&b,
                    misdeed == HTTP_502 ? "HTTP/1.1 502 Bad Gateway\r\n" : "HTTP/1.1 200 OK\r\n");
    buffer_printf(&b, "Content-Type: %s; v=1\r\n", misdeed == HTTP_HTML ? "text/html" : type);
    if (misdeed == HTTP_BARE_LF)
        buffer_put_text(&b, "x-bare: lf\n");
    if (misdeed == HTTP_FOLDED)
        buffer_put_text(&b, "x-folded: a\r\n b\r\n");
    while (misdeed == HTTP_ENDLESS_HEAD && buffer_len(&b) < 1 << 20)
        buffer_put_text(&b, "x-more: and more\r\n");
    if (misdeed == HTTP_TWO_LENGTHS)
        buffer_printf(&b, "Content-Length: %zu\r\n", len);
    if (misdeed == HTTP_LENGTH_AND_CHUNKED)
        buffer_put_text(&b, "Transfer-Encoding: chunked\r\n");
    if (chunked)
        buffer_put_text(&b, "Transfer-Encoding: Chunked\r\n");
    else if (misdeed != HTTP_NO_FRAMING)
        buffer_printf(&b, "content-length: %zu\r\n", len);
    buffer_put_text(&b, "\r\n");
    put(relay, buffer_span(&b));
    buffer_fini(&b);
}

static void put_chunks(const struct relay *relay, struct span body)
{
    enum misdeed misdeed = relay->script.misdeed;
    size_t at_once = relay->script.chunk;
    struct span piece;
    struct buffer b;

    buffer_init(&b, 0);
    for (; body.len > 0; body = span_from(body, piece.len)) {
        piece = span_part(body, 0, at_once);
        buffer_printf(&b, misdeed == HTTP_BAD_CHUNK ? "-%zx\r\n" : "%zX ;ext=\"1\"\r\n", piece.len);
        buffer_put(&b, piece);
        buffer_put_text(&b, misdeed == HTTP_LONG_CHUNK ? "!\r\n" : "\r\n");
    }
    if (misdeed != HTTP_NO_LAST_CHUNK)
        buffer_put_text(&b, "0\r\nx-trailer: 1\r\n\r\n");
    put(relay, buffer_span(&b));
    buffer_fini(&b);
}

static void answer(const struct relay *relay, const char *type, struct span body)
{
    enum misdeed misdeed = relay->script.misdeed;
    struct buffer b;

    if (misdeed == HTTP_SILENT)
        pause();
    if (misdeed == HTTP_CLOSED)
        return;
    put_head(relay, type, body.len);
    if (misdeed == ANSWER_CUT)
        body.len--;
    if (relay->script.chunk > 0) {
        put_chunks(relay, body);
        return;
    }
    buffer_init(&b, 0);
    buffer_put(&b, body);
    /* At once with the body, or they might come when nobody listens any more. */
    if (misdeed == HTTP_BYTES_AFTER)
        buffer_put_text(&b, "HTTP/1.1 200 OK\r\n");
    put(relay, buffer_span(&b));
    buffer_fini(&b);
}

static void refuse(const struct relay *relay, enum errframe_code code,
                   const struct identity_psk *psk, struct span about)
{
    uint8_t frame[ERRFRAME_LEN];

    must(errframe_make(psk, code, clock_wall_ms(), about, frame) == 0);
    answer(relay, "application/mte-error", span_of(frame, sizeof(frame)));
}

/* ---- pairing ---- */

static void answer_pair(struct relay *relay, struct span body)
{
    enum misdeed misdeed = relay->script.misdeed;
    const struct identity *own =
        misdeed == PAIR_WITH_OTHER_SECRET ? &relay->keys->stranger : &relay->keys->relays.responder;
    struct pairing_answer m2_says = { .now_ms = clock_wall_ms() + SKEW_MS,
                                      .lifetime_s = 3600,
                                      .max_body = 16 << 20 };
    uint8_t m2[PAIRING_M2_LEN];
    struct pairing_m1 m1;
    int r = pairing_read_m1(own, body, &m1);

    if (r < 0)
        return refuse(relay, ERRFRAME_REJECT, errframe_psk_of_m1(own, body),
                      errframe_about_m1(body));
    if (relay->script.refuse_pair != 0)
        return refuse(relay, relay->script.refuse_pair, m1.psk, errframe_about_m1(body));
    must(pairing_choose(own, &m1, &m2_says.suite) == 0);
    must(pairing_check_time(&m1, clock_wall_ms()) == 0);
    must(pairing_answer(own, &m1, &m2_says, m2, &relay->pair) == 0);
    if (misdeed == PAIR_M2_FLIPPED)
        m2[PAIRING_M2_LEN / 2] ^= 1;
    answer(relay, "application/mte-pair", span_of(m2, PAIRING_M2_LEN - (misdeed == PAIR_M2_SHORT)));
}

/* ---- messages ---- */

struct incoming {
    struct buffer head, data;
};

static int on_part(void *arg, enum part part, struct span bytes)
{
    struct incoming *in = arg;

    must(part == PART_HEAD || part == PART_DATA);
    buffer_put(part == PART_HEAD ? &in->head : &in->data, bytes);
    return 0;
}

/* The N of /bytes/N or /status/N. */
static bool path_number(struct span path, struct span prefix, uint64_t *n_r)
{
    return span_starts(path, prefix) && text_u64(span_from(path, prefix.len), 64 << 20, n_r) == 0;
}

static void make_answer(const struct relay *relay, const struct envelope_request *request,
                        struct incoming *in, struct buffer *head)
{
    struct bhttp_request asked;
    uint64_t status = 200, n = 0;
    struct bhttp_field field;
    struct bhttp_writer w;
    struct buffer text;
    struct span rest;

    must(bhttp_read_request(buffer_span(&in->head), &asked) == 0);
    path_number(asked.path, SPAN("/bytes/"), &n);
    while (n-- > 0)
        buffer_put(&in->data, SPAN("b"));
    path_number(asked.path, SPAN("/status/"), &status);
    bhttp_begin_response(&w, head, (unsigned)status);
    buffer_init(&text, 0);
    buffer_printf(&text, "%.*s %.*s %.*s %llu", SPAN_PRINT(asked.method),
                  SPAN_PRINT(asked.authority), SPAN_PRINT(asked.path),
                  (unsigned long long)request->counter);
    bhttp_put_field(&w, SPAN("x-saw"), buffer_span(&text));
    for (rest = asked.fields.encoded; bhttp_next(&rest, &field);)
        bhttp_put_field(&w, field.name, field.value);
    buffer_clear(&text);
    buffer_printf(&text, "%zu",
                  buffer_len(&in->data) + (relay->script.misdeed == ANSWER_TOO_SHORT) +
                      (span_equal(asked.method, SPAN("HEAD")) ? 1000 : 0));
    bhttp_put_field(&w, SPAN("content-length"), buffer_span(&text));
    buffer_fini(&text);
    must(bhttp_end(&w) == 0);
}

static void seal_answer(const struct relay *relay, struct pair_keys *keys,
                        struct envelope_request *request, struct incoming *in, struct buffer *out)
{
    bool end = relay->script.misdeed != ANSWER_WITHOUT_END;
    struct sealer *sealer = NULL;
    struct buffer head;

    buffer_init(&head, 0);
    make_answer(relay, request, in, &head);
    if (relay->script.misdeed == ANSWER_OF_ANOTHER)
        request->bytes[ENVELOPE_REQ_LEN - 1] ^= 1;
    must(sealer_new_response(keys, request, &sealer) == 0);
    must(!relay->script.pads || sealer_pad(sealer, out) == 0);
    must(sealer_put(sealer, PART_HEAD, buffer_span(&head), false, out) == 0);
    must(!relay->script.pads || sealer_pad(sealer, out) == 0);
    must(sealer_put(sealer, PART_DATA, buffer_span(&in->data), end, out) == 0);
    if (relay->script.misdeed == ANSWER_FLIPPED)
        out->at[out->end - 1] ^= 1;
    if (relay->script.misdeed == ANSWER_AND_MORE)
        buffer_put(out, SPAN("\4\0\0\21"));
    sealer_free(&sealer);
    buffer_fini(&head);
}

static void answer_message(const struct relay *relay, struct span body)
{
    struct envelope_request request;
    struct pair_keys *keys = NULL;
    struct opener *opener = NULL;
    struct incoming in;
    struct buffer out;

    must(envelope_read_request(body, &request) == 0);
    must(pair_keys_new(&relay->pair, &keys) == 0);
    buffer_init(&in.head, 0);
    buffer_init(&in.data, 0);
    buffer_init(&out, 0);
    must(opener_new_request(keys, &request, &opener) == 0);
    must(opener_feed(opener, span_from(body, ENVELOPE_REQ_LEN), on_part, &in) == 0);
    must(opener_ended(opener));
    must(request.time_ms > clock_wall_ms() + SKEW_MS / 2);
    seal_answer(relay, keys, &request, &in, &out);
    answer(relay,
           relay->script.misdeed == ANSWER_BY_M2 ? "application/mte-pair" : "application/mte-relay",
           buffer_span(&out));
    opener_free(&opener);
    pair_keys_free(&keys);
    buffer_fini(&in.head);
    buffer_fini(&in.data);
    buffer_fini(&out);
}

static void take_message(const struct relay *relay, struct span body)
{
    const struct identity_psk *psk = errframe_psk_of_message(&relay->keys->relays.responder, body);
    struct span about = errframe_about_message(body);

    switch (relay->script.misdeed) {
    case HTTP_EARLY_413:
        put(relay, SPAN("HTTP/1.1 413 Content Too Large\r\nconnection: close\r\n\r\n"));
        shutdown(relay->fd, SHUT_WR);
        break;
    case REFUSAL_FORGED:
        refuse(relay, ERRFRAME_BUSY, &relay->keys->stranger.psk[0], about);
        break;
    case REFUSAL_OF_ANOTHER:
        refuse(relay, ERRFRAME_BUSY, psk, span_from(about, 1));
        break;
    default:
        if (relay->script.refuse_message != 0)
            refuse(relay, relay->script.refuse_message, psk, about);
        else
            answer_message(relay, body);
    }
}

/* ---- the process ---- */

/* So that what was answered is not lost to a reset while the other side still writes. */
static void drain(const struct relay *relay, struct buffer *in)
{
    shutdown(relay->fd, SHUT_WR);
    do
        buffer_clear(in);
    while (fill(relay, in));
}

/* Misdeeds are for messages, unless pairing has one of its own. */
static void serve_one(struct relay *relay)
{
    enum misdeed misdeed = relay->script.misdeed;
    struct buffer in;
    bool is_pair;

    buffer_init(&in, 0);
    if (read_request(relay, &in, &is_pair)) {
        if (is_pair && misdeed > PAIR_WITH_OTHER_SECRET)
            relay->script.misdeed = HONEST;
        if (is_pair)
            answer_pair(relay, buffer_span(&in));
        else
            take_message(relay, buffer_span(&in));
        relay->script.misdeed = misdeed;
        drain(relay, &in);
    }
    buffer_fini(&in);
    fd_close(&relay->fd);
}

/* Once for all children: scrypt is slow on purpose. */
static const struct keys *get_keys(void)
{
    static struct keys keys;
    static bool made;

    if (!made) {
        relays_init(&keys.relays);
        relays_identity(&keys.stranger, SPAN("another secret entirely"),
                        SPAN(RELAYS_CLIENT_SECRET_R), RELAYS_UPSTREAM_R);
        made = true;
    }
    return &keys;
}

static void serve(int listener, const struct relay_script *script)
{
    struct relay relay = { .keys = get_keys(), .script = *script };

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        relay.fd = accept(listener, NULL, NULL);
        must(relay.fd >= 0);
        serve_one(&relay);
    }
}

void relay_double_start(const struct relay_script *script, struct relay_double *double_r)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    must(listen(fd, 8) == 0 && getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    double_r->port = ntohs(address.sin_port);
    get_keys();
    double_r->pid = fork();
    must(double_r->pid >= 0);
    if (double_r->pid == 0)
        serve(fd, script);
    fd_close(&fd);
}

void relay_double_stop(struct relay_double *relay)
{
    int status;

    kill(relay->pid, SIGKILL);
    must(waitpid(relay->pid, &status, 0) == relay->pid);
    /* It was well until now: one that had aborted would not die of ours. */
    must(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
