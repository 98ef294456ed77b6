/* estimate-table - rows of estimates, written once. */
#include "estimate-table.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/meter/rows.h>
#include <sealgrid/meter/tables.h>

#include <stdio.h>

#define BATCH 500 /* rows a batch: far below what the store takes */
#define TRIES 8   /* while others write the same rows */

/* ---- rows ----------------------------------------------------------------------------------- */

static void describe(const struct sg_vee_rules *rules, const char *rule, char *ret, size_t size)
{
    const struct sg_vee_step *step = rules->steps;

    while (strcmp(step->rule, rule) != 0)
        step++;
    int n = snprintf(ret, size, "method=%s up_to_minutes=%lld", sg_vee_method_word(step->method),
                     (long long)(step->up_to_s / 60));
    if (step->method == SG_VEE_HISTORY)
        snprintf(ret + n, size - (size_t)n, " days=%lld least=%lld", (long long)step->days,
                 (long long)step->least);
    if (step->method == SG_VEE_PROFILE)
        snprintf(ret + n, size - (size_t)n, " profile=%s", rules->profiles[step->profile].name);
}

static struct sg_row_estimate row_of(const struct sg_vee_rules *rules,
                                     const struct sg_vee_estimate *e, int64_t made_ts_s)
{
    struct sg_row_estimate row = {.ts_s = e->ts_s,
                                  .energy_wh = e->energy_wh,
                                  .reactive_varh = e->reactive_varh,
                                  .adjusted = e->adjusted,
                                  .made_ts_s = made_ts_s};

    memcpy(row.inputs, e->inputs, 32);
    memcpy(row.rules, rules->sha256, 32);
    snprintf(row.serial, sizeof(row.serial), "%s", e->serial);
    snprintf(row.rule, sizeof(row.rule), "%s", e->rule);
    describe(rules, e->rule, row.parameters, sizeof(row.parameters));
    return row;
}

static int put_row(struct sg_buf *keys, struct sg_buf *values, const struct sg_row_estimate *row)
{
    int r = sg_row_estimate_sort(keys, row->ts_s, row->inputs);
    return r ? r : sg_row_estimate_encode(values, row);
}

/* But for the time at which it was made. */
static bool same(const struct sg_row_estimate *a, const struct sg_row_estimate *b)
{
    return !strcmp(a->serial, b->serial) && a->energy_wh == b->energy_wh &&
           a->reactive_varh == b->reactive_varh && !strcmp(a->rule, b->rule) &&
           !memcmp(a->rules, b->rules, 32) && a->adjusted == b->adjusted;
}

/* ---- what is there --------------------------------------------------------------------------- */

struct keeping {
    const struct sg_vee_rules *rules;
    const struct sg_vee_estimates *e;
    bool *there;     /* per estimate */
    size_t next;     /* estimate that rows have not come up to */
    int64_t differs; /* end of the first interval whose row tells something else; INT64_MAX */
};

/* Rows come by time, then by inputs: of one interval there may be several. */
static int look(void *ctx, struct sg_bytes partition, struct sg_bytes sort, struct sg_bytes value)
{
    struct keeping *k = ctx;
    struct sg_row_estimate row;
    int r = sg_row_estimate_decode(sort, value, &row);

    (void)partition;
    if (r)
        return r;
    while (k->next < k->e->n && k->e->items[k->next].ts_s < row.ts_s)
        k->next++;
    if (k->next == k->e->n || k->e->items[k->next].ts_s != row.ts_s ||
        memcmp(k->e->items[k->next].inputs, row.inputs, 32) != 0)
        return 0;
    const struct sg_row_estimate right = row_of(k->rules, &k->e->items[k->next], 0);
    k->there[k->next] = true;
    if (!same(&row, &right) && row.ts_s < k->differs)
        k->differs = row.ts_s;
    return 0;
}

static int look_up(struct sg_kv *kv, int64_t client, struct keeping *k)
{
    const int64_t first = k->e->items[0].ts_s, after = k->e->items[k->e->n - 1].ts_s + 1;

    k->next = 0;
    return sg_table_each(kv, client, SG_TABLE_ESTIMATE, &first, &after, SG_BYTES_NONE, look, k);
}

