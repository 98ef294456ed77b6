/*
 * casd on a machine with a TPM (swtpm, live): its state opens again after the same boot, and no
 * other; a service's evidence from the same TPM gets its grant.
 */
#include "test-service-int.h"
#include "test-swtpm-int.h"
#include "tpm-int.h"

static struct swtpm tpm;
static struct fixture f;

/* false: said and skipped. */
static bool open_tpm(void)
{
    int r = tpm.pid < 0 ? -ENOTSUP : sg_tee_provider_open(&f.w.tee, "tpm", tpm.tcti);
    if (r == -ENOTSUP)
        printf("skipped: no swtpm, or built without tss2\n");
    else if (r < 0)
        fail_msg("%s", sg_error_trace());
    return r == 0;
}

static int set_up(void **state)
{
    (void)state;
    f = (struct fixture){0};
    world_new(&f.w);
    sg_tee_provider_free(f.w.tee);
    f.w.tee = NULL;
    swtpm_new(&tpm);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sg_cas_service_free(f.service);
    world_clear(&f.w);
    return swtpm_free(&tpm);
}

/* No firmware measures here: PCRs are zeros. */
static void write_policy(void)
{
    static const uint8_t pcrs[16 * 32];
    uint8_t digest[32];
    char hex[65], text[512];
    sg_sha256(digest, SG_BYTES_ARRAY(pcrs));
    sg_hex(hex, digest, sizeof digest);
    snprintf(text, sizeof text,
             "version: 1\n"
             "secrets:\n"
             "  note: {kind: text, text: hello}\n"
             "services:\n"
             "  alpha:\n"
             "    kinds: [tpm]\n"
             "    measurements: ['%s']\n"
             "    secrets: [note]\n",
             hex);
    write_text(f.w.policy, text);
}

/* A casd whose state this TPM seals. */
static void init_on_tpm(void)
{
    if (!open_tpm())
        skip();
    write_policy();
    struct sg_cas_init o = init_options(&f.w);
    o.sim_platform = NULL;
    if (sg_cas_init(&o, f.w.pin) != 0)
        fail_msg("%s", sg_error_trace());
}

static int open_sealed(enum sg_tee_seal seal)
{
    return sg_cas_service_open(&f.service, f.w.state, f.w.tee, seal, &limits, f.w.now);
}

/* Off and on: a boot that measures the same. */
static void reboot(void)
{
    sg_cas_service_free(f.service);
    f.service = NULL;
    sg_tee_provider_free(f.w.tee);
    f.w.tee = NULL;
    swtpm_off(&tpm);
    swtpm_on(&tpm);
    assert_true(open_tpm());
}

static void test_the_state_opens_after_the_same_boot(void **state)
{
    (void)state;
    init_on_tpm();
    assert_int_equal(open_sealed(SG_TEE_SEAL_MEASUREMENT), 0);
    reboot();
    assert_int_equal(open_sealed(SG_TEE_SEAL_MEASUREMENT), 0);
}

static void test_the_state_does_not_open_after_another_boot(void **state)
{
    (void)state;
    init_on_tpm();
    swtpm_extend(&tpm, 9);
    assert_int_equal(open_sealed(SG_TEE_SEAL_MEASUREMENT), SG_CAS_STATE_FORGED);
    assert_non_null(strstr(sg_error_trace(), "another build, boot or platform"));
    reboot();
    assert_int_equal(open_sealed(SG_TEE_SEAL_PLATFORM), SG_CAS_STATE_FORGED);
    assert_int_equal(open_sealed(SG_TEE_SEAL_MEASUREMENT), 0);
}

/* ---- a service on the same machine ---- */

/* SubjectPublicKeyInfo of the attestation key, for an operator to pin. */
static void put_root_of(struct sg_bytes evidence)
{
    static const struct sg_bytes head = SG_BYTES_LIT(
        "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01"
        "\x07\x03\x42\x00\x04");
    SG_CLEANUP(sg_buf_clear) struct sg_buf spki = SG_BUF_INIT(256);
    const struct sg_tee_evidence packed = {.part[SG_TEE_PART_REPORT] = evidence};
    struct sg_tee_evidence parts;
    char path[128];
    assert_true(sg_tpm_unpack(&packed, &parts));
    const struct sg_bytes key = parts.part[SG_TEE_PART_TPM_KEY];
    assert_true(key.len > 68);
    const uint8_t *end = key.data + key.len; /* .. x (2 + 32), y (2 + 32) */
    assert_int_equal(sg_buf_append(&spki, head), 0);
    assert_int_equal(sg_buf_append(&spki, SG_BYTES(end - 66, 32)), 0);
    assert_int_equal(sg_buf_append(&spki, SG_BYTES(end - 32, 32)), 0);
    snprintf(path, sizeof path, "%s/tpm.der", f.w.dir);
    write_plain(path, sg_buf_bytes(&spki));
}

static void pin_key(void)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    const uint8_t any[SG_TEE_REPORT_DATA_LEN] = {0};
    struct sg_cas_collateral *c = NULL;
    struct sg_cas_collateral_report report;
    char root[160];
    const char *const roots[] = {root};
    const struct sg_cas_collateral_options o = {.roots = roots, .n_roots = 1};
    assert_int_equal(sg_tee_evidence(f.w.tee, any, &evidence), 0);
    put_root_of(sg_buf_bytes(&evidence));
    snprintf(root, sizeof root, "tpm:%s/tpm.der", f.w.dir);
    assert_int_equal(sg_cas_collateral_new(&c, &o), 0);
    assert_int_equal(sg_cas_service_set_collateral(f.service, c, &report), 0);
}

static int attest(const struct peer *p, const struct sg_cas_connection *over, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf evidence = SG_BUF_INIT(SG_TEE_EVIDENCE_MAX);
    struct sg_cas_request q = {
        .service = SG_BYTES_LIT("alpha"), .kind = SG_BYTES_LIT("tpm"), .spki = p->connection.spki};
    uint8_t report_data[SG_TEE_REPORT_DATA_LEN];
    get_nonce(&f, p, q.nonce);
    sg_cas_report_data(report_data, q.nonce, over, q.service);
    assert_int_equal(sg_tee_evidence(f.w.tee, report_data, &evidence), 0);
    q.evidence = sg_buf_bytes(&evidence);
    return send_request(&f, &p->connection, &q, ret);
}

static void test_a_quote_of_the_living_tpm_gets_its_grant(void **state)
{
    (void)state;
    PEER(p);
    PEER(other);
    OUT(out);
    init_on_tpm();
    assert_int_equal(open_sealed(SG_TEE_SEAL_MEASUREMENT), 0);
    assert_refused(attest(&p, &p.connection, &out), SG_CAS_REFUSAL_UNTRUSTED, &out);
    pin_key();
    assert_refused(attest(&p, &other.connection, &out), SG_CAS_REFUSAL_RELAYED, &out);
    assert_int_equal(attest(&p, &p.connection, &out), 0);
    assert_non_null(memmem(out.data, out.len, "hello", 5));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_state_opens_after_the_same_boot),
        TEST(test_the_state_does_not_open_after_another_boot),
        TEST(test_a_quote_of_the_living_tpm_gets_its_grant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
