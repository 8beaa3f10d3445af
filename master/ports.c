/* SPDX-License-Identifier: MIT */
/* Opening what workers inherit, in order, and telling where that is. Accepts nothing itself. */
#include "master/ports.h"

#include <errno.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"
#include "master/listen.h"

enum {
    WAIT_MS = 3000,        /* for the workers of a master that was killed to give up the port */
    DEFAULT_WAIT_MS = 500, /* they give up the admin listener at once */
    RETRY_US = 50000,
};

void ports_init(struct ports *ports)
{
    *ports = (struct ports){ .admin = -1 };
}

static int open_patiently(const char *address, uint16_t port, uint64_t wait_ms, int *fd_r)
{
    uint64_t until = clock_mono_ms() + wait_ms;
    int r;

    while ((r = listen_open(span_text(address), port, fd_r)) == -EADDRINUSE &&
           clock_mono_ms() < until)
        usleep(RETRY_US);
    return r;
}

static void tell(int fd, const char *use)
{
    char text[LISTEN_TEXT_LEN];

    listen_text(fd, text);
    log_info("listening address=%s for=%s", text, use);
}

static void tell_inherited(int fd)
{
    char text[LISTEN_TEXT_LEN];

    listen_text(fd, text);
    log_info("listening address=%s from=LISTEN_FDS", text);
}

static int open_data(struct ports *ports, const struct generation *g, char *const *environment)
{
    int r = listen_inherited(environment, ports->data, INHERIT_LISTENERS_MAX, &ports->n_data);

    if (r != 0)
        log_panic("cannot use the sockets of LISTEN_FDS: %s", error_text(r));
    for (size_t i = 0; i < ports->n_data; i++)
        tell_inherited(ports->data[i]);
    if (r != 0 || ports->n_data > 0)
        return r;
    r = open_patiently(g->listen, g->port, WAIT_MS, &ports->data[0]);
    if (r != 0) {
        log_panic("cannot listen on \"%s\" port %u: %s", g->listen, g->port, error_text(r));
        return r;
    }
    ports->n_data = 1;
    tell(ports->data[0], "data");
    return 0;
}

static int open_admin(struct ports *ports, const struct generation *g)
{
    const struct generation_admin *admin = &g->doors.admin;
    int r;

    if (admin->address[0] == 0)
        return 0;
    r = open_patiently(admin->address, admin->port, admin->by_default ? DEFAULT_WAIT_MS : WAIT_MS,
                       &ports->admin);
    if (r == 0)
        tell(ports->admin, "admin");
    else if (admin->by_default)
        log_warning("no admin listener, ADMIN_LISTEN names another or is off: cannot listen on "
                    "\"%s\" port %u: %s",
                    admin->address, admin->port, error_text(r));
    else
        log_panic("cannot listen on \"%s\" port %u for ADMIN_LISTEN: %s", admin->address,
                  admin->port, error_text(r));
    return admin->by_default ? 0 : r;
}

int ports_open(struct ports *ports, const struct generation *g, char *const *environment)
{
    int r = open_data(ports, g, environment);

    return r == 0 ? open_admin(ports, g) : r;
}

void ports_close(struct ports *ports)
{
    for (size_t i = 0; i < ports->n_data; i++)
        fd_close(&ports->data[i]);
    fd_close(&ports->admin);
}
