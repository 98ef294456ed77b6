#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "issuer-chain-int.h"

#include <sealgrid/base/cleanup.h>

static void expect(const char *header, const char *text)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_ISSUER_CHAIN_MAX);
    assert_int_equal(sg_buf_append(&b, SG_BYTES_LIT("before")), 0);
    int r = sg_issuer_chain_decode(sg_bytes_str(header), &b);
    assert_int_equal(r, text ? 0 : SG_ISSUER_CHAIN_BAD);
    if (!text)
        assert_int_equal(b.len, 6);
    else
        assert_true(sg_bytes_equal(SG_BYTES(b.data + 6, b.len - 6), sg_bytes_str(text)));
}

static void test_decodes(void **state)
{
    (void)state;
    /* As Intel's service writes it, as a form, as it stands. */
    expect("-----BEGIN%20CERTIFICATE-----%0AMII%2Ba%3D%3D%0A",
           "-----BEGIN CERTIFICATE-----\nMII+a==\n");
    expect("-----BEGIN+CERTIFICATE-----%0aMII%2ba%0D%0a", "-----BEGIN CERTIFICATE-----\nMII+a\r\n");
    expect("-----BEGIN CERTIFICATE-----MII+a", "-----BEGIN CERTIFICATE-----MII+a");
    expect("-----BEGIN%20CERTIFICATE-----MII+a", "-----BEGIN CERTIFICATE-----MII+a");
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "%",
                                      "hello",
                                      "-----BEGIN%20CERTIFICATE-----%",
                                      "-----BEGIN%20CERTIFICATE-----%0",
                                      "-----BEGIN%20CERTIFICATE-----%zz",
                                      "-----BEGIN%20CERTIFICATE-----%+1",
                                      "-----BEGIN%20CERTIFICATE-----%00",
                                      "-----BEGIN%20CERTIFICATE-----%1b[2J",
                                      "-----BEGIN%20CERTIFICATE-----%ff",
                                      "-----BEGIN%20CERTIFICATE-----\x80",
                                      "-----BEGIN%20PRIVATE%20KEY-----"};
    char large[SG_ISSUER_CHAIN_MAX + 2] = "-----BEGIN CERTIFICATE-----";
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect(bad[i], NULL);
    for (size_t i = strlen(large); i < sizeof large - 1; i++)
        large[i] = 'A';
    expect(large, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decodes),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
