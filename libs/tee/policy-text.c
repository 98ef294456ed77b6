#include <sealgrid/tee/policy-text.h>

#include <sealgrid/base/buf.h>
#include <sealgrid/base/encode.h>
#include <stdlib.h>

#define ANY "any"

struct reader {
    struct sg_tee_policy_text *p;
    struct sg_yaml_error *e;
};

static int refuse_node(const struct reader *r, const struct sg_yaml_node *n, const char *why)
{
    return sg_yaml_refuse(r->e, n->line, "%s: %s", n->key ? n->key : "value", why);
}

static bool is_any(const struct sg_yaml_node *n)
{
    return n->kind == SG_YAML_SCALAR && !strcmp(n->text, ANY);
}

/* ---- values of hexadecimal text ---- */

static int add_value(const struct reader *r, const struct sg_yaml_node *n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf octets = SG_BUF_INIT(sizeof(r->p->octets[0]));
    struct sg_tee_policy_text *p = r->p;

    if (n->kind != SG_YAML_SCALAR || sg_hex_decode(&octets, sg_bytes_str(n->text)) || !octets.len)
        return refuse_node(r, n, "hexadecimal octets wanted, 1 to 64");
    if (p->n_values == SG_TEE_POLICY_VALUES_MAX)
        return refuse_node(r, n, "more than 512 values in a policy");
    memcpy(p->octets[p->n_values], octets.data, octets.len);
    p->value[p->n_values] = SG_BYTES(p->octets[p->n_values], octets.len);
    p->n_values++;
    return 0;
}

/* A list, or one value.  The run of values is *ret[0..*ret_n). */
static int values(const struct reader *r, const struct sg_yaml_node *n, const struct sg_bytes **ret,
                  size_t *ret_n)
{
    size_t first = r->p->n_values;
    int bad = 0;

    if (n->kind == SG_YAML_SEQUENCE)
        for (const struct sg_yaml_node *i = n->first; i && !bad; i = i->next)
            bad = add_value(r, i);
    else
        bad = add_value(r, n);
    if (bad)
        return bad;
    *ret = r->p->value + first;
    *ret_n = r->p->n_values - first;
    return 0;
}

static int values_or_any(const struct reader *r, const struct sg_yaml_node *n, bool *ret_any,
                         const struct sg_bytes **ret, size_t *ret_n)
{
    *ret_any = is_any(n);
    return *ret_any ? 0 : values(r, n, ret, ret_n);
}

/* ---- other shapes ---- */

static int number(const struct reader *r, const struct sg_yaml_node *n, uint64_t max, uint64_t *ret)
{
    char *end;

    if (n->kind != SG_YAML_SCALAR || n->text[0] < '0' || n->text[0] > '9')
        return refuse_node(r, n, "a number wanted");
    errno = 0;
    unsigned long long v = strtoull(n->text, &end, 10);
    if (errno || *end || v > max)
        return refuse_node(r, n, "not a number in range");
    *ret = v;
    return 0;
}

static int boolean(const struct reader *r, const struct sg_yaml_node *n, bool *ret)
{
    if (n->kind != SG_YAML_SCALAR || (strcmp(n->text, "true") && strcmp(n->text, "false")))
        return refuse_node(r, n, "true or false wanted");
    *ret = !strcmp(n->text, "true");
    return 0;
}

/* A set of words, as bits. */
static int words(const struct reader *r, const struct sg_yaml_node *n,
                 bool (*bit_of)(const char *word, uint32_t *ret), uint32_t *ret)
{
    *ret = 0;
    if (n->kind != SG_YAML_SEQUENCE)
        return refuse_node(r, n, "a list wanted");
    for (const struct sg_yaml_node *i = n->first; i; i = i->next) {
        uint32_t bit;
        if (i->kind != SG_YAML_SCALAR || !bit_of(i->text, &bit))
            return refuse_node(r, i, "no word known here");
        *ret |= bit;
    }
    return 0;
}

