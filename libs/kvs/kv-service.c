#include <sealgrid/kvs/service.h>

#include <pthread.h>
#include <stdio.h>

#include <sealgrid/base/json.h>
#include <sealgrid/base/log.h>

#include "kv-access-int.h"
#include "kv-int.h"
#include "kv-json-int.h"
#include "kv-service-int.h"
#include "kv-status-int.h"

#define OBJECT_MAX_DEFAULT ((size_t)256 << 20)
#define POLICY_BODY_MAX    1024

struct session {
    struct sg_kv *kv;
    struct session *next;
};

struct sg_kv_service {
    struct sg_callers *callers;
    struct sg_kv_access *access;
    int (*open)(void *user, struct sg_kv **ret);
    void *user;
    int (*admin_volumes)(void *admin_user, struct sg_http_exchange *x);
    int (*admin_scrub)(void *admin_user, struct sg_http_exchange *x);
    int (*admin_files)(void *admin_user, struct sg_http_exchange *x);
    void *admin_user;
    size_t object_max;
    pthread_mutex_t lock; /* over idle */
    struct session *idle;
};

/* ---- sessions ---- */

static void session_free(struct session *s)
{
    if (!s)
        return;
    sg_kv_free(s->kv);
    free(s);
}
SG_DEFINE_FREEP(struct session, session_free)

static int session_new(struct session **ret, struct sg_kv_service *s)
{
    SG_CLEANUP(session_freep) struct session *made = calloc(1, sizeof(*made));
    int r = made ? s->open(s->user, &made->kv) : sg_raise(-ENOMEM);
    if (r)
        return sg_fold(r);
    *ret = TAKE_PTR(made);
    return 0;
}

static int session_take(struct session **ret, struct sg_kv_service *s)
{
    pthread_mutex_lock(&s->lock);
    struct session *idle = s->idle;
    if (idle)
        s->idle = idle->next;
    pthread_mutex_unlock(&s->lock);
    if (!idle)
        return session_new(ret, s);
    *ret = idle;
    return 0;
}

static void session_give_back(struct sg_kv_service *s, struct session *used)
{
    pthread_mutex_lock(&s->lock);
    used->next = s->idle;
    s->idle = used;
    pthread_mutex_unlock(&s->lock);
}

/* ---- life ---- */

int sg_kv_service_new(struct sg_kv_service **ret, const struct sg_kv_service_options *o)
{
    SG_CLEANUP(sg_kv_service_freep) struct sg_kv_service *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    pthread_mutex_init(&s->lock, NULL);
    s->open = o->open;
    s->user = o->user;
    s->admin_volumes = o->admin_volumes;
    s->admin_scrub = o->admin_scrub;
    s->admin_files = o->admin_files;
    s->admin_user = o->admin_user;
    s->object_max = o->object_max ? o->object_max : OBJECT_MAX_DEFAULT;
    sg_kv_count_init();
    int r = sg_callers_new(&s->callers, o->api_keys, o->n_api_keys);
    if (r == 0)
        r = sg_kv_access_new(&s->access, o);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(s);
    return 0;
}

