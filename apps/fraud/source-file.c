/*
 * source-file - customers out of daily rows.  A file whose customers' rows lie together, in order
 * of days, streams: one customer's days in memory for each worker.  Any other is sorted in memory.
 * Reading is under one lock; it is ten times faster than scoring.
 */
#include "source-int.h"
#include "source-seen.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>

#include <sealgrid/meter/daily-rows.h>

/* A row of a sorted file; load stands in `loads` at its own number. */
struct kept {
    char name[SG_DAILY_NAME_MAX + 1];
    int32_t day;
    uint32_t number;
    uint64_t line;
    uint8_t weekday;
};

struct file {
    struct source base;
    pthread_mutex_t lock; /* of all below */
    char *path;
    struct source_span span;
    struct sg_daily *in;
    struct sg_daily_row row; /* the first of the next customer */
    bool has_row;
    int ended; /* outcome or failure that every later call gets too */
    size_t index;
    struct seen seen;
    struct kept *kept; /* NULL: streams */
    float *loads;
    size_t n_kept, room_kept, at_kept;
};

static int say(struct file *f, uint64_t line, unsigned column, const char *text)
{
    if (column)
        snprintf(f->base.why, sizeof(f->base.why), "line %llu, column %u: %s",
                 (unsigned long long)line, column, text);
    else
        snprintf(f->base.why, sizeof(f->base.why), "line %llu: %s", (unsigned long long)line, text);
    return SOURCE_BAD;
}

/* ---- one customer -------------------------------------------------------------------------- */

/* Positive: an outcome of sg_fraud_days_add_part.  When there are too many the oldest half goes:
 * the windows lie at the end, and are shorter than half. */
static int add_day(struct sg_fraud_days *d, const struct sg_daily_row *row)
{
    int r = sg_fraud_days_add_part(d, row->day, row->weekday, row->load, NULL);
    if (r != SG_FRAUD_DAYS_FULL)
        return r;
    sg_fraud_days_forget(d, d->n_days / 2);
    return sg_fraud_days_add_part(d, row->day, row->weekday, row->load, NULL);
}

static int start(struct file *f, struct sg_bytes name, struct sg_fraud_days *d,
                 struct source_notes *notes)
{
    char id[SG_DAILY_NAME_MAX + 1];
    memcpy(id, name.data, name.len);
    id[name.len] = 0;
    *notes = (struct source_notes){.index = f->index++, .context = SG_FRAUD_CONTEXT_NONE};
    return sg_fold(sg_fraud_days_start(d, id, f->base.points));
}

/* A row in memory or just read; too many missing values make the day incomplete. */
static int take_day(struct file *f, const struct sg_daily_row *row, struct sg_fraud_days *d,
                    struct source_notes *notes)
{
    if (!source_in_span(f->span, row->day))
        return 0;
    if (notes->readings && row->day <= notes->last_day)
        return SOURCE_UNGROUPED;
    notes->readings++;
    notes->last_day = row->day;
    int r = add_day(d, row);
    if (r != SG_FRAUD_DAYS_GAPS)
        return sg_fold(r);
    notes->incomplete++;
    return sg_fraud_days_lose(d, row->day, sg_fraud_missing_hours(row->load, d->points));
}

/* ---- streaming ----------------------------------------------------------------------------- */

static int read_row(struct file *f)
{
    struct sg_daily_error why;
    int r = sg_daily_next(f->in, &f->row, &why);
    f->has_row = r == 0;
    return r == SG_DAILY_BAD   ? say(f, why.line, why.column, why.text)
           : r == SG_DAILY_END ? SOURCE_END
                               : r;
}

static int meet(struct file *f, struct sg_bytes name)
{
    int r = seen_meet(&f->seen, name);
    return r == SEEN_BEFORE ? SOURCE_UNGROUPED : r;
}

static int stream_next(struct file *f, struct sg_fraud_days *d, struct source_notes *notes)
{
    int r = f->has_row ? 0 : read_row(f);
    if (r == 0)
        r = meet(f, f->row.customer);
    if (r == 0)
        r = start(f, f->row.customer, d, notes);
    while (r == 0 && sg_bytes_equal(f->row.customer, sg_bytes_str(d->id))) {
        r = take_day(f, &f->row, d, notes);
        if (r == 0)
            r = read_row(f);
        if (r == SOURCE_END)
            return 0; /* the call after this one finds no row */
    }
    return r;
}

/* ---- sorted -------------------------------------------------------------------------------- */

static int by_customer_and_day(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    int c = strcmp(x->name, y->name);
    return c ? c : (x->day > y->day) - (x->day < y->day);
}

static struct sg_daily_row kept_row(const struct file *f, const struct kept *k)
{
    struct sg_daily_row row = {.customer = sg_bytes_str(k->name),
                               .day = k->day,
                               .weekday = k->weekday,
                               .load = f->loads + (size_t)k->number * f->base.points,
                               .line = k->line};
    for (uint32_t i = 0; i < f->base.points; i++)
        row.missing += isnan(row.load[i]) != 0;
    return row;
}

