/* SPDX-License-Identifier: MIT */
/*
 * The client: one socket, one buffer of what came and was not used yet. Owns both. Never follows,
 * retries, keeps a connection, or guesses where an answer ends.
 */
#include "tools/relaycat_http.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/text.h"

enum {
    PIECE = 65536,          /* bytes asked of the socket at once */
    LINE_LEN_MAX = 16384,   /* bytes */
    LINES_MAX = 512,        /* of all heads of an answer, and of its trailers */
    UPLOAD_MS = 300 * 1000, /* protocol.md: a sender gives up after that */
    CHUNK_DIGITS_MAX = 15,
};

struct http {
    int fd;
    int timeout_ms;
    struct buffer in;
    char content_type[128];
    bool has_length, chunked;
    bool in_chunk; /* its CR LF is still to come */
    bool ended;
    uint64_t left; /* bytes of the body or of the chunk */
    const char *why;
};

static int wrong(struct http *http, const char *why)
{
    http->why = why;
    return ERR_FORMAT;
}

/* ---- the socket ---- */

static int connect_to(const struct addrinfo *address, int timeout_ms, int *fd_r)
{
    struct timeval limit = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
    int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, 0), r;

    if (fd < 0)
        return -errno;
    /* Bounds connect() too, which then says EINPROGRESS. */
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 &&
        connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
        *fd_r = fd;
        return 0;
    }
    r = errno == EINPROGRESS ? ERR_TIMEOUT : -errno;
    fd_close(&fd);
    return r;
}

static int connect_any(const struct url *url, int timeout_ms, int *fd_r, const char **why_r)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *addresses;
    char host[URL_HOST_MAX + 1], port[6];
    int r;

    snprintf(host, sizeof(host), "%.*s", SPAN_PRINT(url->host));
    snprintf(port, sizeof(port), "%u", url->port);
    r = getaddrinfo(host, port, &hints, &addresses);
    if (r != 0) {
        *why_r = gai_strerror(r);
        return ERR_UNKNOWN;
    }
    for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next) {
        r = connect_to(a, timeout_ms, fd_r);
        if (r == 0)
            break;
    }
    *why_r = error_text(r);
    freeaddrinfo(addresses);
    return r;
}

int http_open(const struct url *url, int timeout_ms, struct http **http_r, const char **why_r)
{
    int fd, r;

    r = connect_any(url, timeout_ms, &fd, why_r);
    if (r < 0)
        return r;
    r = http_adopt(fd, timeout_ms, http_r);
    if (r < 0)
        *why_r = error_text(r);
    return r;
}

int http_adopt(int fd, int timeout_ms, struct http **http_r)
{
    struct http *http = calloc(1, sizeof(*http));

    if (http == NULL) {
        fd_close(&fd);
        return -ENOMEM;
    }
    http->fd = fd;
    http->timeout_ms = timeout_ms;
    buffer_init(&http->in, 0);
    *http_r = http;
    return 0;
}

void http_close(struct http **http)
{
    if (*http == NULL)
        return;
    fd_close(&(*http)->fd);
    buffer_fini(&(*http)->in);
    free(*http);
    *http = NULL;
}

/* Which of the events is there, at the latest after timeout_ms; ERR_TIMEOUT. */
static int wait_for(const struct http *http, short events, short *events_r)
{
    struct pollfd pollfd = { .fd = http->fd, .events = events };
    int n;

    do
        n = poll(&pollfd, 1, http->timeout_ms);
    while (n < 0 && errno == EINTR);
    *events_r = pollfd.revents;
    if (n < 0)
        return -errno;
    return n > 0 ? 0 : ERR_TIMEOUT;
}

static int fill(struct http *http)
{
    uint8_t *room = buffer_reserve(&http->in, PIECE);
    short events;
    ssize_t n;
    int r;

    if (room == NULL)
        return buffer_error(&http->in);
    r = wait_for(http, POLLIN, &events);
    if (r < 0)
        return r;
    n = recv(http->fd, room, PIECE, 0);
    if (n < 0)
        return -errno;
    buffer_commit(&http->in, (size_t)n);
    return n > 0 ? 0 : ERR_CLOSED;
}

