#include "demo-args.h"

#include "child.h"

#include <sealgrid/base/cleanup.h>
#include <stdarg.h>
#include <stdio.h>

void sg_arg(struct sg_args *a, const char *fmt, ...)
{
    sg_assert(a->n < SG_ARGS);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(a->text[a->n], SG_ARG_LEN, fmt, ap);
    va_end(ap);
    sg_assert(n >= 0 && n < SG_ARG_LEN);
    a->argv[a->n] = a->text[a->n];
    a->argv[++a->n] = NULL;
}

void sg_arg_option(struct sg_args *a, const char *name, const char *value)
{
    sg_arg(a, "--%s", name);
    sg_arg(a, "%s", value);
}

void sg_arg_option_int(struct sg_args *a, const char *name, int64_t value)
{
    sg_arg(a, "--%s", name);
    sg_arg(a, "%lld", (long long)value);
}

void sg_args_program(struct sg_args *a, const struct sg_demo *m, const char *name)
{
    a->n = 0;
    char folder[SG_PATH_MAX];
    memcpy(folder, m->d.programs, sizeof folder);
    sg_arg(a, "%s/%s", folder, name);
}

int sg_args_run_json_exit(const struct sg_args *a, json_t **ret, int *ret_exit)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(64 << 20);
    int status, r = sg_child_run(a->argv, &out, &status);
    if (r)
        return r;
    json_t *j = json_loadb((const char *)out.data, out.len, JSON_DISABLE_EOF_CHECK, NULL);
    if (!j)
        return sg_raisef(-EBADMSG, "%s ended with %d and without a report", a->argv[0], status);
    *ret = j;
    *ret_exit = status;
    return 0;
}

int sg_args_run_json(const struct sg_args *a, json_t **ret)
{
    json_t *j;
    int status, r = sg_args_run_json_exit(a, &j, &status);
    if (r)
        return r;
    if (status) {
        json_decref(j);
        return sg_raisef(-EPROTO, "%s ended with %d", a->argv[0], status);
    }
    *ret = j;
    return 0;
}

int64_t sg_json_number(const json_t *j, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(j, name));
}

int64_t sg_demo_metric(const struct sg_demo *m, const char *daemon, const char *name)
{
    struct sg_services s;
    int64_t sum = 0;
    if (sg_services_read(m->d.dir, &s))
        return -1;
    for (size_t i = 0; i < s.n; i++)
        if (!strncmp(s.item[i].name, daemon, strlen(daemon)))
            sum += sg_service_metric(&s.item[i], name);
    return sum;
}

void sg_demo_aggregators(struct sg_args *a, const struct sg_demo *m)
{
    sg_args_program(a, m, "sealgrid-sim");
    for (unsigned i = 1; i <= m->d.aggds; i++) {
        char name[16];
        snprintf(name, sizeof name, "aggd%u", i);
        sg_arg(a, "--aggregator");
        sg_arg(a, "127.0.0.1:%u", sg_deployment_port(&m->d, name));
    }
    sg_arg_option(a, "json", "-");
}

void sg_demo_fleet(struct sg_args *a, const struct sg_demo *m)
{
    sg_demo_aggregators(a, m);
    sg_arg_option(a, "fleet", m->fleet);
    for (int suite = 2; suite <= 3; suite++) {
        sg_arg(a, "--authenticators");
        sg_arg(a, "%.440s/cas/public/edhoc-suite%d-cert.pem", m->d.dir, suite);
    }
}
