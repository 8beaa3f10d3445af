/* SPDX-License-Identifier: MIT */
/*
 * libh2o takes spaces in an HTTP/2 :path, methods like "G{T", obs-fold, an absent Host: what is
 * copied from here into a request line or a sealed message is checked here first, once.
 */
#include "worker/request.h"

#include <h2o.h>

#include "common/bhttp.h"

static struct span span_of_iovec(h2o_iovec_t v)
{
    return span_of(v.base, v.len);
}

static bool take_off(struct span *s, struct span prefix)
{
    if (!span_equal_nocase(span_part(*s, 0, prefix.len), prefix))
        return false;
    *s = span_from(*s, prefix.len);
    return true;
}

void request_split_target(struct st_h2o_req_t *req)
{
    struct span rest = span_of_iovec(req->input.path);
    size_t len = 0;

    if (req->version >= 0x200 ||
        !(take_off(&rest, SPAN("http://")) || take_off(&rest, SPAN("https://"))))
        return;
    while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?')
        len++;
    if (len == 0)
        return; /* no authority: it stays, and is refused, as no path */
    req->input.authority = h2o_iovec_init(rest.at, len);
    rest = span_from(rest, len);
    req->input.path = h2o_iovec_init(rest.at, rest.len);
    if (rest.len == 0 || rest.at[0] != '/')
        req->input.path = h2o_concat(&req->pool, h2o_iovec_init(H2O_STRLIT("/")), req->input.path);
}

/* Which authority the request itself named: libh2o puts the host's where there is none. */
static struct span authority_of(const h2o_req_t *req)
{
    if (req->hostconf != NULL &&
        req->input.authority.base == req->hostconf->authority.hostport.base)
        return SPAN_NONE;
    return span_of_iovec(req->input.authority);
}

static bool authority_ok(struct span authority)
{
    for (size_t i = 0; i < authority.len; i++) {
        uint8_t c = authority.at[i];

        if (c <= 0x20 || c >= 0x7f || strchr("/?#@\\", c) != NULL)
            return false;
    }
    return true;
}

static bool fields_ok(const h2o_headers_t *fields)
{
    for (size_t i = 0; i < fields->size; i++) {
        if (!headers_name_ok(span_of_iovec(*fields->entries[i].name)) ||
            !headers_value_ok(span_of_iovec(fields->entries[i].value)))
            return false;
    }
    return true;
}

static bool head_fits(const h2o_req_t *req)
{
    size_t len = req->input.path.len + req->input.authority.len, listed_len = 0;

    if (req->headers.size > REQUEST_FIELDS_MAX)
        return false;
    for (size_t i = 0; i < req->headers.size; i++) {
        const h2o_header_t *field = &req->headers.entries[i];

        len += field->name->len + field->value.len;
        if (span_equal(span_of_iovec(*field->name), SPAN("connection")))
            listed_len += field->value.len;
    }
    return len <= REQUEST_HEAD_MAX && listed_len <= REQUEST_CONNECTION_MAX;
}

static const char *find_fault(const h2o_req_t *req)
{
    struct span method = span_of_iovec(req->input.method);
    struct span authority = authority_of(req);

    if (!bhttp_method_ok(method))
        return "method is no token, or CONNECT";
    if (!bhttp_path_ok(span_of_iovec(req->input.path), method))
        return "the request target is no path";
    if (authority.len == 0 && req->version == 0x101)
        return "no Host";
    if (!authority_ok(authority))
        return "Host is no authority";
    if (!fields_ok(&req->headers))
        return "a field is not valid";
    return NULL;
}

bool request_judge(const struct st_h2o_req_t *req, enum refusal *refusal_r, const char **cause_r)
{
    *refusal_r = REFUSAL_HEADERS_TOO_LARGE;
    *cause_r = "too many fields or bytes of them";
    if (!head_fits(req))
        return false;
    *refusal_r = REFUSAL_BAD_REQUEST;
    *cause_r = find_fault(req);
    return *cause_r == NULL;
}

static bool is_left_out(struct span name)
{
    return span_equal(name, SPAN("host")) || span_equal(name, SPAN("content-length")) ||
           span_equal(name, SPAN("transfer-encoding")) || span_equal(name, SPAN("expect"));
}

/* All cookie fields as one, in the pool; where it was one already, as it is. */
static struct span join_cookies(h2o_req_t *req, struct span first)
{
    h2o_iovec_t joined = h2o_iovec_init(first.at, first.len);
    ssize_t at = h2o_find_header(&req->headers, H2O_TOKEN_COOKIE, -1);

    while ((at = h2o_find_header(&req->headers, H2O_TOKEN_COOKIE, at)) != -1)
        joined = h2o_concat(&req->pool, joined, h2o_iovec_init(H2O_STRLIT("; ")),
                            req->headers.entries[at].value);
    return span_of_iovec(joined);
}

static int read_fields(h2o_req_t *req, struct headers *fields)
{
    bool had_cookie = false;
    int r = 0;

    for (size_t i = 0; r == 0 && i < req->headers.size; i++) {
        struct span name = span_of_iovec(*req->headers.entries[i].name);
        struct span value = span_trim(span_of_iovec(req->headers.entries[i].value));
        bool split_cookie = req->version >= 0x200 && span_equal(name, SPAN("cookie"));

        if (is_left_out(name) || (split_cookie && had_cookie))
            continue;
        if (split_cookie)
            value = join_cookies(req, value);
        had_cookie = had_cookie || split_cookie;
        r = headers_add(fields, name, value);
    }
    return r;
}

int request_read(struct st_h2o_req_t *req, struct exchange_request *request_r)
{
    request_r->method = span_of_iovec(req->input.method);
    request_r->scheme = span_of_iovec(req->input.scheme->name);
    request_r->authority = authority_of(req);
    request_r->path = span_of_iovec(req->input.path);
    request_r->body = span_of_iovec(req->entity);
    return read_fields(req, &request_r->fields);
}
