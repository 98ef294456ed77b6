/* vee-rules-checks - the checks that are on, and their parameters. */
#include "vee-rules-int.h"

static int take_severity(struct sg_fields *f, const struct sg_yaml_node *n,
                         enum sg_vee_severity *ret)
{
    int r = sg_field_kind(f, n, SG_YAML_SCALAR);

    if (r)
        return r;
    for (enum sg_vee_severity s = SG_VEE_INFO; s <= SG_VEE_FAIL; s++)
        if (!strcmp(n->text, sg_vee_severity_word(s))) {
            *ret = s;
            return 0;
        }
    return sg_fields_refuse(f, n, "fail, warn or info");
}

static int take_param(struct sg_fields *f, const struct sg_yaml_node *n, enum sg_vee_check_id id,
                      struct sg_vee_check *ret)
{
    const struct sg_vee_param *params = sg_vee_params(id);

    for (size_t i = 0; params[i].name; i++)
        if (!strcmp(params[i].name, n->key))
            return sg_vee_take_int(f, n, params[i].min, params[i].max, &ret->param[i]);
    return sg_fields_refuse(f, n, "no parameter of this check");
}

static int take_members(struct sg_fields *f, const struct sg_yaml_node *n, enum sg_vee_check_id id,
                        struct sg_vee_check *c)
{
    int r = 0;

    for (const struct sg_yaml_node *m = n->first; m && r >= 0; m = m->next)
        r = sg_fields_worse(r, strcmp(m->key, "severity") ? take_param(f, m, id, c)
                                                          : take_severity(f, m, &c->severity));
    if (r)
        return r;
    if (!sg_yaml_get(n, "severity"))
        return sg_fields_refuse(f, n, "severity is missing");
    if ((id == SG_VEE_HIGH_LOW || id == SG_VEE_DYNAMIC || id == SG_VEE_UNIT) &&
        c->param[1] > c->param[0])
        return sg_fields_refuse(f, n, "least_days are more than history_days");
    return 0;
}

static int take_check(struct sg_fields *f, const struct sg_yaml_node *n, struct sg_vee_rules *rules)
{
    enum sg_vee_check_id id = 0;
    int r = sg_field_kind(f, n, SG_YAML_MAPPING);

    if (r)
        return r;
    while (id < SG_VEE_N_CHECKS && strcmp(sg_vee_check_word(id), n->key) != 0)
        id++;
    if (id == SG_VEE_N_CHECKS)
        return sg_fields_refuse(f, n, "no such check");
    struct sg_vee_check *c = &rules->checks[id];
    const struct sg_vee_param *params = sg_vee_params(id);
    c->on = true;
    for (size_t i = 0; params[i].name; i++)
        c->param[i] = params[i].def;
    return take_members(f, n, id, c);
}

int sg_vee_take_checks(struct sg_fields *f, const struct sg_yaml_node *n, void *into)
{
    int r = sg_field_kind(f, n, SG_YAML_MAPPING);

    if (r)
        return r;
    for (const struct sg_yaml_node *c = n->first; c && r >= 0; c = c->next)
        r = sg_fields_worse(r, take_check(f, c, into));
    return r;
}
