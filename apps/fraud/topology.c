#include "topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/grow.h>
#include <sealgrid/fraud/balance.h>
#include <sealgrid/meter/rows.h>
#include <sealgrid/meter/tables.h>

#include "csv.h"

#define FILE_BYTES_MAX ((size_t)1 << 30)

/* A line: customer and transformer. */
struct pair {
    char customer[SG_FRAUD_ID_MAX + 1], transformer[SG_FRAUD_ID_MAX + 1];
};

struct pairs {
    struct pair *list;
    size_t n, room;
};

static void pairs_clear(struct pairs *p)
{
    free(p->list);
}

static int refuse(char *why, uint64_t line, const char *text)
{
    snprintf(why, TOPOLOGY_WHY_MAX, "line %llu: %s", (unsigned long long)line, text);
    return TOPOLOGY_BAD;
}

static int add_pair(struct pairs *p, struct sg_bytes customer, struct sg_bytes transformer)
{
    int r = sg_grow(&p->list, &p->room, p->n, SIZE_MAX);
    if (r)
        return r;
    struct pair *pair = &p->list[p->n++];
    *pair = (struct pair){.customer = ""};
    memcpy(pair->customer, customer.data, customer.len);
    memcpy(pair->transformer, transformer.data, transformer.len);
    return 0;
}

struct columns {
    int customer, transformer; /* -1: there is none */
};

static struct columns find_columns(struct sg_bytes line)
{
    struct sg_bytes field[CSV_COLUMNS_MAX];
    const size_t n = csv_split(line, field);
    struct columns ret = {-1, -1};
    for (size_t i = 0; i < n; i++)
        if (csv_is(field[i], "customer") || csv_is(field[i], "client"))
            ret.customer = (int)i;
        else if (csv_is(field[i], "transformer"))
            ret.transformer = (int)i;
    return ret;
}

static int take_pair(struct pairs *p, struct columns columns, struct sg_bytes line, uint64_t number,
                     char *why)
{
    struct sg_bytes field[CSV_COLUMNS_MAX];
    const size_t n = csv_split(line, field);
    const struct sg_bytes customer = csv_at(field, n, columns.customer),
                          transformer = csv_at(field, n, columns.transformer);
    if (!csv_is_name(customer) || !csv_is_name(transformer))
        return refuse(why, number, "customer, transformer: 1 to 63 octets without quotes");
    return add_pair(p, customer, transformer);
}

static int take_pairs(struct pairs *p, struct sg_bytes text, size_t rows, char *why)
{
    struct sg_bytes line;
    uint64_t number = 1;
    text = csv_text(text);
    if (!csv_line(&text, &line))
        return refuse(why, 0, "empty");
    const struct columns columns = find_columns(line);
    if (columns.customer < 0 || columns.transformer < 0)
        return refuse(why, number, "columns customer and transformer are wanted");
    int r = 0;
    while (r == 0 && csv_line(&text, &line)) {
        number++;
        if (line.len == 0)
            continue;
        if (p->n == rows) {
            snprintf(why, TOPOLOGY_WHY_MAX, "line %llu: more than %zu customers",
                     (unsigned long long)number, rows);
            return TOPOLOGY_BAD;
        }
        r = take_pair(p, columns, line, number, why);
    }
    return r;
}

/* ---- groups --------------------------------------------------------------------------------- */

static int by_transformer(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    const int order = strcmp(x->transformer, y->transformer);
    return order ? order : strcmp(x->customer, y->customer);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct topology_member *)a)->id, ((const struct topology_member *)b)->id);
}

/* Pairs are in order. */
static void make_groups(const struct pairs *p, struct topology *t)
{
    for (size_t i = 0; i < p->n; i++) {
        if (i == 0 || strcmp(p->list[i].transformer, p->list[i - 1].transformer) != 0) {
            struct topology_group *g = &t->groups[t->n_groups];
            struct topology_member *m = &t->members[t->n_members++];
            memcpy(g->id, p->list[i].transformer, sizeof(g->id));
            memcpy(m->id, g->id, sizeof(m->id));
            m->group = t->n_groups++;
            m->place = SIZE_MAX;
        }
        struct topology_group *g = &t->groups[t->n_groups - 1];
        struct topology_member *m = &t->members[t->n_members++];
        memcpy(m->id, p->list[i].customer, sizeof(m->id));
        m->group = t->n_groups - 1;
        m->place = g->customers++;
    }
    if (t->n_members)
        qsort(t->members, t->n_members, sizeof(*t->members), by_id);
}