static int kept_next(struct file *f, struct sg_fraud_days *d, struct source_notes *notes)
{
    if (f->at_kept == f->n_kept)
        return SOURCE_END;
    const char *name = f->kept[f->at_kept].name;
    int r = start(f, sg_bytes_str(name), d, notes);
    for (; r == 0 && f->at_kept < f->n_kept && !strcmp(f->kept[f->at_kept].name, name);
         f->at_kept++) {
        const struct sg_daily_row row = kept_row(f, &f->kept[f->at_kept]);
        r = take_day(f, &row, d, notes);
    }
    return r;
}

static int find_doubled(struct file *f)
{
    for (size_t i = 1; i < f->n_kept; i++)
        if (by_customer_and_day(&f->kept[i - 1], &f->kept[i]) == 0)
            return say(f, f->kept[i].line, 0, "this day of this customer was there before");
    return 0;
}

static int kept_grow(struct file *f, uint64_t max_bytes)
{
    const size_t room = f->room_kept ? f->room_kept * 2 : 4096;
    const size_t load = f->base.points * sizeof(float);
    if (f->n_kept < f->room_kept)
        return 0;
    if (room > UINT32_MAX || room * (load + sizeof(*f->kept)) > max_bytes) {
        snprintf(f->base.why, sizeof(f->base.why),
                 "customers' rows lie apart, and sorting them takes more than %llu MiB: sort the "
                 "file by customer and day",
                 (unsigned long long)(max_bytes >> 20));
        return SOURCE_BAD;
    }
    struct kept *kept = reallocarray(f->kept, room, sizeof(*kept));
    if (!kept)
        return sg_raise(-ENOMEM);
    f->kept = kept;
    float *loads = reallocarray(f->loads, room, load);
    if (!loads)
        return sg_raise(-ENOMEM);
    f->loads = loads;
    f->room_kept = room;
    return 0;
}

static int keep_row(struct file *f, uint64_t max_bytes)
{
    const struct sg_daily_row *row = &f->row;
    int r = source_in_span(f->span, row->day) ? kept_grow(f, max_bytes) : 0;
    if (r || !source_in_span(f->span, row->day))
        return r;
    struct kept *k = &f->kept[f->n_kept];
    *k = (struct kept){
        .day = row->day, .number = (uint32_t)f->n_kept, .line = row->line, .weekday = row->weekday};
    memcpy(k->name, row->customer.data, row->customer.len);
    memcpy(f->loads + f->n_kept * f->base.points, row->load, f->base.points * sizeof(float));
    f->n_kept++;
    return 0;
}

/* ---- source -------------------------------------------------------------------------------- */

static int begin(struct file *f)
{
    struct sg_daily_error why;
    struct sg_daily *in = NULL;
    int r = sg_daily_open(&in, f->path, &why);
    if (r)
        return r == SG_DAILY_BAD ? say(f, why.line, why.column, why.text) : r;
    sg_daily_free(f->in);
    f->in = in;
    f->base.points = sg_daily_points(in);
    f->base.dated = sg_daily_dated(in);
    f->has_row = false;
    f->index = f->at_kept = 0;
    f->ended = 0;
    seen_start(&f->seen, f->path);
    return 0;
}

static int file_next(struct source *s, struct source_session *v, struct sg_fraud_days *ret,
                     struct source_notes *notes)
{
    struct file *f = (struct file *)s;
    (void)v;
    pthread_mutex_lock(&f->lock);
    int r = f->ended ? f->ended : f->kept ? kept_next(f, ret, notes) : stream_next(f, ret, notes);
    f->ended = r;
    pthread_mutex_unlock(&f->lock);
    return r;
}

static int file_rewind(struct source *s)
{
    struct file *f = (struct file *)s;
    if (!f->kept)
        return begin(f);
    f->index = f->at_kept = 0;
    f->ended = 0;
    return 0;
}

static void file_free(struct source *s)
{
    struct file *f = (struct file *)s;
    sg_daily_free(f->in);
    seen_clear(&f->seen);
    free(f->kept);
    free(f->loads);
    free(f->path);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

int source_file_sort(struct source *s, uint64_t max_bytes)
{
    struct file *f = (struct file *)s;
    int r = begin(f);
    f->n_kept = 0;
    if (r == 0)
        r = kept_grow(f, max_bytes);
    while (r == 0 && (r = read_row(f)) == 0)
        r = keep_row(f, max_bytes);
    if (r != SOURCE_END)
        return r;
    qsort(f->kept, f->n_kept, sizeof(*f->kept), by_customer_and_day);
    r = find_doubled(f);
    return r ? r : file_rewind(s);
}

int source_file_open(struct source **ret, const char *path, struct source_span span)
{
    static const struct source_kind kind = {
        .next = file_next, .rewind = file_rewind, .free = file_free};
    struct file *f = calloc(1, sizeof(*f));
    if (!f)
        return sg_raise(-ENOMEM);
    f->base.kind = &kind;
    pthread_mutex_init(&f->lock, NULL);
    f->span = span;
    f->path = strdup(path);
    int r = f->path ? begin(f) : sg_raise(-ENOMEM);
    *ret = &f->base; /* on failure too: it knows why */
    return r;
}
