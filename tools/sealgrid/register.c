#include "register.h"

#include "verbs.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/file.h>
#include <stdio.h>

#define FILE_MAX   (UINT64_C(4) << 30)
#define BATCH_ROWS 256

static bool take_sized(struct sg_reader *r, struct sg_bytes *ret)
{
    uint32_t n;
    return sg_take_be32(r, &n) && sg_take(r, n, ret);
}

static int take_row(struct sg_reader *r, size_t number, struct sg_kv_op *ret)
{
    struct sg_kv_op op = {.kind = SG_KV_INSERT};
    if (!sg_take_be32(r, &op.key.table) || !take_sized(r, &op.key.partition) ||
        !take_sized(r, &op.key.sort) || !take_sized(r, &op.value))
        return sg_raisef(-EBADMSG, "record %zu is cut", number);
    if (op.key.table != SG_TABLE_INSTALLATION && op.key.table != SG_TABLE_CREDENTIAL)
        return sg_raisef(-EBADMSG, "record %zu: table %u may not be loaded", number, op.key.table);
    *ret = op;
    return 0;
}

int sg_register_rows(struct sg_kv *kv, const char *path, size_t *ret_rows)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(FILE_MAX);
    int r = sg_file_read(path, &file);
    if (r)
        return r;
    struct sg_reader in = sg_reader_over(sg_buf_bytes(&file));
    struct sg_kv_op ops[BATCH_ROWS];
    size_t rows = 0, n = 0;
    while (in.left || n) {
        if (in.left && (r = take_row(&in, rows + 1, &ops[n])))
            return r;
        rows++;
        n++;
        if (n < BATCH_ROWS && in.left)
            continue;
        r = sg_kv_batch(kv, "metering", ops, n, NULL);
        if (r == SG_KV_CONFLICT)
            return sg_raisef(-EEXIST, "%s: a record among %zu..%zu differs from the registered one",
                             path, rows - n + 1, rows);
        if (r)
            return sg_fold(r);
        n = 0;
    }
    *ret_rows = rows;
    return 0;
}

struct register_args {
    char *dir, *rows;
};

static int run(const struct register_args *a, size_t *ret_rows)
{
    struct sg_deployment d;
    struct sg_operator op = {0};
    int r = sg_deployment_load(&d, a->dir);
    if (r == 0)
        r = sg_operator_attest(&op, &d);
    if (r)
        return r;
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = NULL;
    r = sg_operator_kv(&op, &d, &kv);
    if (r == 0)
        r = sg_register_rows(kv, a->rows, ret_rows);
    sg_operator_clear(&op);
    return sg_fold(r);
}

int sg_verb_register(int argc, char **argv)
{
    static const struct sg_conf_option options[] = {
        {"dir", SG_CONF_STRING, offsetof(struct register_args, dir), NULL, 0, 0, true,
         "folder of the platform"},
        {"rows", SG_CONF_STRING, offsetof(struct register_args, rows), NULL, 0, 0, true,
         "records of the fleet, FLEET/fleet.rows"},
    };
    static const struct sg_conf_table table = {.program = "sealgrid register",
                                               .summary = "load a fleet's records",
                                               .options = options,
                                               .n = sizeof options / sizeof *options};
    struct register_args a = {0};
    int first, r = sg_conf_parse(&table, argc, argv, &a, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : 2;
    size_t rows = 0;
    r = run(&a, &rows);
    if (r)
        fprintf(stderr, "sealgrid register: %s\n", sg_error_trace());
    else
        printf("%zu records registered\n", rows);
    sg_conf_clear(&table, &a);
    return r ? 1 : 0;
}