void sg_kv_service_free(struct sg_kv_service *s)
{
    if (!s)
        return;
    while (s->idle) {
        struct session *next = s->idle->next;
        session_free(s->idle);
        s->idle = next;
    }
    sg_kv_access_free(s->access);
    sg_callers_free(s->callers);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ---- routes ---- */

/* A path below prefix, cut at its first slash: bucket, and the rest without that slash (NULL if
 * there is none). */
static bool split_path(const char *path, const char *prefix, char bucket[64], const char **ret_rest)
{
    size_t skip = strlen(prefix);
    if (strncmp(path, prefix, skip) != 0)
        return false;
    const char *from = path + skip;
    size_t len = strcspn(from, "/");
    if (len == 0 || len > 63)
        return false;
    memcpy(bucket, from, len);
    bucket[len] = 0;
    *ret_rest = from[len] ? from + len + 1 : NULL;
    return true;
}

static const struct {
    const char *name;
    enum sg_kv_route route;
} record_routes[] = {
    {"batch", SG_KV_ROUTE_BATCH},
    {"get", SG_KV_ROUTE_GET},
    {"scan", SG_KV_ROUTE_SCAN},
    {"partitions", SG_KV_ROUTE_PARTITIONS},
};

static enum sg_kv_route record_route(const char *method, const char *rest)
{
    for (size_t i = 0; rest && i < sizeof(record_routes) / sizeof(record_routes[0]); i++)
        if (strcmp(rest, record_routes[i].name) == 0)
            return strcmp(method, "POST") == 0 ? record_routes[i].route : SG_KV_ROUTE_BAD_METHOD;
    return SG_KV_ROUTE_UNKNOWN;
}

static enum sg_kv_route object_route(const char *method, const char *rest)
{
    bool get = strcmp(method, "GET") == 0;
    if (!rest)
        return get ? SG_KV_ROUTE_OBJECT_LIST : SG_KV_ROUTE_BAD_METHOD;
    if (get)
        return SG_KV_ROUTE_OBJECT_GET;
    if (strcmp(method, "PUT") == 0)
        return SG_KV_ROUTE_OBJECT_PUT;
    return strcmp(method, "DELETE") == 0 ? SG_KV_ROUTE_OBJECT_DELETE : SG_KV_ROUTE_BAD_METHOD;
}

static enum sg_kv_route admin_route(const char *method, const char *rest)
{
    if (strcmp(rest, "volumes") == 0)
        return strcmp(method, "GET") == 0 ? SG_KV_ROUTE_VOLUMES : SG_KV_ROUTE_BAD_METHOD;
    if (strcmp(rest, "files") == 0)
        return strcmp(method, "GET") == 0 ? SG_KV_ROUTE_FILES : SG_KV_ROUTE_BAD_METHOD;
    if (strcmp(rest, "scrub") == 0)
        return strcmp(method, "POST") == 0 ? SG_KV_ROUTE_SCRUB : SG_KV_ROUTE_BAD_METHOD;
    return SG_KV_ROUTE_UNKNOWN;
}

enum sg_kv_route sg_kv_route(const char *method, const char *path, char ret_bucket[64],
                             const char **ret_name)
{
    if (split_path(path, "/v1/kv/", ret_bucket, ret_name))
        return record_route(method, *ret_name);
    if (split_path(path, "/v1/objects/", ret_bucket, ret_name))
        return object_route(method, *ret_name);
    if (split_path(path, "/v1/buckets/", ret_bucket, ret_name) && !*ret_name)
        return strcmp(method, "PUT") == 0 ? SG_KV_ROUTE_BUCKET : SG_KV_ROUTE_BAD_METHOD;
    *ret_name = NULL;
    memcpy(ret_bucket, "*", 2);
    return strncmp(path, "/v1/admin/", 10) == 0 ? admin_route(method, path + 10)
                                                : SG_KV_ROUTE_UNKNOWN;
}

static unsigned verb_of(enum sg_kv_route route)
{
    switch (route) {
    case SG_KV_ROUTE_GET:
    case SG_KV_ROUTE_SCAN:
    case SG_KV_ROUTE_PARTITIONS:
    case SG_KV_ROUTE_OBJECT_GET:
    case SG_KV_ROUTE_OBJECT_LIST:
        return SG_KV_READ;
    case SG_KV_ROUTE_BATCH:
    case SG_KV_ROUTE_OBJECT_PUT:
    case SG_KV_ROUTE_OBJECT_DELETE:
        return SG_KV_WRITE;
    default:
        return SG_KV_ADMIN;
    }
}

/* ---- replies ---- */

void sg_kv_report(const char *event, int result)
{
    sg_kv_count(SG_KV_COUNT_FAILURES, 1);
    if (result < 0)
        sg_log_failure(event, result);
    else
        sg_log(SG_LOG_ERROR, event, SG_STR("outcome", sg_kv_status_of(result)->code));
}

int sg_kv_reply_result(struct sg_kv_call *c, int result)
{
    const struct sg_kv_status *s = sg_kv_status_of(result);
    if (s->http >= 500)
        sg_kv_report("kv.failed", result);
    return sg_http_reply_error(c->x, s->http, s->code, s->message);
}

static int reply_empty(struct sg_kv_call *c)
{
    return sg_http_reply(c->x, 200, NULL, SG_BYTES_NONE);
}

static int finish(struct sg_kv_call *c, int result)
{
    return result ? sg_kv_reply_result(c, result) : reply_empty(c);
}

/* ---- objects and buckets (records: kv-service-records.c) ---- */

static int handle_object_put(struct sg_kv_call *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(c->service->object_max);
    int r = sg_http_read_all(c->x, c->service->object_max, &body);
    if (r != 0)
        return r < 0 ? r : 0; /* the reply is settled */
    return finish(c, sg_kv_object_put(c->kv, c->bucket, c->name, sg_buf_bytes(&body)));
}

static int handle_object_get(struct sg_kv_call *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(SG_KV_OBJECT_MAX);
    int r = sg_kv_object_get(c->kv, c->bucket, c->name, &body);
    if (r != 0)
        return sg_kv_reply_result(c, r);
    return sg_http_reply(c->x, 200, "application/octet-stream", sg_buf_bytes(&body));
}

/* Gathered before the reply begins: an engine's lock is never held while a slow peer reads. */
static int list_one(void *user, const char *name, uint64_t size)
{
    struct sg_json *j = user;
    sg_json_object(j);
    sg_json_key(j, "name");
    sg_json_str(j, name);
    sg_json_key(j, "size");
    sg_json_uint(j, size);
    sg_json_end_object(j);
    return j->failure;
}

static int handle_object_list(struct sg_kv_call *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_KV_LISTING_MAX);
    const char *prefix = sg_http_query(c->x, "prefix");
    struct sg_json j;
    sg_json_init(&j, &text);
    sg_json_object(&j);
    sg_json_key(&j, "objects");
    sg_json_array(&j);
    int r = sg_kv_object_list(c->kv, c->bucket, prefix ? prefix : "", list_one, &j);
    if (r != 0)
        return sg_kv_reply_result(c, r);
    sg_json_end_array(&j);
    sg_json_key(&j, "complete");
    sg_json_bool(&j, true);
    sg_json_end_object(&j);
    if (sg_json_done(&j) < 0)
        return sg_kv_reply_result(c, SG_KV_TOO_LARGE);
    return sg_http_reply(c->x, 200, "application/json", sg_buf_bytes(&text));
}

