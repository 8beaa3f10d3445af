/* SPDX-License-Identifier: MIT */
/*
 * The life of a struct conf: a list of chunks, one an allocation, for there are few and they die
 * together. There are secrets in them, so all of it is wiped.
 */
#include "common/conf_store.h"

#include <errno.h>
#include <stdlib.h>

#include "common/secret.h"

struct conf_chunk {
    struct conf_chunk *next;
    size_t len; /* of the whole chunk */
    max_align_t bytes[];
};

struct conf *conf_store_new(void)
{
    struct conf *conf = calloc(1, sizeof(*conf));

    if (conf != NULL)
        conf->store = calloc(1, sizeof(*conf->store));
    if (conf != NULL && conf->store == NULL)
        conf_free(&conf);
    return conf;
}

static void free_chunks(struct conf_chunk *chunk)
{
    while (chunk != NULL) {
        struct conf_chunk *next = chunk->next;

        secret_wipe(chunk, chunk->len);
        free(chunk);
        chunk = next;
    }
}

void conf_free(struct conf **conf)
{
    if (*conf == NULL)
        return;
    if ((*conf)->store != NULL)
        free_chunks((*conf)->store->chunks);
    free((*conf)->store);
    secret_wipe(*conf, sizeof(**conf));
    free(*conf);
    *conf = NULL;
}

void *conf_store_alloc(struct conf_store *store, size_t len)
{
    struct conf_chunk *chunk = calloc(1, sizeof(*chunk) + len);

    if (chunk == NULL)
        return NULL;
    chunk->len = sizeof(*chunk) + len;
    chunk->next = store->chunks;
    store->chunks = chunk;
    return chunk->bytes;
}

int conf_store_copy(struct conf_store *store, struct span bytes, struct span *copy_r)
{
    uint8_t *copy = conf_store_alloc(store, bytes.len + 1);

    if (copy == NULL)
        return -ENOMEM;
    if (bytes.len > 0)
        memcpy(copy, bytes.at, bytes.len);
    *copy_r = span_of(copy, bytes.len);
    return 0;
}
