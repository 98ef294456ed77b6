/*
 * demo-tamper - what an attacker, a failing disk or a dishonest clerk would do, done to a live
 * deployment, and whether it was seen.
 */
#include "child.h"
#include "demo-args.h"
#include "demo.h"
#include "scrub.h"

#include <fcntl.h>
#include <jansson.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/random.h>
#include <sealgrid/crypto/hash.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#define SAMPLE_CLIENTS 12 /* read after every flip */

/* ---- reads, to compare before and after ---- */

struct sample {
    int64_t client;
    uint8_t digest[32];
};

static int read_client(const struct sg_demo *m, struct sg_http_client *sqld, int64_t client,
                       uint8_t ret[32])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(64 << 20);
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT * FROM reading WHERE client_id = %lld ORDER BY ts",
             (long long)client);
    int r = sg_operator_sql(&m->op, sqld, sql, &body);
    if (r)
        return r < 0 ? r : sg_raisef(-EIO, "reading back: HTTP status %d", r);
    sg_sha256(ret, sg_buf_bytes(&body));
    return 0;
}

static int client_list(const struct sg_demo *m, struct sg_http_client *sqld, struct sample **ret,
                       size_t *ret_n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(64 << 20);
    int r = sg_operator_sql(&m->op, sqld, "SELECT client_id FROM installation", &body);
    if (r)
        return r < 0 ? r : sg_raisef(-EPROTO, "clients: HTTP status %d", r);
    json_t *j = json_loadb((const char *)body.data, body.len, 0, NULL);
    json_t *rows = json_object_get(j, "rows");
    size_t n = json_array_size(rows);
    struct sample *s = calloc(n ? n : 1, sizeof *s);
    for (size_t i = 0; s && i < n; i++)
        s[i].client = (int64_t)json_integer_value(json_array_get(json_array_get(rows, i), 0));
    json_decref(j);
    if (!s || !n) {
        free(s);
        return sg_raisef(-ENODATA, "no clients");
    }
    *ret = s;
    *ret_n = n;
    return 0;
}

/* Digest of every client's rows, to compare with later. */
static int baseline(const struct sg_demo *m, struct sg_http_client *sqld, struct sample *s,
                    size_t n)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = read_client(m, sqld, s[i].client, s[i].digest);
    return r;
}

/* Reads k clients, drawn or (k = n) all, and compares; *ret_wrong counts those that differ or fail.
 */
static void compare(const struct sg_demo *m, struct sg_http_client *sqld, const struct sample *s,
                    size_t n, size_t k, struct sg_prng *rng, size_t *ret_wrong)
{
    for (size_t i = 0; i < k; i++) {
        const struct sample *one = &s[k == n ? i : sg_prng_below(rng, n)];
        uint8_t digest[32];
        if (read_client(m, sqld, one->client, digest)) {
            fprintf(stderr, "        %s\n", sg_error_trace());
            ++*ret_wrong;
        } else if (memcmp(digest, one->digest, sizeof digest) != 0) {
            ++*ret_wrong;
        }
    }
}

/* ---- frames ---- */

static int64_t query_number(const struct sg_demo *m, struct sg_http_client *sqld, const char *sql)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(1 << 20);
    if (sg_operator_sql(&m->op, sqld, sql, &body))
        return -1;
    json_t *j = json_loadb((const char *)body.data, body.len, 0, NULL);
    int64_t v = (int64_t)json_integer_value(
        json_array_get(json_array_get(json_object_get(j, "rows"), 0), 0));
    json_decref(j);
    return v;
}

