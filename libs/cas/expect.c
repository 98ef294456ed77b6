#include <sealgrid/base/file.h>
#include <sealgrid/tee/sim.h>

#include "expect-int.h"
#include "judge-int.h"

#define POLICY_FILE_MAX (1u << 20)

/* What the policy borrows. */
struct policy_file {
    struct sg_yaml yaml;
    struct sg_tee_policy_text text;
};

static void policy_file_free(struct policy_file *f)
{
    if (f)
        sg_yaml_clear(&f->yaml);
    free(f);
}
SG_DEFINE_FREEP(struct policy_file, policy_file_free)

static int read_policy(const char *path, struct policy_file **ret)
{
    static const char *const others[] = {NULL};
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(POLICY_FILE_MAX);
    SG_CLEANUP(policy_file_freep) struct policy_file *f = calloc(1, sizeof *f);
    struct sg_yaml_error why = {0};
    if (!f)
        return sg_raise(-ENOMEM);
    int r = sg_file_read(path, &text);
    if (r == 0)
        r = sg_yaml_parse(&f->yaml, sg_buf_bytes(&text), &why);
    if (r == 0)
        r = sg_tee_policy_read(&f->text, &f->yaml.nodes[0], others, &why);
    if (r != 0)
        return r < 0 ? r : sg_raisef(-EINVAL, "%s:%u: %s", path, why.line, why.text);
    *ret = TAKE_PTR(f);
    return 0;
}

static int untrusted(const char *why)
{
    return sg_cas_traced(sg_raisef(-EACCES, "casd's evidence: %s", why), SG_CAS_UNTRUSTED);
}

static int judge_simulated(const struct sg_cas_expect *e, struct sg_bytes evidence, int64_t at_s,
                           struct sg_tee_verdict *ret)
{
    SG_CLEANUP(sg_key_freep) struct sg_key *platform = NULL;
    int r = e->sim_platform ? sg_sim_platform_public(e->sim_platform, &platform) : 0;
    return r ? r : sg_cas_judge_simulated(platform, evidence, at_s, ret);
}

static int judge_hardware(struct sg_cas_collateral *c, const struct sg_cas_proof *proof,
                          int64_t at_s, struct sg_cas_judging *j, struct sg_tee_verdict *ret)
{
    const struct sg_cas_root_rule rule = {.all = true}; /* the caller's own words */
    struct sg_cas_collateral_report report;
    int r = sg_cas_collateral_load(c, &rule, &report);
    if (r == 0)
        r = sg_cas_collateral_take(c, j);
    return r ? r
             : sg_cas_judge_hardware(j, sg_tee_kind_parse(proof->kind), proof->evidence, at_s, ret);
}

/* What the verdict borrows is still there. */
static int decide(const struct policy_file *f, const uint8_t *report_data, int64_t at_s,
                  struct sg_tee_verdict *v)
{
    struct sg_tee_policy p = f->text.policy;
    char reasons[512];
    p.at_s = at_s;
    p.report_data = report_data;
    sg_tee_apply(&p, v);
    sg_cas_reasons_text(&v->reasons, reasons, sizeof reasons);
    return sg_tee_trusted(v) ? 0 : untrusted(reasons);
}

static int judge(const struct sg_cas_expect *e, struct sg_cas_collateral *c,
                 const struct sg_cas_proof *proof, int64_t at_s, struct sg_cas_judging *j,
                 struct sg_tee_verdict *v)
{
    int r = sg_bytes_equal(proof->kind, SG_BYTES_LIT("sim"))
                ? judge_simulated(e, proof->evidence, at_s, v)
                : judge_hardware(c, proof, at_s, j, v);
    if (r > 0 && r != SG_CAS_REFUSAL_UNTRUSTED) /* there is nothing for a policy to look at */
        return untrusted(sg_cas_refusal_name((enum sg_cas_refusal)r));
    return r < 0 ? r : 0;
}

int sg_cas_expect_judge(const struct sg_cas_expect *e, const struct sg_cas_proof *proof,
                        const uint8_t report_data[SG_TEE_REPORT_DATA_LEN], int64_t at_s,
                        struct sg_tee_claims *ret)
{
    SG_CLEANUP(policy_file_freep) struct policy_file *f = NULL;
    SG_CLEANUP(sg_cas_collateral_freep) struct sg_cas_collateral *c = NULL;
    const struct sg_cas_collateral_options o = {.folders = e->collateral,
                                                .n_folders = e->n_collateral,
                                                .roots = e->roots,
                                                .n_roots = e->n_roots};
    struct sg_cas_judging j = {0};
    struct sg_tee_verdict v = {0};
    int r = read_policy(e->policy, &f);
    if (r == 0)
        r = sg_cas_collateral_new(&c, &o);
    if (r == 0)
        r = judge(e, c, proof, at_s, &j, &v);
    if (r == 0)
        r = decide(f, report_data, at_s, &v);
    if (r == 0)
        *ret = v.claims;
    if (c)
        sg_cas_collateral_give(c, &j);
    return r;
}
