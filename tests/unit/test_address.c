/* SPDX-License-Identifier: MIT */
#include "worker/address.h"

#include <arpa/inet.h>

#include "tests/unit/unit.h"

static bool is_allowed(const char *text)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return address_is_allowed(NULL, (const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return address_is_allowed(NULL, (const struct sockaddr *)&v6);
}

static void link_local_addresses_are_refused_however_written(void **state)
{
    (void)state;
    assert_false(is_allowed("169.254.169.254"));
    assert_false(is_allowed("169.254.0.0"));
    assert_false(is_allowed("fe80::1"));
    assert_false(is_allowed("febf::1"));
    assert_false(is_allowed("::ffff:169.254.169.254"));
}

static void what_is_no_other_host_is_refused(void **state)
{
    (void)state;
    assert_false(is_allowed("0.0.0.0"));
    assert_false(is_allowed("0.1.2.3"));
    assert_false(is_allowed("::"));
    assert_false(is_allowed("::ffff:0.0.0.0"));
    assert_false(is_allowed("224.0.0.1"));
    assert_false(is_allowed("239.255.255.255"));
    assert_false(is_allowed("255.255.255.255"));
    assert_false(is_allowed("ff02::1"));
    assert_false(is_allowed("::ffff:224.0.0.1"));
}

static void nat64_leads_nowhere_else(void **state)
{
    (void)state;
    assert_false(is_allowed("64:ff9b::169.254.169.254"));
    assert_false(is_allowed("64:ff9b::0.0.0.0"));
    assert_true(is_allowed("64:ff9b::192.0.2.1"));
    assert_true(is_allowed("64:ff9c::169.254.169.254"));
}

static void other_addresses_are_allowed(void **state)
{
    (void)state;
    assert_true(is_allowed("1.0.0.0"));
    assert_true(is_allowed("223.255.255.255"));
    assert_true(is_allowed("255.255.255.254"));
    assert_true(is_allowed("fe7f::1"));
    assert_true(is_allowed("127.0.0.1"));
    assert_true(is_allowed("169.253.255.255"));
    assert_true(is_allowed("169.255.0.0"));
    assert_true(is_allowed("10.0.0.1"));
    assert_true(is_allowed("::1"));
    assert_true(is_allowed("fec0::1"));
    assert_true(is_allowed("2001:db8::1"));
    assert_true(is_allowed("::ffff:10.0.0.1"));
}

static void what_is_not_ip_is_refused(void **state)
{
    struct sockaddr local = { .sa_family = AF_UNIX };

    (void)state;
    assert_false(address_is_allowed(NULL, &local));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(link_local_addresses_are_refused_however_written),
        cmocka_unit_test(what_is_no_other_host_is_refused),
        cmocka_unit_test(nat64_leads_nowhere_else),
        cmocka_unit_test(other_addresses_are_allowed),
        cmocka_unit_test(what_is_not_ip_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
