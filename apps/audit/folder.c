/* folder - batch. */
#include "folder.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/json.h>

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

struct names {
    char **items; /* "CLIENT/PERIOD" */
    size_t n, capacity;
};

struct batch {
    const struct authority_files *files;
    const char *dir;
    struct names names;
    _Atomic size_t next;
    _Atomic int failure;
    pthread_mutex_t lock; /* of reports and result */
    struct sg_buf *reports;
    struct folder_result result;
};

static void clear_names(struct names *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->items[i]);
    free(l->items);
}

static int add_name(struct names *l, const char *client, const char *period, int period_len)
{
    char name[NAME_MAX * 2 + 2];

    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 1024;
        char **items = reallocarray(l->items, capacity, sizeof(*items));
        if (!items)
            return sg_raise(-ENOMEM);
        l->items = items;
        l->capacity = capacity;
    }
    snprintf(name, sizeof(name), "%s/%.*s", client, period_len, period);
    l->items[l->n] = strdup(name);
    if (!l->items[l->n])
        return sg_raise(-ENOMEM);
    l->n++;
    return 0;
}

static void close_folder(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* Calls fn for each entry that is no hidden file. */
static int each_entry(const char *path, int (*fn)(void *user, const char *name), void *user)
{
    SG_CLEANUP(close_folder) DIR *d = opendir(path);
    const struct dirent *e;
    int r = 0;

    if (!d)
        return sg_raise_errno();
    while (!r && (e = readdir(d)))
        if (e->d_name[0] != '.')
            r = fn(user, e->d_name);
    return r;
}

struct listing {
    struct batch *batch;
    const char *client;
};

static int take_period(void *user, const char *name)
{
    struct listing *l = user;
    size_t n = strlen(name);

    if (n <= 5 || strcmp(name + n - 5, ".json"))
        return 0;
    return add_name(&l->batch->names, l->client, name, (int)n - 5);
}

static int take_client(void *user, const char *name)
{
    struct batch *b = user;
    struct listing l = {b, name};
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/bill/%s", b->dir, name) >= PATH_MAX)
        return sg_raise(-ENAMETOOLONG);
    int r = each_entry(path, take_period, &l);
    return r == -ENOTDIR ? 0 : r;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_bills(struct batch *b)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/bill", b->dir) >= PATH_MAX - NAME_MAX * 2)
        return sg_raise(-ENAMETOOLONG);
    int r = each_entry(path, take_client, b);
    if (!r && b->names.n)
        qsort(b->names.items, b->names.n, sizeof(char *), compare_names);
    return r;
}

static int append_report(struct batch *b, struct sg_bytes report)
{
    int r = b->reports->len ? sg_buf_append_u8(b->reports, ',') : 0;
    return r ? r : sg_buf_append(b->reports, report);
}

static int put_unusable(const char *name, const char *why, struct sg_buf *ret)
{
    struct sg_json j;

    sg_json_init(&j, ret);
    sg_json_object(&j);
    sg_json_key(&j, "name");
    sg_json_str(&j, name);
    sg_json_key(&j, "unusable");
    sg_json_str(&j, why);
    sg_json_end_object(&j);
    return sg_json_done(&j);
}

static int judge_name(struct batch *b, const char *name, struct sg_buf *report)
{
    char bill[PATH_MAX], evidence[PATH_MAX], why[160];
    uint64_t readings = 0;
    bool bad = false;

    if (snprintf(bill, sizeof(bill), "%s/bill/%s.json", b->dir, name) >= PATH_MAX ||
        snprintf(evidence, sizeof(evidence), "%s/evidence/%s.cbor", b->dir, name) >= PATH_MAX)
        return sg_raise(-ENAMETOOLONG);
    int r = audit_one(b->files, bill, evidence, false, report, &bad, &readings, why);
    bool usable = r == 0;
    if (r == ONE_UNUSABLE)
        r = put_unusable(name, why, report);
    if (r)
        return r;
    pthread_mutex_lock(&b->lock);
    b->result.bills++;
    b->result.bad += bad;
    b->result.unusable += !usable;
    b->result.readings += readings;
    if (bad || !usable)
        r = append_report(b, sg_buf_bytes(report));
    pthread_mutex_unlock(&b->lock);
    return r;
}

static void *work(void *arg)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf report = SG_BUF_INIT(64u << 20);
    struct batch *b = arg;
    int r = 0, none = 0;

    while (!r && !b->failure) {
        size_t i = atomic_fetch_add(&b->next, 1);
        if (i >= b->names.n)
            break;
        sg_buf_reset(&report);
        r = judge_name(b, b->names.items[i], &report);
    }
    /* The trace is this thread's: it is printed here, once. */
    if (r && atomic_compare_exchange_strong(&b->failure, &none, r))
        fprintf(stderr, "sealgrid-audit: %s\n", sg_error_trace());
    return NULL;
}

static int run_threads(struct batch *b, unsigned threads)
{
    pthread_t id[64];
    unsigned n = 0;

    while (n < threads && n < 64 && pthread_create(&id[n], NULL, work, b) == 0)
        n++;
    if (n == 0)
        return sg_raise(-EAGAIN);
    while (n)
        pthread_join(id[--n], NULL);
    return b->failure;
}

int audit_folder(const struct authority_files *a, const char *dir, unsigned threads,
                 struct sg_buf *ret_reports, struct folder_result *ret)
{
    struct batch b = {
        .files = a, .dir = dir, .lock = PTHREAD_MUTEX_INITIALIZER, .reports = ret_reports};
    int r = list_bills(&b);

    if (!r)
        r = run_threads(&b, threads);
    if (!r)
        *ret = b.result;
    clear_names(&b.names);
    return r;
}
