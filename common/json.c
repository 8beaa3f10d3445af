/* SPDX-License-Identifier: MIT */
/*
 * The one door to jansson, and the writing of JSON strings. What is parsed here may hold an API's
 * key, so jansson's memory is wiped as it is freed. Owns nothing beyond a call.
 */
#include "common/json.h"

#include <errno.h>
#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>

#include "common/secret.h"

static void wipe_and_free(void *at)
{
    if (at != NULL)
        secret_wipe(at, malloc_usable_size(at));
    free(at);
}

/* jansson's own texts quote what they stumbled over. */
static const char *phrase(enum json_error_code code)
{
    switch (code) {
    case json_error_duplicate_key:
        return "has a name twice";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "has a NUL in a string";
    case json_error_invalid_utf8:
        return "is not UTF-8";
    default:
        return "is not JSON";
    }
}

static int read_members(json_t *object, json_member_cb member, void *arg, const char **why_r)
{
    const char *name;
    json_t *value;
    int r;

    if (!json_is_object(object)) {
        *why_r = "is not a JSON object";
        return ERR_FORMAT;
    }
    json_object_foreach(object, name, value)
    {
        if (!json_is_string(value)) {
            *why_r = "has a value that is not a string";
            return ERR_FORMAT;
        }
        r = member(arg, span_text(name),
                   span_of(json_string_value(value), json_string_length(value)));
        if (r != 0)
            return r;
    }
    return 0;
}

int json_read_strings(struct span text, json_member_cb member, void *arg, const char **why_r)
{
    json_error_t error;
    json_t *object;
    int r;

    json_set_alloc_funcs(malloc, wipe_and_free);
    object = json_loadb(text.len > 0 ? (const char *)text.at : "", text.len, JSON_REJECT_DUPLICATES,
                        &error);
    if (object == NULL) {
        if (json_error_code(&error) == json_error_out_of_memory)
            return -ENOMEM;
        *why_r = phrase(json_error_code(&error));
        return ERR_FORMAT;
    }
    r = read_members(object, member, arg, why_r);
    json_decref(object);
    return r;
}

/* ---- values of any kind ---- */

static const json_t *jansson(const struct json_value *value)
{
    return (const json_t *)(const void *)value;
}

int json_value_read(struct span text, struct json_value **value_r)
{
    json_error_t error;
    json_t *value = json_loadb(text.len > 0 ? (const char *)text.at : "", text.len, 0, &error);

    *value_r = (struct json_value *)(void *)value;
    if (value != NULL)
        return 0;
    return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : ERR_FORMAT;
}

void json_value_free(struct json_value **value)
{
    json_decref((json_t *)(void *)*value);
    *value = NULL;
}

const struct json_value *json_value_member(const struct json_value *object, const char *name)
{
    return (const struct json_value *)(const void *)json_object_get(jansson(object), name);
}

const struct json_value *json_value_item(const struct json_value *array, size_t index)
{
    return (const struct json_value *)(const void *)json_array_get(jansson(array), index);
}

size_t json_value_n_items(const struct json_value *array)
{
    return json_array_size(jansson(array));
}

const char *json_value_text(const struct json_value *string)
{
    const char *text = json_string_value(jansson(string));

    return text != NULL ? text : "";
}

uint64_t json_value_number(const struct json_value *number)
{
    json_int_t value = json_integer_value(jansson(number));

    return value > 0 ? (uint64_t)value : 0;
}

bool json_value_is_true(const struct json_value *value)
{
    return json_is_true(jansson(value));
}

/* ---- writing ---- */

/* The length of the well-formed UTF-8 sequence (RFC 3629) that s begins with; 0 if there is none.
 */
static size_t utf8_len(struct span s)
{
    uint8_t first = s.at[0];
    size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (len == 0 || len > s.len || first > 0xf4)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s.at[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((first == 0xe0 && s.at[1] < 0xa0) || (first == 0xf0 && s.at[1] < 0x90)) /* overlong */
        return 0;
    if ((first == 0xed && s.at[1] >= 0xa0) || (first == 0xf4 && s.at[1] >= 0x90)) /* no character */
        return 0;
    return len;
}

void json_put_string(struct buffer *b, struct span text)
{
    size_t len;

    buffer_put(b, SPAN("\""));
    for (; text.len > 0; text = span_from(text, len > 0 ? len : 1)) {
        uint8_t c = text.at[0];

        len = utf8_len(text);
        if (len == 0)
            buffer_put(b, SPAN("\xef\xbf\xbd"));
        else if (c == '"' || c == '\\')
            buffer_printf(b, "\\%c", c);
        else if (c < 0x20)
            buffer_printf(b, "\\u%04x", c);
        else
            buffer_put(b, span_part(text, 0, len));
    }
    buffer_put(b, SPAN("\""));
}
