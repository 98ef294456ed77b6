#include <sealgrid/net/http.h>

#include "kv-int.h"
#include "kv-json-int.h"
#include "kv-status-int.h"
#include "record-stream-int.h"

/* A batch, with what its operations' heads take. */
#define BODY_MAX       (SG_KV_BATCH_BYTES_MAX + ((size_t)1 << 20))
#define LISTING_MAX    ((size_t)64 << 20)
#define ERROR_BODY_MAX 8192
/* Read ahead of a scan: the longest item and a few pieces. */
#define SCAN_BUFFER (SG_ITEM_MAX + 4 * SG_RECORDS_PIECE)

struct remote {
    struct sg_kv kv;
    struct sg_http_client *http;
    struct sg_buf authorization; /* "Bearer KEY" and a NUL, or empty */
    struct sg_buf body;          /* of the request, kept for its storage */
    struct sg_buf target;
    bool scanning;
};

struct remote_scan {
    struct sg_kv_scan scan;
    struct remote *remote;
    struct sg_records_reader stream;
    struct sg_buf in;
    size_t at;  /* consumed of in */
    int result; /* once ended: what next() says from then on */
};

static struct remote *remote_of(struct sg_kv *kv)
{
    return (struct remote *)kv;
}

/* ---- requests ---- */

static int put_escaped(struct sg_buf *b, const char *text)
{
    static const char kept[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    int r = 0;
    for (; r == 0 && *text; text++) {
        if (strchr(kept, *text))
            r = sg_buf_append(b, SG_BYTES(text, 1));
        else
            r = sg_buf_printf(b, "%%%02X", (unsigned char)*text);
    }
    return r;
}

/* folder + bucket + tail, tail and query value escaped where they are given by the caller. */
static int set_target(struct remote *m, const char *folder, const char *bucket, const char *infix,
                      const char *escaped)
{
    sg_buf_reset(&m->target);
    int r = sg_buf_printf(&m->target, "%s%s%s", folder, bucket, infix);
    if (r == 0 && escaped)
        r = put_escaped(&m->target, escaped);
    return r < 0 ? r : sg_buf_append_u8(&m->target, 0);
}

static const char *target_of(const struct remote *m)
{
    return (const char *)m->target.data;
}

static size_t fields_of(const struct remote *m, const char *type, struct sg_http_field ret[2])
{
    size_t n = 0;
    if (m->authorization.len)
        ret[n++] = (struct sg_http_field){"Authorization", (const char *)m->authorization.data};
    if (type)
        ret[n++] = (struct sg_http_field){"Content-Type", type};
    return n;
}

/* Outcomes of the HTTP client as failures of ours. */
static int http_failure(int r)
{
    switch (r) {
    case SG_HTTP_TOO_LARGE:
        return sg_raisef(-EFBIG, "kvsd: answer too long");
    case SG_HTTP_PEER_GONE:
        return sg_raisef(-EIO, "kvsd: connection lost, outcome unknown");
    case SG_HTTP_BAD:
        return sg_raisef(-EPROTO, "kvsd: answer is not HTTP");
    default:
        return r;
    }
}

static int begin_once(struct remote *m, const char *method, const char *type, struct sg_bytes body,
                      int *ret_status)
{
    struct sg_http_field fields[2];
    size_t n = fields_of(m, type, fields);
    return sg_http_call_begin(m->http, method, target_of(m), fields, n, body, ret_status);
}

/* again: sending it twice is safe, so once more if the connection was lost before an answer. */
static int begin(struct remote *m, const char *method, const char *type, struct sg_bytes body,
                 bool again, int *ret_status)
{
    if (m->scanning)
        return sg_raisef(-EBUSY, "session has an open scan");
    int r = begin_once(m, method, type, body, ret_status);
    if (r == SG_HTTP_PEER_GONE && again)
        r = begin_once(m, method, type, body, ret_status);
    return http_failure(r);
}

/* Most answers fit the first piece; storage that is there is filled before there is more of it. */
#define FIRST_PIECE  4096
#define LATER_PIECES 65536

static size_t room_wanted(const struct sg_buf *b)
{
    size_t left = b->max - b->len, there = b->capacity - b->len;
    size_t wanted = there >= FIRST_PIECE / 8 ? there : b->len ? LATER_PIECES : FIRST_PIECE;
    return wanted < left ? wanted : left;
}

static int read_rest(struct remote *m, struct sg_buf *ret)
{
    for (;;) {
        size_t room = room_wanted(ret), n = 0;
        uint8_t beyond;
        int r = sg_buf_reserve(ret, room);
        if (r < 0)
            return r;
        r = room ? sg_http_call_read(m->http, ret->data + ret->len, room, &n)
                 : sg_http_call_read(m->http, &beyond, 1, &n);
        if (r != 0)
            return http_failure(r);
        if (n == 0)
            return 0;
        if (room == 0)
            return sg_raise(-ENOBUFS);
        ret->len += n;
    }
}

/* What a status other than 200 means, from the error body: outcome or failure, never 0. */
static int read_error(struct remote *m, int status)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(ERROR_BODY_MAX);
    char code[64];
    int r = read_rest(m, &body);
    sg_http_call_end(m->http);
    if (r < 0)
        return r;
    sg_kv_error_code_of(sg_buf_bytes(&body), code, sizeof(code));
    const struct sg_kv_status *s = sg_kv_status_named(sg_bytes_str(code));
    if (s && s->result > 0)
        return s->result;
    return sg_raisef(s ? s->result : -EIO, "kvsd: %d %s", status, code);
}