/* ---- sending ---- */

/* A relay may refuse a body that is still on its way: who only writes would never learn why. */
static int send_until_answered(const struct http *http, struct span bytes)
{
    uint64_t until = clock_mono_ms() + UPLOAD_MS;
    short events;
    ssize_t n;
    int r;

    while (bytes.len > 0) {
        r = clock_mono_ms() < until ? wait_for(http, POLLIN | POLLOUT, &events) : ERR_TIMEOUT;
        if (r < 0 || (events & POLLIN) != 0)
            return r;
        n = send(http->fd, bytes.at, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return 0; /* reading says whether it answered before */
        if (n < 0 && errno != EAGAIN)
            return -errno;
        if (n > 0)
            bytes = span_from(bytes, (size_t)n);
    }
    return 0;
}

int http_post(struct http *http, const struct http_post *post)
{
    struct buffer head;
    int r;

    buffer_init(&head, 0);
    buffer_printf(&head, "POST %.*s%s HTTP/1.1\r\nhost: ", SPAN_PRINT(post->url->path),
                  post->endpoint);
    url_put_authority(&head, post->url);
    buffer_printf(&head,
                  "\r\nuser-agent: relaycat/" PACKAGE_VERSION "\r\ncontent-type: %s\r\n"
                  "content-length: %zu\r\nconnection: close\r\n\r\n",
                  post->content_type, post->body.len);
    r = buffer_error(&head);
    if (r == 0)
        r = send_until_answered(http, buffer_span(&head));
    if (r == 0)
        r = send_until_answered(http, post->body);
    buffer_fini(&head);
    return r;
}

/* ---- the head ---- */

/* Without its CR LF; valid until more is read. */
static int read_line(struct http *http, struct span *line_r)
{
    struct span in = buffer_span(&http->in);
    size_t len;
    int r;

    while ((len = span_find(in, '\n')) == in.len) {
        if (in.len > LINE_LEN_MAX)
            return ERR_LIMIT;
        r = fill(http);
        if (r < 0)
            return r;
        in = buffer_span(&http->in);
    }
    if (len == 0 || span_find(in, '\r') != len - 1 || span_find(in, '\0') < len)
        return wrong(http, "a line with a stray CR, LF or NUL");
    *line_r = span_part(in, 0, len - 1);
    buffer_take(&http->in, len + 1);
    return 0;
}

/* HTTP/1.1 SP 3DIGIT [SP reason] */
static int read_status(struct http *http, unsigned *status_r)
{
    struct span line;
    uint64_t status = 0;
    int r = read_line(http, &line);

    if (r < 0)
        return r;
    if (!span_starts(line, SPAN("HTTP/1.1 ")) ||
        text_u64(span_part(line, strlen("HTTP/1.1 "), 3), 599, &status) < 0 || status < 100 ||
        (line.len > strlen("HTTP/1.1 200") && line.at[strlen("HTTP/1.1 200")] != ' '))
        return wrong(http, "it does not begin as HTTP/1.1 does");
    *status_r = (unsigned)status;
    return 0;
}

static int take_field(struct http *http, struct span name, struct span value)
{
    if (span_equal_nocase(name, SPAN("content-length"))) {
        if (http->has_length || text_u64(value, INT64_MAX, &http->left) < 0)
            return wrong(http, "a content-length that is not one number");
        http->has_length = true;
    } else if (span_equal_nocase(name, SPAN("transfer-encoding"))) {
        if (http->chunked || !span_equal_nocase(value, SPAN("chunked")))
            return wrong(http, "a transfer-encoding other than chunked, once");
        http->chunked = true;
    } else if (span_equal_nocase(name, SPAN("content-type"))) {
        value = span_trim(span_part(value, 0, span_find(value, ';')));
        if (http->content_type[0] != '\0' || value.len >= sizeof(http->content_type))
            return wrong(http, "two content types, or an endless one");
        snprintf(http->content_type, sizeof(http->content_type), "%.*s", SPAN_PRINT(value));
    }
    return 0;
}

/* What a terminal must not be shown is nowhere in a field. */
static bool field_ok(struct span name, struct span value)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] <= ' ' || name.at[i] >= 0x7f)
            return false;
    }
    for (size_t i = 0; i < value.len; i++) {
        if ((value.at[i] < ' ' && value.at[i] != '\t') || value.at[i] == 0x7f)
            return false;
    }
    return name.len > 0;
}

