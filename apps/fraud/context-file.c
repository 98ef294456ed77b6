#include "context-file.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <sealgrid/base/file.h>
#include <sealgrid/base/grow.h>

#include "csv.h"
#include "plan.h"

#define FILE_BYTES_MAX ((size_t)4 << 30)
#define ROWS_MAX       50000000u
#define HOLIDAYS_MAX   100000u
#define REGIONS_MAX    1000u
#define KW_MAX         1e9

void context_files_clear(struct context_files *f)
{
    for (size_t i = 0; i < f->n_calendars; i++)
        free(f->calendars[i].days);
    free(f->calendars);
    free(f->holidays);
    free(f->rows);
    *f = (struct context_files){.rows = NULL};
}

/* ---- fields -------------------------------------------------------------------------------- */

static bool take_text(struct sg_bytes field, char *ret, size_t max)
{
    if (field.len > max)
        return false;
    for (size_t i = 0; i < field.len; i++)
        if (field.data[i] < 0x20 || field.data[i] == 0x7f)
            return false;
    if (field.len) /* of a column that is not there nothing is */
        memcpy(ret, field.data, field.len);
    ret[field.len] = 0;
    return true;
}

static bool take_kw(struct sg_bytes field, float *ret)
{
    double v;
    if (field.len == 0)
        return true;
    if (!csv_number(field, &v) || v < 0 || v > KW_MAX)
        return false;
    *ret = (float)v;
    return true;
}

static bool take_day(struct sg_bytes field, int32_t *ret)
{
    char date[16];
    double v;
    if (field.len == 0)
        return true;
    if (take_text(field, date, sizeof(date) - 1) && plan_date(date, ret))
        return true;
    if (!csv_number(field, &v) || v != floor(v) || fabs(v) > 1e7)
        return false;
    *ret = (int32_t)v;
    return true;
}

static bool take_class(struct sg_bytes field, enum sg_fraud_class *ret)
{
    char word[32];
    if (field.len == 0)
        return true;
    if (!take_text(field, word, sizeof(word) - 1))
        return false;
    *ret = sg_fraud_class_named(word);
    return *ret != SG_FRAUD_CLASS_UNKNOWN || csv_is(field, "unknown");
}

/* ---- consumers ----------------------------------------------------------------------------- */

enum column {
    CUSTOMER,
    CLASS,
    ACTIVITY,
    REGION,
    CONTRACTED,
    VACANT_SINCE,
    VACANT_UNTIL,
    SOLAR_SINCE,
    SOLAR,
    TARIFF_SINCE,
    N_COLUMNS
};

static const struct {
    const char *name, *wanted;
} columns[N_COLUMNS] = {
    [CUSTOMER] = {"customer", "1 to 63 octets without quotes"},
    [CLASS] = {"class", "residential, commercial, industrial, rural, public or lighting"},
    [ACTIVITY] = {"activity", "at most 31 octets"},
    [REGION] = {"region", "at most 31 octets"},
    [CONTRACTED] = {"contracted_kw", "a number from 0 to 10^9"},
    [VACANT_SINCE] = {"vacant_since", "a date, 2026-08-31, or a day's number"},
    [VACANT_UNTIL] = {"vacant_until", "a date, 2026-08-31, or a day's number"},
    [SOLAR_SINCE] = {"solar_since", "a date, 2026-08-31, or a day's number"},
    [SOLAR] = {"solar_kw", "a number from 0 to 10^9"},
    [TARIFF_SINCE] = {"tariff_since", "a date, 2026-08-31, or a day's number"},
};

static int refuse(char *why, unsigned line, int column, const char *name, const char *wanted)
{
    snprintf(why, CONTEXT_WHY_MAX, "line %u, column %d: %s: %s", line, column + 1, name, wanted);
    return CONTEXT_BAD;
}

