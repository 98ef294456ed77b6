#include "sql-int.h"

static void prepared_free(struct sg_sql_prepared *p)
{
    if (!p)
        return;
    sqlite3_finalize(p->stmt);
    sg_buf_clear(&p->head);
    free(p->columns);
    free(p->text);
    free(p);
}

static bool is_for(const struct sg_sql_prepared *p, struct sg_bytes text, enum sg_sql_role role)
{
    return p && p->role == (int)role && sg_bytes_equal(SG_BYTES(p->text, p->len), text);
}

bool sg_sql_prepared_take(struct sg_sql *c, struct sg_bytes text)
{
    struct sg_sql_prepared_list *l = &c->prepared;
    sg_assert(!l->now);
    for (size_t i = 0; i < SG_SQL_PREPARED_KEPT && !l->now; i++)
        if (is_for(l->kept[i], text, c->role))
            l->now = TAKE_PTR(l->kept[i]);
    return l->now != NULL;
}

int sg_sql_prepared_new(struct sg_sql *c, struct sg_bytes text, sqlite3_stmt *stmt)
{
    struct sg_sql_prepared *p = calloc(1, sizeof(*p));
    uint8_t *copy = malloc(text.len + 1);
    sg_assert(!c->prepared.now);
    if (!p || !copy) {
        sqlite3_finalize(stmt);
        free(p);
        free(copy);
        return sg_raise(-ENOMEM);
    }
    memcpy(copy, text.data, text.len);
    *p = (struct sg_sql_prepared){.stmt = stmt,
                                  .text = copy,
                                  .len = text.len,
                                  .role = (int)c->role,
                                  .head = SG_BUF_INIT(SG_SQL_PREPARED_HEAD_MAX)};
    c->prepared.now = p;
    return 0;
}

static bool worth_keeping(const struct sg_sql_prepared *p)
{
    return p->len <= SG_SQL_PREPARED_TEXT_MAX &&
           sqlite3_stmt_status(p->stmt, SQLITE_STMTSTATUS_MEMUSED, 0) <= SG_SQL_PREPARED_BYTES_MAX;
}

/* A free place, or that of the one unused for longest. */
static struct sg_sql_prepared **place_for(struct sg_sql_prepared_list *l)
{
    struct sg_sql_prepared **oldest = &l->kept[0];
    for (size_t i = 0; i < SG_SQL_PREPARED_KEPT; i++) {
        if (!l->kept[i])
            return &l->kept[i];
        if (l->kept[i]->used < (*oldest)->used)
            oldest = &l->kept[i];
    }
    return oldest;
}

void sg_sql_prepared_end(struct sg_sql *c, bool keep)
{
    struct sg_sql_prepared *p = TAKE_PTR(c->prepared.now);
    if (!p)
        return;
    sqlite3_reset(p->stmt); /* repeats the error of the last step, which is known */
    if (!keep || !worth_keeping(p)) {
        prepared_free(p);
        return;
    }
    sqlite3_clear_bindings(p->stmt); /* they are the caller's octets */
    p->used = ++c->prepared.clock;
    struct sg_sql_prepared **place = place_for(&c->prepared);
    prepared_free(*place);
    *place = p;
}

void sg_sql_prepared_clear(struct sg_sql *c)
{
    for (size_t i = 0; i < SG_SQL_PREPARED_KEPT; i++)
        prepared_free(TAKE_PTR(c->prepared.kept[i]));
}
