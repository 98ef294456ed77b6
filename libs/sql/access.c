#include "access-int.h"

struct sg_sql_access {
    struct sg_sql_grant *grants;
    size_t n_grants;
};

int sg_sql_grant_parse(const char *text, struct sg_sql_grant *ret)
{
    struct sg_sql_grant g = {.role = SG_SQL_READER};
    size_t len = strcspn(text, " ");
    const char *role = text + len + strspn(text + len, " ");
    if (len == 0 || len >= sizeof(g.who))
        return sg_raisef(-EINVAL, "access: want \"WHO ROLE\"");
    memcpy(g.who, text, len);
    if (!sg_caller_name_ok(g.who))
        return sg_raisef(-EINVAL, "access: WHO is spiffe://... or key:NAME");
    if (strcmp(role, "admin") == 0)
        g.role = SG_SQL_ADMIN;
    else if (strcmp(role, "reader") != 0)
        return sg_raisef(-EINVAL, "access: ROLE is reader or admin");
    *ret = g;
    return 0;
}

void sg_sql_access_free(struct sg_sql_access *a)
{
    if (!a)
        return;
    free(a->grants);
    free(a);
}

int sg_sql_access_new(struct sg_sql_access **ret, const struct sg_sql_service_options *o)
{
    SG_CLEANUP(sg_sql_access_freep) struct sg_sql_access *a = calloc(1, sizeof(*a));
    if (!a)
        return sg_raise(-ENOMEM);
    a->grants = calloc(o->n_grants + 1, sizeof(*a->grants));
    if (!a->grants)
        return sg_raise(-ENOMEM);
    if (o->n_grants)
        memcpy(a->grants, o->grants, o->n_grants * sizeof(*a->grants));
    a->n_grants = o->n_grants;
    *ret = TAKE_PTR(a);
    return 0;
}

int sg_sql_access_role(const struct sg_sql_access *a, const char *who, enum sg_sql_role *ret)
{
    for (size_t i = 0; i < a->n_grants; i++)
        if (strcmp(a->grants[i].who, who) == 0) {
            *ret = a->grants[i].role;
            return 0;
        }
    return SG_SQL_ACCESS_DENIED;
}