/* A call with a whole answer; octets of a 200 (and of a 409 that is a stream) are appended to ret.
 */
static int call(struct remote *m, const char *method, const char *type, struct sg_bytes body,
                bool again, struct sg_buf *ret)
{
    int status = 0;
    size_t before = ret->len;
    int r = begin(m, method, type, body, again, &status);
    if (r < 0)
        return r;
    if (status != 200)
        return read_error(m, status);
    r = read_rest(m, ret);
    sg_http_call_end(m->http);
    if (r < 0)
        ret->len = before;
    return r;
}

/* ---- records ---- */

#define RECORDS "application/vnd.sealgrid.records"

static int put_batch(struct remote *m, const struct sg_kv_op *ops, size_t n)
{
    struct sg_records_writer w;
    sg_buf_reset(&m->body);
    int r = sg_records_begin(&w, &m->body, SG_RECORDS_BATCH);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = sg_records_put_op(&w, &ops[i]);
    return r < 0 ? r : sg_records_end(&w);
}

/* The first attempt's rows make a second say "the same already". */
static bool may_repeat(const struct sg_kv_op *ops, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ops[i].kind != SG_KV_INSERT)
            return false;
    return true;
}

/* One item and the end, whole. */
static int parse_answer(struct sg_bytes body, enum sg_records_kind kind, struct sg_item *ret)
{
    struct sg_records_reader s = sg_records_reader(kind);
    struct sg_reader in = sg_reader_over(body);
    struct sg_item end;
    int r = sg_records_next(&s, &in, ret);
    if (r == 0)
        r = sg_records_next(&s, &in, &end);
    if (r < 0)
        return r;
    if (r != SG_RECORDS_END || end.type != SG_ITEM_END || s.items != 2 || in.left)
        return sg_raisef(-EBADMSG, "kvsd: answer is cut");
    return 0;
}

static int parse_results(struct sg_bytes body, size_t n, enum sg_kv_op_result *ret)
{
    struct sg_item item;
    int r = parse_answer(body, SG_RECORDS_RESULTS, &item);
    if (r < 0)
        return r;
    if (item.bytes.len != n)
        return sg_raisef(-EBADMSG, "kvsd: results of another batch");
    for (size_t i = 0; ret && i < n; i++)
        ret[i] = (enum sg_kv_op_result)item.bytes.data[i];
    return 0;
}

