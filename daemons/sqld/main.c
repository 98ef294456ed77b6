/*
 * sealgrid-sqld - SQL over the sealed record store.  A thin main over libs/sql (DESIGN.md).
 */
#include "sqld.h"

int main(int argc, char **argv)
{
    struct sqld_options o = {0};
    const struct sg_daemon sqld = {.service = "sqld", .table = &sqld_table, .run = sqld_run};
    return sg_daemon_main(&sqld, argc, argv, &o);
}
