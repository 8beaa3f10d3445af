/* SPDX-License-Identifier: MIT */
/*
 * Owns what waits to be sent. Calls h2o_send() in one place only, as the last thing it does: over
 * HTTP/1 that call may end the request, and the memory that the door is in, before it returns.
 */
#include "worker/door.h"

#include <sys/socket.h>

#include "worker/connection.h"
#include "worker/status.h"

static struct door *door_of(h2o_generator_t *generator)
{
    return H2O_STRUCT_FROM_MEMBER(struct door, generator, generator);
}

static void send_more(struct door *door);

static void set_in_flight(struct door *door, bool in_flight)
{
    struct connection *connection = connection_of(door->req);

    if (in_flight && !door->in_flight)
        connection_begin_sending(connection);
    else if (!in_flight && door->in_flight)
        connection_end_sending(connection);
    door->in_flight = in_flight;
}

/* libh2o has sent what it had. */
static void on_proceed(h2o_generator_t *generator, h2o_req_t *req)
{
    struct door *door = door_of(generator);

    (void)req;
    set_in_flight(door, false);
    buffer_clear(&door->sending);
    if (buffer_len(&door->filling) <= DOOR_ROOM)
        door->room(door);
    send_more(door);
}

static void on_soon(h2o_timeout_entry_t *entry)
{
    send_more(H2O_STRUCT_FROM_MEMBER(struct door, soon, entry));
}

static void send_soon(struct door *door)
{
    h2o_context_t *context = door->req->conn->ctx;

    if (!door->in_flight && !h2o_timeout_is_linked(&door->soon))
        h2o_timeout_link(context->loop, &context->zero_timeout, &door->soon);
}

void door_init(struct door *door, h2o_req_t *req, void (*room)(struct door *door))
{
    door->generator.proceed = on_proceed;
    door->soon.cb = on_soon;
    door->req = req;
    door->room = room;
    buffer_init(&door->filling, 0);
    buffer_init(&door->sending, 0);
}

void door_fini(struct door *door)
{
    h2o_timeout_unlink(&door->soon);
    set_in_flight(door, false);
    buffer_fini(&door->filling);
    buffer_fini(&door->sending);
}

bool door_is_full(const struct door *door)
{
    return buffer_len(&door->filling) >= DOOR_FULL;
}

/* ---- putting in ---- */

static bool is_ours_to_frame(struct span name)
{
    return span_equal(name, SPAN("content-length")) || span_equal(name, SPAN("connection")) ||
           span_equal(name, SPAN("transfer-encoding")) || span_equal(name, SPAN("date"));
}

/* As a token where libh2o knows the name; but it rewrites a Vary that it knows, for old browsers.
 */
static void add_field(h2o_req_t *req, const struct header *field)
{
    h2o_iovec_t name = h2o_strdup(&req->pool, (const char *)field->name.at, field->name.len);
    h2o_iovec_t value = h2o_strdup(&req->pool, (const char *)field->value.at, field->value.len);

    h2o_add_header_by_str(&req->pool, &req->res.headers, name.base, name.len,
                          !span_equal(field->name, SPAN("vary")), NULL, value.base, value.len);
}

int door_head(struct door *door, unsigned status, const struct headers *fields,
              const uint64_t *content_length)
{
    h2o_req_t *req = door->req;

    if (door->headed || status < 200 || status > 599)
        return ERR_MISUSE;
    door->headed = true;
    door->bodiless = status == 204 || status == 304 ||
                     h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"));
    door->expected = content_length != NULL && !door->bodiless ? *content_length : UINT64_MAX;
    req->res.status = (int)status;
    req->res.reason = status_reason(status);
    if (content_length != NULL && status != 204) /* RFC 9110 8.6 */
        req->res.content_length = *content_length;
    for (size_t i = 0; i < fields->n; i++) {
        if (!is_ours_to_frame(fields->items[i].name))
            add_field(req, &fields->items[i]);
    }
    send_soon(door);
    return 0;
}

/*
 * With its last announced byte an answer looks complete to the application. It gets that byte only
 * when the end is certain: an upstream may still break off, a sealed message still lack its END.
 */
int door_data(struct door *door, struct span bytes)
{
    if (!door->headed || door->end != DOOR_OPEN)
        return ERR_MISUSE;
    if (door->bodiless || bytes.len == 0)
        return 0;
    if (bytes.len > door->expected - door->n_taken)
        return ERR_FORMAT;
    (void)buffer_reserve(&door->filling, bytes.len); /* also for the last one: it goes in yet */
    door->n_taken += bytes.len;
    if (door->n_taken == door->expected)
        door->last = bytes.at[--bytes.len];
    buffer_put(&door->filling, bytes);
    send_soon(door);
    return buffer_error(&door->filling);
}

struct buffer *door_buffer(struct door *door)
{
    return &door->filling;
}

int door_filled(struct door *door)
{
    if (!door->headed || door->end != DOOR_OPEN || door->bodiless || door->expected != UINT64_MAX)
        return ERR_MISUSE;
    send_soon(door);
    return buffer_error(&door->filling);
}

int door_end(struct door *door)
{
    bool has_length = door->expected != UINT64_MAX;

    if (!door->headed || door->end != DOOR_OPEN)
        return ERR_MISUSE;
    if (has_length && door->n_taken != door->expected)
        return ERR_FORMAT;
    if (has_length && door->expected > 0)
        buffer_put(&door->filling, span_of(&door->last, 1));
    if (buffer_error(&door->filling) < 0)
        return buffer_error(&door->filling);
    door->end = DOOR_COMPLETE;
    send_soon(door);
    return 0;
}

void door_break(struct door *door)
{
    if (door->end == DOOR_COMPLETE)
        return;
    door->end = DOOR_BROKEN;
    send_soon(door);
}

/* ---- sending ---- */

/*
 * Only a reset tells HTTP/1.0, whose answers end with the connection, a broken end from a good one.
 * Now and not at the close, before which libh2o would send a close_notify: a clean end under TLS.
 */
static void reset(h2o_req_t *req)
{
    const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
    h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);

    if (req->version < 0x101)
        (void)connect(h2o_socket_get_fd(sock), &nowhere, sizeof(nowhere));
}

static void send_break(struct door *door)
{
    h2o_req_t *req = door->req;

    if (!door->headed) {
        req->res.status = 500;
        req->res.reason = status_reason(500);
    }
    reset(req);
    set_in_flight(door, true);
    if (!door->started)
        h2o_start_response(req, &door->generator);
    h2o_send(req, NULL, 0, H2O_SEND_STATE_ERROR);
}

static void send_more(struct door *door)
{
    bool final = door->end == DOOR_COMPLETE;
    struct buffer emptied = door->sending;
    h2o_iovec_t bytes;

    if (door->in_flight)
        return;
    if (door->end == DOOR_BROKEN) {
        send_break(door);
        return;
    }
    if (!door->headed || (door->started && !final && buffer_len(&door->filling) == 0))
        return;
    door->sending = door->filling;
    door->filling = emptied;
    set_in_flight(door, true);
    /* All of it is here: a length costs both sides less than chunks do. */
    if (!door->started && final && !door->bodiless)
        door->req->res.content_length = buffer_len(&door->sending);
    if (!door->started)
        h2o_start_response(door->req, &door->generator);
    door->started = true;
    bytes = h2o_iovec_init(buffer_span(&door->sending).at, buffer_len(&door->sending));
    door->n_sent += bytes.len;
    h2o_send(door->req, &bytes, bytes.len > 0,
             final ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
}