static int handle_bucket(struct sg_kv_call *c)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(POLICY_BODY_MAX);
    char policy[64];
    int r = sg_http_read_all(c->x, POLICY_BODY_MAX, &body);
    if (r != 0)
        return r < 0 ? r : 0;
    if (!sg_kv_policy_of(sg_buf_bytes(&body), policy, sizeof(policy)))
        return sg_http_reply_error(c->x, 400, "bad_policy", "want {\"policy\":\"replicas=3\"}");
    return finish(c, sg_kv_bucket_create(c->kv, c->bucket, policy));
}

static int handle_object_delete(struct sg_kv_call *c)
{
    return finish(c, sg_kv_object_delete(c->kv, c->bucket, c->name));
}

/* ---- one exchange ---- */

static int handle_admin(struct sg_kv_call *c,
                        int (*fn)(void *admin_user, struct sg_http_exchange *x))
{
    return fn ? fn(c->service->admin_user, c->x) : sg_kv_reply_result(c, SG_KV_NOT_FOUND);
}

static int handle_volumes(struct sg_kv_call *c)
{
    return handle_admin(c, c->service->admin_volumes);
}

static int handle_files(struct sg_kv_call *c)
{
    return handle_admin(c, c->service->admin_files);
}

static int handle_scrub(struct sg_kv_call *c)
{
    return handle_admin(c, c->service->admin_scrub);
}