/* The answer to a batch that was carried out or refused by a precondition. */
static int read_results(struct remote *m, int status, size_t n, enum sg_kv_op_result *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf answer = SG_BUF_INIT(SG_KV_BATCH_OPS_MAX + 64);
    int r = read_rest(m, &answer);
    sg_http_call_end(m->http);
    if (r == 0)
        r = parse_results(sg_buf_bytes(&answer), n, ret);
    if (r < 0)
        return r;
    return status == 409 ? SG_KV_CONFLICT : 0;
}

static int remote_batch(struct sg_kv *kv, const char *bucket, const struct sg_kv_op *ops, size_t n,
                        enum sg_kv_op_result *ret_results)
{
    struct remote *m = remote_of(kv);
    int status = 0, r = put_batch(m, ops, n);
    if (r == 0)
        r = set_target(m, "/v1/kv/", bucket, "/batch", NULL);
    if (r == 0)
        r = begin(m, "POST", RECORDS, sg_buf_bytes(&m->body), may_repeat(ops, n), &status);
    if (r < 0)
        return r;
    if (status != 200 && status != 409)
        return read_error(m, status);
    return read_results(m, status, n, ret_results);
}

static int remote_get(struct sg_kv *kv, const char *bucket, struct sg_kv_key key,
                      struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf answer = SG_BUF_INIT(SG_ITEM_MAX);
    struct remote *m = remote_of(kv);
    struct sg_records_writer w;
    struct sg_item item;
    sg_buf_reset(&m->body);
    int r = sg_records_begin(&w, &m->body, SG_RECORDS_GET);
    if (r == 0)
        r = sg_records_put_key(&w, &key);
    if (r == 0)
        r = sg_records_end(&w);
    if (r == 0)
        r = set_target(m, "/v1/kv/", bucket, "/get", NULL);
    if (r == 0)
        r = call(m, "POST", RECORDS, sg_buf_bytes(&m->body), true, &answer);
    if (r == 0)
        r = parse_answer(sg_buf_bytes(&answer), SG_RECORDS_VALUE, &item);
    return r ? r : sg_buf_append(ret, item.bytes);
}

/* ---- scans ---- */

/* More octets behind those not yet consumed.  -EIO when the body ends before the stream does. */
static int read_more(struct remote_scan *s)
{
    size_t n = 0;
    sg_buf_consume(&s->in, s->at);
    s->at = 0;
    int r =
        sg_http_call_read(s->remote->http, s->in.data + s->in.len, s->in.capacity - s->in.len, &n);
    if (r != 0)
        return http_failure(r);
    if (n == 0)
        return sg_raisef(-EIO, "kvsd: rows are cut");
    s->in.len += n;
    return 0;
}

/* Nothing but the HTTP body's own end may follow; the connection is then good for more. */
static int drain(struct remote_scan *s)
{
    uint8_t beyond;
    size_t n = 0;
    int r = sg_http_call_read(s->remote->http, &beyond, 1, &n);
    if (r != 0)
        return http_failure(r);
    return n || s->at != s->in.len ? sg_raisef(-EBADMSG, "octets after the last row") : 0;
}

/* After the last item: what the scan says from now on. */
static int finish_rows(struct remote_scan *s, const struct sg_item *last)
{
    int r = drain(s);
    if (r < 0)
        return r;
    if (last->type == SG_ITEM_END)
        return SG_KV_NOT_FOUND;
    if (last->error.outcome)
        return last->error.outcome;
    return sg_raisef(-EIO, "kvsd: %.*s", (int)last->error.code.len,
                     (const char *)last->error.code.data);
}

