#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "snp-table-int.h"
#include "testkit/amd.h"
#include "testkit/expect.h"

#include <sealgrid/base/bytes.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/tee/evidence.h>
#include <string.h>

static const char vcek[] = "63da758de6644564adc5f4b93be8accd",
                  ask[] = "4ab7b379bbac4fe4a02f05aef327c782",
                  ark[] = "c0b406a4a80349529743"
                          "3fb6014cd0ae",
                  vcek_turned[] = "8d75da6364e66445adc5f4b93be8accd",
                  vlek[] = "a8074bc2a25a483eaae639c045a0b8a1",
                  none[] = "00000000000000000000000000000000";

struct row {
    const char *guid; /* hexadecimal */
    uint32_t offset, len;
};

static uint8_t digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void put_row(uint8_t *at, const struct row *row)
{
    for (size_t i = 0; i < 16; i++)
        at[i] = (uint8_t)(digit(row->guid[2 * i]) << 4 | digit(row->guid[2 * i + 1]));
    for (size_t i = 0; i < 4; i++) {
        at[16 + i] = (uint8_t)(row->offset >> 8 * i);
        at[20 + i] = (uint8_t)(row->len >> 8 * i);
    }
}

/* 256 octets: the rows, then octets 0x30. */
static int read_rows(const struct row *rows, size_t n, struct sg_buf *ret)
{
    uint8_t table[256];
    memset(table, 0x30, sizeof table);
    for (size_t i = 0; i < n; i++)
        put_row(table + 24 * i, &rows[i]);
    sg_buf_reset(ret);
    return sg_snp_table_read(SG_BYTES_ARRAY(table), ret);
}

#define TEXT(name) SG_CLEANUP(sg_buf_clear) struct sg_buf name = SG_BUF_INIT(4096)
#define READ(ret, ...)                                                                             \
    read_rows((const struct row[]){__VA_ARGS__},                                                   \
              sizeof((const struct row[]){__VA_ARGS__}) / sizeof(struct row), ret)

static size_t blocks(const struct sg_buf *b)
{
    size_t n = 0;
    for (size_t i = 0; i + 11 <= b->len; i++)
        n += memcmp(b->data + i, "-----BEGIN ", 11) == 0;
    return n;
}

static void test_certificates_below_the_root_are_taken(void **state)
{
    (void)state;
    TEXT(b);
    assert_int_equal(READ(&b, {vcek, 96, 3}, {ask, 99, 100}, {ark, 200, 50}, {none, 0, 0}), 0);
    assert_int_equal(blocks(&b), 2);
    assert_memory_equal(b.data, "-----BEGIN CERTIFICATE-----\nMDAw\n-----END CERTIFICATE-----\n",
                        59);
    assert_int_equal(READ(&b, {vlek, 72, 1}, {ask, 73, 1}, {none, 0, 0}), 0);
    assert_int_equal(blocks(&b), 2);
    assert_int_equal(READ(&b, {vcek_turned, 48, 1}, {none, 0, 0}), 0);
    assert_int_equal(blocks(&b), 1);
}

static void test_a_table_may_have_nothing(void **state)
{
    (void)state;
    TEXT(b);
    assert_int_equal(sg_snp_table_read(SG_BYTES_NONE, &b), 0);
    assert_int_equal(READ(&b, {none, 0, 0}), 0);
    assert_int_equal(READ(&b, {vcek, 48, 0}, {none, 0, 0}), 0); /* an entry of no octets */
    assert_int_equal(READ(&b, {ark, 48, 208}, {none, 0, 0}), 0);
    assert_int_equal(b.len, 0);
}

