/*
 * source-store - customers' days out of the readings of the store, one client's partition at a
 * time.  Reading them costs far more than scoring: what a second pass wants again stays in memory,
 * up to a limit, so that memory does not grow with the fleet.
 */
#include "context-store.h"
#include "source-int.h"
#include "source-phasor.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/meter/rows.h>
#include <sealgrid/meter/tables.h>

#define INSTALLS_MAX 64
#define RATIO_MAX    1e6 /* as in a file of phasors */
#define DAY_S        86400

struct install {
    int64_t from_s, until_s;
    double ratio;
};

/* What a scan fills.  Intervals of one local day at a time: ends after midnight, and energy; NAN:
 * not told, or no meter was installed. */
struct filling {
    const struct source_store *o;
    struct install install[INSTALLS_MAX]; /* the latest of n_installs, in a ring */
    size_t n_installs;
    struct sg_fraud_days *days;
    struct source_notes *notes;
    struct sg_phasor *phasor; /* NULL: energy alone */
    struct context_meter meter;
    int32_t first_day, last_day; /* with a reading; first > last: none */
    uint32_t complete;
    int64_t begin_s, end_s; /* of the day at hand */
    int32_t day;
    uint32_t n; /* its intervals; above SG_FRAUD_POINTS_MAX: not a day of ours */
    int32_t after_s[SG_FRAUD_POINTS_MAX];
    float kwh[SG_FRAUD_POINTS_MAX];
};

/* A client's days as they were read; written by the thread that read them, in the first pass. */
struct kept {
    struct sg_fraud_days days;
    struct source_notes notes;
};

struct store {
    struct source base;
    struct source_store o;
    _Atomic size_t next;
    struct kept **kept; /* by client, NULL those that are not; NULL: nothing is kept */
    _Atomic uint64_t kept_bytes;
};

/* ---- days of the calendar ------------------------------------------------------------------ */

static int64_t midnight(const struct source_store *o, int32_t day)
{
    int year;
    unsigned month, of_month;
    if (!o->tz)
        return (int64_t)day * DAY_S - o->east_s;
    sg_civil_from_days(day, &year, &month, &of_month);
    return sg_tz_midnight(o->tz, year, month, of_month);
}

static int32_t local_day(const struct source_store *o, int64_t unix_s)
{
    const int64_t local = unix_s + (o->tz ? sg_tz_at(o->tz, unix_s).east_s : o->east_s);
    return (int32_t)(local / DAY_S - (local % DAY_S < 0));
}

/* ---- one day ------------------------------------------------------------------------------- */

/* Length of the day's intervals: the least distance between two ends, on whose grid all lie.  0:
 * there is none, or it is no part of a point.  A day that lacks every other interval would look
 * like one of longer ones; so much is missing of it that its level tells. */
static int32_t step_of(const struct filling *f)
{
    const int32_t points = (int32_t)f->o->points;
    int32_t step = f->after_s[0];
    if (f->n > SG_FRAUD_POINTS_MAX || f->end_s - f->begin_s != DAY_S)
        return 0;
    for (uint32_t i = 1; i < f->n; i++)
        step = f->after_s[i] - f->after_s[i - 1] < step ? f->after_s[i] - f->after_s[i - 1] : step;
    for (uint32_t i = 0; i < f->n; i++)
        if (step <= 0 || f->after_s[i] % step)
            return 0;
    return DAY_S % step || DAY_S / step % points || DAY_S / step > SG_FRAUD_POINTS_MAX ? 0 : step;
}

/* Energy by point; a point of which more than a quarter is missing is NAN, of any other what is
 * there stands for the rest.  Returns the number of intervals missing. */
static uint32_t fill_points(const struct filling *f, int32_t step, float load[SG_FRAUD_POINTS_MAX])
{
    const uint32_t points = f->o->points, each = (uint32_t)(DAY_S / step) / points;
    uint32_t there[SG_FRAUD_POINTS_MAX] = {0}, n = 0;
    memset(load, 0, points * sizeof(*load));
    for (uint32_t i = 0; i < f->n; i++) {
        const uint32_t point = (uint32_t)(f->after_s[i] / step - 1) / each;
        if (isnan(f->kwh[i]))
            continue;
        load[point] += f->kwh[i];
        there[point]++;
        n++;
    }
    for (uint32_t k = 0; k < points; k++)
        if (4 * (each - there[k]) > each)
            load[k] = NAN;
        else if (there[k] < each)
            load[k] *= (float)each / (float)there[k];
    return points * each - n;
}

