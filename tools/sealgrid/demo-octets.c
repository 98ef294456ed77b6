/*
 * demo-octets - live octets of the volumes' files, one at a time, drawn by seed from index,
 * journal, manifest and fragments in turn.
 */
#include "demo-args.h"
#include "demo-reads.h"
#include "scrub.h"

#include <fcntl.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <stdio.h>

#define SAMPLE_CLIENTS 12 /* read while each flip stands; everybody at the end */
#define RNG_STREAM     0x7461

struct live_file {
    char class[16];
    char path[SG_PATH_MAX];
    uint64_t octets;
};

struct live_files {
    struct live_file *item;
    size_t n;
};

static int list_files(struct sg_http_client *kvsd, struct live_files *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(64 << 20);
    int status,
        r = sg_http_call(kvsd, "GET", "/v1/admin/files", NULL, 0, SG_BYTES_NONE, &status, &body);
    if (r)
        return sg_fold(r);
    json_t *j = json_loadb((const char *)body.data, body.len, 0, NULL);
    json_t *files = json_object_get(j, "files");
    size_t n = json_array_size(files);
    struct live_file *f = calloc(n ? n : 1, sizeof *f);
    for (size_t i = 0; f && i < n; i++) {
        const json_t *one = json_array_get(files, i);
        snprintf(f[i].class, sizeof f[i].class, "%s",
                 json_string_value(json_object_get(one, "class")));
        snprintf(f[i].path, sizeof f[i].path, "%s",
                 json_string_value(json_object_get(one, "path")));
        f[i].octets = (uint64_t)sg_json_number(one, "live_bytes");
    }
    json_decref(j);
    if (!f || status != 200 || !n) {
        free(f);
        return sg_raisef(-EPROTO, "live files: HTTP status %d", status);
    }
    *ret = (struct live_files){f, n};
    return 0;
}

/* A file of the class, drawn by size, and an octet in it; NULL if the class has none. */
static const struct live_file *draw(const struct live_files *l, const char *class,
                                    struct sg_prng *rng, uint64_t *ret_at)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < l->n; i++)
        if (!strcmp(l->item[i].class, class))
            sum += l->item[i].octets;
    if (!sum)
        return NULL;
    uint64_t at = sg_prng_below(rng, sum);
    for (size_t i = 0; i < l->n; i++) {
        if (strcmp(l->item[i].class, class) != 0)
            continue;
        if (at < l->item[i].octets) {
            *ret_at = at;
            return &l->item[i];
        }
        at -= l->item[i].octets;
    }
    return NULL;
}

/* Classes take turns; one that has no files leaves its turn to the next. */
static const struct live_file *draw_in_turn(const struct live_files *l, size_t turn,
                                            struct sg_prng *rng, uint64_t *ret_at)
{
    static const char *const classes[] = {"index", "journal", "manifest", "fragment"};
    const struct live_file *f = NULL;
    for (size_t i = 0; !f && i < 4; i++)
        f = draw(l, classes[(turn + i) % 4], rng, ret_at);
    return f;
}

/* A compaction replaced the file since it was listed: the octet is not live, draw another. */
enum { FILE_REPLACED = 1 };

/* 0, FILE_REPLACED, -errno. */
static int flip(const struct live_file *f, uint64_t at, struct sg_prng *rng)
{
    SG_CLOSE int fd = open(f->path, O_RDWR | O_CLOEXEC);
    uint8_t octet;
    if (fd < 0)
        return errno == ENOENT ? FILE_REPLACED : sg_raise_errno();
    int r = sg_pread_all(fd, &octet, 1, at);
    if (r)
        return r;
    octet ^= (uint8_t)(1u << sg_prng_below(rng, 8));
    return sg_pwrite_all(fd, SG_BYTES(&octet, 1), at);
}

struct trial {
    struct sg_demo_reads reads;
    struct sg_http_client *kvsd;
    struct sg_prng rng;
    size_t flips, wrong_reads, unseen, unrepaired;
};

/* Reads while the damage is there, then mends it, then looks again.  0,
 * FILE_REPLACED, -errno. */
static int judge(struct trial *t, const struct live_file *f, uint64_t at)
{
    struct sg_scrub_result first, second;
    size_t wrong = sg_demo_reads_some(&t->reads, SAMPLE_CLIENTS, &t->rng);
    int r = sg_scrub_run(t->kvsd, false, &first, NULL);
    if (r == 0)
        r = sg_scrub_run(t->kvsd, false, &second, NULL);
    if (r)
        return r;
    t->wrong_reads += wrong;
    if (!first.damage && !second.damage && access(f->path, F_OK) < 0)
        return FILE_REPLACED;
    t->flips++;
    t->unseen += first.damage == 0;
    t->unrepaired += first.lost || second.damage || second.lost;
    if (wrong || !first.damage || second.damage)
        fprintf(stderr, "        %s, octet %llu of %llu: wrong reads %zu, damage %lld then %lld\n",
                f->path, (unsigned long long)at, (unsigned long long)f->octets, wrong,
                (long long)first.damage, (long long)second.damage);
    return 0;
}

static int one_flip(struct trial *t)
{
    struct live_files files = {0};
    uint64_t at;
    int r = list_files(t->kvsd, &files);
    if (r)
        return r;
    const struct live_file *f = draw_in_turn(&files, t->flips, &t->rng, &at);
    r = f ? flip(f, at, &t->rng) : sg_raisef(-ENODATA, "no live files");
    if (r == 0)
        r = judge(t, f, at);
    free(files.item);
    return r == FILE_REPLACED ? 0 : r;
}

static int flip_all(struct sg_demo *m, struct trial *t)
{
    int r = sg_demo_reads_new(&t->reads, m);
    if (r == 0)
        r = sg_operator_http(&m->op, &m->d, "kvsd", &t->kvsd);
    sg_prng_seed2(&t->rng, (uint64_t)m->args.seed, RNG_STREAM);
    while (r == 0 && (int64_t)t->flips < m->args.flips) {
        r = one_flip(t);
        sg_demo_progress(t->flips, (uint64_t)m->args.flips, "flips");
    }
    if (r == 0)
        t->wrong_reads += sg_demo_reads_all(&t->reads);
    return r;
}

int sg_demo_tamper_octets(struct sg_demo *m)
{
    struct trial t = {.flips = 0};
    int r = flip_all(m, &t);
    if (r == 0) {
        sg_demo_tampered(m, "flipped_octets_read_right", t.wrong_reads == 0);
        sg_demo_tampered(m, "flipped_octets_reported", t.unseen == 0);
        sg_demo_tampered(m, "flipped_octets_repaired", t.unrepaired == 0);
    }
    sg_demo_reads_clear(&t.reads);
    if (t.kvsd)
        sg_http_client_free(t.kvsd);
    return r;
}