static bool take_field(struct context_row *row, enum column c, struct sg_bytes field)
{
    struct sg_fraud_context *x = &row->context;
    switch (c) {
    case CUSTOMER:
        return csv_is_name(field) && take_text(field, row->id, SG_FRAUD_ID_MAX);
    case CLASS:
        return take_class(field, &x->cls);
    case ACTIVITY:
        return take_text(field, x->activity, SG_FRAUD_ACTIVITY_MAX);
    case REGION:
        return take_text(field, x->region, SG_FRAUD_REGION_MAX);
    case CONTRACTED:
        return take_kw(field, &x->contracted_kw);
    case VACANT_SINCE:
        return take_day(field, &x->vacant_since);
    case VACANT_UNTIL:
        return take_day(field, &x->vacant_until);
    case SOLAR_SINCE:
        return take_day(field, &x->solar_since);
    case SOLAR:
        return take_kw(field, &x->solar_kw);
    default:
        return take_day(field, &x->tariff_since);
    }
}

/* Positions of the columns; one that nobody knows is a mistake somebody should hear of. */
static int find_columns(const struct sg_bytes *field, size_t n, int at[N_COLUMNS], char *why)
{
    for (int c = 0; c < N_COLUMNS; c++)
        at[c] = -1;
    for (int i = 0; i < (int)n; i++) {
        int c = 0;
        while (c < N_COLUMNS && !csv_is(field[i], columns[c].name))
            c++;
        if (c == N_COLUMNS || at[c] >= 0)
            return refuse(why, 1, i, "header",
                          c == N_COLUMNS ? "no such column" : "the same column twice");
        at[c] = i;
    }
    return at[CUSTOMER] < 0 ? refuse(why, 1, 0, "header", "column customer is wanted") : 0;
}

static int take_row(struct context_files *f, const int at[N_COLUMNS], const struct sg_bytes *field,
                    size_t n, unsigned line, char *why)
{
    struct context_row row = {.context = SG_FRAUD_CONTEXT_NONE};
    for (int c = 0; c < N_COLUMNS; c++)
        if (at[c] >= 0 && !take_field(&row, (enum column)c, csv_at(field, n, at[c])))
            return refuse(why, line, at[c], columns[c].name, columns[c].wanted);
    if (row.context.vacant_until != SG_FRAUD_NO_DAY &&
        row.context.vacant_until < row.context.vacant_since)
        return refuse(why, line, at[VACANT_UNTIL], "vacant_until", "before vacant_since");
    int r = sg_grow(&f->rows, &f->room, f->n, ROWS_MAX);
    if (r == 0)
        f->rows[f->n++] = row;
    return r;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct context_row *)a)->id, ((const struct context_row *)b)->id);
}

static int sort_rows(struct context_files *f, char *why)
{
    if (f->n)
        qsort(f->rows, f->n, sizeof(*f->rows), by_id);
    for (size_t i = 1; i < f->n; i++)
        if (by_id(&f->rows[i - 1], &f->rows[i]) == 0) {
            snprintf(why, CONTEXT_WHY_MAX, "customer %s stands in it twice", f->rows[i].id);
            return CONTEXT_BAD;
        }
    return 0;
}

int context_parse(struct context_files *f, struct sg_bytes text, char why[CONTEXT_WHY_MAX])
{
    struct sg_bytes line, field[CSV_COLUMNS_MAX];
    int at[N_COLUMNS], r = 0;
    text = csv_text(text);
    if (!csv_line(&text, &line))
        return refuse(why, 1, 0, "header", "column customer is wanted");
    r = find_columns(field, csv_split(line, field), at, why);
    for (unsigned number = 2; r == 0 && csv_line(&text, &line); number++)
        if (line.len)
            r = take_row(f, at, field, csv_split(line, field), number, why);
    return r ? r : sort_rows(f, why);
}

/* ---- holidays ------------------------------------------------------------------------------ */

