/*
 * sealgrid-kvsd - the sealed store behind HTTPS.  A thin main over libs/kvs (DESIGN.md).
 */
#include "kvsd.h"

int main(int argc, char **argv)
{
    struct kvsd_options o = {0};
    const struct sg_daemon kvsd = {.service = "kvsd", .table = &kvsd_table, .run = kvsd_run};
    return sg_daemon_main(&kvsd, argc, argv, &o);
}