/* More than any meter's, or too much missing: whoever writes such rows spoils that day, not
 * everybody's ranking. */
static int end_day(struct filling *f)
{
    float load[SG_FRAUD_POINTS_MAX];
    const int32_t step = f->n ? step_of(f) : 0;
    /* 1970-01-01 was a Thursday. */
    const uint8_t weekday = (uint8_t)(((f->day + 3) % 7 + 7) % 7);
    if (f->n == 0)
        return 0;
    if (step == 0)
        return sg_fraud_days_lose(f->days, f->day, SG_FRAUD_ALL_HOURS);
    const uint32_t missing = fill_points(f, step, load);
    int r = sg_fraud_days_add_part(f->days, f->day, weekday, load, NULL);
    if (r == SG_FRAUD_DAYS_BAD_LOAD)
        return sg_fraud_days_lose(f->days, f->day, SG_FRAUD_ALL_HOURS);
    if (r == SG_FRAUD_DAYS_GAPS)
        return sg_fraud_days_lose(f->days, f->day, sg_fraud_missing_hours(load, f->o->points));
    if (r)
        return sg_fold(r);
    sg_fraud_days_note_missing(f->days, missing);
    f->complete++;
    return 0;
}

static void begin_day(struct filling *f, int32_t day)
{
    f->day = day;
    f->begin_s = midnight(f->o, day);
    f->end_s = midnight(f->o, day + 1);
    f->n = 0;
    if (f->first_day > f->last_day)
        f->first_day = day;
    f->last_day = day;
}

/* What the client drew; what it fed in is another register's business. */
static float energy_of(const struct filling *f, int64_t ts_s, int64_t wh)
{
    const size_t n = f->n_installs < INSTALLS_MAX ? f->n_installs : INSTALLS_MAX;
    for (size_t i = 0; i < n && wh != SG_READING_NA; i++)
        if (ts_s > f->install[i].from_s && ts_s <= f->install[i].until_s)
            return (float)((double)(wh > 0 ? wh : 0) * f->install[i].ratio / 1000);
    return NAN;
}

/* ---- rows ---------------------------------------------------------------------------------- */

/* A row that cannot be read costs its owner what it would have told, not everybody the ranking. */
static int pass_over(struct filling *f)
{
    f->notes->bad_rows++;
    return 0;
}

static int take_energy(struct filling *f, int64_t ts_s, int64_t wh)
{
    int r = 0;
    f->notes->readings++;
    if (f->first_day > f->last_day || ts_s > f->end_s) {
        r = end_day(f);
        begin_day(f, local_day(f->o, ts_s - 1));
    }
    if (f->n < SG_FRAUD_POINTS_MAX) {
        f->after_s[f->n] = (int32_t)(ts_s - f->begin_s);
        f->kwh[f->n] = energy_of(f, ts_s, wh);
    }
    f->n++;
    return r;
}

static int take_reading(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                        struct sg_bytes value)
{
    int64_t ts_s, wh;
    int r = sg_row_reading_take(sort, value, &ts_s, &wh);
    (void)partition;
    return r ? pass_over(ctx) : take_energy(ctx, ts_s, wh);
}

static int take_fields(struct filling *f, int64_t ts_s, const int64_t field[SOURCE_PHASOR_N_FIELDS])
{
    struct sg_phasor_sample sample;
    source_phasor_sample(ts_s, field, &sample);
    f->notes->has_phasors |= field[SOURCE_PHASOR_voltage_a] != SG_READING_NA;
    f->notes->bad_rows += sg_phasor_add(f->phasor, &sample) != 0;
    return take_energy(f, ts_s, field[SOURCE_PHASOR_interval_energy]);
}

/* The same, and what the meter saw at the interval's end. */
static int take_phasors(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                        struct sg_bytes value)
{
    int64_t ts_s, field[SOURCE_PHASOR_N_FIELDS];
    int r = sg_row_reading_take_all(sort, value, &ts_s, field, SOURCE_PHASOR_N_FIELDS);
    (void)partition;
    return r ? pass_over(ctx) : take_fields(ctx, ts_s, field);
}

/* Either, of a whole row. */
static int take_whole(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                      struct sg_bytes value)
{
    struct filling *f = ctx;
    struct sg_row_reading row;
    (void)partition;
    if (sg_row_reading_decode(sort, value, &row))
        return pass_over(f);
#define F(name) row.reading.field[SG_READING_##name],
    const int64_t field[SOURCE_PHASOR_N_FIELDS] = {SOURCE_PHASOR_FIELDS(F)};
#undef F
    return f->phasor ? take_fields(f, row.reading.ts_s, field)
                     : take_energy(f, row.reading.ts_s, field[SOURCE_PHASOR_interval_energy]);
}