static int replay(struct sg_demo *m, struct sg_http_client *sqld)
{
    int64_t before = query_number(m, sqld, "SELECT count(*) FROM reading");
    int64_t seen = sg_demo_metric(m, "authd", "sealgrid_authd_replayed_frames_total");
    static struct sg_args a;
    sg_demo_aggregators(&a, m);
    sg_arg(&a, "--replay");
    sg_arg(&a, "%.440s/recorded.frames", m->out);
    json_t *j;
    int r = sg_args_run_json(&a, &j);
    if (r)
        return r;
    int64_t replayed = sg_json_number(j, "replayed");
    json_decref(j);
    int64_t counted = sg_demo_metric(m, "authd", "sealgrid_authd_replayed_frames_total") - seen;
    int64_t after = query_number(m, sqld, "SELECT count(*) FROM reading");
    sg_demo_tampered(m, "replayed_frame",
                     replayed > 0 && counted >= replayed && before == after && before > 0);
    return 0;
}

static int conflict(struct sg_demo *m, struct sg_http_client *sqld)
{
    static struct sg_args a;
    sg_demo_fleet(&a, m);
    sg_arg(&a, "--conflict");
    json_t *j;
    int r = sg_args_run_json(&a, &j);
    if (r)
        return r;
    int64_t client = sg_json_number(j, "client_id"), ts = sg_json_number(j, "ts");
    json_decref(j);
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM reading_conflict WHERE client_id = %lld AND ts = %lld",
             (long long)client, (long long)ts);
    int64_t kept = query_number(m, sqld, sql);
    int64_t all = query_number(m, sqld, "SELECT count(*) FROM reading");
    int64_t counted = sg_demo_metric(m, "authd", "sealgrid_authd_readings_conflict_total");
    sg_demo_tampered(m, "conflicting_reading", kept == 1 && counted >= 1 && all == m->stored);
    return 0;
}

int sg_demo_tamper_frames(struct sg_demo *m)
{
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *sqld = NULL;
    int r = sg_operator_http(&m->op, &m->d, "sqld", &sqld);
    if (r == 0)
        r = replay(m, sqld);
    return r ? r : conflict(m, sqld);
}

/* ---- octets ---- */

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

static int flip(const struct live_file *f, uint64_t at, struct sg_prng *rng)
{
    SG_CLOSE int fd = open(f->path, O_RDWR | O_CLOEXEC);
    uint8_t octet;
    if (fd < 0)
        return sg_raise_errno();
    int r = sg_pread_all(fd, &octet, 1, at);
    if (r)
        return r;
    octet ^= (uint8_t)(1u << sg_prng_below(rng, 8));
    return sg_pwrite_all(fd, SG_BYTES(&octet, 1), at);
}

struct octet_trial {
    struct sg_http_client *sqld, *kvsd;
    struct sample *clients;
    size_t n_clients;
    struct sg_prng rng;
    size_t flips, wrong_reads, unseen, unrepaired;
};

static int one_flip(struct sg_demo *m, struct octet_trial *t)
{
    static const char *const classes[] = {"index", "journal", "manifest", "fragment"};
    struct live_files files = {0};
    int r = list_files(t->kvsd, &files);
    if (r)
        return r;
    uint64_t at;
    const char *class = classes[t->flips % 4];
    const struct live_file *f = draw(&files, class, &t->rng, &at);
    r = f ? flip(f, at, &t->rng) : 0;
    if (r == 0 && f) {
        size_t wrong = 0;
        compare(m, t->sqld, t->clients, t->n_clients, SAMPLE_CLIENTS, &t->rng, &wrong);
        struct sg_scrub_result first, second;
        r = sg_scrub_run(t->kvsd, false, &first, NULL);
        if (r == 0)
            r = sg_scrub_run(t->kvsd, false, &second, NULL);
        if (r == 0) {
            t->wrong_reads += wrong;
            t->unseen += first.damage == 0;
            t->unrepaired += first.lost || second.damage || second.lost;
            if (wrong || !first.damage || second.damage)
                fprintf(stderr,
                        "        %s, octet %llu of %llu: wrong reads %zu, damage %lld then %lld\n",
                        f->path, (unsigned long long)at, (unsigned long long)f->octets, wrong,
                        (long long)first.damage, (long long)second.damage);
        }
    }
    t->flips++;
    free(files.item);
    return r;
}