static int remote_next(struct sg_kv_scan *base, struct sg_bytes *ret_sort,
                       struct sg_bytes *ret_value)
{
    struct remote_scan *s = (struct remote_scan *)base;
    struct sg_item item;
    while (s->result == 0) {
        struct sg_reader in = {s->in.data + s->at, s->in.len - s->at};
        int r = sg_records_next(&s->stream, &in, &item);
        s->at = s->in.len - in.left;
        if (r == 0) {
            *ret_sort = item.row.sort;
            *ret_value = item.row.value;
            return 0;
        }
        if (r == SG_RECORDS_END)
            s->result = finish_rows(s, &item);
        else
            s->result = r < 0 ? r : read_more(s);
    }
    return s->result;
}

static void remote_scan_free(struct sg_kv_scan *base)
{
    struct remote_scan *s = (struct remote_scan *)base;
    sg_http_call_end(s->remote->http); /* cuts the connection if rows are still to come */
    s->remote->scanning = false;
    sg_buf_clear(&s->in);
    free(s);
}

static const struct sg_kv_scan_ops scan_ops = {remote_next, remote_scan_free};

static int scan_new(struct remote_scan **ret, struct remote *m, enum sg_records_kind kind)
{
    struct remote_scan *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    *s = (struct remote_scan){.scan = {&scan_ops},
                              .remote = m,
                              .stream = sg_records_reader(kind),
                              .in = SG_BUF_INIT(SCAN_BUFFER)};
    int r = sg_buf_reserve(&s->in, SCAN_BUFFER);
    if (r < 0) {
        free(s);
        return r;
    }
    m->scanning = true;
    *ret = s;
    return 0;
}

static int open_rows(struct sg_kv_scan **ret, struct remote *m, enum sg_records_kind request,
                     enum sg_records_kind reply, const struct sg_kv_range *range)
{
    struct sg_records_writer w;
    struct remote_scan *s;
    int status = 0;
    sg_buf_reset(&m->body);
    int r = sg_records_begin(&w, &m->body, request);
    if (r == 0)
        r = sg_records_put_range(&w, range);
    if (r == 0)
        r = sg_records_end(&w);
    if (r == 0)
        r = begin(m, "POST", RECORDS, sg_buf_bytes(&m->body), true, &status);
    if (r < 0)
        return r;
    if (status != 200)
        return read_error(m, status);
    r = scan_new(&s, m, reply);
    if (r < 0) {
        sg_http_call_end(m->http);
        return r;
    }
    *ret = &s->scan;
    return 0;
}

static int remote_scan_open(struct sg_kv_scan **ret, struct sg_kv *kv, const char *bucket,
                            const struct sg_kv_range *range)
{
    struct remote *m = remote_of(kv);
    int r = set_target(m, "/v1/kv/", bucket, "/scan", NULL);
    return r < 0 ? r : open_rows(ret, m, SG_RECORDS_SCAN, SG_RECORDS_ROWS, range);
}

static int remote_partitions_open(struct sg_kv_scan **ret, struct sg_kv *kv, const char *bucket,
                                  uint32_t table, struct sg_bytes from, struct sg_bytes until)
{
    struct remote *m = remote_of(kv);
    const struct sg_kv_range range = {.table = table, .from = from, .until = until};
    int r = set_target(m, "/v1/kv/", bucket, "/partitions", NULL);
    return r < 0 ? r : open_rows(ret, m, SG_RECORDS_PARTITIONS, SG_RECORDS_KEYS, &range);
}

/* ---- objects and buckets ---- */

static int call_without_answer(struct remote *m, const char *method, const char *type,
                               struct sg_bytes body)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf none = SG_BUF_INIT(ERROR_BODY_MAX);
    return call(m, method, type, body, true, &none);
}

static int remote_object_put(struct sg_kv *kv, const char *bucket, const char *name,
                             struct sg_bytes contents)
{
    struct remote *m = remote_of(kv);
    int r = set_target(m, "/v1/objects/", bucket, "/", name);
    return r < 0 ? r : call_without_answer(m, "PUT", "application/octet-stream", contents);
}

