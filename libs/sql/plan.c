/*
 * plan - xBestIndex: which constraints of a statement become partitions, key ranges and order.
 *
 * The rows of a table come out by partition and sort key, that is in primary-key order.  Of the
 * constraints on key columns are used: = and IN on the partition columns, or else = on the leading
 * ones and a range on the next; = on the leading sort columns and a range on the next; LIMIT and
 * OFFSET as a hint of how much to read at once.  SQLite checks everything again but comparisons of
 * INTEGER keys.
 *
 * Costs are in rows read; a request to the store weighs as much as SEEK rows.
 */
#include "sql-int.h"

#define PARTITIONS         1000.0
#define ROWS_PER_PARTITION 3000.0
#define SEEK               200.0
#define IN_VALUES          20.0

struct plan {
    sqlite3_index_info *info;
    const struct sg_sql_shape *shape;
    int eq[SG_SQL_KEY_MAX]; /* constraint of each key part, or -1 */
    int lower[SG_SQL_KEY_MAX];
    int upper[SG_SQL_KEY_MAX];
    bool in[SG_SQL_KEY_MAX]; /* eq is an IN whose list we take ourselves */
    bool sqlite_in;          /* eq of some part is an IN that SQLite loops over */
    int limit, offset;
    int n_args;
    int flags;
    bool whole_rows;
    char args[4 * SG_SQL_KEY_MAX * 2 + 8];
};

static void note_constraint(struct plan *p, int i)
{
    const struct sqlite3_index_constraint *c = &p->info->aConstraint[i];
    if (c->op == SQLITE_INDEX_CONSTRAINT_LIMIT || c->op == SQLITE_INDEX_CONSTRAINT_OFFSET) {
        *(c->op == SQLITE_INDEX_CONSTRAINT_LIMIT ? &p->limit : &p->offset) = i;
        return;
    }
    if (c->iColumn < 0 || c->iColumn >= (int)p->shape->n_columns)
        return;
    int key = p->shape->columns[c->iColumn].key;
    if (key < 0)
        return;
    if (p->shape->columns[c->iColumn].type == SG_TEXT &&
        sqlite3_stricmp(sqlite3_vtab_collation(p->info, i), "BINARY") != 0)
        return;
    int *slot = NULL;
    switch (c->op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
    case SQLITE_INDEX_CONSTRAINT_IS:
        slot = &p->eq[key];
        break;
    case SQLITE_INDEX_CONSTRAINT_GT:
    case SQLITE_INDEX_CONSTRAINT_GE:
        slot = &p->lower[key];
        break;
    case SQLITE_INDEX_CONSTRAINT_LT:
    case SQLITE_INDEX_CONSTRAINT_LE:
        slot = &p->upper[key];
        break;
    default:
        return;
    }
    if (*slot < 0)
        *slot = i;
}

static void collect(struct plan *p)
{
    for (int k = 0; k < SG_SQL_KEY_MAX; k++)
        p->eq[k] = p->lower[k] = p->upper[k] = -1;
    p->limit = p->offset = -1;
    for (int i = 0; i < p->info->nConstraint; i++)
        if (p->info->aConstraint[i].usable)
            note_constraint(p, i);
}

static void use(struct plan *p, int constraint, char what, unsigned key)
{
    p->info->aConstraintUsage[constraint].argvIndex = ++p->n_args;
    size_t at = 2 * (size_t)(p->n_args - 1);
    p->args[at] = what;
    p->args[at + 1] = (char)('a' + (int)key);
}

static char range_arg(const struct plan *p, int constraint)
{
    switch (p->info->aConstraint[constraint].op) {
    case SQLITE_INDEX_CONSTRAINT_GT:
        return SG_SQL_ARG_GT;
    case SQLITE_INDEX_CONSTRAINT_GE:
        return SG_SQL_ARG_GE;
    case SQLITE_INDEX_CONSTRAINT_LT:
        return SG_SQL_ARG_LT;
    default:
        return SG_SQL_ARG_LE;
    }
}

static bool is_in(const struct plan *p, unsigned key)
{
    return sqlite3_vtab_in(p->info, p->eq[key], -1) != 0;
}

/* An INTEGER key is an integer in every row, and what bound.c makes of any right-hand side is exact
 * for it, so SQLite need not look again (an IN, where it loops itself, excepted). */
static void answer_for(struct plan *p, int constraint, unsigned key)
{
    bool exact = p->shape->columns[p->shape->key[key]].type == SG_INTEGER;
    if (exact && !sqlite3_vtab_in(p->info, constraint, -1))
        p->info->aConstraintUsage[constraint].omit = 1;
}

static void use_eq(struct plan *p, unsigned key, bool take_list)
{
    answer_for(p, p->eq[key], key);
    if (is_in(p, key)) {
        if (take_list)
            p->in[key] = sqlite3_vtab_in(p->info, p->eq[key], 1) != 0;
        else
            p->sqlite_in = true;
    }
    use(p, p->eq[key], p->in[key] ? SG_SQL_ARG_IN : SG_SQL_ARG_EQ, key);
}

/* = on the parts from first on, then a range.  Returns how many = were used. */
static unsigned use_span(struct plan *p, unsigned first, unsigned end, double *selectivity)
{
    unsigned k = first;
    for (; k < end && p->eq[k] >= 0; k++) {
        use_eq(p, k, false);
        *selectivity /= 100;
    }
    if (k < end && p->lower[k] >= 0) {
        use(p, p->lower[k], range_arg(p, p->lower[k]), k);
        answer_for(p, p->lower[k], k);
        *selectivity /= 4;
    }
    if (k < end && p->upper[k] >= 0) {
        use(p, p->upper[k], range_arg(p, p->upper[k]), k);
        answer_for(p, p->upper[k], k);
        *selectivity /= 4;
    }
    return k - first;
}