static int by_day(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static int add_calendar(struct context_files *f, const char *region)
{
    for (size_t i = 0; i < f->n_calendars; i++)
        if (!strcmp(f->calendars[i].region, region))
            return 0;
    if (f->n_calendars == REGIONS_MAX)
        return sg_raisef(-E2BIG, "more than %u regions with holidays", REGIONS_MAX);
    struct context_calendar *list =
        reallocarray(f->calendars, f->n_calendars + 1, sizeof(*f->calendars));
    if (!list)
        return sg_raise(-ENOMEM);
    f->calendars = list;
    struct context_calendar c = {.days = calloc(f->n_holidays + 1, sizeof(int32_t))};
    if (!c.days)
        return sg_raise(-ENOMEM);
    snprintf(c.region, sizeof(c.region), "%s", region);
    for (size_t i = 0; i < f->n_holidays; i++)
        if (!f->holidays[i].region[0] || !strcmp(f->holidays[i].region, region))
            c.days[c.n++] = f->holidays[i].day;
    if (c.n)
        qsort(c.days, c.n, sizeof(*c.days), by_day);
    list[f->n_calendars++] = c;
    return 0;
}

static int take_holiday(struct context_files *f, int date, int region, const struct sg_bytes *field,
                        size_t n, unsigned line, char *why)
{
    struct context_holiday h = {.day = SG_FRAUD_NO_DAY};
    if (!take_day(csv_at(field, n, date), &h.day) || h.day == SG_FRAUD_NO_DAY)
        return refuse(why, line, date, "date", columns[VACANT_SINCE].wanted);
    if (!take_text(csv_at(field, n, region), h.region, SG_FRAUD_REGION_MAX))
        return refuse(why, line, region, "region", columns[REGION].wanted);
    int r = sg_grow(&f->holidays, &f->room_holidays, f->n_holidays, HOLIDAYS_MAX);
    if (r == 0)
        f->holidays[f->n_holidays++] = h;
    return r;
}

/* One calendar a region; more than SG_FRAUD_HOLIDAYS_MAX days of one: the file is no calendar. */
static int make_calendars(struct context_files *f, char *why)
{
    int r = add_calendar(f, "");
    for (size_t i = 0; r == 0 && i < f->n_holidays; i++)
        r = add_calendar(f, f->holidays[i].region);
    for (size_t i = 0; r == 0 && i < f->n_calendars; i++)
        if (f->calendars[i].n > SG_FRAUD_HOLIDAYS_MAX) {
            snprintf(why, CONTEXT_WHY_MAX, "more than %d holidays of one region",
                     SG_FRAUD_HOLIDAYS_MAX);
            return CONTEXT_BAD;
        }
    return r;
}

int context_parse_holidays(struct context_files *f, struct sg_bytes text, char why[CONTEXT_WHY_MAX])
{
    struct sg_bytes line, field[CSV_COLUMNS_MAX];
    int date = -1, region = -1, r = 0;
    text = csv_text(text);
    if (csv_line(&text, &line)) {
        const size_t n = csv_split(line, field);
        for (int i = 0; i < (int)n; i++) {
            date = csv_is(field[i], "date") ? i : date;
            region = csv_is(field[i], "region") ? i : region;
        }
    }
    if (date < 0)
        return refuse(why, 1, 0, "header", "column date is wanted");
    for (unsigned number = 2; r == 0 && csv_line(&text, &line); number++)
        if (line.len)
            r = take_holiday(f, date, region, field, csv_split(line, field), number, why);
    return r ? r : make_calendars(f, why);
}

/* ---- use ----------------------------------------------------------------------------------- */

static int read_with(struct context_files *f, const char *path, char *why,
                     int (*parse)(struct context_files *, struct sg_bytes, char *))
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(FILE_BYTES_MAX);
    int r = sg_file_read(path, &text);
    return r ? r : parse(f, sg_buf_bytes(&text), why);
}

int context_read(struct context_files *f, const char *path, char why[CONTEXT_WHY_MAX])
{
    return read_with(f, path, why, context_parse);
}

int context_read_holidays(struct context_files *f, const char *path, char why[CONTEXT_WHY_MAX])
{
    return read_with(f, path, why, context_parse_holidays);
}

static const struct context_calendar *calendar_of(const struct context_files *f, const char *region)
{
    for (size_t i = 0; i < f->n_calendars; i++)
        if (!strcmp(f->calendars[i].region, region))
            return &f->calendars[i];
    return f->n_calendars ? &f->calendars[0] : NULL;
}

void context_fill(const struct context_files *f, const char *id, struct sg_fraud_context *c)
{
    struct context_row key;
    if (!f)
        return;
    snprintf(key.id, sizeof(key.id), "%s", id);
    const struct context_row *row =
        f->n ? bsearch(&key, f->rows, f->n, sizeof(*f->rows), by_id) : NULL;
    if (row)
        *c = row->context;
    const struct context_calendar *calendar = calendar_of(f, c->region);
    if (calendar) {
        c->holiday = calendar->days;
        c->n_holidays = calendar->n;
    }
}