static int take_install(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                        struct sg_bytes value)
{
    struct filling *f = ctx;
    struct sg_row_installation row;
    int r = sg_row_installation_decode(partition, sort, value, &row);
    if (r)
        return pass_over(f);
    /* Of more than any client has the latest count. */
    f->notes->bad_rows += f->n_installs >= INSTALLS_MAX;
    f->install[f->n_installs++ % INSTALLS_MAX] =
        (struct install){row.from_ts_s, row.open ? INT64_MAX : row.until_ts_s,
                         (double)row.ratio_num / (double)row.ratio_den};
    return 0;
}

static int count_conflict(void *ctx, struct sg_bytes partition, struct sg_bytes sort,
                          struct sg_bytes value)
{
    struct filling *f = ctx;
    (void)partition;
    (void)sort;
    (void)value;
    f->notes->conflicts++;
    return 0;
}

/* ---- one client ---------------------------------------------------------------------------- */

/* The ratio is that of the last installation: transformers are changed with their meter. */
static double ratio_of(const struct filling *f)
{
    return f->n_installs ? f->install[(f->n_installs - 1) % INSTALLS_MAX].ratio : 1;
}

static int begin_phasors(struct filling *f, int32_t first_recent)
{
    struct sg_phasor_config c = SG_PHASOR_CONFIG_DEFAULT;
    c.recent_from_s = midnight(f->o, first_recent);
    c.east_s = f->o->tz ? sg_tz_at(f->o->tz, c.recent_from_s).east_s : f->o->east_s;
    c.ratio = ratio_of(f);
    c.wiring = f->meter.aron ? SG_PHASOR_ARON : SG_PHASOR_STAR;
    return sg_phasor_start(f->phasor, &c);
}

static void end_phasors(struct filling *f)
{
    if (f->notes->has_phasors)
        f->notes->has_phasors = sg_phasor_finish(f->phasor, &f->notes->phasors) == 0;
}

/* A scan of readings, of the fields that are wanted. */
struct scanning {
    struct filling *f;
    struct sg_kv *kv;
    int64_t client, from, until;
    uint8_t fields[SG_ROW_READING_FIELDS_LEN];
    sg_table_row_fn take;
};

static int scan_fields(struct scanning *s)
{
    return sg_table_each(s->kv, s->client, SG_TABLE_READING, &s->from, &s->until,
                         SG_BYTES_ARRAY(s->fields), s->take, s->f);
}

static int begin_readings(struct filling *f, int32_t first_recent)
{
    f->first_day = 1;
    f->last_day = 0;
    f->n = f->complete = 0;
    f->notes->readings = 0;
    f->notes->has_phasors = false;
    int r = sg_fold(sg_fraud_days_start(f->days, f->days->id, f->o->points));
    return r || !f->phasor ? r : begin_phasors(f, first_recent);
}

/* Of a row that is no tuple the store picks no fields, and the scan fails: once more then, with
 * whole rows, of which that one alone is passed over. */
static int take_readings(struct scanning *s, int32_t first_recent)
{
    const uint32_t bad_rows = s->f->notes->bad_rows;
    int r = begin_readings(s->f, first_recent);
    if (r == 0)
        r = scan_fields(s);
    if (r < 0) {
        s->f->notes->bad_rows = bad_rows;
        r = begin_readings(s->f, first_recent);
        if (r == 0)
            r = sg_table_each(s->kv, s->client, SG_TABLE_READING, &s->from, &s->until,
                              SG_BYTES_NONE, take_whole, s->f);
    }
    return r ? r : end_day(s->f);
}

