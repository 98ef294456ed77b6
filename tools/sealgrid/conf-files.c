/*
 * conf-files - the YAML file of every service of a deployment.
 */
#include "trust.h"

#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <stdio.h>

static int common(struct sg_buf *b, const struct sg_deployment *d, const char *service)
{
    unsigned port = sg_deployment_port(d, service);
    int r = sg_buf_printf(b, "ops:\n  listen: 127.0.0.1:%u\n", port + SG_OPS_OFFSET);
    if (r == 0 && strcmp(service, "casd") != 0)
        r = sg_buf_printf(b,
                          "cas:\n  connect: 127.0.0.1:%u\n  pin: %s\n  provider: sim\n"
                          "  platform: \"%s/platform\"\n",
                          sg_deployment_port(d, "casd"), d->pin, d->dir);
    return r;
}

static int casd(struct sg_buf *b, const struct sg_deployment *d, const char *service)
{
    return sg_buf_printf(b,
                         "listen: 127.0.0.1:%u\ndir: \"%s/cas\"\nprovider: sim\n"
                         "platform: \"%s/platform\"\nseal: platform\n",
                         sg_deployment_port(d, service), d->dir, d->dir);
}

static int kvsd(struct sg_buf *b, const struct sg_deployment *d, const char *service)
{
    int r = sg_buf_printf(b, "listen: 127.0.0.1:%u\nvolumes:\n", sg_deployment_port(d, service));
    for (unsigned i = 0; r == 0 && i < d->volumes; i++)
        r = sg_buf_printf(b, "  - \"%s/volumes/v%u\"\n", d->dir, i);
    /* A smaller deployment cannot spread as wide. */
    const char *metering = d->volumes >= 3   ? "replicas=3"
                           : d->volumes == 2 ? "replicas=2"
                                             : "replicas=1";
    const char *evidence = d->volumes >= 8 ? "ec=6+2" : d->volumes >= 3 ? "ec=2+1" : metering;
    if (r == 0)
        r = sg_buf_printf(b,
                          "buckets:\n"
                          "  - \"metering %s\"\n"
                          "  - \"evidence %s\"\n"
                          "access:\n"
                          "  - \"spiffe://sealgrid/authd metering read,write\"\n"
                          "  - \"spiffe://sealgrid/sqld metering read,write\"\n"
                          "  - \"spiffe://sealgrid/bill metering read\"\n"
                          "  - \"spiffe://sealgrid/bill evidence read,write\"\n"
                          "  - \"spiffe://sealgrid/vee metering read,write\"\n"
                          "  - \"spiffe://sealgrid/fraud metering read\"\n"
                          "  - \"spiffe://sealgrid/operator metering read,write\"\n"
                          "  - \"spiffe://sealgrid/operator evidence read,write\"\n"
                          "  - \"spiffe://sealgrid/operator * admin\"\n"
                          "  - \"key:reader evidence read\"\n"
                          "  - \"key:admin metering read,write\"\n"
                          "  - \"key:admin evidence read,write\"\n",
                          metering, evidence);
    return r;
}

static int authd(struct sg_buf *b, const struct sg_deployment *d, const char *service)
{
    return sg_buf_printf(b, "listen: 127.0.0.1:%u\nkvsd:\n  connect: 127.0.0.1:%u\n",
                         sg_deployment_port(d, service), sg_deployment_port(d, "kvsd"));
}

static int aggd(struct sg_buf *b, const struct sg_deployment *d, const char *service)
{
    unsigned number = (unsigned)atoi(service + strlen("aggd"));
    int r = sg_buf_printf(b, "mesh:\n  listen: 127.0.0.1:%u\nbacklog:\n  dir: \"%s/aggd/a%u\"\n",
                          sg_deployment_port(d, service), d->dir, number);
    /* Each prefers another authenticator first, so that both work from the start. */
    if (r == 0)
        r = sg_buf_printf(b, "uplink:\n  authenticators:\n    - 127.0.0.1:%u\n    - 127.0.0.1:%u\n",
                          sg_deployment_port(d, number % 2 ? "authd1" : "authd2"),
                          sg_deployment_port(d, number % 2 ? "authd2" : "authd1"));
    return r;
}

static int sqld(struct sg_buf *b, const struct sg_deployment *d, const char *service)
{
    return sg_buf_printf(b, "listen: 127.0.0.1:%u\nkvsd:\n  connect: 127.0.0.1:%u\n",
                         sg_deployment_port(d, service), sg_deployment_port(d, "kvsd"));
}

static int add(const struct sg_deployment *d, struct sg_services *s, const char *name,
               const char *program,
               int (*own)(struct sg_buf *b, const struct sg_deployment *d, const char *service))
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    int r = own(&b, d, name);
    if (r == 0)
        r = common(&b, d, name);
    if (r)
        return r;
    sg_assert(s->n < SG_SERVICES_MAX);
    struct sg_service *v = &s->item[s->n++];
    snprintf(v->name, sizeof v->name, "%s", name);
    snprintf(v->program, sizeof v->program, "%.440s/%s", d->programs, program);
    snprintf(v->conf, sizeof v->conf, "%.440s/conf/%s.yaml", d->dir, name);
    snprintf(v->log, sizeof v->log, "%.440s/log/%s.log", d->dir, name);
    v->ops_port = (uint16_t)(sg_deployment_port(d, name) + SG_OPS_OFFSET);
    return sg_file_write_atomic(v->conf, sg_buf_bytes(&b), 0644);
}

int sg_deployment_write_conf(const struct sg_deployment *d)
{
    struct sg_services s = {.n = 0};
    int r = add(d, &s, "casd", "sealgrid-casd", casd);
    if (r == 0)
        r = add(d, &s, "kvsd", "sealgrid-kvsd", kvsd);
    bool meters = sg_deployment_has_authority(d);
    for (unsigned i = 1; r == 0 && meters && i <= d->authds; i++) {
        char name[16];
        snprintf(name, sizeof name, "authd%u", i);
        r = add(d, &s, name, "sealgrid-authd", authd);
    }
    for (unsigned i = 1; r == 0 && meters && i <= d->aggds; i++) {
        char name[16];
        snprintf(name, sizeof name, "aggd%u", i);
        r = add(d, &s, name, "sealgrid-aggd", aggd);
    }
    if (r == 0)
        r = add(d, &s, "sqld", "sealgrid-sqld", sqld);
    return r ? r : sg_services_write(d->dir, &s);
}
