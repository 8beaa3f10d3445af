/* SPDX-License-Identifier: MIT */
/*
 * Strict reading of http(s) URLs, and the two ways in which they are written back. Owns nothing:
 * what is read stays a view of the text. Resolves no name and normalises no path.
 */
#include "common/url.h"

#include <arpa/inet.h>

#include "common/text.h"

enum { PORT_HTTP = 80, PORT_HTTPS = 443, IPV6_TEXT_MAX = 45, HASHED_MAX = 4096 };

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static uint16_t default_port(bool tls)
{
    return tls ? PORT_HTTPS : PORT_HTTP;
}

/* A host in brackets is the only one with a colon in it. */
static bool is_ipv6(struct span host)
{
    return span_find(host, ':') < host.len;
}

static const char *check_bytes(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];

        if (c <= ' ' || c >= 0x7f || c == '\\')
            return "a URL holds printable ASCII without spaces and backslashes only";
        if (c == '?' || c == '#')
            return "a query or fragment has no place here";
    }
    return NULL;
}

static const char *read_scheme(struct span *rest, struct url *url)
{
    struct span scheme = span_part(*rest, 0, span_find(*rest, ':'));

    if (span_equal_nocase(scheme, SPAN("https")))
        url->tls = true;
    else if (!span_equal_nocase(scheme, SPAN("http")))
        return "a URL begins with http:// or https://";
    *rest = span_from(*rest, scheme.len);
    if (!span_starts(*rest, SPAN("://")))
        return "a URL begins with http:// or https://";
    *rest = span_from(*rest, 3);
    return NULL;
}

static const char *check_ipv6(struct span address)
{
    char text[IPV6_TEXT_MAX + 1] = "";
    struct in6_addr unused;

    if (address.len == 0 || address.len > IPV6_TEXT_MAX)
        return "what stands in brackets is not an IPv6 address";
    memcpy(text, address.at, address.len);
    if (inet_pton(AF_INET6, text, &unused) != 1)
        return "what stands in brackets is not an IPv6 address";
    return NULL;
}

static const char *check_name(struct span host)
{
    if (host.len == 0)
        return "the host is missing";
    if (host.len > URL_HOST_MAX)
        return "the host is longer than 255 characters";
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = lower(host.at[i]);

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_')
            return "a host is made of letters, digits, '-', '.' and '_'; IPv6 goes in brackets";
    }
    return NULL;
}

static const char *read_port(struct span text, struct url *url)
{
    uint64_t port;

    if (text.len == 0)
        return NULL;
    if (text.at[0] != ':' || text_u64(span_from(text, 1), UINT16_MAX, &port) < 0 || port == 0)
        return "the port is not a number from 1 to 65535";
    url->port = (uint16_t)port;
    return NULL;
}

static const char *read_authority(struct span authority, struct url *url)
{
    size_t end;
    const char *why;

    if (span_find(authority, '@') < authority.len)
        return "user and password have no place here";
    if (authority.len > 0 && authority.at[0] == '[') {
        end = span_find(authority, ']');
        url->host = span_part(authority, 1, end - 1);
        why = end == authority.len ? "a bracket is not closed" : check_ipv6(url->host);
        end++;
    } else {
        end = span_find(authority, ':');
        url->host = span_part(authority, 0, end);
        why = check_name(url->host);
    }
    return why != NULL ? why : read_port(span_from(authority, end), url);
}

int url_parse(struct span text, struct url *url_r, const char **why_r)
{
    struct url url = { .tls = false };
    struct span rest = text;
    size_t slash;

    *why_r = check_bytes(text);
    if (*why_r == NULL)
        *why_r = read_scheme(&rest, &url);
    if (*why_r != NULL)
        return ERR_FORMAT;
    url.port = default_port(url.tls);
    slash = span_find(rest, '/');
    *why_r = read_authority(span_part(rest, 0, slash), &url);
    if (*why_r != NULL)
        return ERR_FORMAT;
    url.path = span_from(rest, slash);
    while (span_ends(url.path, SPAN("/")))
        url.path.len--;
    *url_r = url;
    return 0;
}

static void put_host(struct buffer *b, struct span host, bool lower_case)
{
    bool brackets = is_ipv6(host);
    uint8_t *room = buffer_reserve(b, host.len + 2 * brackets);

    if (room == NULL)
        return;
    if (brackets)
        *room++ = '[';
    for (size_t i = 0; i < host.len; i++)
        *room++ = lower_case ? lower(host.at[i]) : host.at[i];
    if (brackets)
        *room = ']';
    buffer_commit(b, host.len + 2 * brackets);
}

void url_put_canonical(struct buffer *b, const struct url *url)
{
    buffer_put_text(b, url->tls ? "https://" : "http://");
    put_host(b, url->host, true);
    buffer_put_text(b, ":");
    buffer_put_decimal(b, url->port);
    buffer_put(b, url->path);
}

void url_put_authority(struct buffer *b, const struct url *url)
{
    put_host(b, url->host, false);
    if (url->port == default_port(url->tls))
        return;
    buffer_put_text(b, ":");
    buffer_put_decimal(b, url->port);
}

/* FNV-1a. */
int url_hash(const struct url *url, uint64_t *hash_r)
{
    uint8_t bytes[HASHED_MAX];
    struct buffer canonical = buffer_over(bytes, sizeof(bytes));
    uint64_t hash = 0xcbf29ce484222325;

    url_put_canonical(&canonical, url);
    for (size_t i = 0; i < buffer_len(&canonical); i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3;
    *hash_r = hash;
    return buffer_error(&canonical);
}
