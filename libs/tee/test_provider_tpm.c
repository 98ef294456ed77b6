/*
 * The provider "tpm" live on swtpm, a TPM 2.0 in software that this test starts from its Debian
 * package and ends again.  Without it, or built without tss2, the test says so and is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "test-swtpm-int.h"
#include "tpm-int.h"
#include "tpm-provider-int.h"

#include <sealgrid/crypto/hash.h>
#include <sealgrid/tee/policy.h>
#include <sealgrid/tee/provider.h>

#if __has_include(<tss2/tss2_esys.h>)
#include "provider-tpm-seal.c" /* its steps one by one */

#include <tss2/tss2_tctildr.h>
#define HAS_TSS2 1
#else
#define HAS_TSS2 0
#endif

#define AT INT64_C(1782864000)

static struct swtpm tpm;

static int switch_on(void **state)
{
    (void)state;
    swtpm_new(&tpm);
    return 0;
}

static int switch_off(void **state)
{
    (void)state;
    return swtpm_free(&tpm);
}

static struct sg_tee_provider *open_at(const char *where)
{
    struct sg_tee_provider *p = NULL;
    if (tpm.pid < 0)
        skip();
    const int r = sg_tee_provider_open(&p, "tpm", where);
    if (r == -ENOTSUP) {
        printf("skipped: built without tss2\n");
        skip();
    }
    if (r < 0)
        fail_msg("%s", sg_error_trace());
    return p;
}

static struct sg_tee_provider *open_provider(void)
{
    return open_at(tpm.tcti);
}

/* ---- tests ---- */

static void key_of(struct sg_bytes evidence, struct sg_bytes *ret)
{
    const struct sg_tee_evidence packed = {.part[SG_TEE_PART_REPORT] = evidence};
    struct sg_tee_evidence parts;
    assert_true(sg_tpm_unpack(&packed, &parts));
    *ret = parts.part[SG_TEE_PART_TPM_KEY];
}

static struct sg_tee_verdict judge(struct sg_bytes evidence, struct sg_bytes root,
                                   const uint8_t report_data[64])
{
    SG_CLEANUP(sg_tee_store_freep) struct sg_tee_store *s = NULL;
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = evidence};
    struct sg_tee_policy p = sg_tee_policy_default();
    struct sg_tee_verdict v;
    assert_int_equal(sg_tee_store_new(&s, true), 0);
    if (root.len)
        assert_int_equal(sg_tee_store_add_root(s, SG_TEE_VENDOR_TPM, root), 0);
    assert_int_equal(sg_tee_store_seal(s), 0);
    const struct sg_tee_case c = {.evidence = &e, .store = s, .at_s = AT};
    assert_int_equal(sg_tee_judge(&c, &v), 0);
    p.report_data = report_data;
    p.at_s = AT;
    sg_tee_apply(&p, &v);
    return v;
}

/* SubjectPublicKeyInfo of a TPM2B_PUBLIC of P-256: what an operator pins. */
static void spki_of(struct sg_bytes public, struct sg_buf *ret)
{
    static const struct sg_bytes head = SG_BYTES_LIT(
        "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01"
        "\x07\x03\x42\x00\x04");
    assert_true(public.len > 68);
    const uint8_t *end = public.data + public.len;
    assert_int_equal(sg_load_be16(end - 34), 32);
    assert_int_equal(sg_load_be16(end - 68), 32);
    assert_int_equal(sg_buf_append(ret, head), 0);
    assert_int_equal(sg_buf_append(ret, SG_BYTES(end - 66, 32)), 0);
    assert_int_equal(sg_buf_append(ret, SG_BYTES(end - 32, 32)), 0);
}

