/* SPDX-License-Identifier: MIT */
/*
 * Strict reading of REDIS_URL. Owns nothing: what is read stays a view of the text. The host is
 * judged by the reader of all other URLs.
 */
#include "common/redis_url.h"

#include "common/text.h"

enum { PORT_REDIS = 6379, HTTP_LEN = 7 /* "http://" */ };

static const char *check_escapes(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] <= ' ' || text.at[i] == 0x7f)
            return "a space or control byte of user or password is written as an escape such as "
                   "%20";
        if (text.at[i] != '%')
            continue;
        if (i + 2 >= text.len || text_hex_digit(text.at[i + 1]) < 0 ||
            text_hex_digit(text.at[i + 2]) < 0)
            return "a % in user or password begins no escape; write %25";
    }
    return NULL;
}

/* [user]:password */
static const char *read_login(struct span text, struct redis_url *url)
{
    struct span rest = text;

    if (span_find(text, ':') == text.len)
        return "what stands before the @ is not user:password or :password";
    url->auth = true;
    url->user = span_cut(&rest, ':');
    url->password = rest;
    if (rest.len == 0)
        return "the password is empty";
    return check_escapes(text);
}

/* Takes what stands before an @ off the authority. */
static const char *take_login(struct span *authority, struct redis_url *url)
{
    struct span login;

    if (span_find(*authority, '@') == authority->len)
        return NULL;
    login = span_cut(authority, '@');
    if (span_find(*authority, '@') < authority->len)
        return "there is more than one @: write those of the password as %40";
    return read_login(login, url);
}

/* host[:port], by a copy of it that begins with another scheme. */
static const char *read_host(struct span text, struct redis_url *url)
{
    uint8_t copy[HTTP_LEN + URL_HOST_MAX + sizeof("[]:65535")] = "http://";
    struct url http;
    const char *why;

    if (text.len > sizeof(copy) - HTTP_LEN)
        return "the host is longer than 255 characters";
    if (text.len > 0)
        memcpy(copy + HTTP_LEN, text.at, text.len);
    if (url_parse(span_of(copy, HTTP_LEN + text.len), &http, &why) < 0)
        return why;
    url->host = span_part(text, (size_t)(http.host.at - copy) - HTTP_LEN, http.host.len);
    url->port = PORT_REDIS;
    /* Without a port of its own the text ends with the host, or its bracket. */
    if (text.at + text.len > url->host.at + url->host.len + 1)
        url->port = http.port;
    return NULL;
}

static const char *read_place(struct span rest, struct redis_url *url)
{
    struct span authority = span_part(rest, 0, span_find(rest, '/'));
    struct span db = span_from(rest, authority.len + 1);
    uint64_t number = 0;
    const char *why;

    if (db.len > 0 && text_u64(db, INT32_MAX, &number) < 0)
        return "what follows the host is not / and a number";
    url->db = (uint32_t)number;
    why = take_login(&authority, url);
    return why != NULL ? why : read_host(authority, url);
}

static const char *read_path(struct span rest, struct redis_url *url)
{
    struct span authority;
    const char *why = NULL;

    if (span_starts(rest, SPAN("//"))) {
        rest = span_from(rest, 2);
        authority = span_part(rest, 0, span_find(rest, '/'));
        rest = span_from(rest, authority.len);
        if (authority.len > 0 && authority.at[authority.len - 1] != '@')
            return "a unix socket is on no host: unix:/path/of/the/socket";
        why = take_login(&authority, url);
    }
    if (rest.len < 2 || rest.at[0] != '/' || memchr(rest.at, '\0', rest.len) != NULL)
        return "it is not redis://..., rediss://... or unix:/path/of/the/socket";
    if (rest.len > REDIS_URL_PATH_MAX)
        return "the path of a unix socket has at most 107 bytes";
    url->path = rest;
    return why;
}

int redis_url_parse(struct span text, struct redis_url *url_r, const char **why_r)
{
    struct redis_url url = { .tls = false };
    struct span scheme = span_part(text, 0, span_find(text, ':'));
    struct span rest = span_from(text, scheme.len + 1);

    url.tls = span_equal_nocase(scheme, SPAN("rediss"));
    if (span_equal_nocase(scheme, SPAN("unix")))
        *why_r = read_path(rest, &url);
    else if ((url.tls || span_equal_nocase(scheme, SPAN("redis"))) && span_starts(rest, SPAN("//")))
        *why_r = read_place(span_from(rest, 2), &url);
    else
        *why_r = "it is not redis://..., rediss://... or unix:/path/of/the/socket";
    if (*why_r != NULL)
        return ERR_FORMAT;
    *url_r = url;
    return 0;
}

void redis_url_put_decoded(struct buffer *b, struct span encoded)
{
    for (size_t i = 0; i < encoded.len; i++) {
        uint8_t c = encoded.at[i];

        if (c == '%') {
            c = (uint8_t)(text_hex_digit(encoded.at[i + 1]) << 4 |
                          text_hex_digit(encoded.at[i + 2]));
            i += 2;
        }
        buffer_put(b, span_of(&c, 1));
    }
}

void redis_url_put_place(struct buffer *b, const struct redis_url *url)
{
    bool brackets = span_find(url->host, ':') < url->host.len;

    if (url->path.len > 0)
        buffer_put(b, url->path);
    else
        buffer_printf(b, "%s%.*s%s:%u", brackets ? "[" : "", SPAN_PRINT(url->host),
                      brackets ? "]" : "", url->port);
}
