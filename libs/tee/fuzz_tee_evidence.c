/*
 * Any octets as evidence, judged under no root and described: nothing is trusted or read out of
 * bounds, what is written is well-formed JSON with every nesting closed.
 */
#include <sealgrid/tee/policy.h>

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

static void judge(const struct sg_tee_evidence *e, bool crypto_only)
{
    const struct sg_tee_case c = {
        .evidence = e, .store = sealed(), .at_s = INT64_C(1782864000), .crypto_only = crypto_only};
    const struct sg_tee_policy p =
        crypto_only ? sg_tee_policy_crypto_only() : sg_tee_policy_default();
    struct sg_tee_verdict v;
    sg_assert(sg_tee_judge(&c, &v) == 0);
    sg_tee_apply(&p, &v);
    sg_assert(!sg_tee_trusted(&v) && v.reasons.n);
    for (size_t i = 0; i < v.n_fields; i++) {
        struct sg_bytes field;
        if (sg_tee_verdict_field(&v, sg_bytes_str(v.fields[i].name), &field))
            sg_assert(field.data >= v.body.data &&
                      field.data + field.len <= v.body.data + v.body.len);
    }
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sg_tee_evidence e = {.part[SG_TEE_PART_REPORT] = SG_BYTES(data, size)};
    judge(&e, true);
    judge(&e, false);
    describe(&e);
    return 0;
}
