#pragma once
/*
 * fuzz-judging - what every fuzzer of evidence does with it: judged under no root, where nothing
 * may be trusted, and described, which must give whole JSON.
 */
#include <sealgrid/tee/policy.h>

static inline const struct sg_tee_store *fuzz_store(void)
{
    static struct sg_tee_store *s;
    if (!s) {
        sg_assert(sg_tee_store_new(&s, false) == 0);
        sg_assert(sg_tee_store_seal(s) == 0);
    }
    return s;
}

static inline void fuzz_judge(const struct sg_tee_evidence *e, bool crypto_only,
                              void (*check)(const struct sg_tee_verdict *v))
{
    const struct sg_tee_case c = {.evidence = e,
                                  .store = fuzz_store(),
                                  .at_s = INT64_C(1782864000),
                                  .crypto_only = crypto_only};
    const struct sg_tee_policy p =
        crypto_only ? sg_tee_policy_crypto_only() : sg_tee_policy_default();
    struct sg_tee_verdict v;
    sg_assert(sg_tee_judge(&c, &v) == 0);
    check(&v);
    sg_tee_apply(&p, &v);
    sg_assert(!sg_tee_trusted(&v) && v.reasons.n);
}

/* A check: every named field lies inside the body. */
static inline void fuzz_check_fields(const struct sg_tee_verdict *v)
{
    for (size_t i = 0; i < v->n_fields; i++) {
        struct sg_bytes field;
        if (sg_tee_verdict_field(v, sg_bytes_str(v->fields[i].name), &field))
            sg_assert(field.data >= v->body.data &&
                      field.data + field.len <= v->body.data + v->body.len);
    }
}

static inline void fuzz_describe(const struct sg_tee_evidence *e)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(16u << 20);
    struct sg_json j;
    sg_json_init(&j, &out);
    sg_json_object(&j);
    sg_assert(sg_tee_describe(e, fuzz_store(), &j) == 0);
    sg_json_end_object(&j);
    sg_assert(sg_json_done(&j) == 0);
}
