/* SPDX-License-Identifier: MIT */
/* Client id tokens: made by one secret, known by both, for one node. */
#include "tests/unit/unit.h"

#include <string.h>

#include "worker/client_token.h"

static struct identity identity;
static const uint8_t node[NODE_LEN] = { 1, 2, 3 };

static void set_secrets(const char *secret, const char *also)
{
    const struct span secrets[] = { span_text(secret), span_text(also) };

    for (size_t i = 0; i < identity.n_node; i++)
        hmac_free(&identity.node[i].client_mac);
    identity.n_node = also != NULL ? 2 : 1;
    for (size_t i = 0; i < identity.n_node; i++)
        assert_int_equal(hmac_new(secrets[i], &identity.node[i].client_mac), 0);
}

static int start(void **state)
{
    (void)state;
    assert_int_equal(crypto_init(), 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < identity.n_node; i++)
        hmac_free(&identity.node[i].client_mac);
    crypto_fini();
    return 0;
}

static void a_token_is_id_time_and_a_mac_over_node_and_both(void **state)
{
    (void)state;
    uint8_t token[CLIENT_TOKEN_LEN], id[CLIENT_ID_LEN], mac[CRYPTO_HASH_LEN];
    const uint8_t issued[8] = { 0, 0, 0, 0, 0x65, 0x43, 0x21, 0x0f };
    struct span parts[3];

    set_secrets("secret", NULL);
    assert_int_equal(client_token_issue(&identity, node, 0x6543210f, token), 0);
    assert_memory_equal(token + 16, issued, sizeof(issued));
    parts[0] = SPAN("mar1 client\0");
    parts[1] = span_of(node, NODE_LEN);
    parts[2] = span_of(token, 24);
    assert_int_equal(crypto_hmac(SPAN("secret"), parts, 3, mac), 0);
    assert_memory_equal(token + 24, mac, 16);
    client_token_id(token, id);
    assert_memory_equal(token, id, sizeof(id));
}

static void a_token_is_good_for_its_own_node_only(void **state)
{
    (void)state;
    uint8_t token[CLIENT_TOKEN_LEN], other[NODE_LEN] = { 1, 2, 4 };

    set_secrets("secret", NULL);
    assert_int_equal(client_token_issue(&identity, node, 1, token), 0);
    assert_int_equal(client_token_verify(&identity, node, token), 0);
    assert_int_equal(client_token_verify(&identity, other, token), ERR_AUTH);
}

static void a_flipped_bit_is_rejected(void **state)
{
    (void)state;
    uint8_t token[CLIENT_TOKEN_LEN], zeros[CLIENT_TOKEN_LEN] = { 0 };

    set_secrets("secret", "also");
    assert_int_equal(client_token_issue(&identity, node, 1, token), 0);
    for (size_t bit = 0; bit < 8 * sizeof(token); bit++) {
        token[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(client_token_verify(&identity, node, token), ERR_AUTH);
        token[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(client_token_verify(&identity, node, token), 0);
    assert_int_equal(client_token_verify(&identity, node, zeros), ERR_AUTH);
}

static void the_second_secret_is_accepted_and_never_used_to_make(void **state)
{
    (void)state;
    uint8_t old[CLIENT_TOKEN_LEN], new[CLIENT_TOKEN_LEN];

    set_secrets("old", NULL);
    assert_int_equal(client_token_issue(&identity, node, 1, old), 0);
    set_secrets("new", "old");
    assert_int_equal(client_token_verify(&identity, node, old), 0);
    assert_int_equal(client_token_issue(&identity, node, 1, new), 0);
    set_secrets("new", NULL);
    assert_int_equal(client_token_verify(&identity, node, new), 0);
    assert_int_equal(client_token_verify(&identity, node, old), ERR_AUTH);
}

static void every_token_has_an_id_of_its_own(void **state)
{
    (void)state;
    uint8_t one[CLIENT_TOKEN_LEN], two[CLIENT_TOKEN_LEN];

    set_secrets("secret", NULL);
    assert_int_equal(client_token_issue(&identity, node, 1, one), 0);
    assert_int_equal(client_token_issue(&identity, node, 1, two), 0);
    assert_memory_not_equal(one, two, CLIENT_ID_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_id_time_and_a_mac_over_node_and_both),
        cmocka_unit_test(a_token_is_good_for_its_own_node_only),
        cmocka_unit_test(a_flipped_bit_is_rejected),
        cmocka_unit_test(the_second_secret_is_accepted_and_never_used_to_make),
        cmocka_unit_test(every_token_has_an_id_of_its_own),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
