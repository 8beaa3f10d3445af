/* SPDX-License-Identifier: MIT */
/*
 * RESP over hiredis 0.14 and 1.x. A value is hiredis' own reply. Its reader allocates an array as
 * long as its head says, and keeps bytes until a reply is complete, so both are bounded here.
 */
#include "worker/resp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/secret.h"

#include <hiredis/hiredis.h>
#include <hiredis/read.h>

#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

struct resp_reader {
    redisReader *hiredis;
    redisReplyObjectFunctions functions; /* hiredis', but for arrays */
    void *(*create_array)(const redisReadTask *task, element_count n);
    size_t n_incomplete; /* bytes since the last complete reply */
    bool over_limit;
};

void resp_put_command(struct buffer *b, const struct span *words, size_t n)
{
    const char *texts[RESP_WORDS_MAX];
    size_t lens[RESP_WORDS_MAX];
    char *command = NULL;
    int len;

    assert(n > 0 && n <= RESP_WORDS_MAX);
    for (size_t i = 0; i < n; i++) {
        texts[i] = words[i].len > 0 ? (const char *)words[i].at : "";
        lens[i] = words[i].len;
    }
    len = (int)redisFormatCommandArgv(&command, (int)n, texts, lens);
    if (len < 0) {
        b->error = -ENOMEM;
        return;
    }
    buffer_put(b, span_of(command, (size_t)len));
    if (b->secret)
        secret_wipe(command, (size_t)len);
    redisFreeCommand(command);
}

static const redisReply *reply_of(const struct resp_value *value)
{
    return (const redisReply *)(const void *)value;
}

enum resp_kind resp_kind(const struct resp_value *value)
{
    switch (value != NULL ? reply_of(value)->type : REDIS_REPLY_NIL) {
    case REDIS_REPLY_NIL:
        return RESP_NIL;
    case REDIS_REPLY_STATUS:
        return RESP_STATUS;
    case REDIS_REPLY_ERROR:
        return RESP_ERROR;
    case REDIS_REPLY_INTEGER:
        return RESP_INTEGER;
    case REDIS_REPLY_STRING:
        return RESP_BYTES;
    case REDIS_REPLY_ARRAY:
        return RESP_ARRAY;
    default:
        return RESP_OTHER;
    }
}

struct span resp_text(const struct resp_value *value)
{
    enum resp_kind kind = resp_kind(value);

    if (kind != RESP_STATUS && kind != RESP_ERROR && kind != RESP_BYTES)
        return SPAN_NONE;
    return span_of(reply_of(value)->str, (size_t)reply_of(value)->len);
}

int64_t resp_integer(const struct resp_value *value)
{
    return resp_kind(value) == RESP_INTEGER ? reply_of(value)->integer : 0;
}

size_t resp_n(const struct resp_value *value)
{
    return resp_kind(value) == RESP_ARRAY ? reply_of(value)->elements : 0;
}

const struct resp_value *resp_at(const struct resp_value *value, size_t i)
{
    return i < resp_n(value) ? (const void *)reply_of(value)->element[i] : NULL;
}

void resp_value_free(struct resp_value **value)
{
    freeReplyObject(*value);
    *value = NULL;
}

/* NULL is what hiredis takes for a lack of memory. */
static void *create_array(const redisReadTask *task, element_count n)
{
    struct resp_reader *reader = task->privdata;

    reader->over_limit = (size_t)n > RESP_ELEMENTS_MAX;
    return reader->over_limit ? NULL : reader->create_array(task, n);
}

int resp_reader_new(struct resp_reader **reader_r)
{
    struct resp_reader *reader = calloc(1, sizeof(*reader));

    if (reader == NULL)
        return -ENOMEM;
    reader->hiredis = redisReaderCreate();
    if (reader->hiredis == NULL) {
        free(reader);
        return -ENOMEM;
    }
    reader->functions = *reader->hiredis->fn;
    reader->create_array = reader->functions.createArray;
    reader->functions.createArray = create_array;
    reader->hiredis->fn = &reader->functions;
    reader->hiredis->privdata = reader;
    *reader_r = reader;
    return 0;
}

void resp_reader_free(struct resp_reader **reader)
{
    if (*reader != NULL)
        redisReaderFree((*reader)->hiredis);
    free(*reader);
    *reader = NULL;
}

static int failure(const struct resp_reader *reader)
{
    if (reader->over_limit)
        return ERR_LIMIT;
    return reader->hiredis->err == REDIS_ERR_OOM ? -ENOMEM : ERR_FORMAT;
}

int resp_feed(struct resp_reader *reader, struct span bytes)
{
    if (bytes.len > RESP_REPLY_MAX - reader->n_incomplete)
        return ERR_LIMIT;
    reader->n_incomplete += bytes.len;
    if (redisReaderFeed(reader->hiredis, (const char *)bytes.at, bytes.len) != REDIS_OK)
        return failure(reader);
    return 0;
}

int resp_next(struct resp_reader *reader, struct resp_value **value_r)
{
    void *value = NULL;

    *value_r = NULL;
    if (redisReaderGetReply(reader->hiredis, &value) != REDIS_OK)
        return failure(reader);
    if (value != NULL)
        reader->n_incomplete = reader->hiredis->len - reader->hiredis->pos;
    *value_r = value;
    return 0;
}