/* A section up to its empty line; only those of a final head count. */
static int read_fields(struct http *http, bool count, unsigned *n_lines)
{
    struct span line, name, value;
    int r;

    for (;;) {
        if (++*n_lines > LINES_MAX)
            return ERR_LIMIT;
        r = read_line(http, &line);
        if (r < 0 || line.len == 0)
            return r;
        name = span_part(line, 0, span_find(line, ':'));
        value = span_trim(span_from(line, name.len + 1));
        if (name.len == line.len || !field_ok(name, value))
            return wrong(http, "a line that is no field");
        if (count)
            r = take_field(http, name, value);
        if (r < 0)
            return r;
    }
}

int http_read_head(struct http *http, struct http_head *head_r)
{
    unsigned n_lines = 0;
    int r;

    do {
        r = read_status(http, &head_r->status);
        if (r == 0)
            r = read_fields(http, head_r->status >= 200, &n_lines);
    } while (r == 0 && head_r->status < 200);
    if (r == 0 && http->has_length && http->chunked)
        r = wrong(http, "both content-length and transfer-encoding");
    head_r->content_type = span_text(http->content_type);
    return r;
}

/* ---- the body ---- */

static int end_body(struct http *http)
{
    http->ended = true;
    return buffer_len(&http->in) == 0 ? 0 : wrong(http, "more bytes than it announced");
}

static int read_chunk_size(struct http *http)
{
    struct span line;
    size_t n = 0;
    int r = read_line(http, &line);

    if (r < 0)
        return r;
    for (http->left = 0; n < line.len && text_hex_digit(line.at[n]) >= 0; n++)
        http->left = http->left << 4 | (uint64_t)text_hex_digit(line.at[n]);
    if (n == 0 || n > CHUNK_DIGITS_MAX || (n < line.len && strchr("; \t", line.at[n]) == NULL))
        return wrong(http, "a chunk size that is none");
    return 0;
}

/* Sets left; 0 after the last one, its trailers included. */
static int next_chunk(struct http *http)
{
    unsigned n_lines = 0;
    struct span line;
    int r;

    if (http->in_chunk) {
        r = read_line(http, &line);
        if (r == 0 && line.len > 0)
            r = wrong(http, "a chunk longer than its size");
        if (r < 0)
            return r;
    }
    r = read_chunk_size(http);
    if (r < 0)
        return r;
    http->in_chunk = http->left > 0;
    return http->in_chunk ? 0 : read_fields(http, false, &n_lines);
}

int http_read_piece(struct http *http, struct span *piece_r)
{
    int r = 0;

    *piece_r = SPAN_NONE;
    if (http->ended)
        return 0;
    if (!http->chunked && !http->has_length)
        return wrong(http, "neither content-length nor chunked");
    if (http->chunked && http->left == 0)
        r = next_chunk(http);
    if (r < 0)
        return r;
    if (http->left == 0)
        return end_body(http);
    if (buffer_len(&http->in) == 0)
        r = fill(http);
    if (r < 0)
        return r;
    *piece_r =
        span_part(buffer_span(&http->in), 0, http->left < SIZE_MAX ? (size_t)http->left : SIZE_MAX);
    http->left -= piece_r->len;
    buffer_take(&http->in, piece_r->len);
    return 0;
}

int http_read_body(struct http *http, struct buffer *to)
{
    struct span piece;
    int r;

    do {
        r = http_read_piece(http, &piece);
        if (r == 0)
            buffer_put(to, piece);
    } while (r == 0 && piece.len > 0 && buffer_error(to) == 0);
    return r < 0 ? r : buffer_error(to);
}

const char *http_why(const struct http *http, int error)
{
    return error == ERR_FORMAT && http->why != NULL ? http->why : error_text(error);
}
