#include "balances.h"

#include <stdlib.h>
#include <string.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>

#include "csv.h"

#define CSV_MAX ((size_t)1 << 30)

static int by_rank(const void *a, const void *b)
{
    const struct balances_customer *x = *(const struct balances_customer *const *)a,
                                   *y = *(const struct balances_customer *const *)b;
    const int order = strcmp(x->transformer, y->transformer);
    if (order)
        return order;
    if (x->sureness != y->sureness)
        return x->sureness > y->sureness ? -1 : 1;
    if (x->kwh_per_day != y->kwh_per_day)
        return x->kwh_per_day > y->kwh_per_day ? -1 : 1;
    return strcmp(x->id, y->id);
}

static int print_transformer(struct sg_buf *out, const struct balances_transformer *t)
{
    const struct sg_balance_result *b = &t->result;
    char note[BALANCES_NOTE_MAX];
    int r = csv_put_name(out, t->id);
    balances_note(t, note);
    if (r == 0 && !t->judged)
        return sg_buf_printf(out, ",-,0,,,,,%s\n", note);
    const double left = b->unexplained_kwh;
    return r ? r
             : sg_buf_printf(out, ",-,0,%.6f,%.3f,,,%s\n",
                             b->delivered_kwh > 0 ? left / b->delivered_kwh : 0,
                             t->days > 0 ? left / t->days : 0, note);
}

static int print_customer(struct sg_buf *out, const struct balances_customer *c, size_t rank)
{
    char note[BALANCES_NOTE_MAX];
    int r = csv_put_name(out, c->transformer);
    balances_customer_note(c, note);
    if (r == 0)
        r = sg_buf_printf(out, ",");
    if (r == 0)
        r = csv_put_name(out, c->id);
    if (r == 0 && !c->used)
        return sg_buf_printf(out, ",%zu,,,,,%s\n", rank, note);
    return r ? r
             : sg_buf_printf(out, ",%zu,%.6f,%.3f,%.4f,%.4f,%s\n", rank, (double)c->share,
                             (double)c->kwh_per_day, (double)c->sureness, (double)c->correlation,
                             note);
}

static int print(const struct balances *b, const struct balances_customer **order,
                 struct sg_buf *out)
{
    size_t i = 0;
    int r = sg_buf_printf(
        out, "transformer,customer,rank,share,kwh_per_day,sureness,correlation,note\n");
    for (size_t g = 0; r == 0 && g < b->n_transformers; g++) {
        const char *id = b->transformers[g].id;
        r = print_transformer(out, &b->transformers[g]);
        for (size_t rank = 1;
             r == 0 && i < b->n_customers && strcmp(order[i]->transformer, id) == 0; i++)
            r = print_customer(out, order[i], rank++);
    }
    return r;
}

int balances_write(const struct balances *b, const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(CSV_MAX);
    const struct balances_customer **order = calloc(b->n_customers + 1, sizeof(*order));
    if (!order)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < b->n_customers; i++)
        order[i] = &b->customers[i];
    if (b->n_customers)
        qsort(order, b->n_customers, sizeof(*order), by_rank);
    int r = print(b, order, &out);
    free(order);
    if (r)
        return r;
    return strcmp(path, "-") ? sg_file_write_atomic(path, sg_buf_bytes(&out), 0600)
                             : sg_file_write_report(path, sg_buf_bytes(&out));
}
