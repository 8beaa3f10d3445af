/* SPDX-License-Identifier: MIT */
/*
 * X-Forwarded-For from a trusted proxy, one field a line: what is found is an untrusted address
 * that the last untrusted writer cannot have hidden. Also each line as a network.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "worker/source.h"

static struct ip_network network_of(struct span text)
{
    struct ip_network network;

    if (ip_network_parse(text, &network) < 0)
        abort();
    return network;
}

static void add(struct headers *fields, struct span value)
{
    if (headers_add(fields, SPAN("x-forwarded-for"), value) < 0)
        abort();
}

static void check_network(struct span text)
{
    struct ip_network network;

    if (ip_network_parse(text, &network) == 0 &&
        (network.n_bits > 128 || !ip_network_has(&network, &network.first)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ip_network items[] = { network_of(SPAN("10.0.0.0/8")), network_of(SPAN("::/64")) };
    const conf_networks trusted = { items, 2 };
    struct ip proxy = items[0].first, source, again, stranger;
    struct span rest = span_of(data, size);
    struct headers fields;
    bool known, known_again;

    headers_init(&fields);
    do {
        struct span line = span_cut(&rest, '\n');

        check_network(line);
        add(&fields, line);
    } while (rest.at != NULL);
    known = source_find(&trusted, &proxy, &fields, &source);

    add(&fields, SPAN("10.1.2.3"));
    known_again = source_find(&trusted, &proxy, &fields, &again);
    if (known != known_again || (known && !ip_equal(&source, &again)))
        abort(); /* one trusted proxy more changes nothing */

    add(&fields, SPAN("192.0.2.1, 10.1.2.3:80, [::1]:443"));
    if (ip_parse(SPAN("192.0.2.1"), &stranger) < 0 ||
        !source_find(&trusted, &proxy, &fields, &again) || !ip_equal(&again, &stranger))
        abort(); /* what stands left of a stranger is not believed */
    headers_fini(&fields);
    return 0;
}
