#include "sql-int.h"

#include <stdarg.h>
#include <stdio.h>

struct row {
    const char *name, *state;
    int status;
};

static const struct row rows[SG_SQL_N_CODES] = {[SG_SQL_OK] = {"ok", "00000", 200},
#define SG_C(name, state, status) [SG_SQL_ERR_##name] = {#name, state, status},
                                                SG_SQL_CODES(SG_C)
#undef SG_C
};

const char *sg_sql_code_name(enum sg_sql_code code)
{
    sg_assert(code < SG_SQL_N_CODES);
    return rows[code].name;
}

const char *sg_sql_code_state(enum sg_sql_code code)
{
    sg_assert(code < SG_SQL_N_CODES);
    return rows[code].state;
}

int sg_sql_code_status(enum sg_sql_code code)
{
    sg_assert(code < SG_SQL_N_CODES);
    return rows[code].status;
}

int sg_sql_refuse(struct sg_sql_error *e, enum sg_sql_code code, const char *fmt, ...)
{
    va_list args;
    if (e->code != SG_SQL_OK)
        return SG_SQL_REFUSED;
    va_start(args, fmt);
    vsnprintf(e->message, sizeof(e->message), fmt, args);
    va_end(args);
    e->code = code;
    return SG_SQL_REFUSED;
}

int sg_sql_refuse_kv(struct sg_sql_error *e, int r)
{
    switch (r) {
    case SG_KV_DAMAGED:
        return sg_sql_refuse(e, SG_SQL_ERR_damaged, "stored rows are damaged beyond repair");
    case SG_KV_DENIED:
        return sg_sql_refuse(e, SG_SQL_ERR_denied, "the store denies this service access");
    case SG_KV_TOO_LARGE:
        return sg_sql_refuse(e, SG_SQL_ERR_limit, "too large for the store");
    default:
        if (r < 0)
            return sg_sql_refuse(e, SG_SQL_ERR_store, "the store does not answer, try again");
        return sg_sql_refuse(e, SG_SQL_ERR_internal, "unexpected answer from the store");
    }
}
