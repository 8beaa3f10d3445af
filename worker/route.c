/* SPDX-License-Identifier: MIT */
/*
 * Paths in their one spelling, and patterns on them. Pure. Whatever is in doubt matches no prefix:
 * a route that is not served is a refusal, one that is served by mistake is a hole.
 */
#include "worker/route.h"

#include <string.h>

#include "common/text.h"

static bool is_unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

/* Takes one character off the front and gives it in its one spelling: 1 or 3 bytes. */
static size_t next_character(struct span *rest, uint8_t text_r[static 3])
{
    static const char digits[] = "0123456789ABCDEF";
    int high, low;

    text_r[0] = rest->at[0];
    if (rest->at[0] != '%' || rest->len < 3 || (high = text_hex_digit(rest->at[1])) < 0 ||
        (low = text_hex_digit(rest->at[2])) < 0) {
        *rest = span_from(*rest, 1);
        return 1;
    }
    *rest = span_from(*rest, 3);
    if (is_unreserved((uint8_t)(high << 4 | low))) {
        text_r[0] = (uint8_t)(high << 4 | low);
        return 1;
    }
    text_r[1] = (uint8_t)digits[high];
    text_r[2] = (uint8_t)digits[low];
    return 3;
}

/* Where the last segment begins: after the last slash. */
static size_t last_segment(struct span path)
{
    size_t at = path.len;

    while (at > 0 && path.at[at - 1] != '/')
        at--;
    return at;
}

/* Takes a dot segment off the end, with what it takes away. The path then ends in a slash. */
static bool remove_dot_segment(struct buffer *path)
{
    struct span all = buffer_span(path);
    size_t at = last_segment(all);
    struct span segment = span_from(all, at);

    if (at == 0)
        return false;
    if (span_equal(segment, SPAN("."))) {
        buffer_cut(path, at);
        return true;
    }
    if (!span_equal(segment, SPAN("..")))
        return false;
    at = last_segment(span_part(all, 0, at - 1));
    buffer_cut(path, at > 0 ? at : 1);
    return true;
}

/* Takes what stands before the next slash or escape. */
static struct span take_plain(struct span *rest)
{
    struct span plain = *rest;
    size_t len = 0;

    while (len < rest->len && rest->at[len] != '/' && rest->at[len] != '%')
        len++;
    *rest = span_from(*rest, len);
    return span_part(plain, 0, len);
}

int route_normalise(struct span target, struct buffer *path)
{
    struct span rest = span_part(target, 0, span_find(target, '?'));
    uint8_t text[3];
    size_t len;

    while (rest.len > 0 && buffer_error(path) == 0) {
        len = next_character(&rest, text);
        if (text[0] != '/' || !remove_dot_segment(path))
            buffer_put(path, span_of(text, len));
        buffer_put(path, take_plain(&rest));
    }
    remove_dot_segment(path);
    return buffer_error(path);
}

/* No escape, and no segment that begins with a dot. */
static bool is_normalised(struct span path)
{
    for (size_t i = 0; i < path.len; i++) {
        if (path.at[i] == '%' || (path.at[i] == '.' && (i == 0 || path.at[i - 1] == '/')))
            return false;
    }
    return true;
}

int route_path(struct span target, struct buffer *room, struct span *path_r)
{
    struct span path = span_part(target, 0, span_find(target, '?'));
    int r = 0;

    if (is_normalised(path)) {
        *path_r = path;
        return 0;
    }
    r = route_normalise(target, room);
    *path_r = buffer_span(room);
    return r;
}

static bool is_escaped_slash(struct span text)
{
    return span_starts(text, SPAN("%2F")) || span_starts(text, SPAN("%5C"));
}

/* A ".." between separators of which not every server knows one: "..;x", "a\\..", "..%2Fb". */
static bool is_doubtful(struct span path)
{
    for (size_t i = 0; i + 2 <= path.len; i++) {
        struct span after = span_from(path, i + 2);
        bool begins, ends;

        if (path.at[i] != '.' || path.at[i + 1] != '.')
            continue;
        begins = i == 0 || path.at[i - 1] == '/' || path.at[i - 1] == '\\' ||
                 (i >= 3 && is_escaped_slash(span_part(path, i - 3, 3)));
        ends = after.len == 0 || after.at[0] == '/' || after.at[0] == '\\' || after.at[0] == ';' ||
               is_escaped_slash(after);
        if (begins && ends)
            return true;
    }
    return false;
}

/* Does the path begin with the pattern? The pattern's own spelling does not matter. */
static bool begins_with(struct span path, struct span pattern, struct span *rest_r)
{
    uint8_t text[3];

    *rest_r = path;
    while (pattern.len > 0) {
        size_t len = next_character(&pattern, text);

        if (!span_starts(*rest_r, span_of(text, len)))
            return false;
        *rest_r = span_from(*rest_r, len);
    }
    return true;
}

bool route_matches(const struct conf_list *patterns, struct span path)
{
    bool doubtful = is_doubtful(path);

    for (size_t i = 0; i < patterns->n; i++) {
        struct span pattern = patterns->items[i], rest;
        bool is_prefix = span_ends(pattern, SPAN("*"));

        if (!begins_with(path, span_part(pattern, 0, pattern.len - is_prefix), &rest))
            continue;
        if (is_prefix ? !doubtful : rest.len == 0)
            return true;
    }
    return false;
}

bool route_is_encoded(const struct conf_list *mte_routes, struct span path)
{
    return mte_routes->n == 0 || route_matches(mte_routes, path);
}

/* Without memory for the answer it is no. */
static bool ask_of_target(bool (*ask)(const struct conf_list *routes, struct span path),
                          const struct conf_list *routes, struct span target)
{
    struct buffer room;
    struct span path;
    bool result;

    buffer_init(&room, 0);
    result = route_path(target, &room, &path) == 0 && ask(routes, path);
    buffer_fini(&room);
    return result;
}

bool route_target_is_encoded(const struct conf_list *mte_routes, struct span target)
{
    return ask_of_target(route_is_encoded, mte_routes, target);
}

bool route_target_is_ours(struct span target)
{
    struct span ours[] = { SPAN(ROUTE_ECHO), SPAN(ROUTE_PAIR), SPAN(ROUTE_RELAY) };
    struct buffer room;
    struct span path;
    bool result;

    buffer_init(&room, 0);
    result =
        route_path(target, &room, &path) < 0 || route_matches(&(struct conf_list){ ours, 3 }, path);
    buffer_fini(&room);
    return result;
}

bool route_target_is_echo(struct span target)
{
    struct span echo = SPAN(ROUTE_ECHO);

    return ask_of_target(route_matches, &(struct conf_list){ &echo, 1 }, target);
}