static int check(const struct topology *t, char *why)
{
    for (size_t i = 1; i < t->n_members; i++)
        if (by_id(&t->members[i - 1], &t->members[i]) == 0) {
            snprintf(why, TOPOLOGY_WHY_MAX,
                     "%s: is there twice, or a transformer and a customer at once",
                     t->members[i].id);
            return TOPOLOGY_BAD;
        }
    for (size_t g = 0; g < t->n_groups; g++)
        if (t->groups[g].customers > SG_BALANCE_CUSTOMERS_MAX) {
            snprintf(why, TOPOLOGY_WHY_MAX, "transformer %s: more than %d customers",
                     t->groups[g].id, SG_BALANCE_CUSTOMERS_MAX);
            return TOPOLOGY_BAD;
        }
    return 0;
}

static int from_pairs(struct topology *ret, const struct pairs *p, char *why)
{
    SG_CLEANUP(topology_clear) struct topology t = {.members = NULL};
    if (p->n)
        qsort(p->list, p->n, sizeof(*p->list), by_transformer);
    t.members = calloc(2 * p->n + 1, sizeof(*t.members));
    t.groups = calloc(p->n + 1, sizeof(*t.groups));
    if (!t.members || !t.groups)
        return sg_raise(-ENOMEM);
    make_groups(p, &t);
    int r = check(&t, why);
    if (r)
        return r;
    *ret = t;
    t = (struct topology){.members = NULL};
    return 0;
}

int topology_parse(struct topology *ret, struct sg_bytes text, size_t rows,
                   char why[TOPOLOGY_WHY_MAX])
{
    SG_CLEANUP(pairs_clear) struct pairs p = {.list = NULL};
    why[0] = 0;
    int r = take_pairs(&p, text, rows, why);
    return r ? r : from_pairs(ret, &p, why);
}

/* ---- store ---------------------------------------------------------------------------------- */

struct latest {
    int32_t day;
    int64_t transformer; /* 0: none */
    size_t bad;
};

/* In order of days: the last that holds stays. */
static int take_row(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                    struct sg_bytes value)
{
    struct latest *latest = ctx;
    struct sg_row_topology row;
    (void)partition;
    if (sg_row_topology_decode(sort, value, &row))
        latest->bad++;
    else if (row.from_day <= latest->day)
        latest->transformer = row.transformer;
    return 0;
}

static int by_customer(const void *a, const void *b)
{
    return strcmp(((const struct pair *)a)->customer, ((const struct pair *)b)->customer);
}

/* Pairs, sorted by transformer, that name this one; no more are counted than one too many. */
static size_t count_named(const struct pairs *p, const char *transformer)
{
    size_t low = 0, high = p->n, n = 0;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(p->list[middle].transformer, transformer) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    while (n <= SG_BALANCE_CUSTOMERS_MAX && low + n < p->n &&
           !strcmp(p->list[low + n].transformer, transformer))
        n++;
    return n;
}

/* Keeps the pairs that are wanted and adds to *ret how many are not. */
static int keep_pairs(struct pairs *p,
                      bool (*wanted)(const struct pairs *all, const struct pair *pair), size_t *ret)
{
    SG_FREE bool *kept = calloc(p->n + 1, sizeof(*kept));
    size_t n = 0;
    if (!kept)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < p->n; i++)
        kept[i] = wanted(p, &p->list[i]);
    for (size_t i = 0; i < p->n; i++)
        if (kept[i])
            p->list[n++] = p->list[i];
    *ret += p->n - n;
    p->n = n;
    return 0;
}

/* Sorted by transformer. */
static bool is_customer(const struct pairs *all, const struct pair *pair)
{
    return count_named(all, pair->customer) < 2;
}

static bool is_not_too_many(const struct pairs *all, const struct pair *pair)
{
    return count_named(all, pair->transformer) <= SG_BALANCE_CUSTOMERS_MAX;
}

