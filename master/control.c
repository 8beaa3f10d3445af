/* SPDX-License-Identifier: MIT */
/* Owns the clients, never the listener. Every call returns at once. */
#include "master/control.h"

#include <errno.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/fd.h"

enum {
    TALK_MS = 10000, /* to say the line, and to take the answer */
    WAIT_MS = 90000, /* for what takes longer: a check of settings, and a start of workers */
    OUT_MAX = 1 << 20,
};

void control_init(struct control *control, int listener, control_line_cb line, void *arg)
{
    *control = (struct control){ .listener = listener, .line = line, .arg = arg };
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        control->clients[i].fd = -1;
}

static void drop(struct control_client *client)
{
    fd_close(&client->fd);
    buffer_fini(&client->in);
    buffer_fini(&client->out);
}

void control_close(struct control *control)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i].fd >= 0)
            drop(&control->clients[i]);
    }
}

/* ---- polling ---- */

void control_prepare(const struct control *control, struct pollfd polls_r[static CONTROL_POLLS])
{
    bool room = false;

    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        const struct control_client *client = &control->clients[i];

        /* Who waits is polled for his departure only. */
        polls_r[1 + i] = (struct pollfd){ .fd = client->fd };
        if (client->fd < 0)
            room = true;
        else if (buffer_len(&client->out) > 0)
            polls_r[1 + i].events = POLLOUT;
        else if (!client->waits)
            polls_r[1 + i].events = POLLIN;
    }
    polls_r[0] = (struct pollfd){ .fd = room ? control->listener : -1, .events = POLLIN };
}

uint64_t control_due_ms(const struct control *control)
{
    uint64_t due_ms = UINT64_MAX;

    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i].fd >= 0 && control->clients[i].due_ms < due_ms)
            due_ms = control->clients[i].due_ms;
    }
    return due_ms;
}

/* ---- a client ---- */

static void welcome(struct control *control)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &control->clients[i];

        if (client->fd >= 0)
            continue;
        client->fd = accept4(control->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client->fd < 0)
            return;
        buffer_init(&client->in, CONTROL_LINE_MAX);
        buffer_init(&client->out, OUT_MAX);
        client->due_ms = clock_mono_ms() + TALK_MS;
        client->waits = false;
    }
}

static void flush(struct control_client *client)
{
    struct span rest = buffer_span(&client->out);
    ssize_t n = send(client->fd, rest.at, rest.len, MSG_NOSIGNAL);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n >= 0)
        buffer_take(&client->out, (size_t)n);
    if (n < 0 || buffer_len(&client->out) == 0)
        drop(client);
}

static void answer(struct control_client *client)
{
    if (buffer_error(&client->out) != 0) {
        buffer_clear(&client->out);
        buffer_put_text(&client->out, "{\"ok\":false,\"error\":\"the answer is too long\"}\n");
    }
    client->waits = false;
    client->due_ms = clock_mono_ms() + TALK_MS;
    flush(client);
}

static void take_line(struct control *control, struct control_client *client, struct span line)
{
    if (control->line(control->arg, line, &client->out)) {
        answer(client);
        return;
    }
    client->waits = true;
    client->due_ms = clock_mono_ms() + WAIT_MS;
}

static void hear(struct control *control, struct control_client *client)
{
    uint8_t bytes[CONTROL_LINE_MAX];
    ssize_t n = recv(client->fd, bytes, sizeof(bytes), 0);
    struct span said, line;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    buffer_put(&client->in, span_of(bytes, n > 0 ? (size_t)n : 0));
    said = buffer_span(&client->in);
    line = span_part(said, 0, span_find(said, '\n'));
    if (buffer_error(&client->in) != 0) {
        buffer_put_text(&client->out, "{\"ok\":false,\"error\":\"the line is too long\"}\n");
        answer(client);
    } else if (line.len < said.len) {
        take_line(control, client, line);
    } else if (n <= 0) {
        drop(client);
    }
}

static void look_at(struct control *control, struct control_client *client, short events)
{
    if (clock_mono_ms() >= client->due_ms && client->waits) {
        buffer_put_text(&client->out,
                        "{\"ok\":false,\"error\":\"this takes longer than you can be kept waiting; "
                        "it goes on, and status and log tell how it ends\"}\n");
        answer(client);
    } else if (clock_mono_ms() >= client->due_ms || (events & POLLNVAL) != 0) {
        drop(client);
    } else if ((events & POLLOUT) != 0) {
        flush(client);
    } else if ((events & POLLIN) != 0) {
        hear(control, client);
    } else if (events != 0) {
        drop(client);
    }
}

void control_take(struct control *control, const struct pollfd polls[static CONTROL_POLLS])
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i].fd >= 0)
            look_at(control, &control->clients[i], polls[1 + i].revents);
    }
    if (control->listener >= 0 && polls[0].revents != 0)
        welcome(control);
}

void control_answer_waiting(struct control *control, struct span text)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &control->clients[i];

        if (client->fd < 0 || !client->waits)
            continue;
        buffer_put(&client->out, text);
        answer(client);
    }
}