static void test_a_quote_of_a_living_tpm_is_trusted(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tee_provider_freep) struct sg_tee_provider *p = open_provider();
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf spki = SG_BUF_INIT(256);
    const uint8_t mine[64] = {4, 5, 6}, other[64] = {0};
    struct sg_bytes key;
    assert_int_equal(sg_tee_provider_kind(p), SG_TEE_TPM);
    assert_int_equal(sg_tee_evidence(p, mine, &b), 0);
    key_of(sg_buf_bytes(&b), &key);
    spki_of(key, &spki);
    const struct sg_tee_verdict v = judge(sg_buf_bytes(&b), sg_buf_bytes(&spki), mine);
    if (!sg_tee_trusted(&v))
        fail_msg("refused: %s", sg_tee_reason_name(v.reasons.at[0]));
    assert_int_equal(v.kind, SG_TEE_TPM);
    const struct sg_tee_verdict replayed = judge(sg_buf_bytes(&b), sg_buf_bytes(&spki), other);
    assert_int_equal(replayed.reasons.at[0], SG_TEE_REASON_REPORT_DATA);
    const struct sg_tee_verdict unbound = judge(sg_buf_bytes(&b), SG_BYTES_NONE, mine);
    assert_int_equal(unbound.reasons.at[0], SG_TEE_REASON_TPM_AK_UNBOUND);
    for (size_t n = 0; n < b.len; n++) {
        const struct sg_tee_verdict cut = judge(SG_BYTES(b.data, n), sg_buf_bytes(&spki), mine);
        assert_false(sg_tee_trusted(&cut));
    }
}

static void test_the_key_is_the_same_at_every_start(void **state)
{
    (void)state;
    SG_CLEANUP(sg_buf_clear) struct sg_buf a = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    const uint8_t data[64] = {1};
    struct sg_bytes first, second;
    struct sg_tee_provider *p = open_provider();
    assert_int_equal(sg_tee_evidence(p, data, &a), 0);
    sg_tee_provider_free(p);
    p = open_provider();
    assert_int_equal(sg_tee_evidence(p, data, &b), 0);
    sg_tee_provider_free(p);
    key_of(sg_buf_bytes(&a), &first);
    key_of(sg_buf_bytes(&b), &second);
    assert_true(sg_bytes_equal(first, second));
    assert_false(sg_bytes_equal(sg_buf_bytes(&a), sg_buf_bytes(&b))); /* the clock went on */
}

/* ---- PCRs of one's own ---- */

static void test_words_for_pcrs(void **state)
{
    (void)state;
    static const struct {
        const char *where;
        uint32_t pcrs;
        const char *tcti;
    } good[] = {
        {NULL, 0xffff, NULL},
        {"", 0xffff, NULL},
        {"device:/dev/tpm0", 0xffff, "device:/dev/tpm0"},
        {"pcrs=0;", 1, NULL},
        {"pcrs=0-7,14,23;swtpm:port=1", 0x8040ff, "swtpm:port=1"},
        {"pcrs=3-3,2;x", 0xc, "x"},
    };
    static const char *const bad[] = {"pcrs=",      "pcrs=;x",    "pcrs=1",     "pcrs=24;x",
                                      "pcrs=1,;x",  "pcrs=7-3;x", "pcrs=1,1;x", "pcrs=0-7,5;x",
                                      "pcrs=007;x", "pcrs=-1;x",  "pcrs=1-;x",  "pcrs=1 ;x",
                                      "pcrs=0x1;x", "pcrs=all;x"};
    struct sg_tpm_where w;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(sg_tpm_where(good[i].where, &w), 0);
        assert_int_equal(w.pcrs, good[i].pcrs);
        if (good[i].tcti)
            assert_string_equal(w.tcti, good[i].tcti);
        else
            assert_null(w.tcti);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (sg_tpm_where(bad[i], &w) != -EINVAL)
            fail_msg("taken: %s", bad[i]);
}

