/*
 * plain - statements whose rows SQLite only hands on: SELECT of columns of one table, by key, in
 * key order.  Once such a statement has shown its first rows, the rest are taken from the cursor
 * where they lie, without a turn of SQLite's machine a column.
 *
 * Whether a statement is one of these is read from its program (EXPLAIN), not from its text:
 *   VFilter c, VColumn c ... VColumn c, ResultRow, VNext c to the first VColumn, Halt
 * with no other table open.  Then nothing is filtered, counted, converted or sorted after the
 * table.  A program that looks different in any way, or whose current row differs from the
 * cursor's, goes on as before.
 */
#include <stdio.h>

#include "cursor-int.h"

#define TEXT_MAX 8192

struct op {
    const char *name;
    int p1, p2;
};

static struct op op_of(sqlite3_stmt *explain)
{
    return (struct op){.name = (const char *)sqlite3_column_text(explain, 1),
                       .p1 = sqlite3_column_int(explain, 2),
                       .p2 = sqlite3_column_int(explain, 3)};
}

/* What of the program was seen so far. */
struct reading {
    enum { BEFORE, COLUMNS, ROW_SHOWN, NEXT_SEEN, ENDED, OTHER } at;
    unsigned tables;
    int cursor, first, address, n_columns;
    int *columns;
};

static void read_column(struct reading *k, const struct op *op, size_t n)
{
    bool fits = op->p1 == k->cursor && k->n_columns < (int)n;
    if (fits)
        k->columns[k->n_columns++] = op->p2;
    else
        k->at = OTHER;
}

static void read_op(struct reading *k, const struct op *op, size_t n)
{
    bool known = false;
    switch (k->at) {
    case BEFORE:
        known = true;
        if (strcmp(op->name, "VFilter") == 0) {
            k->at = COLUMNS;
            k->cursor = op->p1;
            k->first = k->address + 1;
        }
        break;
    case COLUMNS:
        known = strcmp(op->name, "VColumn") == 0;
        if (known) {
            read_column(k, op, n);
        } else if (strcmp(op->name, "ResultRow") == 0 && op->p2 == (int)n) {
            known = k->n_columns == (int)n;
            k->at = ROW_SHOWN;
        }
        break;
    case ROW_SHOWN:
        known = strcmp(op->name, "VNext") == 0 && op->p1 == k->cursor && op->p2 == k->first;
        k->at = NEXT_SEEN;
        break;
    case NEXT_SEEN:
        known = strcmp(op->name, "Halt") == 0;
        k->at = ENDED;
        break;
    default:
        known = true; /* what comes before the loop is written behind it */
    }
    if (!known)
        k->at = OTHER;
    k->tables += strcmp(op->name, "VOpen") == 0 || strncmp(op->name, "Open", 4) == 0;
    k->address++;
}

static bool read_program(sqlite3_stmt *explain, struct reading *k, size_t n)
{
    while (k->at != OTHER && sqlite3_step(explain) == SQLITE_ROW) {
        struct op op = op_of(explain);
        if (!op.name)
            return false;
        read_op(k, &op, n);
    }
    return k->at == ENDED && k->tables == 1;
}

static bool is_same(const struct sg_value *a, const struct sg_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case SG_NULL:
        return true;
    case SG_INTEGER:
        return a->i == b->i;
    case SG_REAL:
        return a->f == b->f;
    default:
        return sg_bytes_equal(a->bytes, b->bytes);
    }
}

/* The row that SQLite shows at this moment is the one that the cursor is at. */
static bool rows_agree(struct sg_sql *c, const int *columns)
{
    for (size_t i = 0; i < c->n_columns; i++) {
        struct sg_value theirs = sg_sql_from_sqlite(sqlite3_column_value(c->stmt, (int)i));
        const struct sg_value *ours;
        if (columns[i] >= (int)sg_sql_cursor_shape(c->cursor)->n_columns ||
            sg_sql_cursor_value(c->cursor, columns[i], &ours) != SQLITE_OK ||
            !is_same(&theirs, ours))
            return false;
    }
    return true;
}

static sqlite3_stmt *explain(struct sg_sql *c)
{
    char text[TEXT_MAX + 16];
    sqlite3_stmt *ret = NULL;
    int len = snprintf(text, sizeof(text), "EXPLAIN %.*s", (int)c->prepared.now->len,
                       (const char *)c->prepared.now->text);
    if (sqlite3_prepare_v3(c->db, text, len, 0, &ret, NULL) != SQLITE_OK)
        return NULL;
    return ret;
}

static bool is_plain(struct sg_sql *c, int *columns)
{
    struct sg_sql_error before = c->error;
    struct reading k = {.columns = columns};
    sqlite3_stmt *program = explain(c);
    bool plain = program && read_program(program, &k, c->n_columns) && rows_agree(c, columns);
    sqlite3_finalize(program);
    c->error = before;
    return plain;
}

static void judge(struct sg_sql *c)
{
    struct sg_sql_prepared *p = c->prepared.now;
    p->plain = SG_SQL_PLAIN_NO;
    if (p->len > TEXT_MAX || !sqlite3_stmt_readonly(p->stmt) || sqlite3_stmt_isexplain(p->stmt))
        return;
    SG_FREE int *columns = calloc(c->n_columns, sizeof(*columns));
    if (!columns || !is_plain(c, columns))
        return;
    p->columns = TAKE_PTR(columns);
    p->plain = SG_SQL_PLAIN_YES;
}

bool sg_sql_plain_begin(struct sg_sql *c)
{
    struct sg_sql_prepared *p = c->prepared.now;
    if (c->n_cursors != 1 || !c->cursor || p->plain == SG_SQL_PLAIN_NO)
        return false;
    if (p->plain == SG_SQL_PLAIN_UNKNOWN)
        judge(c);
    if (p->plain != SG_SQL_PLAIN_YES)
        return false;
    const struct sg_value **row = reallocarray(c->row, c->n_columns, sizeof(*row));
    if (!row)
        return false;
    c->row = row;
    return true;
}

int sg_sql_plain_next(struct sg_sql *c)
{
    const int *columns = c->prepared.now->columns;
    int rc = sg_sql_cursor_next(&c->cursor->base);
    if (rc)
        return rc;
    if (sg_sql_cursor_eof(&c->cursor->base))
        return SQLITE_DONE;
    for (size_t i = 0; i < c->n_columns; i++) {
        rc = sg_sql_cursor_value(c->cursor, columns[i], &c->row[i]);
        if (rc)
            return rc;
    }
    return SQLITE_ROW;
}
