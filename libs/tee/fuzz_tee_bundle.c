/*
 * Any octets as a case of several parts (each behind its length, two octets, in the order of enum
 * sg_tee_part): TPM quotes and Azure bundles, judged under no root and described.  Nothing is
 * trusted or read out of bounds; fields lie inside the evidence; what is written is JSON.
 */
#include <sealgrid/tee/policy.h>

#include "tpm-int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sg_tee_store *sealed(void)
{
    static struct sg_tee_store *s;
    if (!s) {
        sg_assert(sg_tee_store_new(&s, false) == 0);
        sg_assert(sg_tee_store_seal(s) == 0);
    }
    return s;
}

static bool inside(struct sg_bytes whole, struct sg_bytes f)
{
    return f.len <= whole.len && f.data >= whole.data && f.data <= whole.data + whole.len - f.len;
}

static void check_fields(const struct sg_tee_verdict *v)
{
    static const char *const names[] = {"extra", "signer", "pcrdigest", "pcr0", "pcr23", "version"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct sg_bytes f;
        if (sg_tee_verdict_field(v, sg_bytes_str(names[i]), &f))
            sg_assert(inside(v->tpm_quote, f) || inside(v->tpm_pcrs, f) || inside(v->body, f));
    }
}

static void judge(const struct sg_tee_evidence *e, bool crypto_only)
{
    const struct sg_tee_case c = {
        .evidence = e, .store = sealed(), .at_s = INT64_C(1782864000), .crypto_only = crypto_only};
    const struct sg_tee_policy p =
        crypto_only ? sg_tee_policy_crypto_only() : sg_tee_policy_default();
    struct sg_tee_verdict v;
    sg_assert(sg_tee_judge(&c, &v) == 0);
    check_fields(&v);
    sg_tee_apply(&p, &v);
    sg_assert(!sg_tee_trusted(&v) && v.reasons.n);
}

static void describe(const struct sg_tee_evidence *e)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(16u << 20);
    struct sg_json j;
    sg_json_init(&j, &out);
    sg_json_object(&j);
    sg_assert(sg_tee_describe(e, sealed(), &j) == 0);
    sg_json_end_object(&j);
    sg_assert(sg_json_done(&j) == 0);
}

/* The key by itself, as it is read beside a good quote too. */
static void read_key(struct sg_bytes octets)
{
    SG_CLEANUP(sg_tpm_key_clear) struct sg_tpm_key k = {0};
    const int r = sg_tpm_key_read(octets, &k);
    sg_assert(r == 0 || r == SG_TEE_KEY_BAD);
    sg_assert((r == 0) == (k.key != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sg_reader r = sg_reader_over(SG_BYTES(data, size));
    struct sg_tee_evidence e = {0};
    uint16_t len;
    for (size_t i = 0; i < SG_TEE_N_PARTS; i++)
        if (!sg_take_be16(&r, &len) || !sg_take(&r, len, &e.part[i]))
            break;
    judge(&e, true);
    judge(&e, false);
    describe(&e);
    read_key(e.part[SG_TEE_PART_TPM_KEY]);
    return 0;
}