static void test_nonces_fit_the_tpm(void **state)
{
    (void)state;
    static const uint8_t mine[64] = {1, 2, 3};
    static const size_t short_ones[] = {0, 20, 32, 48, 61};
    uint8_t nonce[64] = {0}, digest[32];
    assert_int_equal(sg_tpm_nonce(64, mine, nonce), 64);
    assert_memory_equal(nonce, mine, 64);
    assert_int_equal(sg_tpm_nonce(62, mine, nonce), 64);
    sg_sha256(digest, SG_BYTES_ARRAY(mine));
    for (size_t i = 0; i < sizeof short_ones / sizeof short_ones[0]; i++) {
        assert_int_equal(sg_tpm_nonce(short_ones[i], mine, nonce), 32);
        assert_memory_equal(nonce, digest, 32);
    }
}

static void test_the_pcrs_asked_for_are_quoted(void **state)
{
    (void)state;
    char where[128];
    snprintf(where, sizeof where, "pcrs=0-7,14;%s", tpm.tcti);
    SG_CLEANUP(sg_tee_provider_freep) struct sg_tee_provider *p = open_at(where);
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    const uint8_t data[64] = {1};
    struct sg_bytes value;
    assert_int_equal(sg_tee_evidence(p, data, &b), 0);
    const struct sg_tee_verdict v = judge(sg_buf_bytes(&b), SG_BYTES_NONE, data);
    assert_true(sg_tee_verdict_field(&v, SG_BYTES_LIT("pcr14"), &value));
    assert_false(sg_tee_verdict_field(&v, SG_BYTES_LIT("pcr8"), &value));
}

/* ---- sealing keys ---- */

static void key_at(const char *where, enum sg_tee_seal policy, const char *label, uint8_t ret[32])
{
    SG_CLEANUP(sg_tee_provider_freep) struct sg_tee_provider *p = open_at(where);
    SG_CLEANUP(sg_secret_clear) struct sg_secret key = SG_SECRET_INIT;
    if (sg_tee_sealing_key(p, policy, label, &key) < 0)
        fail_msg("%s", sg_error_trace());
    assert_int_equal(key.len, 32);
    memcpy(ret, key.data, 32);
}

static void key_of_seal(enum sg_tee_seal policy, const char *label, uint8_t ret[32])
{
    key_at(tpm.tcti, policy, label, ret);
}

static void test_sealing_keys_are_one_for_policy_and_label(void **state)
{
    (void)state;
    uint8_t first[32], again[32], platform[32], other[32];
    key_of_seal(SG_TEE_SEAL_MEASUREMENT, "x", first);
    key_of_seal(SG_TEE_SEAL_MEASUREMENT, "x", again);
    key_of_seal(SG_TEE_SEAL_PLATFORM, "x", platform);
    key_of_seal(SG_TEE_SEAL_MEASUREMENT, "y", other);
    assert_memory_equal(first, again, 32);
    assert_memory_not_equal(first, platform, 32);
    assert_memory_not_equal(first, other, 32);
}

/* What was booted counts for the one policy, firmware for both; the same boot gives the same keys.
 */
static void test_sealing_keys_go_with_what_was_booted(void **state)
{
    (void)state;
    uint8_t measured[32], platform[32], now[32];
    key_of_seal(SG_TEE_SEAL_MEASUREMENT, "x", measured);
    key_of_seal(SG_TEE_SEAL_PLATFORM, "x", platform);
    swtpm_extend(&tpm, 12);
    key_of_seal(SG_TEE_SEAL_MEASUREMENT, "x", now);
    assert_memory_not_equal(now, measured, 32);
    key_of_seal(SG_TEE_SEAL_PLATFORM, "x", now);
    assert_memory_equal(now, platform, 32);
    swtpm_extend(&tpm, 7);
    key_of_seal(SG_TEE_SEAL_PLATFORM, "x", now);
    assert_memory_not_equal(now, platform, 32);
    swtpm_off(&tpm);
    swtpm_on(&tpm);
    key_of_seal(SG_TEE_SEAL_MEASUREMENT, "x", now);
    assert_memory_equal(now, measured, 32);
    key_of_seal(SG_TEE_SEAL_PLATFORM, "x", now);
    assert_memory_equal(now, platform, 32);
}