static bool kind_bit(const char *word, uint32_t *ret)
{
    enum sg_tee_kind kind = sg_tee_kind_parse(sg_bytes_str(word));
    *ret = UINT32_C(1) << kind;
    return kind != SG_TEE_KIND_NONE;
}

static bool status_bit(const char *word, uint32_t *ret)
{
    enum sg_tee_status status = SG_TEE_STATUS_NOT_APPLICABLE;
    bool known =
        sg_tee_status_parse(sg_bytes_str(word), &status) || !strcmp(word, "not_applicable");
    *ret = UINT32_C(1) << status;
    return known;
}

static bool vmpl_bit(const char *word, uint32_t *ret)
{
    *ret = UINT32_C(1) << (word[0] & 3);
    return word[0] >= '0' && word[0] <= '3' && !word[1];
}

static bool absence_bit(const char *word, uint32_t *ret)
{
    *ret = !strcmp(word, "tcb-info")      ? SG_TEE_ABSENT_TCB_INFO
           : !strcmp(word, "qe-identity") ? SG_TEE_ABSENT_QE_IDENTITY
           : !strcmp(word, "crl")         ? SG_TEE_ABSENT_CRL
                                          : 0u;
    return *ret != 0;
}

/* ---- keys ---- */

static int kinds(const struct reader *r, const struct sg_yaml_node *n)
{
    r->p->policy.any_kind = is_any(n);
    return is_any(n) ? 0 : words(r, n, kind_bit, &r->p->policy.kinds);
}

static int measurements(const struct reader *r, const struct sg_yaml_node *n)
{
    struct sg_tee_policy *p = &r->p->policy;
    return values_or_any(r, n, &p->any_measurement, &p->measurements, &p->n_measurements);
}

static int signers(const struct reader *r, const struct sg_yaml_node *n)
{
    struct sg_tee_policy *p = &r->p->policy;
    return values_or_any(r, n, &p->any_signer, &p->signers, &p->n_signers);
}

static int min_svn(const struct reader *r, const struct sg_yaml_node *n)
{
    return number(r, n, UINT32_MAX, &r->p->policy.min_svn);
}

static int statuses(const struct reader *r, const struct sg_yaml_node *n)
{
    return words(r, n, status_bit, &r->p->policy.statuses);
}

static int advisories(const struct reader *r, const struct sg_yaml_node *n)
{
    struct sg_tee_policy *p = &r->p->policy;

    p->any_advisory = is_any(n);
    if (p->any_advisory)
        return 0;
    if (n->kind != SG_YAML_SEQUENCE || n->n_children > SG_TEE_POLICY_VALUES_MAX)
        return refuse_node(r, n, "any, or a list of at most 512 wanted");
    for (const struct sg_yaml_node *i = n->first; i; i = i->next) {
        if (i->kind != SG_YAML_SCALAR)
            return refuse_node(r, i, "the name of an advisory wanted");
        r->p->advisory[p->n_advisories++] = i->text;
    }
    p->advisories = r->p->advisory;
    return 0;
}

static int min_evaluation(const struct reader *r, const struct sg_yaml_node *n)
{
    uint64_t v = 0;
    int bad = number(r, n, UINT32_MAX, &v);
    r->p->policy.min_tcb_evaluation = (uint32_t)v;
    return bad;
}

static int max_age(const struct reader *r, const struct sg_yaml_node *n)
{
    uint64_t days = 0;
    int bad = number(r, n, 3650, &days);
    r->p->policy.max_collateral_age_s = (int64_t)days * 86400;
    return bad;
}

static int allow_absent(const struct reader *r, const struct sg_yaml_node *n)
{
    return words(r, n, absence_bit, &r->p->policy.allow_absent);
}

static int debug(const struct reader *r, const struct sg_yaml_node *n)
{
    return boolean(r, n, &r->p->policy.allow_debug);
}

static int migratable(const struct reader *r, const struct sg_yaml_node *n)
{
    return boolean(r, n, &r->p->policy.allow_migratable);
}

static int simulated(const struct reader *r, const struct sg_yaml_node *n)
{
    return boolean(r, n, &r->p->policy.allow_simulated);
}

