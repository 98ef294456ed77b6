/*
 * The verb env.  Names of variables are those that foreign clients read (ARCHITECTURE, section 9);
 * the S3 and PostgreSQL ones follow when those front ends do.
 */
#include "client-env.h"

#include "verbs.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/file.h>
#include <stdio.h>

static const struct sg_secret *api_key(const struct sg_operator *op, const char *name)
{
    char secret[64];
    snprintf(secret, sizeof secret, SG_SECRET_API_KEY, name);
    return sg_cas_secret(&op->grant, secret);
}

int sg_client_key_file(const struct sg_deployment *d, const struct sg_operator *op,
                       char ret[SG_PATH_MAX])
{
    const struct sg_secret *key = api_key(op, "reader");
    if (!key)
        return sg_raisef(-ENOENT, "no API key \"reader\" in the grant");
    char path[SG_PATH_MAX];
    snprintf(path, sizeof path, "%.440s/run/api-key-reader", d->dir);
    int r = sg_file_write_atomic(path, sg_secret_bytes(key), 0600);
    if (r == 0)
        memcpy(ret, path, sizeof path);
    return r;
}

static int print_env(const char *dir)
{
    struct sg_deployment d;
    struct sg_operator op = {0};
    int r = sg_deployment_load(&d, dir);
    if (r == 0)
        r = sg_operator_attest(&op, &d);
    if (r)
        return r;
    const struct sg_secret *key = api_key(&op, "admin");
    if (!key) {
        r = sg_raisef(-ENOENT, "no API key \"admin\" in the grant");
    } else {
        printf("export SEALGRID_SQL_URL=https://localhost:%u/v1/sql\n",
               sg_deployment_port(&d, "sqld"));
        printf("export SEALGRID_KV_URL=https://localhost:%u/v1\n", sg_deployment_port(&d, "kvsd"));
        printf("export SEALGRID_CA='%s/cas/public/ca.pem'\n", d.dir);
        printf("export SEALGRID_API_KEY='%.*s'\n", (int)key->len, (const char *)key->data);
    }
    sg_operator_clear(&op);
    return r;
}

struct env_args {
    char *dir;
};

int sg_verb_env(int argc, char **argv)
{
    static const struct sg_conf_option options[] = {
        {"dir", SG_CONF_STRING, offsetof(struct env_args, dir), NULL, 0, 0, true,
         "folder of the platform"},
    };
    static const struct sg_conf_table table = {
        .program = "sealgrid env",
        .summary = "shell exports for foreign clients; they hold an "
                   "API key, so keep them out of files",
        .options = options,
        .n = 1};
    struct env_args a = {0};
    int first, r = sg_conf_parse(&table, argc, argv, &a, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : 2;
    r = print_env(a.dir);
    if (r)
        fprintf(stderr, "sealgrid env: %s\n", sg_error_trace());
    sg_conf_clear(&table, &a);
    return r ? 1 : 0;
}
