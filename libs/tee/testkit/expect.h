#pragma once
/*
 * testkit expect - what a cmocka test says of a verdict.  Include cmocka.h before.
 */
#include <sealgrid/tee/policy.h>

/* Judged and applied at one instant, by the default policy or by signatures alone. */
static inline struct sg_tee_verdict tk_judge(const struct sg_tee_store *s,
                                             const struct sg_tee_evidence *e, int64_t at_s,
                                             bool crypto_only)
{
    const struct sg_tee_case c = {
        .evidence = e, .store = s, .at_s = at_s, .crypto_only = crypto_only};
    struct sg_tee_policy p = crypto_only ? sg_tee_policy_crypto_only() : sg_tee_policy_default();
    struct sg_tee_verdict v;
    p.at_s = at_s;
    assert_int_equal(sg_tee_judge(&c, &v), 0);
    sg_tee_apply(&p, &v);
    return v;
}

static inline void tk_expect_trusted(const struct sg_tee_verdict *v)
{
    if (!sg_tee_trusted(v))
        fail_msg("refused: %s", sg_tee_reason_name(v->reasons.at[0]));
}

/* This reason, alone. */
static inline void tk_expect_only(const struct sg_tee_verdict *v, enum sg_tee_reason reason)
{
    assert_false(sg_tee_trusted(v));
    for (size_t i = 0; i < v->reasons.n; i++)
        if (v->reasons.at[i] != reason)
            fail_msg("%s, not only %s", sg_tee_reason_name(v->reasons.at[i]),
                     sg_tee_reason_name(reason));
    assert_int_equal(v->reasons.n, 1);
}

static inline void tk_expect_among(const struct sg_tee_verdict *v, enum sg_tee_reason reason)
{
    assert_false(sg_tee_trusted(v));
    if (!sg_tee_reasons_have(&v->reasons, reason))
        fail_msg("no %s", sg_tee_reason_name(reason));
}
