/*
 * result - the result document, streamed:
 *   {"columns":[{"name":N,"type":T},...],"rows":[[V,...],...],"rowcount":N}
 * or, when an error comes after the first piece has gone out, ...],"error":{"code":C,"message":M}}:
 * a document with neither rowcount nor error at its end was cut off.
 *
 * A row is written straight into the piece: integers by our own formatter, plain ASCII text by a
 * copy, everything rare through base's JSON writer.
 */
#include <math.h>
#include <stdio.h>

#include <sealgrid/base/encode.h>
#include <sealgrid/base/json.h>

#include "sql-int.h"

/* The first piece is small, so that the client has something to read while the next is made. */
#define FIRST_PIECE ((size_t)8 << 10)
#define PIECE_BYTES ((size_t)64 << 10)
#define ROW_MAX     ((size_t)32 << 20)  /* of text and blobs in a row */
#define PIECE_MAX   ((size_t)256 << 20) /* room for such a row with every octet escaped */
#define NUMBER_MAX  26

void sg_sql_json_base64(struct sg_json *j, struct sg_bytes v)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(PIECE_MAX);
    int r = sg_buf_append_u8(&text, '"');
    if (r == 0)
        r = sg_base64_append(&text, v);
    if (r == 0)
        r = sg_buf_append_u8(&text, '"');
    if (r < 0 && j->failure == 0)
        j->failure = r;
    sg_json_raw(j, sg_buf_bytes(&text));
}

/* The shortest decimal that reads back, always with a point or an exponent, so that a REAL stays
 * one. JSON has no infinities: those of an expression become strings. */
void sg_sql_json_real(struct sg_json *j, double f)
{
    char text[40];
    if (isinf(f)) {
        sg_json_str(j, f > 0 ? "Infinity" : "-Infinity");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text) - 2, "%.*g", digits, f);
        if (strtod(text, NULL) == f)
            break;
    }
    if (!strpbrk(text, ".e"))
        strcat(text, ".0");
    sg_json_raw(j, sg_bytes_str(text));
}

/* ---- one row, written in place ---- */

struct out {
    struct sg_buf *b;
    int failure;
};

static const char digit_pairs[201] = "0001020304050607080910111213141516171819"
                                     "2021222324252627282930313233343536373839"
                                     "4041424344454647484950515253545556575859"
                                     "6061626364656667686970717273747576777879"
                                     "8081828384858687888990919293949596979899";

static size_t count_digits(uint64_t v)
{
    size_t n = 1;
    for (; v >= 10000; v /= 10000)
        n += 4;
    return n + (v >= 10) + (v >= 100) + (v >= 1000);
}

/* At most 20 octets. */
static uint8_t *put_int(uint8_t *p, int64_t i)
{
    uint64_t v = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    if (i < 0)
        *p++ = '-';
    uint8_t *end = p + count_digits(v), *at = end;
    while (v >= 100) {
        at -= 2;
        memcpy(at, digit_pairs + 2 * (v % 100), 2);
        v /= 100;
    }
    if (v >= 10)
        memcpy(at - 2, digit_pairs + 2 * v, 2);
    else
        at[-1] = (uint8_t)('0' + v);
    return end;
}

static bool is_plain(struct sg_bytes v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.data[i] < 0x20 || v.data[i] >= 0x7f || v.data[i] == '"' || v.data[i] == '\\')
            return false;
    return true;
}

static void put_plain(struct out *o, struct sg_bytes v)
{
    uint8_t *p;
    int r = sg_buf_extend(o->b, v.len + 2, &p);
    if (r < 0) {
        o->failure = r;
        return;
    }
    *p++ = '"';
    if (v.len)
        memcpy(p, v.data, v.len);
    p[v.len] = '"';
}

