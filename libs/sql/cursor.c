/* cursor - columns of the current row, and the cursor's life. */
#include "cursor-int.h"

/* ---- columns ---- */

static int decode_sort(struct sg_sql_cursor *c)
{
    struct sg_reader in = sg_reader_over(c->sort);
    unsigned n = sg_sql_cursor_shape(c)->n_key - sg_sql_cursor_shape(c)->n_partition;
    sg_buf_reset(&c->sort_scratch);
    for (unsigned i = 0; i < n; i++)
        if (sg_tuple_key_next(&in, &c->sort_values[i], &c->sort_scratch) < 0)
            return sg_sql_cursor_damaged(c);
    c->sort_decoded = true;
    return SQLITE_OK;
}

static int key_value(struct sg_sql_cursor *c, unsigned key, const struct sg_value **ret)
{
    unsigned n_partition = sg_sql_cursor_shape(c)->n_partition;
    if (key < n_partition) {
        *ret = &c->part_values[key];
        return SQLITE_OK;
    }
    if (!c->sort_decoded) {
        int rc = decode_sort(c);
        if (rc)
            return rc;
    }
    *ret = &c->sort_values[key - n_partition];
    return SQLITE_OK;
}

static int handle_column(struct sg_sql_cursor *c, sqlite3_context *ctx)
{
    SG_CLEANUP(sg_buf_clear)
    struct sg_buf b = SG_BUF_INIT(SG_SQL_WRITES_BYTES);
    struct sg_sql_handle h = {c->partition, c->sort, c->key_handles ? SG_BYTES_NONE : c->value};
    if (sg_sql_handle_append(&b, &h) < 0)
        return SQLITE_NOMEM;
    sqlite3_result_blob64(ctx, b.data, b.len, SQLITE_TRANSIENT);
    return SQLITE_OK;
}

static int field_value(struct sg_sql_cursor *c, unsigned field, const struct sg_value **ret)
{
    unsigned place = c->narrow ? c->place[field] : field;
    if (place == SG_SQL_NO_PLACE)
        return sg_sql_vtab_fail(sg_sql_cursor_conn(c), SG_SQL_ERR_internal,
                                "a column of table %s was not read", sg_sql_cursor_shape(c)->name);
    return sg_sql_row_field(&c->row, place, ret) ? sg_sql_cursor_damaged(c) : SQLITE_OK;
}

int sg_sql_cursor_value(struct sg_sql_cursor *c, int column, const struct sg_value **ret)
{
    const struct sg_sql_column *col = &sg_sql_cursor_shape(c)->columns[column];
    int rc = col->key >= 0 ? key_value(c, (unsigned)col->key, ret)
                           : field_value(c, (unsigned)col->field, ret);
    if (rc)
        return rc;
    if ((*ret)->type != col->type && (*ret)->type != SG_NULL)
        return sg_sql_cursor_damaged(c);
    return SQLITE_OK;
}

int sg_sql_cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int column)
{
    struct sg_sql_cursor *c = sg_sql_cursor_of(base);
    const struct sg_value *v;
    if (column >= (int)sg_sql_cursor_shape(c)->n_columns)
        return handle_column(c, ctx);
    int rc = sg_sql_cursor_value(c, column, &v);
    if (rc)
        return rc;
    sg_sql_to_sqlite(ctx, v);
    return SQLITE_OK;
}

/* Tables are WITHOUT ROWID: SQLite never asks. */
int sg_sql_cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
    (void)base;
    *ret = 0;
    return SQLITE_ERROR;
}

/* ---- life ---- */

int sg_sql_cursor_close(sqlite3_vtab_cursor *base)
{
    struct sg_sql_cursor *c = sg_sql_cursor_of(base);
    sg_sql_cursor_close_scan(c, false);
    sg_sql_overlay_clear(&c->overlay);
    sg_sql_parts_clear(&c->parts);
    sg_buf_clear(&c->list_from);
    sg_buf_clear(&c->list_until);
    sg_buf_clear(&c->from);
    sg_buf_clear(&c->until);
    sg_buf_clear(&c->resume);
    sg_buf_clear(&c->point_value);
    sg_buf_clear(&c->part_scratch);
    sg_buf_clear(&c->sort_scratch);
    sg_sql_row_clear(&c->row);
    struct sg_sql *conn = sg_sql_cursor_conn(c);
    conn->n_cursors--;
    if (conn->cursor == c)
        conn->cursor = NULL;
    free(c);
    return SQLITE_OK;
}

int sg_sql_cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **ret)
{
    struct sg_sql_cursor *c = calloc(1, sizeof(*c));
    if (!c)
        return SQLITE_NOMEM;
    *c = (struct sg_sql_cursor){
        .vtab = (struct sg_sql_vtab *)base,
        .eof = true,
        .parts = SG_SQL_PARTS_INIT,
        .list_from = SG_BUF_INIT(SG_SQL_CURSOR_KEY_ROOM),
        .list_until = SG_BUF_INIT(SG_SQL_CURSOR_KEY_ROOM),
        .from = SG_BUF_INIT(SG_SQL_CURSOR_KEY_ROOM),
        .until = SG_BUF_INIT(SG_SQL_CURSOR_KEY_ROOM),
        .resume = SG_BUF_INIT(SG_SQL_CURSOR_KEY_ROOM),
        .point_value = SG_BUF_INIT(128 * 1024),
        .part_scratch = SG_BUF_INIT(SG_SQL_CURSOR_KEY_ROOM),
        .sort_scratch = SG_BUF_INIT(SG_SQL_CURSOR_KEY_ROOM),
    };
    if (sg_sql_row_init(&c->row, SG_TUPLE_FIELDS_MAX) < 0) {
        free(c);
        return SQLITE_NOMEM;
    }
    sg_sql_cursor_conn(c)->n_cursors++;
    sg_sql_cursor_conn(c)->cursor = c;
    *ret = &c->base;
    return SQLITE_OK;
}
