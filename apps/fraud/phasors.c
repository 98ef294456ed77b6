#include "phasors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sealgrid/base/buf.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/grow.h>
#include <sealgrid/meter/gz.h>

#include "csv.h"

#define LINE_MAX_BYTES 4096
#define CHUNK_BYTES    ((size_t)1 << 18)
#define VALUE_MAX      1e10
#define CUSTOMERS_MAX  50000000u

/* C(ID, "name"): columns with a number each. */
#define COLUMNS(C)                                                                                 \
    C(V1, "v1")                                                                                    \
    C(V2, "v2")                                                                                    \
    C(V3, "v3")                                                                                    \
    C(I1, "i1")                                                                                    \
    C(I2, "i2")                                                                                    \
    C(I3, "i3")                                                                                    \
    C(P1, "p1")                                                                                    \
    C(P2, "p2")                                                                                    \
    C(P3, "p3")                                                                                    \
    C(Q1, "q1")                                                                                    \
    C(Q2, "q2")                                                                                    \
    C(Q3, "q3")                                                                                    \
    C(PF1, "pf1")                                                                                  \
    C(PF2, "pf2")                                                                                  \
    C(PF3, "pf3")                                                                                  \
    C(P, "p")                                                                                      \
    C(IN, "in")                                                                                    \
    C(VAB, "vab")                                                                                  \
    C(VBC, "vbc")                                                                                  \
    C(HZ, "hz")                                                                                    \
    C(CELSIUS, "celsius")                                                                          \
    C(WH, "wh")                                                                                    \
    C(CHECK_WH, "check_wh")                                                                        \
    C(EVENTS, "events")                                                                            \
    C(RATIO, "ratio")
enum {
#define C(id, name) COLUMN_##id,
    COLUMNS(C)
#undef C
        N_COLUMNS
};
static const char *const column_names[N_COLUMNS] = {
#define C(id, name) name,
    COLUMNS(C)
#undef C
};

struct reader {
    struct phasors out;
    const struct sg_phasor_config *config;
    const struct sg_tz *zone; /* or NULL */
    struct sg_phasor *phasor;
    int customer, time, wiring, column[N_COLUMNS]; /* places; -1: not there */
    char id[SG_FRAUD_ID_MAX + 1];                  /* whose lines these are; "": nobody's yet */
    uint64_t line;
    char *why;
};

static int refuse(struct reader *in, const char *what, const char *why)
{
    snprintf(in->why, PHASORS_WHY_MAX, "line %llu: %s: %s", (unsigned long long)in->line, what,
             why);
    return PHASORS_BAD;
}

/* ---- header --------------------------------------------------------------------------------- */

static int *place_of(struct reader *in, struct sg_bytes name)
{
    if (csv_is(name, "customer") || csv_is(name, "client"))
        return &in->customer;
    if (csv_is(name, "time"))
        return &in->time;
    if (csv_is(name, "wiring"))
        return &in->wiring;
    for (int c = 0; c < N_COLUMNS; c++)
        if (csv_is(name, column_names[c]))
            return &in->column[c];
    return NULL;
}

static int take_header(struct reader *in, struct sg_bytes line)
{
    struct sg_bytes field[CSV_COLUMNS_MAX];
    const size_t n = csv_split(line, field);
    char number[32];
    in->customer = in->time = in->wiring = -1;
    for (int c = 0; c < N_COLUMNS; c++)
        in->column[c] = -1;
    for (size_t i = 0; i < n; i++) {
        int *place = place_of(in, field[i]);
        snprintf(number, sizeof(number), "column %zu", i + 1);
        if (!place)
            return refuse(in, number, "no column of phasors has that name");
        if (*place >= 0)
            return refuse(in, number, "is there twice");
        *place = (int)i;
    }
    if (in->customer < 0 || in->time < 0 || n < 3)
        return refuse(in, "header", "customer, time and quantities are wanted");
    return 0;
}

/* ---- customers ------------------------------------------------------------------------------ */

static int end_customer(struct reader *in)
{
    struct phasors_entry e = {.id = ""};
    if (!in->id[0])
        return 0;
    memcpy(e.id, in->id, sizeof(e.id));
    int r = sg_phasor_finish(in->phasor, &e.summary);
    if (r < 0)
        return r;
    r = sg_grow(&in->out.list, &in->out.room, in->out.n, CUSTOMERS_MAX);
    if (r == 0)
        in->out.list[in->out.n++] = e;
    return r;
}

