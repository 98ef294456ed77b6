#include <sealgrid/kvs/admin.h>

#include <pthread.h>
#include <time.h>

#include <sealgrid/base/json.h>
#include <sealgrid/base/log.h>
#include <sealgrid/kvs/store.h>

#include "kv-status-int.h"

#define REPORT_MAX ((size_t)256 << 10)
#define FILES_MAX  (16u << 20)
/* Well below what a client waits for an octet. */
enum { ALIVE_EVERY_S = 5 };

static void put_uint(struct sg_json *j, const char *key, uint64_t v)
{
    sg_json_key(j, key);
    sg_json_uint(j, v);
}

static void put_str(struct sg_json *j, const char *key, const char *v)
{
    sg_json_key(j, key);
    sg_json_str(j, v);
}

static void put_bool(struct sg_json *j, const char *key, bool v)
{
    sg_json_key(j, key);
    sg_json_bool(j, v);
}

static int reply_failure(struct sg_http_exchange *x, int result)
{
    const struct sg_kv_status *s = sg_kv_status_of(result);
    return sg_http_reply_error(x, s->http, s->code, s->message);
}

/* ---- volumes ---- */

static void put_volume(struct sg_json *j, const struct sg_volume_status *v)
{
    sg_json_object(j);
    put_uint(j, "slot", v->slot);
    put_str(j, "path", v->path);
    put_str(j, "state", sg_volume_state_name(v->state));
    put_uint(j, "damage", v->damage);
    put_uint(j, "repaired", v->repaired);
    put_uint(j, "checkpoint_seq", v->checkpoint_seq);
    put_uint(j, "index_bytes", v->index_bytes);
    put_uint(j, "fragment_bytes", v->fragment_bytes);
    sg_json_end_object(j);
}

static void put_status(struct sg_json *j, struct sg_store *store)
{
    struct sg_store_status s;
    sg_store_status(store, &s);
    put_uint(j, "online", s.online);
    put_bool(j, "writable", s.writable);
    put_uint(j, "journal_seq", s.journal_seq);
    put_uint(j, "damage", s.damage);
    put_uint(j, "repaired", s.repaired);
    put_uint(j, "batches", s.batches);
    put_uint(j, "rows_written", s.rows_written);
    put_uint(j, "pages_written", s.pages_written);
    put_uint(j, "commits", s.commits);
    put_uint(j, "cache_bytes", s.cache_bytes);
    put_uint(j, "cached_partitions", s.cached_partitions);
    put_uint(j, "cold_opens", s.cold_opens);
    sg_json_key(j, "volumes");
    sg_json_array(j);
    for (unsigned slot = 0; slot < s.n_volumes; slot++) {
        struct sg_volume_status v;
        sg_store_volume_status(store, slot, &v);
        put_volume(j, &v);
    }
    sg_json_end_array(j);
}

int sg_store_admin_volumes(void *store, struct sg_http_exchange *x)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(REPORT_MAX);
    struct sg_json j;
    sg_json_init(&j, &out);
    sg_json_object(&j);
    put_status(&j, store);
    sg_json_end_object(&j);
    int r = sg_json_done(&j);
    return r < 0 ? r : sg_http_reply(x, 200, "application/json", sg_buf_bytes(&out));
}

static int put_file(void *user, enum sg_store_file_class class, const char *path,
                    uint64_t live_bytes)
{
    static const char *const words[] = {
        [SG_FILE_INDEX] = "index",
        [SG_FILE_MANIFEST] = "manifest",
        [SG_FILE_JOURNAL] = "journal",
        [SG_FILE_FRAGMENT] = "fragment",
    };
    struct sg_json *j = user;
    sg_json_object(j);
    put_str(j, "class", words[class]);
    put_str(j, "path", path);
    put_uint(j, "live_bytes", live_bytes);
    sg_json_end_object(j);
    return 0;
}

int sg_store_admin_files(void *store, struct sg_http_exchange *x)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(FILES_MAX);
    struct sg_json j;
    sg_json_init(&j, &out);
    sg_json_object(&j);
    sg_json_key(&j, "files");
    sg_json_array(&j);
    int r = sg_store_files(store, put_file, &j);
    sg_json_end_array(&j);
    sg_json_end_object(&j);
    if (r == 0)
        r = sg_json_done(&j);
    return r < 0 ? r : sg_http_reply(x, 200, "application/json", sg_buf_bytes(&out));
}

/* ---- scrub ---- */

