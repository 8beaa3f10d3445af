/* SPDX-License-Identifier: MIT */
/* The echo: shows that a relay, or both of a pair, are there. Touches nothing else. */
#include "worker/echo.h"

#include "common/clock.h"
#include "common/text.h"

/* The raw value of the first msg parameter; at == NULL where there is none. */
static struct span find_message(struct span target)
{
    struct span query = span_from(target, span_find(target, '?') + 1);

    while (query.len > 0) {
        struct span parameter = span_cut(&query, '&');

        if (span_starts(parameter, SPAN("msg=")))
            return span_of(parameter.at + 4, parameter.len - 4);
    }
    return SPAN_NONE;
}

/* As forms and URLSearchParams encode: "+" is a space; what is no escape stays. */
static void decode(struct span text, struct buffer *out)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i] == '+' ? ' ' : text.at[i];

        if (c == '%' && i + 2 < text.len && text_hex_digit(text.at[i + 1]) >= 0 &&
            text_hex_digit(text.at[i + 2]) >= 0) {
            c = (uint8_t)(text_hex_digit(text.at[i + 1]) << 4 | text_hex_digit(text.at[i + 2]));
            i += 2;
        }
        buffer_put(out, span_of(&c, 1));
    }
}

/* Bytes of the UTF-8 character that text begins with (RFC 3629), 0 if it is none. */
static size_t utf8_len(struct span text)
{
    uint8_t c = text.at[0], low = 0x80, high = 0xbf;
    size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

    if (len == 0 || text.len < len)
        return 0;
    if (c == 0xe0 || c == 0xf0)
        low = c == 0xe0 ? 0xa0 : 0x90; /* shorter forms exist */
    if (c == 0xed || c == 0xf4)
        high = c == 0xed ? 0x9f : 0x8f; /* surrogates; past U+10FFFF */
    if (len > 1 && (text.at[1] < low || text.at[1] > high))
        return 0;
    for (size_t i = 2; i < len; i++) {
        if (text.at[i] < 0x80 || text.at[i] > 0xbf)
            return 0;
    }
    return len;
}

/* A JSON string (RFC 8259, 7). What is no UTF-8 becomes U+FFFD, byte by byte. */
static void put_json_string(struct buffer *out, struct span text)
{
    buffer_put_text(out, "\"");
    while (text.len > 0) {
        size_t len = utf8_len(text);

        if (len == 0)
            buffer_put_text(out, "\\ufffd");
        else if (text.at[0] == '"' || text.at[0] == '\\')
            buffer_printf(out, "\\%c", text.at[0]);
        else if (text.at[0] < 0x20 || text.at[0] == 0x7f)
            buffer_printf(out, "\\u%04x", text.at[0]);
        else
            buffer_put(out, span_part(text, 0, len));
        text = span_from(text, len > 0 ? len : 1);
    }
    buffer_put_text(out, "\"");
}

int echo_body(struct span target, uint64_t wall_ms, struct buffer *body)
{
    struct span raw = find_message(target);
    char now[CLOCK_TEXT_LEN];
    struct buffer message;
    int r;

    buffer_init(&message, ECHO_MESSAGE_MAX);
    if (raw.at != NULL)
        decode(raw, &message);
    else
        buffer_put_text(&message, "ok");
    clock_text(wall_ms, now);
    r = buffer_error(&message);
    if (r == 0) {
        buffer_put_text(body, "{\"message\":");
        put_json_string(body, buffer_span(&message));
        buffer_printf(body, ",\"timestamp\":\"%s\"}\n", now);
        r = buffer_error(body);
    }
    buffer_fini(&message);
    return r;
}

static int answer(struct exchange *x, bool to_head, struct span body)
{
    struct header items[] = { { SPAN("content-type"), SPAN("application/json") },
                              { SPAN("cache-control"), SPAN("no-store") } };
    struct headers fields = { items, 2, 2 };
    uint64_t len = body.len;
    int r = exchange_answer_head(x, 200, &fields, &len);

    if (r == 0 && !to_head)
        r = exchange_answer_data(x, body);
    return r == 0 ? exchange_answer_end(x) : r;
}

void echo_answer(struct exchange *x)
{
    const struct exchange_request *request = exchange_request(x);
    bool to_head = span_equal(request->method, SPAN("HEAD"));
    struct buffer body;
    int r;

    if (!to_head && !span_equal(request->method, SPAN("GET"))) {
        exchange_refuse(x, REFUSAL_BAD_REQUEST, "the echo takes GET and HEAD only");
        return;
    }
    buffer_init(&body, 0);
    r = echo_body(request->path, clock_wall_ms(), &body);
    if (r == ERR_LIMIT)
        exchange_refuse(x, REFUSAL_BAD_REQUEST, "msg is longer than %d bytes", ECHO_MESSAGE_MAX);
    else if (r < 0 || (r = answer(x, to_head, buffer_span(&body))) < 0)
        exchange_refuse(x, REFUSAL_OVERLOADED, "%s", error_text(r));
    buffer_fini(&body);
}