static int vmpl(const struct reader *r, const struct sg_yaml_node *n)
{
    return words(r, n, vmpl_bit, &r->p->policy.vmpls);
}

static int report_data(const struct reader *r, const struct sg_yaml_node *n)
{
    const struct sg_bytes *v;
    size_t count;
    int bad = n->kind == SG_YAML_SCALAR ? values(r, n, &v, &count)
                                        : refuse_node(r, n, "64 octets wanted");
    if (!bad && v->len != 64)
        bad = refuse_node(r, n, "64 octets wanted");
    if (!bad)
        r->p->policy.report_data = v->data;
    return bad;
}

static int rule(const struct reader *r, const struct sg_yaml_node *n, struct sg_tee_field_rule *ret)
{
    const struct sg_yaml_node *least = n->kind == SG_YAML_MAPPING ? n->first : NULL;

    *ret = (struct sg_tee_field_rule){.name = n->key};
    if (n->kind != SG_YAML_MAPPING)
        return values(r, n, &ret->values, &ret->n_values);
    if (!least || least->next || strcmp(least->key, "at_least") != 0)
        return refuse_node(r, n, "octets, a list of them, or {at_least: NUMBER} wanted");
    ret->at_least = true;
    return number(r, least, UINT64_MAX, &ret->minimum);
}

static int fields(const struct reader *r, const struct sg_yaml_node *n)
{
    struct sg_tee_policy *p = &r->p->policy;

    if (n->kind != SG_YAML_MAPPING || n->n_children > SG_TEE_POLICY_RULES_MAX)
        return refuse_node(r, n, "a mapping of at most 64 fields wanted");
    for (const struct sg_yaml_node *i = n->first; i; i = i->next) {
        int bad = rule(r, i, &r->p->rule[p->n_rules++]);
        if (bad)
            return bad;
    }
    p->rules = r->p->rule;
    return 0;
}

static const struct {
    const char *key;
    int (*read)(const struct reader *r, const struct sg_yaml_node *n);
    bool required;
} keys[] = {
    {"kinds", kinds, false},
    /* Reference values that are lacking must not read as "anything goes". */
    {"measurements", measurements, true},
    {"signers", signers, false},
    {"min_svn", min_svn, false},
    {"statuses", statuses, false},
    {"advisories", advisories, false},
    {"min_tcb_evaluation", min_evaluation, false},
    {"max_collateral_age_days", max_age, false},
    {"allow_absent", allow_absent, false},
    {"debug", debug, false},
    {"migratable", migratable, false},
    {"simulated", simulated, false},
    {"vmpl", vmpl, false},
    {"report_data", report_data, false},
    {"fields", fields, false},
};
enum { N_KEYS = sizeof(keys) / sizeof(keys[0]) };

static int read_key(const struct reader *r, const struct sg_yaml_node *n)
{
    for (size_t i = 0; i < N_KEYS; i++)
        if (!strcmp(n->key, keys[i].key))
            return keys[i].read(r, n);
    return sg_yaml_refuse(r->e, n->line, "%s: unknown key", n->key);
}

static bool among(const char *key, const char *const *others)
{
    while (*others && strcmp(*others, key) != 0)
        others++;
    return *others;
}

int sg_tee_policy_read(struct sg_tee_policy_text *ret, const struct sg_yaml_node *mapping,
                       const char *const *others, struct sg_yaml_error *e)
{
    const struct reader reader = {ret, e};
    int bad = 0;

    *ret = (struct sg_tee_policy_text){.policy = sg_tee_policy_default()};
    if (mapping->kind != SG_YAML_MAPPING)
        return sg_yaml_refuse(e, mapping->line, "a policy is a mapping");
    for (const struct sg_yaml_node *n = mapping->first; n && !bad; n = n->next)
        bad = among(n->key, others) ? 0 : read_key(&reader, n);
    for (size_t i = 0; i < N_KEYS && !bad; i++)
        if (keys[i].required && !sg_yaml_get(mapping, keys[i].key))
            bad = sg_yaml_refuse(e, mapping->line, "no %s (a list, or any)", keys[i].key);
    return bad;
}
