#include <sealgrid/base/buf.h>
#include <sealgrid/base/file.h>
#include <sealgrid/crypto/hash.h>
#include <sealgrid/tee/store-files.h>

#include <pthread.h>

#include "collateral-int.h"

#define ROOT_FILE_MAX 65536

struct cache {
    struct sg_tee_cache *tee;
    struct cache *next;
};

/* Counted under the collateral's mutex; in place counts as one user. */
struct sg_cas_trust {
    struct sg_tee_store *store;
    struct cache *idle; /* last used first: it knows most */
    unsigned users;
};

struct sg_cas_collateral {
    pthread_mutex_t mutex;
    struct sg_cas_trust *present;
    char **folders, **roots;
    size_t n_folders, n_roots;
    uint8_t stamp[32]; /* of the files of the last load */
};

/* ---- a store and its caches ---- */

static void trust_free(struct sg_cas_trust *t)
{
    if (!t)
        return;
    for (struct cache *c = t->idle, *next; c; c = next) {
        next = c->next;
        sg_tee_cache_free(c->tee);
        free(c);
    }
    sg_tee_store_free(t->store);
    free(t);
}
SG_DEFINE_FREEP(struct sg_cas_trust, trust_free)

/* The mutex is held; what comes back is the caller's to free, outside of it. */
static struct sg_cas_trust *unuse(struct sg_cas_trust *t)
{
    return t && --t->users == 0 ? t : NULL;
}

static void put_in_place(struct sg_cas_collateral *c, struct sg_cas_trust *t)
{
    pthread_mutex_lock(&c->mutex);
    struct sg_cas_trust *old = unuse(c->present);
    c->present = t;
    pthread_mutex_unlock(&c->mutex);
    trust_free(old);
}

/* ---- roots of the configuration ---- */

/* "intel:/path" */
static int root_vendor(const char *text, unsigned *ret, const char **ret_path)
{
    static const struct {
        const char *prefix;
        unsigned vendor;
    } vendors[] = {{"intel:", SG_TEE_VENDOR_INTEL},
                   {"amd:", SG_TEE_VENDOR_AMD},
                   {"aws:", SG_TEE_VENDOR_AWS},
                   {"tpm:", SG_TEE_VENDOR_TPM},
                   {"arm:", SG_TEE_VENDOR_ARM}};
    for (size_t i = 0; i < sizeof vendors / sizeof vendors[0]; i++) {
        size_t n = strlen(vendors[i].prefix);
        if (strncmp(text, vendors[i].prefix, n) == 0 && text[n]) {
            *ret = vendors[i].vendor;
            *ret_path = text + n;
            return 0;
        }
    }
    return sg_raisef(-EINVAL, "root \"%s\": intel, amd, aws, tpm or arm, a colon, a path", text);
}

static bool is_permitted(const struct sg_cas_root_rule *rule, struct sg_bytes file)
{
    uint8_t digest[32];
    sg_sha256(digest, file);
    bool permitted = rule->all;
    for (size_t i = 0; i < rule->n_permitted; i++)
        permitted |= memcmp(rule->permitted[i].digest, digest, sizeof digest) == 0;
    return permitted;
}

static int add_root(struct sg_tee_store *s, const char *text, const struct sg_cas_root_rule *rule,
                    struct sg_cas_collateral_report *report)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(ROOT_FILE_MAX);
    unsigned vendor = 0;
    const char *path = NULL;
    int r = root_vendor(text, &vendor, &path);
    if (r == 0)
        r = sg_file_read(path, &file);
    if (r < 0)
        return r;
    if (!is_permitted(rule, sg_buf_bytes(&file))) {
        if (!report->n_roots_refused++)
            report->root_refused = path;
        return 0;
    }
    report->n_roots_added++;
    r = sg_tee_store_add_root(s, vendor, sg_buf_bytes(&file));
    return r < 0 ? sg_raisef(r, "%s: no root", path) : 0;
}

/* ---- load ---- */

static int stamp(const struct sg_cas_collateral *c, uint8_t ret[32])
{
    return sg_tee_files_stamp((const char *const *)c->folders, c->n_folders, ret);
}

static int fill(const struct sg_cas_collateral *c, const struct sg_cas_root_rule *rule,
                struct sg_tee_store *s, struct sg_cas_collateral_report *report)
{
    int r = 0;
    for (size_t i = 0; i < c->n_roots && r == 0; i++)
        r = add_root(s, c->roots[i], rule, report);
    for (size_t i = 0; i < c->n_folders && r == 0; i++)
        r = sg_tee_store_read(s, c->folders[i], NULL, NULL);
    if (r == 0)
        r = sg_tee_store_seal(s);
    if (r == 0)
        sg_tee_store_count(s, &report->counts);
    return r;
}

/* Marks move before the store is in place. */
static int remember(const struct sg_cas_memory *m, struct sg_tee_store *s,
                    struct sg_cas_collateral_report *report)
{
    SG_CLEANUP(sg_cas_marks_clear) struct sg_cas_marks marks = {0}, kept = {0};
    bool changed = m->epoch > m->marks->epoch;
    int r = changed ? 0 : sg_cas_marks_copy(m->marks, &marks);
    if (changed)
        marks.epoch = m->epoch;
    if (r == 0)
        r = sg_cas_marks_raise(&marks, s, &changed, &report->n_unmarked);
    if (r == 0 && changed)
        r = sg_cas_marks_copy(&marks, &kept);
    if (r == 0 && changed) {
        r = m->keep(m->user, &kept);
        kept = (struct sg_cas_marks){0};
    }
    if (r == 0)
        report->n_superseded = sg_cas_marks_apply(&marks, s, report->superseded);
    return r;
}

