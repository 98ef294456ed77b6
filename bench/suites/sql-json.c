#include "sql-json.h"

static int bad(void)
{
    return sg_raisef(-EBADMSG, "not a result document");
}

void sql_json_begin(struct sql_json *j)
{
    sg_buf_reset(&j->in);
    j->in.max = 4 * SQL_JSON_PIECE;
    j->at = SQL_JSON_HEAD;
    j->tally = (struct sql_tally){0};
}

void sql_json_clear(struct sql_json *j)
{
    sg_buf_clear(&j->in);
}

int sql_json_room(struct sql_json *j, uint8_t **ret)
{
    int r = sg_buf_reserve(&j->in, SQL_JSON_PIECE);
    if (r == 0)
        *ret = j->in.data + j->in.len;
    return r;
}

/* One value; NULL if it does not end before end or is none of JSON's. */
static const char *take_value(const char *p, const char *end, uint64_t *sum)
{
    if (*p == '"') {
        const char *from = ++p;
        while (p < end && *p != '"')
            p += *p == '\\' ? 2 : 1;
        *sum += (uint64_t)(p - from);
        return p < end ? p + 1 : NULL;
    }
    if (*p == 'n')
        return end - p >= 4 && memcmp(p, "null", 4) == 0 ? p + 4 : NULL;
    bool negative = *p == '-';
    const char *from = p += negative;
    uint64_t v = 0;
    for (; p < end && *p >= '0' && *p <= '9'; p++)
        v = 10 * v + (uint64_t)(*p - '0');
    *sum += negative ? 0 - v : v;
    return p > from && p < end ? p : NULL;
}

/* A whole row from its bracket on; NULL if it is not all there (or is none). */
static const char *take_row(const char *p, const char *end, struct sql_tally *t)
{
    uint64_t sum = 0;
    if (*p++ != '[')
        return NULL;
    while (p && p < end) {
        p = take_value(p, end, &sum);
        if (!p || p >= end)
            return NULL;
        if (*p == ']') {
            t->sum += sum;
            t->rows++;
            return p + 1;
        }
        if (*p++ != ',')
            return NULL;
    }
    return NULL;
}

/* As many whole rows as there are; returns where the next one begins or the list ends. */
static const char *take_rows(struct sql_json *j, const char *p, const char *end)
{
    while (p < end) {
        const char *row = *p == ',' ? p + 1 : p;
        if (row < end && *row == ']') {
            j->at = SQL_JSON_TAIL;
            return row;
        }
        row = row < end ? take_row(row, end, &j->tally) : NULL;
        if (!row)
            return p;
        p = row;
    }
    return p;
}

int sql_json_took(struct sql_json *j, size_t n)
{
    static const char rows[] = "\"rows\":[";
    j->in.len += n;
    const char *from = (const char *)j->in.data, *p = from, *end = from + j->in.len;
    if (j->at == SQL_JSON_HEAD) {
        p = memmem(from, j->in.len, rows, sizeof(rows) - 1);
        if (!p)
            return 0;
        p += sizeof(rows) - 1;
        j->at = SQL_JSON_ROWS;
    }
    if (j->at == SQL_JSON_ROWS)
        p = take_rows(j, p, end);
    sg_buf_consume(&j->in, (size_t)(p - from));
    return 0;
}

int sql_json_end(struct sql_json *j)
{
    static const char count[] = "],\"rowcount\":";
    size_t n = sizeof(count) - 1;
    if (j->at != SQL_JSON_TAIL || j->in.len <= n || memcmp(j->in.data, count, n) != 0 ||
        sg_buf_append_u8(&j->in, 0) != 0)
        return bad();
    return sql_int((const char *)j->in.data + n) == (int64_t)j->tally.rows ? 0 : bad();
}
