/* vee-import - foreign CSV into rows. */
#include "vee-import-int.h"
#include "vee-time-int.h"

#include <sealgrid/base/clock.h>

#include <stdarg.h>
#include <stdio.h>

const char *sg_import_word(enum sg_import_note n)
{
    static const char *const words[] = {
#define SG_N(id, word) [SG_IMPORT_##id] = (word),
        SG_IMPORT_NOTES(SG_N)
#undef SG_N
    };
    return words[n];
}

bool sg_import_preset(const char *name, struct sg_import_format *ret)
{
    /* One industrial site (UCI data set 851): a steel plant in Gwangyang, South Korea. */
    static const struct sg_import_format steel = {
        .delimiter = ',',
        .stamp = {"date", ""},
        .time = "%d/%m/%Y %H:%M",
        .zone = "Asia/Seoul",
        .interval_s = 900,
        .midnight_same_date = true,
        .energy = {"Usage_kWh", 3},
        .lagging = {"Lagging_Current_Reactive.Power_kVarh", 3},
        .leading = {"Leading_Current_Reactive_Power_kVarh", 3},
    };
    /* HUE (Makonin 2019, Data in Brief 23:103744): houses of BC Hydro.  Its file begins with hour 1
     * of a date and ends with hour 0: whole days only if a stamp is the end of its hour. */
    static const struct sg_import_format hue = {
        .delimiter = ',',
        .stamp = {"date", "hour"},
        .time = "%m/%d/%Y %H",
        .zone = "America/Vancouver",
        .interval_s = 3600,
        .energy = {"energy_kWh", 3},
    };
    static const struct sg_import_format generic = {
        .delimiter = ',',
        .stamp = {"ts", ""},
        .time = "rfc3339",
        .zone = "UTC",
        .interval_s = 900,
        .energy = {"energy_wh", 0},
    };
    const struct sg_import_format *found = !strcmp(name, "steel")     ? &steel
                                           : !strcmp(name, "hue")     ? &hue
                                           : !strcmp(name, "generic") ? &generic
                                                                      : NULL;
    if (found)
        *ret = *found;
    return found;
}

/* ---- notes -------------------------------------------------------------------------------------
 */

static void note(struct vee_import *im, enum sg_import_note n, enum sg_vee_severity severity,
                 int64_t from_s, int64_t until_s, const char *fmt, ...) SG_PRINTF(6, 7);
