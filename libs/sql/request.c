/*
 * request - the JSON document of POST /v1/sql, read with jansson, strictly: no member that is not
 * known, none twice, no value that a parameter cannot be.
 *
 *   {"sql": TEXT, "params": [VALUE, ...]}
 *   {"statements": [{"sql": TEXT, "params": [...]}, ...]}
 *   VALUE := null | integer | real | string | {"blob": BASE64}
 */
#include <jansson.h>

#include <sealgrid/base/encode.h>
#include <sealgrid/base/json.h>

#include "sql-int.h"

#define PARAMS_MAX 32766

struct sg_sql_request {
    json_t *root; /* owns the texts */
    bool is_transaction;
    size_t n;
    struct sg_sql_statement *statements;
};

static void free_params(const struct sg_value *params, size_t n)
{
    for (size_t i = 0; params && i < n; i++)
        if (params[i].type == SG_BLOB)
            free((void *)(uintptr_t)params[i].bytes.data);
    free((void *)(uintptr_t)params);
}

void sg_sql_request_free(struct sg_sql_request *q)
{
    if (!q)
        return;
    for (size_t i = 0; q->statements && i < q->n; i++)
        free_params(q->statements[i].params, q->statements[i].n_params);
    free(q->statements);
    json_decref(q->root);
    free(q);
}

/* ---- decode ---- */

static int wrong(struct sg_sql_error *e, const char *what)
{
    return sg_sql_refuse(e, SG_SQL_ERR_request, "%s", what);
}

/* jansson lets go of what a failing json_decref of our own would free; only blobs are ours. */
static int decode_blob(const json_t *v, struct sg_value *ret, struct sg_sql_error *e)
{
    const json_t *text = json_object_get(v, "blob");
    if (json_object_size(v) != 1 || !json_is_string(text))
        return wrong(e, "an object as a parameter must be {\"blob\": \"base64\"}");
    size_t len = json_string_length(text);
    struct sg_buf b = SG_BUF_INIT(len + 1);
    int r = sg_base64_decode(&b, SG_BYTES(json_string_value(text), len));
    if (r == 0)
        r = sg_buf_reserve(&b, 1); /* so that an empty blob has storage, too */
    if (r < 0) {
        sg_buf_clear(&b);
        return wrong(e, "a blob parameter is not base64");
    }
    *ret = (struct sg_value){.type = SG_BLOB, .bytes = {b.data, b.len}};
    return 0;
}

static int decode_value(const json_t *v, struct sg_value *ret, struct sg_sql_error *e)
{
    switch (json_typeof(v)) {
    case JSON_NULL:
        *ret = (struct sg_value){.type = SG_NULL};
        return 0;
    case JSON_INTEGER:
        *ret = SG_VAL_INT(json_integer_value(v));
        return 0;
    case JSON_REAL:
        *ret = (struct sg_value){.type = SG_REAL, .f = json_real_value(v)};
        return 0;
    case JSON_STRING:
        *ret = (struct sg_value){.type = SG_TEXT,
                                 .bytes = SG_BYTES(json_string_value(v), json_string_length(v))};
        return 0;
    case JSON_OBJECT:
        return decode_blob(v, ret, e);
    default:
        return wrong(e, "a parameter is null, a number, a string or {\"blob\": \"base64\"}");
    }
}

static int decode_params(const json_t *list, struct sg_sql_statement *ret, struct sg_sql_error *e)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list))
        return wrong(e, "\"params\" must be an array");
    if (n > PARAMS_MAX)
        return sg_sql_refuse(e, SG_SQL_ERR_limit, "more than %d parameters", PARAMS_MAX);
    struct sg_value *params = calloc(n ? n : 1, sizeof(*params));
    if (!params)
        return sg_raise(-ENOMEM);
    ret->params = params;
    for (size_t i = 0; i < n; i++) {
        int r = decode_value(json_array_get(list, i), &params[i], e);
        if (r)
            return r;
        ret->n_params = i + 1;
    }
    return 0;
}

static int decode_statement(const json_t *o, struct sg_sql_statement *ret, struct sg_sql_error *e)
{
    const json_t *sql = json_object_get(o, "sql"), *params = json_object_get(o, "params");
    if (!json_is_object(o))
        return wrong(e, "a statement must be an object");
    if (!json_is_string(sql))
        return wrong(e, "\"sql\" must be a string");
    if (json_object_size(o) != (params ? 2 : 1))
        return wrong(e, "unknown member: expected \"sql\" and \"params\"");
    ret->sql = SG_BYTES(json_string_value(sql), json_string_length(sql));
    return params ? decode_params(params, ret, e) : 0;
}

