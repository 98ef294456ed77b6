#include "sqld.h"

#include <stdio.h>

#define ROW(...)                  SG_CONF_ROW(struct sqld_options, __VA_ARGS__)
#define COMMON(kind, member, ...) SG_CONF_ROW(struct sqld_options, kind, common.member, __VA_ARGS__)

static const struct sg_conf_option rows[] = {SQLD_OPTIONS(ROW)
                                                 SG_DAEMON_OPTIONS(COMMON, "127.0.0.1:18440")};

static const char *const default_access[] = {"key:reader reader", "key:admin admin",
                                             "spiffe://sealgrid/operator admin"};

int sqld_grants(const struct sqld_options *o, struct sg_sql_grant *ret, size_t *ret_n)
{
    size_t n = o->access.n;
    if (n > SQLD_GRANTS_MAX)
        return sg_raisef(-E2BIG, "access: more than %d grants", SQLD_GRANTS_MAX);
    if (n == 0)
        n = sizeof(default_access) / sizeof(default_access[0]);
    for (size_t i = 0; i < n; i++) {
        int r = sg_sql_grant_parse(o->access.n ? o->access.items[i] : default_access[i], &ret[i]);
        if (r < 0)
            return r;
    }
    *ret_n = n;
    return 0;
}

static int check(const void *conf)
{
    struct sg_sql_grant grants[SQLD_GRANTS_MAX];
    size_t n;
    if (sqld_grants(conf, grants, &n) == 0)
        return 0;
    fprintf(stderr, "sealgrid-sqld: %s\n", sg_error_trace());
    return SG_CONF_BAD;
}

const struct sg_conf_table sqld_table = {
    .program = "sealgrid-sqld",
    .summary = "SQL over the sealed record store, JSON over HTTPS",
    .options = rows,
    .n = sizeof(rows) / sizeof(rows[0]),
    .check = check,
};
