/* app-balance - transformers against their customers. */
#include "app.h"

#include <stdio.h>

static int pass_balance(struct app *a)
{
    const uint64_t most = (uint64_t)a->options.keep_mib << 20;
    return balances_make(&a->balances, &a->topology, a->source, &a->plan, most);
}

/* The store is asked for the transformers' customers alone, one transformer after the other. */
static int balance_store(struct app *a)
{
    SG_CLEANUP(source_freep) struct source *source = NULL;
    struct source_store o = {.open_kv = app_open_kv,
                             .user = a,
                             .tz = a->tz,
                             .east_s = a->east_s,
                             .span = plan_span(&a->plan),
                             .points = (uint32_t)a->options.points};
    int64_t *clients;
    const char *bad = topology_clients(&a->topology, &clients, &o.n_clients);
    if (bad)
        return app_complain("--topology", bad);
    o.clients = clients;
    int r = source_store_open(&source, &o);
    if (r == 0)
        r = balances_make(&a->balances, &a->topology, source, &a->plan,
                          (uint64_t)a->options.keep_mib << 20);
    free(clients);
    return r;
}

/* That of the last day read, from the store's table or a file. */
static int take_topology(struct app *a, char why[TOPOLOGY_WHY_MAX])
{
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    const char *path = a->options.topology;
    if (!a->options.store || strcmp(path, "store") != 0)
        return topology_read(&a->topology, path, why);
    int r = app_open_kv(a, &kv);
    return r ? r
             : topology_from_store(&a->topology, kv, a->clients, a->n_clients,
                                   a->plan.windows.test.last, why);
}

int app_make_balances(struct app *a)
{
    const struct fraud_options *o = &a->options;
    char why[TOPOLOGY_WHY_MAX];
    if (!a->plan.fixed)
        return app_complain("--topology", "with --input it wants --reference-days and --test-days");
    int r = take_topology(a, why);
    if (r)
        return r < 0 ? app_fail(o->topology) : app_complain(o->topology, why);
    if (a->topology.left_out)
        fprintf(stderr, "sealgrid-fraud: table topology: %zu rows cannot be used\n",
                a->topology.left_out);
    r = o->store ? balance_store(a) : app_run_pass(a, pass_balance);
    if (r == BALANCES_TOO_LARGE)
        return app_complain("--topology",
                            "customers of too many transformers at once: --keep-mib, or "
                            "rows of one transformer's customers together");
    if (r)
        return r < 0 ? app_fail("--topology") : r;
    if (o->balance && balances_write(&a->balances, o->balance))
        return app_fail(o->balance);
    return 0;
}