static void note(struct vee_import *im, enum sg_import_note n, enum sg_vee_severity severity,
                 int64_t from_s, int64_t until_s, const char *fmt, ...)
{
    char text[SG_VEE_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    im->out->notes[n]++;
    const struct sg_import_finding f = {.note = n,
                                        .severity = severity,
                                        .line = im->line,
                                        .from_s = from_s,
                                        .until_s = until_s,
                                        .count =
                                            (uint64_t)((until_s - from_s) / im->format->interval_s),
                                        .text = text};
    if (im->fn)
        im->fn(im->user, &f);
}

/* The instant as an interval's end. */
static int64_t end_of(const struct vee_import *im, int64_t instant_s)
{
    return instant_s + (im->format->stamp_is_begin ? im->format->interval_s : 0);
}

/* ---- stamps ------------------------------------------------------------------------------------
 */

/* The writer of some files takes the date of 24:00 from the day that ends: 23:45, then 00:00 of the
 * same date. */
static void mind_midnight(struct vee_import *im, int64_t *local_s)
{
    if (!im->started || *local_s % 86400 ||
        im->local_s != *local_s + 86400 - im->format->interval_s)
        return;
    const int64_t end = end_of(im, im->instant_s + im->format->interval_s);
    if (im->format->midnight_same_date) {
        *local_s += 86400;
        note(im, SG_IMPORT_MIDNIGHT, SG_VEE_WARN, end - im->format->interval_s, end,
             "00:00 of the same date after its last interval: read as that date's 24:00");
    } else {
        note(
            im, SG_IMPORT_MIDNIGHT, SG_VEE_FAIL, end - im->format->interval_s, end,
            "00:00 of the same date after its last interval: read as written, and so out of order");
    }
}

enum stamp_outcome {
    STAMP_SKIP = 1, /* told; the row is left out */
    STAMP_BAD,
};

/* Of a local time that came twice, the one that goes on from the row before. */
static int choose(struct vee_import *im, int64_t local_s, const struct sg_vee_row *row,
                  int64_t *ret)
{
    int64_t instants[2];
    const size_t n = vee_local_instants(im->tz, local_s, instants);

    if (n == 0) {
        const bool expected = im->format->skipped_as_zero && row->energy_wh == 0;
        note(im, SG_IMPORT_NONEXISTENT, expected ? SG_VEE_INFO : SG_VEE_FAIL, 0, 0,
             "%s: this local time never was, the clocks went on over it",
             expected ? "left out, zero as this file does" : "left out");
        return STAMP_SKIP;
    }
    *ret = instants[0];
    if (n == 2 && im->started && instants[0] <= im->instant_s)
        *ret = instants[1];
    return 0;
}

static int take_instant(struct vee_import *im, const char *text, const struct sg_vee_row *row,
                        int64_t *ret_local_s, int64_t *ret)
{
    switch (vee_stamp_kind(im->format->time)) {
    case VEE_STAMP_UNIX:
        if (sg_decimal_parse(text, 0, ret) != 0 || *ret < 0 || *ret > INT64_C(253402300799))
            return STAMP_BAD;
        *ret_local_s = *ret;
        return 0;
    case VEE_STAMP_RFC3339:
        if (sg_time_parse(text, ret) != 0)
            return STAMP_BAD;
        *ret_local_s = *ret;
        return 0;
    default:
        if (!vee_stamp_parse(im->format->time, text, ret_local_s))
            return STAMP_BAD;
        mind_midnight(im, ret_local_s);
        return choose(im, *ret_local_s, row, ret);
    }
}

/* ---- one row after the other -------------------------------------------------------------------
 */

static bool comes_twice(const struct vee_import *im, int64_t instant_s)
{
    int64_t both[2];
    return vee_local_instants(im->tz, instant_s + sg_tz_at(im->tz, instant_s).east_s, both) == 2;
}

/* Rows that follow in real time, whose local stamps do not. */
static void note_clocks(struct vee_import *im, int64_t local_s, int64_t instant_s)
{
    const int64_t step = local_s - im->local_s, interval = im->format->interval_s;
    const int64_t end = end_of(im, instant_s);

    if (step > interval)
        note(im, SG_IMPORT_SKIPPED, SG_VEE_INFO, end, end,
             "clocks went on by %lld s: no interval lacks", (long long)(step - interval));
    else if (step < interval)
        note(im, SG_IMPORT_REPEATED, SG_VEE_INFO, end - interval, end,
             "clocks went back by %lld s: the same local time again, another interval",
             (long long)(interval - step));
}

static void note_gap(struct vee_import *im, int64_t expected, int64_t instant_s)
{
    const int64_t interval = im->format->interval_s;
    const int64_t from = end_of(im, expected - interval), until = end_of(im, instant_s - interval);

    if (comes_twice(im, expected))
        note(im, SG_IMPORT_ONCE, SG_VEE_FAIL, from, until,
             "a local time that came twice is told once: %lld interval(s) lack",
             (long long)((until - from) / interval));
    else
        note(im, SG_IMPORT_GAP, SG_VEE_FAIL, from, until, "no row for %lld interval(s)",
             (long long)((until - from) / interval));
}

static bool same_values(const struct sg_vee_row *a, const struct sg_vee_row *b)
{
    return a->energy_wh == b->energy_wh && a->reactive_varh == b->reactive_varh &&
           a->register_wh == b->register_wh;
}

/* Against the row before only: what lies further back is a matter of order. *ret_keep: false if the
 * row is told already. */
static void note_order(struct vee_import *im, int64_t local_s, int64_t instant_s,
                       const struct sg_vee_row *row, bool *ret_keep)
{
    const int64_t interval = im->format->interval_s, expected = im->instant_s + interval;
    const int64_t end = end_of(im, instant_s);

    if (end % interval)
        note(im, SG_IMPORT_OFF_GRID, SG_VEE_FAIL, end, end, "not at an end of an interval");
    if (!im->started)
        return;
    if (instant_s == expected) {
        if (vee_stamp_kind(im->format->time) == VEE_STAMP_LOCAL)
            note_clocks(im, local_s, instant_s);
    } else if (instant_s > expected) {
        note_gap(im, expected, instant_s);
    } else if (instant_s < im->instant_s) {
        note(im, SG_IMPORT_ORDER, SG_VEE_FAIL, end - interval, end, "stamp jumps back by %lld s",
             (long long)(im->instant_s - instant_s));
    } else if (instant_s == im->instant_s && im->out->n) {
        const bool same = same_values(&im->out->rows[im->out->n - 1], row);
        *ret_keep = !same || !im->format->repeats_once;
        note(im, same ? SG_IMPORT_REPEAT : SG_IMPORT_DIFFERS, same ? SG_VEE_WARN : SG_VEE_FAIL,
             end - interval, end, "the same interval again, no change of the clocks%s",
             *ret_keep ? "" : ": kept once");
    }
}

static int keep(struct vee_import *im, const struct sg_vee_row *row)
{
    if (im->out->n == im->capacity) {
        const size_t wanted = im->capacity ? 2 * im->capacity : 1024;
        if (wanted > SG_VEE_ROWS_MAX)
            return vee_import_refuse(im, "more than %d rows", SG_VEE_ROWS_MAX / 2);
        struct sg_vee_row *rows = reallocarray(im->out->rows, wanted, sizeof(*rows));
        if (!rows)
            return sg_raise(-ENOMEM);
        im->out->rows = rows;
        im->capacity = wanted;
    }
    im->out->rows[im->out->n++] = *row;
    return 0;
}

static int take_row(struct vee_import *im, char *line)
{
    char *fields[SG_IMPORT_COLUMNS_MAX], stamp[2 * SG_IMPORT_NAME_MAX];
    const size_t n = vee_import_split(line, im->format->delimiter, fields);
    const struct vee_import_columns *c = &im->columns;
    const size_t needed[] = {c->stamp[0], c->stamp[1], c->energy, c->reactive,
                             c->lagging,  c->leading,  c->reg};
    struct sg_vee_row row = {.reactive_register_varh = SG_READING_NA};
    int64_t local_s = 0, instant_s = 0;
    bool keeps = true;
    int r;

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (needed[i] != VEE_IMPORT_ABSENT && needed[i] >= n)
            return vee_import_refuse(im, "only %zu columns", n);
    r = vee_import_values(im, fields, &row);
    if (r)
        return r;
    snprintf(stamp, sizeof(stamp), "%.*s%s%.*s", SG_IMPORT_NAME_MAX - 1, fields[c->stamp[0]],
             c->stamp[1] == VEE_IMPORT_ABSENT ? "" : " ", SG_IMPORT_NAME_MAX - 1,
             c->stamp[1] == VEE_IMPORT_ABSENT ? "" : fields[c->stamp[1]]);
    r = take_instant(im, stamp, &row, &local_s, &instant_s);
    if (r == STAMP_BAD)
        return vee_import_refuse(im, "%s: \"%s\" is no time of the form %s", im->format->stamp[0],
                                 stamp, im->format->time);
    if (r == STAMP_SKIP)
        return 0;
    note_order(im, local_s, instant_s, &row, &keeps);
    im->started = true;
    im->local_s = local_s;
    im->instant_s = instant_s;
    row.ts_s = end_of(im, instant_s);
    return keeps ? keep(im, &row) : 0;
}

static int take_rows(struct vee_import *im, struct sg_bytes csv)
{
    struct sg_reader in = sg_reader_over(csv);
    char room[SG_IMPORT_LINE_MAX];
    bool end = false;
    int r = vee_import_header(im, &in);

    while (!r) {
        r = vee_import_line(im, &in, room, &end);
        if (r || end)
            break;
        if (!*room)
            continue;
        im->out->lines++;
        r = take_row(im, room);
    }
    return r;
}

static int check_format(struct vee_import *im)
{
    const struct sg_import_format *f = im->format;

    if (!*f->stamp[0] || !*f->energy.column)
        return vee_import_refuse(im, "columns of time and energy must be named");
    if (!vee_stamp_format_ok(f->time))
        return vee_import_refuse(
            im, "time format: %%d %%m %%Y, with %%H %%M %%S, each once; or unix, rfc3339");
    if (f->interval_s < 60 || f->interval_s > 86400 || 86400 % f->interval_s)
        return vee_import_refuse(im, "interval: 60 s to a day, a whole part of a day");
    if (*f->reactive.column && (*f->lagging.column || *f->leading.column))
        return vee_import_refuse(im, "reactive energy: one column, or lagging and leading");
    return 0;
}

int sg_import_csv(const struct sg_import_format *format, struct sg_bytes csv, sg_import_fn fn,
                  void *user, struct sg_import_result *ret, char why[160])
{
    SG_CLEANUP(sg_tz_freep) struct sg_tz *tz = NULL;
    struct sg_import_result out = {.rows = NULL};
    struct vee_import im = {.format = format, .fn = fn, .user = user, .why = why, .out = &out};
    int r = check_format(&im);

    if (r)
        return r;
    r = sg_tz_load(&tz, format->zone);
    if (r)
        return r < 0
                   ? r
                   : vee_import_refuse(&im, "no such time zone on this machine: %s", format->zone);
    im.tz = tz;
    r = take_rows(&im, csv);
    if (r)
        sg_import_clear(&out);
    else
        *ret = out;
    return r;
}

void sg_import_clear(struct sg_import_result *r)
{
    free(r->rows);
    r->rows = NULL;
    r->n = 0;
}
