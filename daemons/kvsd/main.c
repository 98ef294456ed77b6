/*
 * sealgrid-kvsd - the sealed store behind HTTPS.  A thin main over libs/kvs (DESIGN.md).
 */
#include "kvsd.h"

#include <stdio.h>

#include <sealgrid/base/log.h>
#include <sealgrid/base/secret.h>

#define EXIT_USAGE 2

static void clear_options(struct kvsd_options *o)
{
    sg_conf_clear(&kvsd_table, o);
}

int kvsd_bootstrap(const struct kvsd_options *o, struct sg_cas_grant *ret)
{
    const struct sg_cas_bootstrap b = {.connect = o->cas_connect,
                                       .pin_hex = o->cas_pin,
                                       .service = "kvsd",
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

static int run(const struct kvsd_options *o, const sigset_t *ends)
{
    SG_CLEANUP(sg_cas_grant_clear) struct sg_cas_grant grant = {0};
    SG_CLEANUP(sg_store_closep) struct sg_store *store = NULL;
    SG_CLEANUP(sg_kv_service_freep) struct sg_kv_service *service = NULL;
    int r = kvsd_bootstrap(o, &grant);
    if (r == 0)
        r = kvsd_open_store(&store, o, &grant);
    if (r == 0)
        r = kvsd_make_service(&service, o, &grant, store);
    kvsd_forget_secrets(&grant);
    return r < 0 ? r : kvsd_serve(o, &grant, service, store, ends);
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
    SG_CLEANUP(clear_options) struct kvsd_options o = {0};
    sigset_t ends;
    int first_arg, r;
    if (sg_process_harden() < 0) {
        fprintf(stderr, "sealgrid-kvsd: %s\n", sg_error_trace());
        return EXIT_FAILURE;
    }
    sg_log_init("kvsd", SG_LOG_INFO);
    r = sg_conf_parse(&kvsd_table, argc, argv, &o, &first_arg);
    if (r == SG_CONF_EXIT)
        return EXIT_SUCCESS;
    if (r != 0)
        return EXIT_USAGE;
    block_ends(&ends);
    r = run(&o, &ends);
    if (r < 0) {
        sg_log_failure("failed", r);
        return EXIT_FAILURE;
    }
    sg_log(SG_LOG_INFO, "stopped");
    return EXIT_SUCCESS;
}