static void test_pcrs_that_are_not_selected_may_move(void **state)
{
    (void)state;
    char where[128];
    uint8_t before[32], after[32];
    snprintf(where, sizeof where, "pcrs=0-9;%s", tpm.tcti);
    key_at(where, SG_TEE_SEAL_MEASUREMENT, "x", before);
    swtpm_extend(&tpm, 10);
    key_at(where, SG_TEE_SEAL_MEASUREMENT, "x", after);
    assert_memory_equal(before, after, 32);
    snprintf(where, sizeof where, "pcrs=8-9;%s", tpm.tcti);
    SG_CLEANUP(sg_tee_provider_freep) struct sg_tee_provider *p = open_at(where);
    SG_CLEANUP(sg_secret_clear) struct sg_secret key = SG_SECRET_INIT;
    assert_int_equal(sg_tee_sealing_key(p, SG_TEE_SEAL_PLATFORM, "x", &key), -EINVAL);
}

/* Another system is booted and makes the key of the first one's policy: the TPM makes it, and does
 * not use it. */
static void test_the_key_of_an_earlier_boot_is_not_used(void **state)
{
    (void)state;
    if (tpm.pid < 0 || !HAS_TSS2)
        skip();
#if HAS_TSS2
    const uint32_t pcrs = SG_TPM_PCRS_DEFAULT;
    TSS2_TCTI_CONTEXT *tcti = NULL;
    ESYS_CONTEXT *esys = NULL;
    TPM2B_DIGEST policy = {0};
    SG_CLEANUP(sg_secret_clear) struct sg_secret key = SG_SECRET_INIT;
    assert_int_equal(Tss2_TctiLdr_Initialize(tpm.tcti, &tcti), 0);
    assert_int_equal(Esys_Initialize(&esys, tcti, NULL), 0);
    struct objects o = {esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE};
    assert_int_equal(find_policy(&o, pcrs, &policy), 0);
    swtpm_extend(&tpm, 11);
    setenv("TSS2_LOG", "all+none", 1);
    assert_int_equal(create_storage(&o), 0);
    assert_int_equal(create_key(&o, &policy), 0);
    assert_int_equal(open_session(&o, pcrs), 0);
    assert_int_equal(use_key(&o, SG_BYTES_LIT("x"), &key), -EIO);
    assert_int_equal(key.len, 0);
    flush(&o);
    Esys_Finalize(&esys);
    Tss2_TctiLdr_Finalize(&tcti);
#endif
}

static void test_no_tpm_there(void **state)
{
    (void)state;
    struct sg_tee_provider *p = open_provider();
    sg_tee_provider_free(p);
    p = NULL;
    setenv("TSS2_LOG", "all+none", 1);
    assert_int_equal(sg_tee_provider_open(&p, "tpm", "swtpm:port=1"), -EIO);
    assert_null(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_quote_of_a_living_tpm_is_trusted),
        cmocka_unit_test(test_the_key_is_the_same_at_every_start),
        cmocka_unit_test(test_words_for_pcrs),
        cmocka_unit_test(test_nonces_fit_the_tpm),
        cmocka_unit_test(test_the_pcrs_asked_for_are_quoted),
        cmocka_unit_test(test_sealing_keys_are_one_for_policy_and_label),
        cmocka_unit_test(test_sealing_keys_go_with_what_was_booted),
        cmocka_unit_test(test_pcrs_that_are_not_selected_may_move),
        cmocka_unit_test(test_the_key_of_an_earlier_boot_is_not_used),
        cmocka_unit_test(test_no_tpm_there),
    };
    return cmocka_run_group_tests(tests, switch_on, switch_off);
}
