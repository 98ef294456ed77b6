#pragma once
/*
 * access - what a caller may do.
 */
#include <sealgrid/sql/service.h>

struct sg_sql_access;

SG_MUST_USE int sg_sql_access_new(struct sg_sql_access **ret,
                                  const struct sg_sql_service_options *o);
void sg_sql_access_free(struct sg_sql_access *a);
SG_DEFINE_FREEP(struct sg_sql_access, sg_sql_access_free)

enum sg_sql_access_outcome { SG_SQL_ACCESS_DENIED = 1 /* nothing is granted */ };
SG_MUST_USE int sg_sql_access_role(const struct sg_sql_access *a, const char *who,
                                   enum sg_sql_role *ret);
