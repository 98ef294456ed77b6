#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "pck-int.h"
#include "testkit/pki.h"

#include <stdio.h>

#define INTEL "1.2.840.113741.1.13.1"

/* What of the extension is written how often. */
struct plan {
    unsigned times[8];      /* .1 .. .5, from 1 */
    unsigned tcb_times[20]; /* .2.1 .. .2.18, from 1 */
    unsigned component;     /* of .2.1 */
    unsigned pcesvn;
    size_t fmspc_len, cpusvn_len;
    bool unknown; /* a member .9 */
};

static struct plan good(void)
{
    struct plan p = {.component = 255, .pcesvn = 65535, .fmspc_len = 6, .cpusvn_len = 16};
    for (unsigned n = 1; n <= 5; n++)
        p.times[n] = 1;
    for (unsigned n = 1; n <= 18; n++)
        p.tcb_times[n] = 1;
    return p;
}

static void member(struct sg_buf *list, const char *oid, uint8_t tag, struct sg_bytes content)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pair = SG_BUF_INIT(4096);
    tk_der_oid(&pair, oid);
    tk_der(&pair, tag, content);
    tk_der(list, 0x30, sg_buf_bytes(&pair));
}

static void number(struct sg_buf *list, const char *oid, unsigned v)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pair = SG_BUF_INIT(4096);
    tk_der_oid(&pair, oid);
    tk_der_integer(&pair, v);
    tk_der(list, 0x30, sg_buf_bytes(&pair));
}

static void put_tcb(const struct plan *p, struct sg_buf *ret)
{
    static const uint8_t zeros[32] = {0};
    char oid[64];
    for (unsigned n = 1; n <= 18; n++) {
        snprintf(oid, sizeof oid, INTEL ".2.%u", n);
        for (unsigned i = 0; i < p->tcb_times[n]; i++) {
            if (n == 18)
                member(ret, oid, 0x04, SG_BYTES(zeros, p->cpusvn_len));
            else
                number(ret, oid, n == 17 ? p->pcesvn : n == 1 ? p->component : n);
        }
    }
}

static void put_extension(const struct plan *p, struct sg_buf *ret)
{
    static const uint8_t octets[32] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    SG_CLEANUP(sg_buf_clear) struct sg_buf list = SG_BUF_INIT(4096), tcb = SG_BUF_INIT(4096);
    const size_t len[] = {0, 16, 0, 2, p->fmspc_len, 1};
    char oid[64];
    put_tcb(p, &tcb);
    for (unsigned n = 1; n <= 5; n++) {
        snprintf(oid, sizeof oid, INTEL ".%u", n);
        for (unsigned i = 0; i < p->times[n]; i++) {
            if (n == 2)
                member(&list, oid, 0x30, sg_buf_bytes(&tcb));
            else
                member(&list, oid, n == 5 ? 0x0a : 0x04, SG_BYTES(octets, len[n]));
        }
    }
    if (p->unknown)
        member(&list, INTEL ".9", 0x04, SG_BYTES(octets, 3));
    tk_der(ret, 0x30, sg_buf_bytes(&list));
}

static EVP_PKEY *key;

/* true and *ret, if it was read. */
static bool reads(const struct plan *p, struct sg_pck *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf value = SG_BUF_INIT(4096), der = SG_BUF_INIT(8192);
    SG_CLEANUP(sg_tee_cert_freep) struct sg_tee_cert *c = NULL;
    struct tk_cert_spec spec = {.common_name = "x", .from_s = 0, .until_s = 1, .serial = 1};
    put_extension(p, &value);
    tk_add_extension(&spec, INTEL, false, sg_buf_bytes(&value));
    X509 *x = tk_cert_new(&spec, key, NULL, key);
    tk_cert_der(x, &der);
    X509_free(x);
    assert_int_equal(sg_tee_cert_new(&c, sg_buf_bytes(&der)), 0);
    assert_true(sg_pck_has_extension(c));
    return sg_pck_read(c, ret);
}

static void test_all_is_read(void **state)
{
    (void)state;
    struct plan p = good();
    struct sg_pck pck;
    assert_true(reads(&p, &pck));
    assert_int_equal(pck.component[0], 255);
    assert_int_equal(pck.component[15], 16);
    assert_int_equal(pck.pcesvn, 65535);
    assert_int_equal(pck.ppid[15], 16);
    assert_int_equal(pck.fmspc[5], 6);
    assert_int_equal(pck.pceid[1], 2);
    p.unknown = true;
    assert_true(reads(&p, &pck));
}

static void test_each_member_once(void **state)
{
    (void)state;
    struct sg_pck pck;
    for (unsigned n = 1; n <= 5; n++) {
        for (unsigned times = 0; times <= 2; times += 2) {
            struct plan p = good();
            p.times[n] = times;
            if (n == 2 && times) /* would not fit into a test certificate */
                continue;
            assert_false(reads(&p, &pck));
        }
    }
    for (unsigned n = 1; n <= 18; n++) {
        for (unsigned times = 0; times <= 2; times += 2) {
            struct plan p = good();
            p.tcb_times[n] = times;
            assert_false(reads(&p, &pck));
        }
    }
}

static void test_sizes(void **state)
{
    (void)state;
    struct sg_pck pck;
    struct plan p = good();
    p.component = 256;
    assert_false(reads(&p, &pck));
    p = good();
    p.fmspc_len = 5;
    assert_false(reads(&p, &pck));
    p = good();
    p.cpusvn_len = 15;
    assert_false(reads(&p, &pck));
}

static int init(void **state)
{
    (void)state;
    key = tk_key_new(TK_P256);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_read),
        cmocka_unit_test(test_each_member_once),
        cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests(tests, init, clear);
}