static int open_trial(struct sg_demo *m, struct octet_trial *t)
{
    int r = sg_operator_http(&m->op, &m->d, "sqld", &t->sqld);
    if (r == 0)
        r = sg_operator_http(&m->op, &m->d, "kvsd", &t->kvsd);
    if (r == 0)
        r = client_list(m, t->sqld, &t->clients, &t->n_clients);
    if (r == 0)
        r = baseline(m, t->sqld, t->clients, t->n_clients);
    sg_prng_seed2(&t->rng, (uint64_t)m->args.seed, 0x7461);
    return r;
}

static void close_trial(struct octet_trial *t)
{
    if (t->sqld)
        sg_http_client_free(t->sqld);
    if (t->kvsd)
        sg_http_client_free(t->kvsd);
    free(t->clients);
}

int sg_demo_tamper_octets(struct sg_demo *m)
{
    struct octet_trial t = {0};
    int r = open_trial(m, &t);
    while (r == 0 && (int64_t)t.flips < m->args.flips) {
        r = one_flip(m, &t);
        fprintf(stderr, "\r        %zu of %lld flips", t.flips, (long long)m->args.flips);
    }
    fprintf(stderr, "\n");
    if (r == 0) {
        compare(m, t.sqld, t.clients, t.n_clients, t.n_clients, &t.rng, &t.wrong_reads);
        sg_demo_tampered(m, "flipped_octets_read_right", t.wrong_reads == 0);
        sg_demo_tampered(m, "flipped_octets_reported", t.unseen == 0);
        sg_demo_tampered(m, "flipped_octets_repaired", t.unrepaired == 0);
    }
    close_trial(&t);
    return r;
}

/* ---- volumes ---- */

static int lose_volume(struct sg_demo *m, struct octet_trial *t, unsigned volume)
{
    char path[SG_PATH_MAX], aside[SG_PATH_MAX];
    snprintf(path, sizeof path, "%.440s/volumes/v%u", m->d.dir, volume);
    snprintf(aside, sizeof aside, "%.440s/lost-volume", m->d.dir);
    if (rename(path, aside))
        return sg_raise_errno();
    int r = sg_service_signal(m->d.dir, "kvsd", SIGKILL);
    /* The probe answers again only when the new process does. */
    if (r == 0)
        nanosleep(&(struct timespec){0, 300000000}, NULL);
    if (r == 0)
        r = sg_deployment_wait(&m->d, 60);
    struct sg_scrub_result first, second;
    if (r == 0)
        compare(m, t->sqld, t->clients, t->n_clients, t->n_clients, &t->rng, &t->wrong_reads);
    if (r == 0)
        r = sg_scrub_run(t->kvsd, true, &first, NULL);
    if (r == 0)
        r = sg_scrub_run(t->kvsd, true, &second, NULL);
    if (r == 0) {
        t->unseen += first.damage == 0;
        t->unrepaired += first.lost || second.damage || second.lost;
        r = sg_remove_tree(aside);
    }
    return r;
}

int sg_demo_tamper_volumes(struct sg_demo *m)
{
    struct octet_trial t = {0};
    int r = open_trial(m, &t);
    for (unsigned v = 0; r == 0 && v < m->d.volumes; v++) {
        r = lose_volume(m, &t, v);
        fprintf(stderr, "\r        %u of %u volumes", v + 1, m->d.volumes);
    }
    fprintf(stderr, "\n");
    if (r == 0) {
        sg_demo_tampered(m, "lost_volume_read_right", t.wrong_reads == 0);
        sg_demo_tampered(m, "lost_volume_reported", t.unseen == 0);
        sg_demo_tampered(m, "lost_volume_rebuilt", t.unrepaired == 0);
    }
    close_trial(&t);
    return r;
}
