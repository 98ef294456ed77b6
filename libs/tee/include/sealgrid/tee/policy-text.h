#pragma once
/*
 * tee policy-text - what an operator accepts, as he writes it: the keys of a policy in YAML, for
 * `sealgrid attest verify --policy` and for the services of casd's policy (docs/protocols/cas.md).
 *
 *   measurements: any, or octets in hexadecimal    required: a reference value that is lacking must
 *                                                  not read as "anything goes"
 *   kinds, signers, min_svn, statuses, advisories, min_tcb_evaluation, max_collateral_age_days,
 *   allow_absent, debug, migratable, simulated, vmpl, report_data, fields
 *
 * An absent key leaves what sg_tee_policy_default says, an empty list accepts nothing, an unknown
 * key is refused.  Owns what the policy borrows, except texts of the YAML tree, which must outlive
 * it.  Large (45 KiB): not for the stack.
 */
#include <sealgrid/base/yaml.h>
#include <sealgrid/tee/policy.h>

#define SG_TEE_POLICY_VALUES_MAX 512
#define SG_TEE_POLICY_RULES_MAX  64

struct sg_tee_policy_text {
    struct sg_tee_policy policy;
    struct sg_tee_field_rule rule[SG_TEE_POLICY_RULES_MAX];
    const char *advisory[SG_TEE_POLICY_VALUES_MAX];
    struct sg_bytes value[SG_TEE_POLICY_VALUES_MAX];
    uint8_t octets[SG_TEE_POLICY_VALUES_MAX][SG_TEE_MEASUREMENT_MAX];
    size_t n_values;
};

/* Reads the keys of a mapping but those among others (NULL-terminated), which are somebody else's.
 * 0, or SG_YAML_BAD with line and reason in e.  The result must not be moved. */
SG_MUST_USE int sg_tee_policy_read(struct sg_tee_policy_text *ret,
                                   const struct sg_yaml_node *mapping, const char *const *others,
                                   struct sg_yaml_error *e);
