/* SPDX-License-Identifier: MIT */
/*
 * Parting the environment. Owns the copy of the settings:
 *
 *      | pointers, NULL | "UPSTREAM=…" NUL "SECRET=…" NUL … |     one mapping
 *
 * not in the heap, where fork would copy it into every child until exec and a dump would show it.
 */
#include "master/environment.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "common/secret.h"

struct environment {
    char **settings; /* the mapping begins here */
    size_t len;      /* bytes mapped */
    char **rest;     /* environ itself */
};

static struct span name_of(const char *entry)
{
    struct span rest = span_text(entry);

    return span_cut(&rest, '=');
}

static int map_secret(size_t len, void **at_r)
{
    void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED)
        return -errno;
    if (madvise(at, len, MADV_DONTDUMP) != 0 || madvise(at, len, MADV_WIPEONFORK) != 0) {
        int r = -errno;

        munmap(at, len);
        return r;
    }
    *at_r = at;
    return 0;
}

static void move_settings(struct environment *e, bool (*is_setting)(struct span name), size_t n)
{
    char **setting = e->settings, **kept = e->rest;
    char *at = (char *)(e->settings + n + 1);

    for (char **entry = e->rest; *entry != NULL; entry++) {
        size_t len = strlen(*entry) + 1, name_len = name_of(*entry).len;

        if (!is_setting(name_of(*entry))) {
            *kept++ = *entry;
            continue;
        }
        memcpy(at, *entry, len);
        secret_wipe(*entry + name_len, len - name_len);
        *setting++ = at;
        at += len;
    }
    *setting = NULL;
    *kept = NULL;
}

int environment_take(char **environ_, bool (*is_setting)(struct span name),
                     struct environment **environment_r)
{
    struct environment *e;
    size_t n = 0, len = 0;
    void *at = NULL;
    int r;

    for (char **entry = environ_; *entry != NULL; entry++) {
        if (is_setting(name_of(*entry)))
            n++, len += strlen(*entry) + 1;
    }
    len += (n + 1) * sizeof(char *);
    r = map_secret(len, &at);
    if (r != 0)
        return r;
    e = calloc(1, sizeof(*e));
    if (e == NULL) {
        munmap(at, len);
        return -ENOMEM;
    }
    *e = (struct environment){ .settings = at, .len = len, .rest = environ_ };
    move_settings(e, is_setting, n);
    *environment_r = e;
    return 0;
}

void environment_free(struct environment **environment)
{
    struct environment *e = *environment;

    if (e == NULL)
        return;
    secret_wipe(e->settings, e->len);
    munmap(e->settings, e->len);
    free(e);
    *environment = NULL;
}

static void measure(char *const *entries, size_t *n, size_t *len)
{
    for (; *entries != NULL; entries++)
        (*n)++, *len += strlen(*entries) + 1;
}

static char *copy_entries(char *const *entries, char ***pointers, char *at)
{
    for (; *entries != NULL; entries++) {
        size_t len = strlen(*entries) + 1;

        *(*pointers)++ = memcpy(at, *entries, len);
        at += len;
    }
    return at;
}

/* One block: the pointers, then the strings. */
char **environment_whole(const struct environment *environment)
{
    size_t n = 0, len = 0;
    char **whole, **pointers, *at;

    measure(environment->settings, &n, &len);
    measure(environment->rest, &n, &len);
    whole = pointers = malloc((n + 1) * sizeof(*whole) + len);
    if (whole == NULL)
        return NULL;
    at = copy_entries(environment->settings, &pointers, (char *)(whole + n + 1));
    copy_entries(environment->rest, &pointers, at);
    *pointers = NULL;
    return whole;
}

void environment_whole_free(char ***whole)
{
    if (*whole == NULL)
        return;
    for (char **entry = *whole; *entry != NULL; entry++)
        secret_wipe(*entry, strlen(*entry));
    free(*whole);
    *whole = NULL;
}

char *const *environment_settings(const struct environment *environment)
{
    return environment->settings;
}

char *const *environment_rest(const struct environment *environment)
{
    return environment->rest;
}
