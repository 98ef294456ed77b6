/* The sending modes: what the command line says, made into a sender on a real loop. */
#include "send.h"

#include <stdio.h>

#include <sealgrid/base/file.h>

static int load_authenticator(const char *path, struct sg_edhoc_identity **ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf pem = SG_BUF_INIT(65536);
    SG_CLEANUP(sg_cert_freep) struct sg_cert *cert = NULL;
    int r = sg_file_read(path, &pem);
    if (r == 0)
        r = sg_cert_load(&cert, sg_buf_bytes(&pem));
    return r ? r : sg_edhoc_identity_x509(ret, cert, NULL);
}

static int add_authenticator(struct sim_link *l, const char *path)
{
    if (l->n_authenticators == SIM_PEERS_MAX)
        return sg_raisef(-E2BIG, "more than %d authenticators", SIM_PEERS_MAX);
    int r = load_authenticator(path, &l->authenticators[l->n_authenticators]);
    if (r == 0)
        l->n_authenticators++;
    return r;
}

static int add_aggregator(struct sim_link *l, const char *address)
{
    if (l->n_aggregators == SIM_PEERS_MAX)
        return sg_raisef(-E2BIG, "more than %d aggregators", SIM_PEERS_MAX);
    int r = sg_addr_parse(address, &l->aggregators[l->n_aggregators]);
    if (r == 0)
        l->n_aggregators++;
    return r;
}

/* An option may be repeated, and may name several with commas. */
static int for_each(struct sim_link *l, const struct sg_conf_list *list,
                    int (*add)(struct sim_link *l, const char *text))
{
    for (size_t i = 0; i < list->n; i++) {
        SG_FREE char *copy = strdup(list->items[i]);
        char *at = copy, *item;
        if (!copy)
            return sg_raise(-ENOMEM);
        while ((item = strsep(&at, ","))) {
            int r = add(l, item);
            if (r)
                return r;
        }
    }
    return 0;
}

void sim_link_clear(struct sim_link *l)
{
    for (size_t i = 0; i < l->n_authenticators; i++)
        sg_edhoc_identity_freep(&l->authenticators[i]);
    sg_loop_freep(&l->loop);
    sim_fleet_clear(&l->fleet);
}

int sim_link_open(struct sim_link *l, const struct sim_options *o)
{
    *l = (struct sim_link){.n_aggregators = 0};
    int r = for_each(l, &o->aggregator, add_aggregator);
    if (r == 0 && o->fleet)
        r = sim_fleet_open(&l->fleet, o->fleet);
    if (r == 0 && o->fleet)
        r = sim_fleet_load_keys(&l->fleet, o->fleet);
    if (r == 0)
        r = for_each(l, &o->authenticators, add_authenticator);
    return r ? r : sg_loop_new(&l->loop);
}

struct sim_sender_config sim_link_config(const struct sim_link *l, const struct sim_options *o)
{
    return (struct sim_sender_config){
        .fleet = &l->fleet,
        .n_meters = (uint32_t)l->fleet.params.meters,
        .aggregators = l->aggregators,
        .n_aggregators = l->n_aggregators,
        .authenticators = (const struct sg_edhoc_identity *const *)l->authenticators,
        .n_authenticators = l->n_authenticators,
        .window = (uint32_t)o->window,
        .timeout_ms = o->timeout_s * 1000,
        .record = o->record,
        .record_max = o->hold ? UINT64_MAX : (uint64_t)o->record_max,
        .hold = o->hold,
        .move = o->move,
        .progress = true,
    };
}

int sim_link_run(struct sim_link *l, const struct sim_sender_config *c, struct sim_report *report)
{
    SG_CLEANUP(sim_sender_freep) struct sim_sender *s = NULL;
    int r = sim_sender_new(&s, l->loop, c);
    if (r == 0)
        r = sg_loop_run(l->loop);
    if (r)
        return r;
    sim_sender_report(s, report);
    report->ok = sim_sender_done(s) && report->refused == 0;
    return 0;
}

int sim_send(const struct sim_options *o, bool *ret_ok)
{
    SG_CLEANUP(sim_link_clear) struct sim_link l;
    struct sim_report report = {.mode = "send"};
    int r = sim_link_open(&l, o);
    if (r)
        return r;
    struct sim_sender_config c = sim_link_config(&l, o);
    c.source = sim_fleet_source(&l.fleet);
    if (o->only_meters && o->only_meters < l.fleet.params.meters)
        c.n_meters = (uint32_t)o->only_meters;
    r = sim_link_run(&l, &c, &report);
    if (r)
        return r;
    if (o->hold)
        fprintf(stderr, "%llu frames recorded and not sent in %.1f s\n",
                (unsigned long long)report.blocks, report.seconds);
    else
        fprintf(stderr, "%llu readings acknowledged in %.1f s\n",
                (unsigned long long)report.readings_acked, report.seconds);
    *ret_ok = report.ok;
    return sim_report_write(&report, o->json);
}