static int begin_customer(struct reader *in, const struct sg_bytes *field, size_t n, int64_t ts_s)
{
    const struct sg_bytes id = csv_at(field, n, in->customer),
                          wiring = csv_at(field, n, in->wiring),
                          ratio = csv_at(field, n, in->column[COLUMN_RATIO]);
    struct sg_phasor_config c = *in->config;
    int r = end_customer(in);
    if (r)
        return r;
    memset(in->id, 0, sizeof(in->id));
    memcpy(in->id, id.data, id.len);
    if (in->zone)
        c.east_s = sg_tz_at(in->zone, ts_s).east_s;
    if (csv_is(wiring, "aron"))
        c.wiring = SG_PHASOR_ARON;
    else if (wiring.len && !csv_is(wiring, "star"))
        return refuse(in, "wiring", "star or aron");
    if (ratio.len && (!csv_number(ratio, &c.ratio) || c.ratio < 1 || c.ratio > 1e6))
        return refuse(in, "ratio", "not a number from 1 to 1000000");
    return sg_phasor_start(in->phasor, &c);
}

/* ---- one line ------------------------------------------------------------------------------- */

static bool take_time(struct sg_bytes field, int64_t *ret)
{
    char text[40];
    double seconds;
    if (csv_number(field, &seconds)) {
        if (seconds < 0 || seconds > 253402300799.0 || seconds != floor(seconds))
            return false;
        *ret = (int64_t)seconds;
        return true;
    }
    if (field.len == 0 || field.len >= sizeof(text))
        return false;
    memcpy(text, field.data, field.len);
    text[field.len] = 0;
    return strlen(text) == field.len && sg_time_parse(text, ret) == 0;
}

static bool take_value(struct sg_bytes field, double *ret)
{
    *ret = NAN;
    if (field.len == 0 || csv_is(field, "NA") || csv_is(field, "NaN"))
        return true;
    return csv_number(field, ret) && fabs(*ret) <= VALUE_MAX;
}

/* Power factor in place of reactive, or of both powers; without a sign of its own the current is
 * taken to lag. */
static void use_factor(struct sg_phasor_sample *s, int k, double factor)
{
    const double vi = s->v[k] * s->i[k];
    if (isnan(s->p[k]))
        s->p[k] = vi * factor;
    if (isnan(s->q[k]) && !isnan(factor))
        s->q[k] = sqrt(fmax(vi * vi - s->p[k] * s->p[k], 0));
}

static void make_sample(const double x[N_COLUMNS], struct sg_phasor_sample *ret)
{
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++) {
        ret->v[k] = x[COLUMN_V1 + k];
        ret->i[k] = x[COLUMN_I1 + k];
        ret->p[k] = x[COLUMN_P1 + k];
        ret->q[k] = x[COLUMN_Q1 + k];
        use_factor(ret, k, x[COLUMN_PF1 + k]);
    }
    ret->p_total = x[COLUMN_P];
    ret->neutral = x[COLUMN_IN];
    ret->v_angle[0] = x[COLUMN_VAB];
    ret->v_angle[1] = x[COLUMN_VBC];
    ret->frequency = x[COLUMN_HZ];
    ret->temperature = x[COLUMN_CELSIUS];
    ret->energy_wh = x[COLUMN_WH];
    ret->check_wh = x[COLUMN_CHECK_WH];
    ret->events = x[COLUMN_EVENTS] > 0 ? (uint32_t)x[COLUMN_EVENTS] : 0;
}

static int take_values(struct reader *in, const struct sg_bytes *field, size_t n,
                       struct sg_phasor_sample *ret)
{
    double x[N_COLUMNS];
    for (int c = 0; c < N_COLUMNS; c++)
        if (!take_value(csv_at(field, n, in->column[c]), &x[c]))
            return refuse(in, column_names[c], "not a number within 10^10");
    const double events = x[COLUMN_EVENTS];
    if (events < 0 || events > SG_PHASOR_EVENTS_ALL || events != floor(events)) {
        if (!isnan(events))
            return refuse(in, "events", "not a whole number from 0 to 31");
    }
    sg_phasor_sample_clear(ret);
    make_sample(x, ret);
    return 0;
}

static int take_row(struct reader *in, struct sg_bytes line)
{
    struct sg_bytes field[CSV_COLUMNS_MAX];
    struct sg_phasor_sample sample;
    const size_t n = csv_split(line, field);
    const struct sg_bytes id = csv_at(field, n, in->customer);
    if (!csv_is_name(id))
        return refuse(in, "customer", "1 to 63 octets without quotes");
    int r = take_values(in, field, n, &sample);
    if (r == 0 && !take_time(csv_at(field, n, in->time), &sample.ts_s))
        return refuse(in, "time", "neither like 2026-09-01T03:15:00Z nor unix seconds");
    if (r == 0 && (id.len != strlen(in->id) || memcmp(id.data, in->id, id.len) != 0))
        r = begin_customer(in, field, n, sample.ts_s);
    if (r)
        return r;
    if (sg_phasor_add(in->phasor, &sample))
        return refuse(in, "time", "not after the line before");
    in->out.intervals++;
    return 0;
}

