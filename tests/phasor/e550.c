#include "e550.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sealgrid/base/buf.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/meter/gz.h>

#define TEXT_MAX ((size_t)64 << 20)
#define COLUMNS  18

static int read_all(const char *path, struct sg_buf *text)
{
    SG_CLEANUP(sg_gz_closep) struct sg_gz *gz = NULL;
    char chunk[65536];
    size_t n = 1;
    int r = sg_gz_open(&gz, path);
    while (r == 0 && n) {
        r = sg_gz_read(gz, chunk, sizeof(chunk), &n);
        if (r == 0 && n)
            r = sg_buf_append(text, (struct sg_bytes){(const uint8_t *)chunk, n});
    }
    return r ? r : sg_buf_append(text, (struct sg_bytes){(const uint8_t *)"", 1});
}

/* "05/06/24 08:57:11,serial,va,vb,vc,ia,ib,ic,pa,pb,pc,p,qa,qb,qc,q,hz,celsius" */
static bool parse(const char *line, struct e550_row *ret)
{
    unsigned day, month, year, h, m, s;
    double x[COLUMNS];
    int at = 0;
    if (sscanf(line, "%2u/%2u/%2u %2u:%2u:%2u%n", &day, &month, &year, &h, &m, &s, &at) != 6)
        return false;
    for (int i = 1; i < COLUMNS; i++) {
        char *end;
        if (line[at] != ',')
            return false;
        x[i] = strtod(line + at + 1, &end);
        at = (int)(end - line);
    }
    ret->ts_s = sg_days_from_civil(2000 + (int)year, month, day) * 86400 + h * 3600 + m * 60 + s;
    for (int k = 0; k < 3; k++) {
        ret->v[k] = x[2 + k];
        ret->i[k] = x[5 + k];
        ret->p[k] = x[8 + k];
        ret->q[k] = x[12 + k];
    }
    ret->total = x[11];
    ret->frequency = x[16];
    ret->temperature = x[17];
    return true;
}

static const struct e550_log *sorting;

static int by_total(const void *a, const void *b)
{
    const double x = sorting->rows[*(const size_t *)a].total,
                 y = sorting->rows[*(const size_t *)b].total;
    return x < y ? -1 : x > y;
}

static int index_rows(struct e550_log *l)
{
    l->by_power = calloc(l->n + 1, sizeof(*l->by_power));
    if (!l->by_power)
        return sg_raise(-ENOMEM);
    for (size_t j = 0; j < l->n; j++)
        l->by_power[j] = j;
    sorting = l;
    qsort(l->by_power, l->n, sizeof(*l->by_power), by_total);
    return 0;
}

int e550_read(struct e550_log *ret, const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(TEXT_MAX);
    SG_CLEANUP(e550_clear) struct e550_log l = {.n = 0};
    char *save, *line;
    int r = read_all(path, &text);
    if (r)
        return r;
    l.rows = calloc(text.len / 32 + 1, sizeof(*l.rows));
    if (!l.rows)
        return sg_raise(-ENOMEM);
    line = strtok_r((char *)text.data, "\r\n", &save); /* the header */
    while ((line = strtok_r(NULL, "\r\n", &save))) {
        if (!parse(line, &l.rows[l.n]))
            return sg_raisef(-EBADMSG, "%s: row %zu", path, l.n + 2);
        l.n += l.n == 0 || l.rows[l.n].ts_s > l.rows[l.n - 1].ts_s;
    }
    r = index_rows(&l);
    if (r)
        return r;
    *ret = l;
    l = (struct e550_log){.n = 0};
    return 0;
}

void e550_clear(struct e550_log *l)
{
    free(l->rows);
    free(l->by_power);
    *l = (struct e550_log){.n = 0};
}

/* ---- customers ------------------------------------------------------------------------------ */

static double between(struct sg_prng *p, double lo, double hi)
{
    return lo + (hi - lo) * sg_prng_unit(p);
}

void e550_draw(struct e550_customer *c, const struct e550_log *log, uint64_t seed, uint32_t index)
{
    *c = (struct e550_customer){.log = log};
    sg_prng_seed2(&c->prng, seed, UINT64_C(0x65353530) << 32 | index);
    c->turn = (unsigned)sg_prng_below(&c->prng, 6);
    c->scale = between(&c->prng, 0.7, 1.2); /* 69 A at most */
    c->base = between(&c->prng, 0.02, 0.3);
    c->peak = between(&c->prng, 0.5, 0.9);
    c->open = between(&c->prng, 6, 10);
    c->close = between(&c->prng, 16, 22);
    c->weekend = between(&c->prng, 0.4, 1);
}

void e550_sample(const struct e550_log *log, size_t j, unsigned turn, struct sg_phasor_sample *ret)
{
    static const uint8_t order[6][3] = {{0, 1, 2}, {1, 2, 0}, {2, 0, 1},
                                        {0, 2, 1}, {2, 1, 0}, {1, 0, 2}};
    const struct e550_row *row = &log->rows[j];
    sg_phasor_sample_clear(ret);
    ret->ts_s = row->ts_s;
    for (int k = 0; k < 3; k++) {
        const int from = order[turn][k];
        ret->v[k] = row->v[from];
        ret->i[k] = row->i[from];
        ret->p[k] = row->p[from];
        ret->q[k] = row->q[from];
    }
    ret->frequency = row->frequency;
    ret->temperature = row->temperature;
}

void e550_next(struct e550_customer *c, uint32_t d, uint32_t k, struct sg_phasor_sample *ret)
{
    const double hour = k / 4.0;
    if (k == 0)
        c->day = 0.4 * c->day + 0.08 * sg_prng_normal(&c->prng);
    c->wander = 0.8 * c->wander + 0.08 * sg_prng_normal(&c->prng);
    double rank =
        hour >= c->open && hour < c->close ? c->peak * (d % 7 >= 5 ? c->weekend : 1) : c->base;
    rank = fmin(fmax(rank + c->day + c->wander, 0), 0.98) + 0.02 * sg_prng_unit(&c->prng);
    e550_sample(c->log, c->log->by_power[(size_t)(rank * (double)c->log->n)], c->turn, ret);
    ret->ts_s = INT64_C(1767236400) + ((int64_t)d * 96 + k + 1) * 900;
    for (int i = 0; i < 3; i++) {
        ret->i[i] *= c->scale;
        ret->p[i] *= c->scale;
        ret->q[i] *= c->scale;
    }
}