/* Sorted by customer. */
static bool names_no_customer(const struct pairs *all, const struct pair *pair)
{
    struct pair key = {.customer = ""};
    strcpy(key.customer, pair->transformer);
    return !bsearch(&key, all->list, all->n, sizeof(*all->list), by_customer);
}

static int leave_out(struct pairs *p, size_t *ret)
{
    if (p->n == 0)
        return 0;
    qsort(p->list, p->n, sizeof(*p->list), by_transformer);
    int r = keep_pairs(p, is_not_too_many, ret);
    if (r == 0)
        r = keep_pairs(p, is_customer, ret);
    if (r == 0)
        qsort(p->list, p->n, sizeof(*p->list), by_customer);
    return r ? r : keep_pairs(p, names_no_customer, ret);
}

int topology_from_store(struct topology *ret, struct sg_kv *kv, const int64_t *clients, size_t n,
                        int32_t day, char why[TOPOLOGY_WHY_MAX])
{
    SG_CLEANUP(pairs_clear) struct pairs p = {.list = NULL};
    size_t left_out = 0;
    int r = 0;
    why[0] = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct latest latest = {.day = day};
        char client[24], transformer[24];
        r = sg_table_each(kv, clients[i], SG_TABLE_TOPOLOGY, NULL, NULL, SG_BYTES_NONE, take_row,
                          &latest);
        left_out += latest.bad;
        if (r || latest.transformer == 0)
            continue;
        snprintf(client, sizeof(client), "%lld", (long long)clients[i]);
        snprintf(transformer, sizeof(transformer), "%lld", (long long)latest.transformer);
        r = add_pair(&p, sg_bytes_str(client), sg_bytes_str(transformer));
    }
    if (r == 0)
        r = leave_out(&p, &left_out);
    if (r == 0)
        r = from_pairs(ret, &p, why);
    if (r == 0)
        ret->left_out = left_out;
    return r;
}

int topology_read(struct topology *ret, const char *path, char why[TOPOLOGY_WHY_MAX])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(FILE_BYTES_MAX);
    why[0] = 0;
    int r = sg_file_read(path, &text);
    return r ? r : topology_parse(ret, sg_buf_bytes(&text), TOPOLOGY_ROWS_MAX, why);
}

void topology_clear(struct topology *t)
{
    free(t->members);
    free(t->groups);
    *t = (struct topology){.members = NULL};
}

const struct topology_member *topology_find(const struct topology *t, const char *id)
{
    struct topology_member key;
    if (t->n_members == 0 || strlen(id) > SG_FRAUD_ID_MAX)
        return NULL;
    strcpy(key.id, id);
    return bsearch(&key, t->members, t->n_members, sizeof(*t->members), by_id);
}

static int by_group(const void *a, const void *b)
{
    const struct topology_member *x = *(const struct topology_member *const *)a,
                                 *y = *(const struct topology_member *const *)b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    /* The transformer's place is the greatest number there is: + 1 makes it the first. */
    return x->place + 1 < y->place + 1 ? -1 : x->place + 1 > y->place + 1;
}

static bool take_number(const char *id, int64_t *ret)
{
    char *end;
    errno = 0;
    const long long v = strtoll(id, &end, 10);
    *ret = v;
    return errno == 0 && end != id && *end == 0;
}

const char *topology_clients(const struct topology *t, int64_t **ret, size_t *ret_n)
{
    const struct topology_member **order = calloc(t->n_members + 1, sizeof(*order));
    int64_t *list = calloc(t->n_members + 1, sizeof(*list));
    const char *bad = order && list ? NULL : "no memory";
    for (size_t i = 0; !bad && i < t->n_members; i++)
        order[i] = &t->members[i];
    if (!bad && t->n_members)
        qsort(order, t->n_members, sizeof(*order), by_group);
    for (size_t i = 0; !bad && i < t->n_members; i++)
        if (!take_number(order[i]->id, &list[i]))
            bad = "with --store customers and transformers are whole numbers";
    free(order);
    if (bad) {
        free(list);
        return bad;
    }
    *ret = list;
    *ret_n = t->n_members;
    return NULL;
}