/* ---- writing --------------------------------------------------------------------------------- */

struct batch {
    struct sg_kv_op ops[BATCH];
    size_t key_at[BATCH + 1], value_at[BATCH + 1], n;
    struct sg_buf partition, keys, values;
};

static int write_batch(struct sg_kv *kv, struct batch *b)
{
    b->key_at[b->n] = b->keys.len;
    b->value_at[b->n] = b->values.len;
    for (size_t i = 0; i < b->n; i++)
        b->ops[i] = (struct sg_kv_op){
            .kind = SG_KV_REPLACE,
            .key = {SG_TABLE_ESTIMATE, sg_buf_bytes(&b->partition),
                    SG_BYTES(b->keys.data + b->key_at[i], b->key_at[i + 1] - b->key_at[i])},
            .value = SG_BYTES(b->values.data + b->value_at[i], b->value_at[i + 1] - b->value_at[i]),
            .expect_absent = true};
    return b->n ? sg_kv_batch(kv, SG_METERING_BUCKET, b->ops, b->n, NULL) : 0;
}

/* The next rows that are not there, BATCH at most. */
static int fill_batch(struct batch *b, const struct keeping *k, size_t *at, int64_t made_ts_s)
{
    int r = 0;

    sg_buf_reset(&b->keys);
    sg_buf_reset(&b->values);
    b->n = 0;
    for (; *at < k->e->n && b->n < BATCH && !r; (*at)++) {
        if (k->there[*at])
            continue;
        const struct sg_row_estimate row = row_of(k->rules, &k->e->items[*at], made_ts_s);
        b->key_at[b->n] = b->keys.len;
        b->value_at[b->n++] = b->values.len;
        r = put_row(&b->keys, &b->values, &row);
    }
    return r;
}

/* 0, SG_KV_CONFLICT: somebody wrote one of the rows meanwhile. */
static int write_new(struct sg_kv *kv, int64_t client, const struct keeping *k, struct batch *b,
                     int64_t made_ts_s)
{
    size_t at = 0;
    int r;

    sg_buf_reset(&b->partition);
    r = sg_row_client_partition(&b->partition, client);
    while (!r && at < k->e->n) {
        r = fill_batch(b, k, &at, made_ts_s);
        if (!r)
            r = write_batch(kv, b);
    }
    return r;
}

static int keep(struct sg_kv *kv, int64_t client, struct keeping *k, struct batch *b,
                int64_t made_ts_s)
{
    int r = SG_KV_CONFLICT;

    for (int i = 0; i < TRIES && r == SG_KV_CONFLICT; i++) {
        r = look_up(kv, client, k);
        if (!r && k->differs != INT64_MAX)
            return 0;
        if (!r)
            r = write_new(kv, client, k, b, made_ts_s);
    }
    return sg_fold(r);
}

int estimate_table_keep(struct sg_kv *kv, int64_t client, const struct sg_vee_rules *rules,
                        const struct sg_vee_estimates *e, int64_t made_ts_s, int64_t *ret_ts_s)
{
    SG_FREE struct batch *b = calloc(1, sizeof(*b));
    SG_FREE bool *there = calloc(e->n + 1, sizeof(*there));
    struct keeping k = {.rules = rules, .e = e, .there = there, .differs = INT64_MAX};

    if (!b || !there)
        return sg_raise(-ENOMEM);
    if (e->n == 0)
        return 0;
    b->partition.max = SG_ROW_KEY_MAX;
    b->keys.max = (size_t)BATCH * SG_ROW_KEY_MAX;
    b->values.max = (size_t)BATCH * 1024;
    int r = keep(kv, client, &k, b, made_ts_s);
    sg_buf_clear(&b->partition);
    sg_buf_clear(&b->keys);
    sg_buf_clear(&b->values);
    if (r || k.differs == INT64_MAX)
        return r;
    *ret_ts_s = k.differs;
    return ESTIMATE_TABLE_DIFFERS;
}
