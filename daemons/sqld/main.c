/*
 * sealgrid-sqld - SQL over the sealed record store.  A thin main over libs/sql (DESIGN.md).
 */
#include "sqld.h"

#include <stdio.h>

#include <sealgrid/base/log.h>
#include <sealgrid/base/secret.h>

#define EXIT_USAGE 2

static void clear_options(struct sqld_options *o)
{
    sg_conf_clear(&sqld_table, o);
}

int sqld_bootstrap(const struct sqld_options *o, struct sg_cas_grant *ret)
{
    const struct sg_cas_bootstrap b = {.connect = o->cas_connect,
                                       .pin_hex = o->cas_pin,
                                       .service = "sqld",
                                       .provider = o->cas_provider,
                                       .sim_platform = o->cas_platform,
                                       .retry_ms = (int)o->cas_retry_ms};
    int r = sg_cas_bootstrap(&b, ret);
    switch (r) {
    case SG_CAS_REFUSED:
        return sg_raisef(-EACCES, "casd refused us; its log says why");
    case SG_CAS_UNTRUSTED:
        return sg_raisef(-EACCES, "casd is not the pinned one");
    default:
        return r;
    }
}

static int run(const struct sqld_options *o, const sigset_t *ends)
{
    SG_CLEANUP(sg_cas_grant_clear) struct sg_cas_grant grant = {0};
    int r = sqld_bootstrap(o, &grant);
    return r < 0 ? r : sqld_serve(o, &grant, ends);
}

/* Threads that are started later inherit the mask, so that only the main thread sees these. */
static void block_ends(sigset_t *ret)
{
    sigemptyset(ret);
    sigaddset(ret, SIGTERM);
    sigaddset(ret, SIGINT);
    sigprocmask(SIG_BLOCK, ret, NULL);
}

int main(int argc, char **argv)
{
    SG_CLEANUP(clear_options) struct sqld_options o = {0};
    sigset_t ends;
    int first_arg;
    if (sg_process_harden() < 0) {
        fprintf(stderr, "sealgrid-sqld: %s\n", sg_error_trace());
        return EXIT_FAILURE;
    }
    sg_log_init("sqld", SG_LOG_INFO);
    int r = sg_conf_parse(&sqld_table, argc, argv, &o, &first_arg);
    if (r == SG_CONF_EXIT)
        return EXIT_SUCCESS;
    if (r != 0) {
        if (r < 0)
            sg_log_failure("conf.failed", r);
        return EXIT_USAGE;
    }
    block_ends(&ends);
    r = run(&o, &ends);
    if (r < 0) {
        sg_log_failure("failed", r);
        return EXIT_FAILURE;
    }
    sg_log(SG_LOG_INFO, "stopped");
    return EXIT_SUCCESS;
}