static const struct {
    int (*fn)(struct sg_kv_call *c);
    bool session; /* works on one */
} handlers[] = {
    [SG_KV_ROUTE_BATCH] = {sg_kv_handle_batch, true},
    [SG_KV_ROUTE_GET] = {sg_kv_handle_get, true},
    [SG_KV_ROUTE_SCAN] = {sg_kv_handle_scan, true},
    [SG_KV_ROUTE_PARTITIONS] = {sg_kv_handle_partitions, true},
    [SG_KV_ROUTE_OBJECT_PUT] = {handle_object_put, true},
    [SG_KV_ROUTE_OBJECT_GET] = {handle_object_get, true},
    [SG_KV_ROUTE_OBJECT_DELETE] = {handle_object_delete, true},
    [SG_KV_ROUTE_OBJECT_LIST] = {handle_object_list, true},
    [SG_KV_ROUTE_BUCKET] = {handle_bucket, true},
    [SG_KV_ROUTE_VOLUMES] = {handle_volumes, false},
    [SG_KV_ROUTE_FILES] = {handle_files, false},
    [SG_KV_ROUTE_SCRUB] = {handle_scrub, false},
};

static int run(struct sg_kv_call *c, enum sg_kv_route route)
{
    struct session *session = NULL;
    if (handlers[route].session) {
        int r = session_take(&session, c->service);
        if (r < 0)
            return sg_kv_reply_result(c, r);
        c->kv = session->kv;
    }
    sg_kv_count(SG_KV_COUNT_REQUESTS + (enum sg_kv_counter)route, 1);
    int r = handlers[route].fn(c);
    if (session)
        session_give_back(c->service, session);
    return r;
}

static int refuse_unknown(struct sg_kv_call *c)
{
    sg_kv_count(SG_KV_COUNT_UNAUTHENTICATED, 1);
    return sg_kv_reply_result(c, -EACCES);
}

static int refuse(struct sg_kv_call *c, const char *who)
{
    sg_kv_count(SG_KV_COUNT_DENIED, 1);
    sg_log(SG_LOG_WARN, "kv.denied", SG_STR("who", who), SG_STR("bucket", c->bucket),
           SG_STR("method", sg_http_method(c->x)));
    return sg_kv_reply_result(c, SG_KV_DENIED);
}

static bool names_ok(const struct sg_kv_call *c, enum sg_kv_route route)
{
    if (route == SG_KV_ROUTE_VOLUMES || route == SG_KV_ROUTE_FILES || route == SG_KV_ROUTE_SCRUB)
        return true;
    bool object = route == SG_KV_ROUTE_OBJECT_PUT || route == SG_KV_ROUTE_OBJECT_GET ||
                  route == SG_KV_ROUTE_OBJECT_DELETE;
    return sg_kv_bucket_name_ok(c->bucket) && (!object || sg_kv_object_name_ok(c->name));
}

/* Nobody unknown learns even which paths there are. */
int sg_kv_service_handle(void *service, struct sg_http_exchange *x)
{
    struct sg_kv_call c = {.service = service, .x = x};
    char who[SG_CALLER_MAX];
    if (sg_callers_of(c.service->callers, x, who) != 0)
        return refuse_unknown(&c);
    enum sg_kv_route route = sg_kv_route(sg_http_method(x), sg_http_path(x), c.bucket, &c.name);
    if (route == SG_KV_ROUTE_UNKNOWN)
        return sg_kv_reply_result(&c, SG_KV_NOT_FOUND);
    if (route == SG_KV_ROUTE_BAD_METHOD)
        return sg_http_reply_error(x, 405, "bad_method", "this path does not do that");
    if (!names_ok(&c, route))
        return sg_http_reply_error(x, 400, "bad_name", "not a valid bucket or object name");
    if (!sg_kv_access_may(c.service->access, who, c.bucket, verb_of(route)))
        return refuse(&c, who);
    return run(&c, route);
}