struct scrub {
    struct sg_store *store;
    struct sg_scrub_options options;
    struct sg_scrub_report report;
    int result;
    bool done;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

static void *run_scrub(void *user)
{
    struct scrub *s = user;
    int r = sg_store_scrub(s->store, &s->options, &s->report);
    if (r < 0)
        sg_log_failure("scrub.failed", r); /* the trace is this thread's */
    pthread_mutex_lock(&s->lock);
    s->result = r;
    s->done = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static bool wait_some(struct scrub *s)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ALIVE_EVERY_S;
    pthread_mutex_lock(&s->lock);
    int r = 0;
    while (!s->done && r == 0)
        r = pthread_cond_clockwait(&s->changed, &s->lock, CLOCK_MONOTONIC, &until);
    bool done = s->done;
    pthread_mutex_unlock(&s->lock);
    return done;
}

/* Says a blank now and then; a peer that went away does not stop the scrub. */
static void wait_aloud(struct scrub *s, struct sg_http_exchange *x)
{
    int peer = 0;
    while (!wait_some(s)) {
        if (peer == 0)
            peer = sg_http_reply_write(x, SG_BYTES_LIT("\n"));
        if (peer == 0)
            peer = sg_http_reply_flush(x);
    }
}

static void put_report(struct sg_json *j, const struct sg_scrub_report *r)
{
    put_uint(j, "files", r->files);
    put_uint(j, "file_bytes", r->file_bytes);
    put_uint(j, "partitions", r->partitions);
    put_uint(j, "pages", r->pages);
    put_uint(j, "rows", r->rows);
    put_uint(j, "objects", r->objects);
    put_uint(j, "fragments", r->fragments);
    put_uint(j, "damage", r->damage);
    put_uint(j, "repaired", r->repaired);
    put_uint(j, "lost", r->lost);
    sg_json_key(j, "volumes");
    sg_json_array(j);
    for (size_t i = 0; i < r->n_volumes; i++) {
        sg_json_object(j);
        put_uint(j, "slot", i);
        put_uint(j, "damage", r->volumes[i].damage);
        put_uint(j, "repaired", r->volumes[i].repaired);
        put_bool(j, "rebuilt", r->volumes[i].rebuilt);
        sg_json_end_object(j);
    }
    sg_json_end_array(j);
}

/* "complete" is true or there is an "error": the status went out before the work began. */
static int write_report(const struct scrub *s, struct sg_http_exchange *x)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(REPORT_MAX);
    struct sg_json j;
    sg_json_init(&j, &out);
    sg_json_object(&j);
    if (s->result == 0)
        put_report(&j, &s->report);
    else
        put_str(&j, "error", sg_kv_status_of(s->result)->code);
    put_bool(&j, "complete", s->result == 0);
    sg_json_end_object(&j);
    int r = sg_json_done(&j);
    if (r == 0)
        r = sg_http_reply_write(x, sg_buf_bytes(&out));
    return r < 0 ? r : sg_http_reply_end(x);
}

/* One slot's bit; all of them when none is named. */
static bool parse_volume(const char *text, uint64_t *ret)
{
    char *end;
    if (!text)
        return true;
    unsigned long slot = strtoul(text, &end, 10);
    if (end == text || *end || slot >= SG_STORE_VOLUMES_MAX)
        return false;
    *ret = UINT64_C(1) << slot;
    return true;
}

static bool parse_options(const struct sg_http_exchange *x, struct sg_scrub_options *ret)
{
    const char *depth = sg_http_query(x, "depth"), *verify = sg_http_query(x, "verify_only");
    *ret = (struct sg_scrub_options){.depth = SG_SCRUB_FULL, .volumes = SG_SCRUB_ALL_VOLUMES};
    if (depth && strcmp(depth, "files") == 0)
        ret->depth = SG_SCRUB_FILES;
    else if (depth && strcmp(depth, "full") != 0)
        return false;
    ret->verify_only = verify && strcmp(verify, "1") == 0;
    return (!verify || ret->verify_only) && parse_volume(sg_http_query(x, "volume"), &ret->volumes);
}

static void log_report(const struct sg_scrub_report *r)
{
    sg_log(r->lost ? SG_LOG_ERROR : SG_LOG_INFO, "scrub.done", SG_UINT("files", r->files),
           SG_UINT("pages", r->pages), SG_UINT("objects", r->objects), SG_UINT("damage", r->damage),
           SG_UINT("repaired", r->repaired), SG_UINT("lost", r->lost));
}

static int scrub(struct scrub *s, struct sg_http_exchange *x)
{
    pthread_t thread;
    int e = pthread_create(&thread, NULL, run_scrub, s);
    if (e)
        return reply_failure(x, sg_raise(-e));
    int peer = sg_http_reply_begin(x, 200, "application/json");
    wait_aloud(s, x);
    pthread_join(thread, NULL);
    if (s->result == 0)
        log_report(&s->report);
    return peer < 0 ? peer : write_report(s, x);
}

int sg_store_admin_scrub(void *store, struct sg_http_exchange *x)
{
    struct sg_scrub_options options;
    if (!parse_options(x, &options))
        return reply_failure(x, sg_raise(-EINVAL));
    SG_FREE struct scrub *s = calloc(1, sizeof(*s));
    if (!s)
        return reply_failure(x, sg_raise(-ENOMEM));
    s->store = store;
    s->options = options;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    int r = scrub(s, x);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    return r;
}