static void put_slowly(struct out *o, const struct sg_value *v, bool blob_column)
{
    struct sg_json j;
    sg_json_init(&j, o->b);
    if (v->type == SG_REAL) {
        sg_sql_json_real(&j, v->f);
    } else if (v->type == SG_TEXT) {
        sg_json_strn(&j, v->bytes);
    } else if (blob_column) {
        sg_sql_json_base64(&j, v->bytes);
    } else {
        sg_json_object(&j);
        sg_json_key(&j, "blob");
        sg_sql_json_base64(&j, v->bytes);
        sg_json_end_object(&j);
    }
    int r = sg_json_done(&j);
    if (r < 0)
        o->failure = r;
}

static void put_other(struct out *o, const struct sg_value *v, bool blob_column)
{
    if (v->type == SG_TEXT && is_plain(v->bytes))
        put_plain(o, v->bytes);
    else
        put_slowly(o, v, blob_column);
}

/* ---- the document ---- */

struct document {
    struct sg_sql *c;
    const struct sg_sql_writer *w;
    struct sg_buf piece;
    bool started;
    bool *blob_column; /* declared BLOB: base64 without an object around it */
    uint64_t rows;
    size_t piece_max; /* octets after which it is sent */
};

static int flush(struct document *d)
{
    if (d->piece.len == 0)
        return 0;
    d->started = true;
    int r = d->w->write(d->w->user, sg_buf_bytes(&d->piece));
    sg_buf_reset(&d->piece);
    d->piece_max = d->piece_max < PIECE_BYTES ? 2 * d->piece_max : PIECE_BYTES;
    return r;
}

/* Straight from the table where SQLite has no part in it. */
static inline const struct sg_value *value_at(struct sg_sql *c, size_t i, struct sg_value *scratch)
{
    if (c->plain)
        return c->row[i];
    *scratch = sg_sql_value(c, i);
    return scratch;
}

static int append_row(struct document *d)
{
    struct sg_value scratch;
    struct out o = {&d->piece, 0};
    size_t n = sg_sql_columns(d->c), size = 0;
    /* Room for all numbers of the row at once; the rest makes its own. */
    int r = sg_buf_reserve(o.b, n * NUMBER_MAX + 8);
    if (r < 0)
        return r;
    uint8_t *p = o.b->data + o.b->len;
    if (d->rows)
        *p++ = ',';
    *p++ = '[';
    for (size_t i = 0; i < n; i++) {
        if (i)
            *p++ = ',';
        const struct sg_value *v = value_at(d->c, i, &scratch);
        if (v->type == SG_INTEGER) {
            p = put_int(p, v->i);
        } else if (v->type == SG_NULL) {
            memcpy(p, "null", 4);
            p += 4;
        } else {
            size += v->bytes.len;
            if (size > ROW_MAX)
                return sg_sql_refuse(&d->c->error, SG_SQL_ERR_limit, "a row is longer than 32 MiB");
            o.b->len = (size_t)(p - o.b->data);
            put_other(&o, v, d->blob_column[i]);
            if (o.failure == 0)
                o.failure = sg_buf_reserve(o.b, (n - i) * NUMBER_MAX + 8);
            if (o.failure)
                return o.failure;
            p = o.b->data + o.b->len;
        }
    }
    *p++ = ']';
    o.b->len = (size_t)(p - o.b->data);
    d->rows++;
    return 0;
}

/* 0; SG_SQL_REFUSED with the piece as before. */
static int put_row(struct document *d)
{
    size_t before = d->piece.len;
    int r = append_row(d);
    if (r)
        d->piece.len = before;
    return r;
}

static int put_columns(struct document *d)
{
    struct sg_json j;
    size_t n = sg_sql_columns(d->c);
    int r = sg_buf_append(&d->piece, SG_BYTES_LIT("{\"columns\":"));
    sg_json_init(&j, &d->piece);
    sg_json_array(&j);
    for (size_t i = 0; i < n; i++) {
        const char *type = sg_sql_column_type(d->c, i);
        sg_json_object(&j);
        sg_json_key(&j, "name");
        sg_json_str(&j, sg_sql_column_name(d->c, i));
        sg_json_key(&j, "type");
        sg_json_str(&j, type);
        sg_json_end_object(&j);
    }
    sg_json_end_array(&j);
    if (r == 0)
        r = sg_json_done(&j);
    return r ? r : sg_buf_append(&d->piece, SG_BYTES_LIT(",\"rows\":["));
}