static int remote_object_get(struct sg_kv *kv, const char *bucket, const char *name,
                             struct sg_buf *ret)
{
    struct remote *m = remote_of(kv);
    int r = set_target(m, "/v1/objects/", bucket, "/", name);
    return r < 0 ? r : call(m, "GET", NULL, SG_BYTES_NONE, true, ret);
}

static int remote_object_delete(struct sg_kv *kv, const char *bucket, const char *name)
{
    struct remote *m = remote_of(kv);
    int r = set_target(m, "/v1/objects/", bucket, "/", name);
    return r < 0 ? r : call_without_answer(m, "DELETE", NULL, SG_BYTES_NONE);
}

static int remote_object_list(struct sg_kv *kv, const char *bucket, const char *prefix,
                              int (*fn)(void *user, const char *name, uint64_t size), void *user)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf answer = SG_BUF_INIT(LISTING_MAX);
    struct remote *m = remote_of(kv);
    int r = set_target(m, "/v1/objects/", bucket, "?prefix=", prefix);
    if (r == 0)
        r = call(m, "GET", NULL, SG_BYTES_NONE, true, &answer);
    return r ? r : sg_kv_listing_of(sg_buf_bytes(&answer), fn, user);
}

static int remote_bucket_create(struct sg_kv *kv, const char *bucket, const char *policy)
{
    struct remote *m = remote_of(kv);
    sg_buf_reset(&m->body);
    if (strpbrk(policy, "\"\\"))
        return sg_raise(-EINVAL);
    int r = sg_buf_printf(&m->body, "{\"policy\":\"%s\"}", policy);
    if (r == 0)
        r = set_target(m, "/v1/buckets/", bucket, "", NULL);
    return r < 0 ? r : call_without_answer(m, "PUT", "application/json", sg_buf_bytes(&m->body));
}

/* ---- session ---- */

static void remote_free(struct sg_kv *kv)
{
    struct remote *m = remote_of(kv);
    sg_http_client_free(m->http);
    sg_buf_clear(&m->authorization);
    sg_buf_clear(&m->body);
    sg_buf_clear(&m->target);
    free(m);
}

static const struct sg_kv_ops remote_ops = {
    .free = remote_free,
    .batch = remote_batch,
    .get = remote_get,
    .scan_open = remote_scan_open,
    .partitions_open = remote_partitions_open,
    .object_put = remote_object_put,
    .object_get = remote_object_get,
    .object_delete = remote_object_delete,
    .object_list = remote_object_list,
    .bucket_create = remote_bucket_create,
};

static int set_api_key(struct remote *m, const char *api_key)
{
    if (!api_key)
        return 0;
    int r = sg_buf_append(&m->authorization, SG_BYTES_LIT("Bearer "));
    if (r == 0)
        r = sg_buf_append(&m->authorization, SG_BYTES(api_key, strlen(api_key) + 1));
    return r;
}

int sg_kv_open_remote(struct sg_kv **ret, const struct sg_kv_remote *o)
{
    struct remote *m = calloc(1, sizeof(*m));
    if (!m)
        return sg_raise(-ENOMEM);
    SG_CLEANUP(sg_kv_freep) struct sg_kv *kv = &m->kv;
    *m = (struct remote){.kv = {&remote_ops},
                         .authorization = SG_BUF_INIT_SECRET(1024),
                         .body = SG_BUF_INIT(BODY_MAX),
                         .target = SG_BUF_INIT(SG_HTTP_LINE_MAX)};
    const struct sg_http_client_options http = {
        .connect = o->connect,
        .tls = o->tls,
        .expect_uri = o->expect_uri,
        .io_timeout_ms = o->timeout_ms,
        .body_max = SG_KV_OBJECT_MAX,
    };
    int r = set_api_key(m, o->api_key);
    if (r == 0)
        r = sg_http_client_new(&m->http, &http);
    if (r != 0)
        return sg_fold(r);
    *ret = TAKE_PTR(kv);
    return 0;
}