static bool partitions_fixed(const struct plan *p)
{
    for (unsigned k = 0; k < p->shape->n_partition; k++)
        if (p->eq[k] < 0)
            return false;
    return true;
}

static double use_partitions(struct plan *p)
{
    double n = 1, selectivity = 1;
    if (!partitions_fixed(p)) {
        (void)use_span(p, 0, p->shape->n_partition, &selectivity);
        n = PARTITIONS * selectivity;
        return n < 1 ? 1 : n;
    }
    p->flags |= SG_SQL_PLAN_FIXED;
    for (unsigned k = 0; k < p->shape->n_partition; k++) {
        use_eq(p, k, true);
        if (p->in[k])
            n *= IN_VALUES;
    }
    return n;
}

/* ---- order ---- */

/* Is the part the same in every row that comes out? */
static bool is_constant(const struct plan *p, unsigned key)
{
    bool used = key >= p->shape->n_partition || (p->flags & SG_SQL_PLAN_FIXED);
    return used && p->eq[key] >= 0 && p->info->aConstraintUsage[p->eq[key]].argvIndex > 0 &&
           !p->in[key];
}

static int order_key(const struct plan *p, int term)
{
    int column = p->info->aOrderBy[term].iColumn;
    return column < 0 || column >= (int)p->shape->n_columns ? -1 : p->shape->columns[column].key;
}

static unsigned next_varying(const struct plan *p, unsigned k)
{
    while (k < p->shape->n_key && is_constant(p, k))
        k++;
    return k;
}

/* ORDER BY names the varying key parts in their order, all one way. */
static bool order_is_ours(const struct plan *p, bool *ret_reverse)
{
    unsigned k = next_varying(p, 0);
    int way = -1;
    for (int i = 0; i < p->info->nOrderBy && k < p->shape->n_key; i++) {
        int key = order_key(p, i);
        if (key >= 0 && is_constant(p, (unsigned)key))
            continue;
        if (key != (int)k || (way >= 0 && way != p->info->aOrderBy[i].desc))
            return false;
        way = p->info->aOrderBy[i].desc;
        k = next_varying(p, k + 1);
    }
    *ret_reverse = way == 1;
    return true;
}

/* Of what sqlite3_vtab_distinct says use is made only as far as it is safe, which is not at all:
 * for GROUP BY SQLite 3.40 asks for rows side by side, leaves out the sorter of an ORDER BY over
 * the same terms and relies on their order all the same (test_differential found it). */
static bool satisfy_order(struct plan *p)
{
    bool reverse = false;
    if (p->info->nOrderBy == 0 || p->sqlite_in)
        return false;
    if (!order_is_ours(p, &reverse))
        return false;
    /* The store lists partitions upwards only. */
    if (reverse && !(p->flags & SG_SQL_PLAN_FIXED))
        return false;
    if (reverse)
        p->flags |= SG_SQL_PLAN_REVERSE;
    return true;
}

static void use_limit(struct plan *p)
{
    if (p->limit < 0 || p->sqlite_in || (p->info->nOrderBy && !p->info->orderByConsumed))
        return;
    use(p, p->limit, SG_SQL_ARG_LIMIT, 0);
    if (p->offset >= 0)
        use(p, p->offset, SG_SQL_ARG_OFFSET, 0);
}

/* A statement that writes needs whole rows to compare them with, and reads columns that SQLite does
 * not tell of. */
static char *arguments(const struct plan *p)
{
    if (p->whole_rows)
        return sqlite3_mprintf("%s", p->args);
    return sqlite3_mprintf("%s%c%llx", p->args, SG_SQL_ARG_COLUMNS,
                           (unsigned long long)p->info->colUsed);
}

/* Without room for the arguments' list SQLite reports SQLITE_NOMEM. */
static int hand_over(struct plan *p, double partitions, double rows)
{
    p->info->idxNum = p->flags;
    p->info->idxStr = arguments(p);
    p->info->needToFreeIdxStr = 1;
    if (!p->info->idxStr)
        return SQLITE_NOMEM;
    bool listed = !(p->flags & SG_SQL_PLAN_FIXED);
    p->info->estimatedCost = SEEK * (partitions + (listed ? 1 : 0)) + partitions * rows;
    p->info->estimatedRows = (sqlite3_int64)(partitions * rows);
    if ((p->flags & SG_SQL_PLAN_POINT) && partitions <= 1 && !p->sqlite_in) {
        p->info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
        p->info->estimatedRows = 1;
    }
    return SQLITE_OK;
}

int sg_sql_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const struct sg_sql_vtab *vtab = (const struct sg_sql_vtab *)base;
    struct plan p = {.info = info, .shape = &vtab->table->shape, .whole_rows = vtab->conn->writing};
    unsigned n_partition = p.shape->n_partition, n_key = p.shape->n_key;
    collect(&p);
    double partitions = use_partitions(&p);
    double rows = n_key == n_partition ? 1 : ROWS_PER_PARTITION;
    unsigned fixed = use_span(&p, n_partition, n_key, &rows);
    if ((p.flags & SG_SQL_PLAN_FIXED) && fixed == n_key - n_partition)
        p.flags |= SG_SQL_PLAN_POINT;
    if (rows < 1 || (p.flags & SG_SQL_PLAN_POINT))
        rows = 1;
    info->orderByConsumed = satisfy_order(&p);
    use_limit(&p);
    return hand_over(&p, partitions, rows);
}