static int take_line(struct reader *in, struct sg_bytes line)
{
    in->line++;
    if (line.len > LINE_MAX_BYTES)
        return refuse(in, "line", "longer than 4096 octets");
    if (in->line == 1)
        return take_header(in, csv_text(line));
    return line.len ? take_row(in, line) : 0;
}

/* ---- file ----------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct phasors_entry *)a)->id, ((const struct phasors_entry *)b)->id);
}

static int finish(struct reader *in, struct phasors *ret)
{
    if (in->line == 0)
        return refuse(in, "file", "empty");
    int r = end_customer(in);
    if (r)
        return r;
    if (in->out.n)
        qsort(in->out.list, in->out.n, sizeof(*in->out.list), by_id);
    for (size_t i = 1; i < in->out.n; i++)
        if (by_id(&in->out.list[i - 1], &in->out.list[i]) == 0) {
            snprintf(in->why, PHASORS_WHY_MAX, "customer %s: its lines lie apart",
                     in->out.list[i].id);
            return PHASORS_BAD;
        }
    *ret = in->out;
    in->out = (struct phasors){.list = NULL};
    return 0;
}

static int reader_init(struct reader *in, const struct sg_phasor_config *config,
                       const struct sg_tz *zone, char *why)
{
    *in = (struct reader){.config = config, .zone = zone, .why = why};
    why[0] = 0;
    return sg_phasor_new(&in->phasor);
}

static void reader_clear(struct reader *in)
{
    sg_phasor_free(in->phasor);
    phasors_clear(&in->out);
}

int phasors_parse(struct phasors *ret, struct sg_bytes text, const struct sg_phasor_config *config,
                  const struct sg_tz *zone, char why[PHASORS_WHY_MAX])
{
    SG_CLEANUP(reader_clear) struct reader in;
    struct sg_bytes line;
    int r = reader_init(&in, config, zone, why);
    while (r == 0 && csv_line(&text, &line))
        r = take_line(&in, line);
    return r ? r : finish(&in, ret);
}

/* Whole lines of what was read; the rest moves to the front. */
static int take_lines(struct reader *in, char *text, size_t *n, bool last)
{
    const char *end = memrchr(text, '\n', *n);
    const size_t whole = last ? *n : end ? (size_t)(end - text) + 1 : 0;
    struct sg_bytes lines = SG_BYTES((const uint8_t *)text, whole), line;
    int r = 0;
    if (whole == 0 && *n > LINE_MAX_BYTES) {
        in->line++;
        return refuse(in, "line", "longer than 4096 octets");
    }
    while (r == 0 && csv_line(&lines, &line))
        r = take_line(in, line);
    memmove(text, text + whole, *n - whole);
    *n -= whole;
    return r;
}

static int read_lines(struct reader *in, struct sg_gz *gz, char *text)
{
    size_t n = 0, got = 1;
    int r = 0;
    while (r == 0 && got) {
        r = sg_gz_read(gz, text + n, CHUNK_BYTES - n, &got);
        if (r)
            return r;
        n += got;
        r = take_lines(in, text, &n, got == 0);
    }
    return r;
}

int phasors_read(struct phasors *ret, const char *path, const struct sg_phasor_config *config,
                 const struct sg_tz *zone, char why[PHASORS_WHY_MAX])
{
    SG_CLEANUP(reader_clear) struct reader in;
    SG_CLEANUP(sg_gz_closep) struct sg_gz *gz = NULL;
    char *text = malloc(CHUNK_BYTES);
    int r = reader_init(&in, config, zone, why);
    if (r == 0)
        r = text ? sg_gz_open(&gz, path) : sg_raise(-ENOMEM);
    if (r == 0)
        r = read_lines(&in, gz, text);
    free(text);
    return r ? r : finish(&in, ret);
}

void phasors_clear(struct phasors *p)
{
    free(p->list);
    *p = (struct phasors){.list = NULL};
}

const struct sg_phasor_summary *phasors_find(const struct phasors *p, const char *id)
{
    struct phasors_entry key;
    if (p->n == 0 || strlen(id) > SG_FRAUD_ID_MAX)
        return NULL;
    strcpy(key.id, id);
    const struct phasors_entry *e = bsearch(&key, p->list, p->n, sizeof(*p->list), by_id);
    return e && e->summary.days_recent ? &e->summary : NULL;
}
