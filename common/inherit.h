/* SPDX-License-Identifier: MIT */
/*
 * What a worker finds at its birth: descriptors at fixed places, its numbers in its one argument,
 * and in the boot record, beside the settings, who it shall become.
 */
#ifndef COMMON_INHERIT_H
#define COMMON_INHERIT_H

#include <sys/types.h>

#include "common/boot.h"

enum inherit_fd {
    INHERIT_CHANNEL = 3, /* of message.h */
    INHERIT_BOOT,        /* boot record */
    INHERIT_SHM,         /* shared memory */
    INHERIT_ACCESS_LOG,  /* ACCESS_LOG, or not there */
    INHERIT_LOG,         /* LOG_OUTPUT; not there where settings are only looked at by eye */
    INHERIT_ADMIN,       /* the admin listener, where there is one */
    INHERIT_LISTENERS,   /* the first of them; the others follow */
};

/* Asks for a verdict on the boot record instead of work. Exit status 0: good. */
#define INHERIT_CHECK "--check"

enum { INHERIT_LISTENERS_MAX = 16, INHERIT_TEXT_LEN = 96 };

struct inherit {
    uint64_t slot;
    uint64_t generation; /* of the settings in the boot record */
    uint64_t n_listeners;
    uint64_t admin; /* 1: there is an admin listener; else 0 */
};

/* As one argument: "slot=0,generation=1,listeners=1,admin=1". */
void inherit_print(const struct inherit *inherit, char text_r[static INHERIT_TEXT_LEN]);
MUST_CHECK int inherit_parse(struct span text, struct inherit *inherit_r); /* ERR_FORMAT */

/* The user and group that a worker becomes; none where the master is not root. */
struct inherit_user {
    bool set;
    uid_t user;
    gid_t group;
};
void inherit_put_user(struct boot_writer *boot, const struct inherit_user *user);
MUST_CHECK int inherit_get_user(const struct boot *boot, struct inherit_user *user_r);

#endif
