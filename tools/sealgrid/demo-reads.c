#include "demo-reads.h"

#include <jansson.h>
#include <pthread.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/crypto/hash.h>
#include <stdio.h>

#define THREADS    2
#define ANSWER_MAX (64u << 20)

static int read_client(const struct sg_demo *m, struct sg_http_client *sqld, int64_t client,
                       uint8_t ret[32])
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(ANSWER_MAX);
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT * FROM reading WHERE client_id = %lld ORDER BY ts",
             (long long)client);
    int r = sg_operator_sql(&m->op, sqld, sql, &body);
    if (r)
        return r < 0 ? r : sg_raisef(-EIO, "reading back: HTTP status %d", r);
    sg_sha256(ret, sg_buf_bytes(&body));
    return 0;
}

static int list_clients(struct sg_demo_reads *reads)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(ANSWER_MAX);
    int r =
        sg_operator_sql(&reads->m->op, reads->sqld, "SELECT client_id FROM installation", &body);
    if (r)
        return r < 0 ? r : sg_raisef(-EPROTO, "clients: HTTP status %d", r);
    json_t *j = json_loadb((const char *)body.data, body.len, 0, NULL);
    json_t *rows = json_object_get(j, "rows");
    size_t n = json_array_size(rows);
    reads->clients = calloc(n ? n : 1, sizeof *reads->clients);
    for (size_t i = 0; reads->clients && i < n; i++)
        reads->clients[i].number =
            (int64_t)json_integer_value(json_array_get(json_array_get(rows, i), 0));
    json_decref(j);
    reads->n = n;
    return reads->clients && n ? 0 : sg_raisef(-ENODATA, "no clients");
}

/* One thread's share of all clients: every THREADS-th. */
struct share {
    const struct sg_demo_reads *reads;
    unsigned first;
    bool compare; /* else: remember */
    size_t wrong;
};

static void read_one(struct share *s, struct sg_http_client *sqld, struct sg_demo_client *c)
{
    uint8_t digest[32];
    if (read_client(s->reads->m, sqld, c->number, digest)) {
        fprintf(stderr, "        %s\n", sg_error_trace());
        s->wrong++;
    } else if (!s->compare) {
        memcpy(c->digest, digest, sizeof digest);
    } else if (memcmp(digest, c->digest, sizeof digest) != 0) {
        s->wrong++;
    }
}

static void *read_share(void *user)
{
    struct share *s = user;
    SG_CLEANUP(sg_http_client_freep) struct sg_http_client *sqld = NULL;
    if (sg_operator_http(&s->reads->m->op, &s->reads->m->d, "sqld", &sqld)) {
        s->wrong = s->reads->n;
        return NULL;
    }
    for (size_t i = s->first; i < s->reads->n; i += THREADS)
        read_one(s, sqld, &s->reads->clients[i]);
    return NULL;
}

static size_t read_all(const struct sg_demo_reads *reads, bool compare)
{
    struct share share[THREADS];
    pthread_t thread[THREADS];
    bool started[THREADS];
    size_t wrong = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        share[i] = (struct share){reads, i, compare, 0};
        started[i] = pthread_create(&thread[i], NULL, read_share, &share[i]) == 0;
        if (!started[i])
            read_share(&share[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        if (started[i])
            pthread_join(thread[i], NULL);
        wrong += share[i].wrong;
    }
    return wrong;
}

int sg_demo_reads_new(struct sg_demo_reads *ret, const struct sg_demo *m)
{
    struct sg_demo_reads reads = {.m = m};
    int r = sg_operator_http(&m->op, &m->d, "sqld", &reads.sqld);
    if (r == 0)
        r = list_clients(&reads);
    if (r == 0 && read_all(&reads, false))
        r = sg_raisef(-EIO, "not every client could be read");
    if (r)
        sg_demo_reads_clear(&reads);
    else
        *ret = reads;
    return r;
}

void sg_demo_reads_clear(struct sg_demo_reads *r)
{
    if (r->sqld)
        sg_http_client_free(r->sqld);
    free(r->clients);
    *r = (struct sg_demo_reads){.n = 0};
}

size_t sg_demo_reads_some(const struct sg_demo_reads *r, size_t k, struct sg_prng *rng)
{
    struct share s = {.reads = r, .compare = true};
    for (size_t i = 0; i < k; i++)
        read_one(&s, r->sqld, &r->clients[sg_prng_below(rng, r->n)]);
    return s.wrong;
}

size_t sg_demo_reads_all(const struct sg_demo_reads *r)
{
    return read_all(r, true);
}

int64_t sg_demo_query(const struct sg_demo *m, struct sg_http_client *sqld, const char *sql)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf body = SG_BUF_INIT(1 << 20);
    if (sg_operator_sql(&m->op, sqld, sql, &body))
        return -1;
    json_t *j = json_loadb((const char *)body.data, body.len, 0, NULL);
    const json_t *v = json_array_get(json_array_get(json_object_get(j, "rows"), 0), 0);
    int64_t number = json_is_integer(v) ? (int64_t)json_integer_value(v) : -1;
    json_decref(j);
    return number;
}
