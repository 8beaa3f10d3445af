/* SPDX-License-Identifier: MIT */
/* The key schedule of the configuration, held to values that another implementation computed. */
#include "common/identity.h"

#include "tests/unit/unit.h"

#include "common/text.h"

#define EXAMPLE_SECRET "sharedsecret1234567890"
#define EXAMPLE_CLIENT "2DkV4DDabehO8cifDktdF9elKJL0CKrk"
#define LONG_CLIENT                                                                                    \
    "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" \
    "kkkk"

static void assert_hex(const void *at, size_t len, const char *want)
{
    char text[2 * CRYPTO_HASH_LEN + 1];

    text_hex(span_of(at, len), text);
    assert_string_equal(text, want);
}

static struct url url_of(const char *text)
{
    const char *why = NULL;
    struct url url;

    assert_int_equal(url_parse(span_text(text), &url, &why), 0);
    return url;
}

static struct identity_config example(void)
{
    return (struct identity_config){
        .secret = SPAN(EXAMPLE_SECRET),
        .client_id_secret = SPAN(EXAMPLE_CLIENT),
        .upstream = url_of("https://api.my-company.com"),
    };
}

static void made_of_secret(void **state)
{
    const struct identity_config config = example();
    struct identity identity;

    (void)state;
    assert_int_equal(identity_init(&identity, &config), 0);
    assert_int_equal(identity.n_psk, 1);
    assert_hex(identity.psk[0].psk.bytes, 32,
               "ab72106e7d39f8b33aed665640c93debd3db5dd309b549c946933310f4e85083");
    assert_hex(identity.psk[0].id, PSK_ID_LEN, "4c84231757167dae");
    assert_hex(identity.psk[0].m1_mac.bytes, 32,
               "1a23ca66e7d9437fb6205f6e406e6c44c74cea56228475c06009c3fa6ca27dc2");
    assert_hex(identity.psk[0].error_mac.bytes, 32,
               "5ae2ab4593e13dbea1034b26b7047ecd5c1c6ae150d3039e221475fa1ad9ad29");
    identity_fini(&identity);
}

static void made_of_client_id_secret_and_upstream(void **state)
{
    const struct identity_config config = example();
    const struct span label = SPAN("mar1 client\0");
    uint8_t mac[CRYPTO_HASH_LEN];
    struct identity identity;
    struct span token[2];

    (void)state;
    assert_int_equal(identity_init(&identity, &config), 0);
    assert_int_equal(identity.n_node, 1);
    assert_hex(identity.node[0].node, NODE_LEN, "7418e87fec61e9baf4a4474c817804ab");
    assert_hex(identity.node[0].store.bytes, 32,
               "0d22f3afa7b20155528da992b6e3d7e0f2366c789be1e1e10d4bca5308754bf0");
    token[0] = label;
    token[1] = span_of(identity.node[0].node, NODE_LEN);
    assert_int_equal(hmac_compute(identity.node[0].client_mac, token, 2, mac), 0);
    assert_hex(mac, sizeof(mac),
               "33b6eb39f294bfd8b21612663228520358285824951d620b8936a599c126a111");
    identity_fini(&identity);
}

static void an_empty_secret_is_a_secret_like_any_other(void **state)
{
    struct identity_config config = example();
    struct identity identity;

    (void)state;
    config.secret = SPAN_NONE;
    assert_int_equal(identity_init(&identity, &config), 0);
    assert_int_equal(identity.n_psk, 1);
    assert_hex(identity.psk[0].psk.bytes, 32,
               "38c0005f8c30c033f9583906c5372c30236363a869543a5542edb8424881f6d4");
    assert_hex(identity.psk[0].id, PSK_ID_LEN, "62e2360d956f330f");
    identity_fini(&identity);
}