static void test_pem_stays_pem(void **state)
{
    (void)state;
    TEXT(b);
    struct sg_buf *ret = &b;
    static const char text[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    uint8_t table[48 + sizeof text - 1] = {0};
    put_row(table, &(struct row){vcek, 48, sizeof text - 1});
    memcpy(table + 48, text, sizeof text - 1);
    assert_int_equal(sg_snp_table_read(SG_BYTES_ARRAY(table), ret), 0);
    assert_int_equal(b.len, sizeof text); /* and a line feed */
    assert_memory_equal(b.data, text, sizeof text - 1);
}

static void test_octets_outside_are_refused(void **state)
{
    (void)state;
    TEXT(b);
    static const struct row bad[] = {
        {vcek, 48, 209},       {vcek, 256, 1},         {vcek, 257, 0},
        {vcek, 0xffffffff, 1}, {vcek, 48, 0xffffffff}, {vcek, 0xffffffff, 0xffffffff},
        {vcek, 0, 10},         {vcek, 24, 10},         {vcek, 47, 10},
        {ark, 48, 209}, /* taken or not */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(READ(&b, bad[i], {none, 0, 0}), -EBADMSG);
        assert_int_equal(b.len, 0);
    }
    assert_int_equal(READ(&b, {vcek, 72, 1}, {ask, 72, 1000}, {none, 0, 0}), -EBADMSG);
    assert_int_equal(b.len, 0); /* nothing of the good one either */
}

static void test_a_table_has_an_end(void **state)
{
    (void)state;
    TEXT(b);
    uint8_t table[40 * 24];
    for (size_t i = 0; i < 40; i++)
        put_row(table + 24 * i, &(struct row){vcek, 0, 0});
    for (size_t len = 1; len <= sizeof table; len++)
        assert_int_equal(sg_snp_table_read(SG_BYTES(table, len), &b), -EBADMSG);
}

/* With what the host gave, a verifier that has the root needs nobody else. */
static void test_a_report_with_its_table_is_trusted(void **state)
{
    (void)state;
    const int64_t at_s = INT64_C(1782864000);
    struct tk_amd amd;
    uint8_t report[TK_SNP_REPORT];
    SG_CLEANUP(sg_buf_clear) struct sg_buf table = SG_BUF_INIT(16384), one = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(16384), whole = SG_BUF_INIT(32768);
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = SG_BYTES_ARRAY(report)};
    tk_amd_init(&amd, TK_MILAN, at_s);
    tk_snp_report(&amd, 3, report);
    tk_snp_sign(amd.vcek_key, report);
    assert_int_equal(sg_buf_append_zeros(&table, 72), 0);
    const X509 *const certs[] = {amd.vcek, amd.ask};
    const char *const guids[] = {vcek, ask};
    for (size_t i = 0; i < 2; i++) {
        sg_buf_reset(&one);
        tk_cert_der(certs[i], &one);
        put_row(table.data + 24 * i,
                &(struct row){guids[i], (uint32_t)table.len, (uint32_t)one.len});
        assert_int_equal(sg_buf_append(&table, sg_buf_bytes(&one)), 0);
    }
    assert_int_equal(sg_snp_table_read(sg_buf_bytes(&table), &pem), 0);
    e.part[SG_TEE_PART_CERTIFICATES] = sg_buf_bytes(&pem);
    assert_int_equal(sg_tee_evidence_encode(&e, &whole), 0);
    assert_int_equal(sg_tee_evidence_decode(sg_buf_bytes(&whole), &e), 0);
    assert_int_equal(sg_tee_store_new(&s, true), 0);
    sg_buf_reset(&one);
    tk_cert_der(amd.ark, &one);
    assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_AMD, sg_buf_bytes(&one)), 0);
    assert_int_equal(sg_tee_store_seal(s), 0);
    const struct sg_tee_verdict v = tk_judge(s, &e, at_s, true);
    tk_expect_trusted(&v);
    tk_amd_clear(&amd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificates_below_the_root_are_taken),
        cmocka_unit_test(test_a_table_may_have_nothing),
        cmocka_unit_test(test_pem_stays_pem),
        cmocka_unit_test(test_octets_outside_are_refused),
        cmocka_unit_test(test_a_table_has_an_end),
        cmocka_unit_test(test_a_report_with_its_table_is_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