/* Readings carry the end of their interval: those of a day lie in (midnight, next midnight]. */
static int fill(struct filling *f, struct sg_kv *kv, int64_t client, int32_t first_recent)
{
    const struct source_span span = f->o->span;
    struct scanning s = {.f = f,
                         .kv = kv,
                         .client = client,
                         .from = midnight(f->o, span.first) + 1,
                         .until = midnight(f->o, span.last + 1) + 1};
    int r = sg_table_each(kv, client, SG_TABLE_INSTALLATION, NULL, NULL, SG_BYTES_NONE,
                          take_install, f);
    /* A record that no transformer bears out costs that client's phasors, not everybody's ranking.
     */
    if (!(ratio_of(f) <= RATIO_MAX))
        f->phasor = NULL;
    s.take = f->phasor ? take_phasors : take_reading;
    if (f->phasor)
        source_phasor_want(s.fields);
    else
        sg_row_reading_want(SG_READING_interval_energy, s.fields);
    if (r == 0)
        r = sg_table_each(kv, client, SG_TABLE_READING_CONFLICT, &s.from, &s.until, SG_BYTES_NONE,
                          count_conflict, f);
    if (r == 0)
        r = context_from_store(&f->notes->context, kv, client, span.last, &f->meter,
                               &f->notes->bad_facts);
    if (r == 0)
        r = take_readings(&s, first_recent);
    if (r == 0 && f->phasor)
        end_phasors(f);
    if (r == 0 && f->first_day <= f->last_day)
        f->notes->incomplete = (uint32_t)(f->last_day - f->first_day + 1) - f->complete;
    f->notes->last_day = f->last_day;
    return r;
}

/* ---- source -------------------------------------------------------------------------------- */

static int keep(struct store *store, size_t index, const struct sg_fraud_days *d,
                const struct source_notes *notes)
{
    /* Room doubles from 128 days on (days.c). */
    const uint64_t bytes =
        sizeof(struct kept) + (uint64_t)(2 * d->n_days + 128) * d->points * sizeof(float);
    if (!store->kept || atomic_load(&store->kept_bytes) + bytes > store->o.keep_bytes)
        return 0;
    atomic_fetch_add(&store->kept_bytes, bytes);
    struct kept *k = store->kept[index] = calloc(1, sizeof(*k));
    if (!k)
        return sg_raise(-ENOMEM);
    k->notes = *notes;
    return sg_fraud_days_copy(&k->days, d);
}

static int read_client(struct store *store, struct source_session *v, size_t index,
                       struct sg_fraud_days *ret, struct source_notes *notes)
{
    char id[24];
    snprintf(id, sizeof(id), "%lld", (long long)store->o.clients[index]);
    *notes = (struct source_notes){.index = index, .context = SG_FRAUD_CONTEXT_NONE};
    struct filling f = {.o = &store->o, .days = ret, .notes = notes, .first_day = 1, .last_day = 0};
    int r = sg_fold(sg_fraud_days_start(ret, id, store->o.points));
    if (r == 0 && store->base.phasors && !v->phasor)
        r = sg_phasor_new(&v->phasor);
    f.phasor = store->base.phasors ? v->phasor : NULL;
    if (r == 0)
        r = fill(&f, v->kv, store->o.clients[index], store->base.first_recent);
    return r ? r : keep(store, index, ret, notes);
}

static int store_next(struct source *s, struct source_session *v, struct sg_fraud_days *ret,
                      struct source_notes *notes)
{
    struct store *store = (struct store *)s;
    const size_t index = atomic_fetch_add(&store->next, 1);
    if (index >= store->o.n_clients)
        return SOURCE_END;
    if (!store->kept || !store->kept[index])
        return read_client(store, v, index, ret, notes);
    *notes = store->kept[index]->notes;
    return sg_fraud_days_copy(ret, &store->kept[index]->days);
}

static int store_session(struct source *s, struct source_session *v)
{
    const struct store *store = (const struct store *)s;
    return store->o.open_kv(store->o.user, &v->kv);
}

static int store_rewind(struct source *s)
{
    ((struct store *)s)->next = 0;
    return 0;
}

static void store_free(struct source *s)
{
    struct store *store = (struct store *)s;
    for (size_t i = 0; store->kept && i < store->o.n_clients; i++) {
        if (store->kept[i])
            sg_fraud_days_clear(&store->kept[i]->days);
        free(store->kept[i]);
    }
    free(store->kept);
    free(store);
}

int source_store_open(struct source **ret, const struct source_store *o)
{
    static const struct source_kind kind = {
        .next = store_next, .rewind = store_rewind, .session = store_session, .free = store_free};
    struct store *s = calloc(1, sizeof(*s));
    if (!s)
        return sg_raise(-ENOMEM);
    s->base = (struct source){
        .kind = &kind, .points = o->points, .dated = true, .expected = o->n_clients};
    s->o = *o;
    s->kept = o->keep_bytes ? calloc(o->n_clients + 1, sizeof(*s->kept)) : NULL;
    if (o->keep_bytes && !s->kept) {
        free(s);
        return sg_raise(-ENOMEM);
    }
    *ret = &s->base;
    return 0;
}