static void every_spelling_of_upstream_is_the_same_node(void **state)
{
    struct identity_config config = example();
    struct identity identity;

    (void)state;
    config.secret = SPAN_NONE;
    config.upstream = url_of("HTTPS://API.my-company.com:443/");
    assert_int_equal(identity_init(&identity, &config), 0);
    assert_hex(identity.node[0].node, NODE_LEN, "7418e87fec61e9baf4a4474c817804ab");
    identity_fini(&identity);
    config.upstream = url_of("https://api.my-company.com/v1");
    assert_int_equal(identity_init(&identity, &config), 0);
    assert_int_not_equal(identity.node[0].node[0], 0x74);
    identity_fini(&identity);
}

static void each_also_value_has_keys_of_its_own_and_stands_second(void **state)
{
    struct identity_config config = example();
    uint8_t other[NODE_LEN] = { 0 };
    struct identity identity;

    (void)state;
    config.secret_also = SPAN("another secret");
    config.client_id_secret_also = SPAN(LONG_CLIENT);
    assert_int_equal(identity_init(&identity, &config), 0);
    assert_int_equal(identity.n_psk, 2);
    assert_hex(identity.psk[0].id, PSK_ID_LEN, "4c84231757167dae");
    assert_memory_not_equal(identity.psk[1].psk.bytes, identity.psk[0].psk.bytes, SECRET_KEY_LEN);
    assert_int_equal(identity.n_node, 2);
    assert_hex(identity.node[0].node, NODE_LEN, "7418e87fec61e9baf4a4474c817804ab");
    assert_hex(identity.node[1].node, NODE_LEN, "0c33846a4fc269e26b2c6f126f79f3dd");
    assert_hex(identity.node[1].store.bytes, 32,
               "c799112f6d1c8c6fdd93885df23678d0273202d0688fcf991e12c99bbaaeeef7");
    assert_true(identity_is_self(&identity, identity.node[0].node));
    assert_true(identity_is_self(&identity, identity.node[1].node));
    assert_false(identity_is_self(&identity, other));
    identity_fini(&identity);
}

static void a_psk_is_found_by_its_id_and_by_the_first_bytes_of_it(void **state)
{
    struct identity_config config = example();
    uint8_t id[PSK_ID_LEN];
    struct identity identity;

    (void)state;
    config.secret_also = SPAN("another secret");
    assert_int_equal(identity_init(&identity, &config), 0);
    for (size_t i = 0; i < identity.n_psk; i++) {
        memcpy(id, identity.psk[i].id, sizeof(id));
        assert_ptr_equal(identity_find_psk(&identity, id, PSK_ID_LEN), &identity.psk[i]);
        id[7] ^= 1;
        assert_null(identity_find_psk(&identity, id, PSK_ID_LEN));
        assert_ptr_equal(identity_find_psk(&identity, id, 4), &identity.psk[i]);
        id[3] ^= 1;
        assert_null(identity_find_psk(&identity, id, 4));
    }
    identity_fini(&identity);
}

static void nothing_is_left_of_it(void **state)
{
    const struct identity_config config = example();
    static const struct identity nothing;
    struct identity identity;

    (void)state;
    assert_int_equal(identity_init(&identity, &config), 0);
    identity_fini(&identity);
    assert_memory_equal(&identity, &nothing, sizeof(identity));
}

static int setup(void **state)
{
    (void)state;
    return crypto_init();
}

static int teardown(void **state)
{
    (void)state;
    crypto_fini();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_of_secret),
        cmocka_unit_test(made_of_client_id_secret_and_upstream),
        cmocka_unit_test(an_empty_secret_is_a_secret_like_any_other),
        cmocka_unit_test(every_spelling_of_upstream_is_the_same_node),
        cmocka_unit_test(each_also_value_has_keys_of_its_own_and_stands_second),
        cmocka_unit_test(a_psk_is_found_by_its_id_and_by_the_first_bytes_of_it),
        cmocka_unit_test(nothing_is_left_of_it),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