int sg_cas_collateral_load(struct sg_cas_collateral *c, const struct sg_cas_root_rule *rule,
                           struct sg_cas_collateral_report *ret)
{
    SG_CLEANUP(trust_freep) struct sg_cas_trust *t = calloc(1, sizeof *t);
    uint8_t before[32]; /* a file that changes meanwhile is read again next time */
    *ret = (struct sg_cas_collateral_report){0};
    if (!t)
        return sg_raise(-ENOMEM);
    int r = stamp(c, before);
    if (r == 0)
        r = sg_tee_store_new(&t->store, true);
    if (r == 0)
        r = fill(c, rule, t->store, ret);
    if (r == 0 && rule->memory)
        r = remember(rule->memory, t->store, ret);
    if (r < 0)
        return r;
    memcpy(c->stamp, before, sizeof before);
    t->users = 1;
    put_in_place(c, TAKE_PTR(t));
    return 0;
}

int sg_cas_collateral_changed(struct sg_cas_collateral *c, bool *ret)
{
    uint8_t now[32];
    int r = stamp(c, now);
    if (r == 0)
        *ret = memcmp(now, c->stamp, sizeof now) != 0;
    return r;
}

void sg_cas_collateral_drop(struct sg_cas_collateral *c)
{
    put_in_place(c, NULL);
    memset(c->stamp, 0, sizeof c->stamp); /* the next look finds a change */
}

/* ---- use ---- */

static struct sg_cas_trust *use_present(struct sg_cas_collateral *c, struct cache **ret)
{
    pthread_mutex_lock(&c->mutex);
    struct sg_cas_trust *t = c->present;
    if (t) {
        t->users++;
        *ret = t->idle;
        if (t->idle)
            t->idle = t->idle->next;
    }
    pthread_mutex_unlock(&c->mutex);
    return t;
}

int sg_cas_collateral_take(struct sg_cas_collateral *c, struct sg_cas_judging *ret)
{
    struct cache *cache = NULL;
    struct sg_tee_cache *tee = NULL;
    struct sg_cas_trust *t = use_present(c, &cache);
    int r = t ? 0 : sg_raisef(-ENODATA, "no collateral is loaded");
    if (r == 0 && cache)
        tee = cache->tee;
    else if (r == 0)
        r = sg_tee_cache_new(&tee, t->store);
    free(cache);
    *ret = (struct sg_cas_judging){t, t ? t->store : NULL, tee};
    if (r < 0)
        sg_cas_collateral_give(c, ret);
    return r;
}

void sg_cas_collateral_give(struct sg_cas_collateral *c, struct sg_cas_judging *j)
{
    if (!j->trust)
        return;
    struct cache *cache = j->cache ? malloc(sizeof *cache) : NULL;
    if (!cache)
        sg_tee_cache_free(j->cache);
    pthread_mutex_lock(&c->mutex);
    if (cache) {
        *cache = (struct cache){j->cache, j->trust->idle};
        j->trust->idle = cache;
    }
    struct sg_cas_trust *old = unuse(j->trust);
    pthread_mutex_unlock(&c->mutex);
    trust_free(old);
    *j = (struct sg_cas_judging){0};
}

int64_t sg_cas_collateral_next_expiry(struct sg_cas_collateral *c, int64_t at_s)
{
    int64_t next = INT64_MAX;
    pthread_mutex_lock(&c->mutex);
    if (c->present)
        next = sg_tee_store_next_expiry(c->present->store, at_s);
    pthread_mutex_unlock(&c->mutex);
    return next;
}

/* ---- life ---- */

static void free_list(char **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(list[i]);
    free(list);
}

static int copy_list(char ***ret, size_t *ret_n, const char *const *from, size_t n)
{
    *ret = calloc(n + 1, sizeof **ret);
    if (!*ret)
        return sg_raise(-ENOMEM);
    for (; *ret_n < n; ++*ret_n) {
        (*ret)[*ret_n] = strdup(from[*ret_n]);
        if (!(*ret)[*ret_n])
            return sg_raise(-ENOMEM);
    }
    return 0;
}

int sg_cas_collateral_new(struct sg_cas_collateral **ret, const struct sg_cas_collateral_options *o)
{
    SG_CLEANUP(sg_cas_collateral_freep) struct sg_cas_collateral *c = calloc(1, sizeof *c);
    if (!c)
        return sg_raise(-ENOMEM);
    pthread_mutex_init(&c->mutex, NULL);
    int r = copy_list(&c->folders, &c->n_folders, o->folders, o->n_folders);
    if (r == 0)
        r = copy_list(&c->roots, &c->n_roots, o->roots, o->n_roots);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(c);
    return 0;
}

void sg_cas_collateral_free(struct sg_cas_collateral *c)
{
    if (!c)
        return;
    trust_free(unuse(c->present));
    free_list(c->folders, c->n_folders);
    free_list(c->roots, c->n_roots);
    pthread_mutex_destroy(&c->mutex);
    free(c);
}