/* A type that is declared does not change while the statement is kept. */
static bool all_declared(const struct document *d)
{
    for (size_t i = 0; i < sg_sql_columns(d->c); i++) {
        const char *type = sqlite3_column_decltype(d->c->stmt, (int)i);
        if (!type || !*type)
            return false;
    }
    return d->c->stmt != NULL;
}

/* The head is the same for every run of most statements: made once, kept with the statement. */
static int put_head(struct document *d)
{
    struct sg_sql_prepared *p = d->c->prepared.now;
    if (p && p->head.len)
        return sg_buf_append(&d->piece, sg_buf_bytes(&p->head));
    int r = put_columns(d);
    if (r == 0 && p && all_declared(d) && sg_buf_append(&p->head, sg_buf_bytes(&d->piece)) < 0)
        sg_buf_clear(&p->head); /* longer than is worth keeping */
    return r;
}

static int find_blobs(struct document *d)
{
    size_t n = sg_sql_columns(d->c);
    d->blob_column = calloc(n ? n : 1, sizeof(bool));
    if (!d->blob_column)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < n; i++)
        d->blob_column[i] = strcmp(sg_sql_column_type(d->c, i), "BLOB") == 0;
    return 0;
}

static int put_trailer(struct document *d)
{
    uint64_t count = sg_sql_columns(d->c) ? d->rows : (uint64_t)sg_sql_changes(d->c);
    return sg_buf_printf(&d->piece, "],\"rowcount\":%llu}\n", (unsigned long long)count);
}

static int put_error(struct document *d)
{
    const struct sg_sql_error *e = sg_sql_error(d->c);
    struct sg_json j;
    int r = sg_buf_append(&d->piece, SG_BYTES_LIT("],\"error\":"));
    sg_json_init(&j, &d->piece);
    sg_json_object(&j);
    sg_json_key(&j, "code");
    sg_json_str(&j, sg_sql_code_state(e->code));
    sg_json_key(&j, "message");
    sg_json_str(&j, e->message);
    sg_json_end_object(&j);
    if (r == 0)
        r = sg_json_done(&j);
    return r ? r : sg_buf_append(&d->piece, SG_BYTES_LIT("}\n"));
}

static int put_rows(struct document *d, int r)
{
    while (r == 0) {
        r = put_row(d);
        if (r)
            return r;
        if (d->piece.len >= d->piece_max)
            r = flush(d);
        if (r)
            return r < 0 ? r : sg_fold(r);
        r = sg_sql_next(d->c);
    }
    return r;
}

/* r: of the first step. */
static int write_document(struct document *d, int r)
{
    int w = find_blobs(d);
    if (w == 0)
        w = put_head(d);
    if (w < 0)
        return w;
    r = put_rows(d, r);
    if (r < 0)
        return r;
    if (r == SG_SQL_REFUSED) {
        if (!d->started)
            return r;
        w = put_error(d);
    } else {
        w = put_trailer(d);
    }
    if (w == 0)
        w = flush(d);
    return w ? w : r == SG_SQL_DONE ? 0 : r;
}

int sg_sql_write_result(struct sg_sql *c, const struct sg_sql_query *q,
                        const struct sg_sql_writer *w, bool *ret_started, uint64_t *ret_rows)
{
    struct document d = {.c = c, .w = w, .piece = SG_BUF_INIT(PIECE_MAX), .piece_max = FIRST_PIECE};
    int r = sg_sql_begin(c, q);
    if (r == 0 || r == SG_SQL_DONE)
        r = write_document(&d, r);
    sg_sql_end(c);
    sg_buf_clear(&d.piece);
    free(d.blob_column);
    *ret_started = d.started;
    *ret_rows = d.rows;
    return r;
}