static int decode_list(struct sg_sql_request *q, const json_t *list, struct sg_sql_error *e)
{
    q->is_transaction = true;
    q->n = json_array_size(list);
    if (!json_is_array(list) || q->n == 0)
        return wrong(e, "\"statements\" must be an array of at least one statement");
    if (q->n > SG_SQL_STATEMENTS_MAX)
        return sg_sql_refuse(e, SG_SQL_ERR_limit, "more than %d statements", SG_SQL_STATEMENTS_MAX);
    if (json_object_size(q->root) != 1)
        return wrong(e, "\"statements\" stands alone");
    q->statements = calloc(q->n, sizeof(*q->statements));
    if (!q->statements)
        return sg_raise(-ENOMEM);
    int r = 0;
    for (size_t i = 0; r == 0 && i < q->n; i++)
        r = decode_statement(json_array_get(list, i), &q->statements[i], e);
    return r;
}

static int decode_root(struct sg_sql_request *q, struct sg_sql_error *e)
{
    const json_t *list = json_object_get(q->root, "statements");
    if (list)
        return decode_list(q, list, e);
    q->n = 1;
    q->statements = calloc(1, sizeof(*q->statements));
    if (!q->statements)
        return sg_raise(-ENOMEM);
    return decode_statement(q->root, q->statements, e);
}

int sg_sql_request_decode(struct sg_bytes json, struct sg_sql_request **ret,
                          struct sg_sql_error *ret_error)
{
    SG_CLEANUP(sg_sql_request_freep) struct sg_sql_request *q = calloc(1, sizeof(*q));
    struct sg_sql_error e = {0};
    json_error_t where;
    if (!q)
        return sg_raise(-ENOMEM);
    q->root = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, &where);
    int r = q->root ? decode_root(q, &e)
                    : sg_sql_refuse(&e, SG_SQL_ERR_request, "not JSON (line %d, column %d)",
                                    where.line, where.column);
    if (r > 0)
        *ret_error = e;
    if (r)
        return r;
    *ret = TAKE_PTR(q);
    return 0;
}

bool sg_sql_request_is_transaction(const struct sg_sql_request *q)
{
    return q->is_transaction;
}

size_t sg_sql_request_statements(const struct sg_sql_request *q)
{
    return q->n;
}

const struct sg_sql_statement *sg_sql_request_statement(const struct sg_sql_request *q, size_t i)
{
    sg_assert(i < q->n);
    return &q->statements[i];
}

/* ---- encode ---- */

static void encode_blob(struct sg_json *j, struct sg_bytes v)
{
    sg_json_object(j);
    sg_json_key(j, "blob");
    sg_sql_json_base64(j, v);
    sg_json_end_object(j);
}

static void encode_value(struct sg_json *j, const struct sg_value *v)
{
    switch (v->type) {
    case SG_INTEGER:
        sg_json_int(j, v->i);
        break;
    case SG_REAL:
        sg_sql_json_real(j, v->f);
        break;
    case SG_TEXT:
        sg_json_strn(j, v->bytes);
        break;
    case SG_BLOB:
        encode_blob(j, v->bytes);
        break;
    default:
        sg_json_null(j);
    }
}

static void encode_statement(struct sg_json *j, const struct sg_sql_statement *s)
{
    sg_json_object(j);
    sg_json_key(j, "sql");
    sg_json_strn(j, s->sql);
    if (s->n_params) {
        sg_json_key(j, "params");
        sg_json_array(j);
        for (size_t i = 0; i < s->n_params; i++)
            encode_value(j, &s->params[i]);
        sg_json_end_array(j);
    }
    sg_json_end_object(j);
}

int sg_sql_request_encode(const struct sg_sql_request *q, struct sg_buf *ret)
{
    struct sg_json j;
    size_t before = ret->len;
    sg_json_init(&j, ret);
    if (q->is_transaction) {
        sg_json_object(&j);
        sg_json_key(&j, "statements");
        sg_json_array(&j);
        for (size_t i = 0; i < q->n; i++)
            encode_statement(&j, &q->statements[i]);
        sg_json_end_array(&j);
        sg_json_end_object(&j);
    } else {
        encode_statement(&j, &q->statements[0]);
    }
    int r = sg_json_done(&j);
    if (r < 0)
        ret->len = before;
    return r;
}
