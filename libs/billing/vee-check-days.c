/* vee-check-days - what shows in values over time: runs of one value, and days against own history.
 */
#include "vee-int.h"

#include <stdio.h>

#define UNIT_STEP 1000 /* Wh for kWh, or the other way */

/* ---- runs of one value -------------------------------------------------------------------------
 */

struct run {
    size_t first, n;
    int64_t value;
    const char *serial;
};

static struct vee_found of_run(const struct vee_report *r, enum sg_vee_check_id id,
                               const struct run *run)
{
    return (struct vee_found){.id = id,
                              .serial = run->serial,
                              .from_s = vee_slot_end(r->g, run->first) - r->g->s->interval_s,
                              .until_s = vee_slot_end(r->g, run->first + run->n - 1),
                              .count = run->n,
                              .value = run->value,
                              .limit = SG_READING_NA};
}

static void end_zero_run(const struct vee_report *r, const struct run *run)
{
    const struct sg_vee_check *zero = vee_check_of(r, SG_VEE_ZERO);
    const struct sg_vee_check *inactive = vee_check_of(r, SG_VEE_INACTIVE);
    const int64_t span = (int64_t)run->n * r->g->s->interval_s;
    struct vee_found f = of_run(r, SG_VEE_INACTIVE, run);

    if (inactive->on && span >= inactive->param[0] * 86400) {
        f.limit = inactive->param[0];
        vee_tell(r, &f, "no use in %lld days", (long long)(span / 86400));
    } else if (zero->on && span >= zero->param[0] * 60) {
        f.id = SG_VEE_ZERO;
        f.limit = zero->param[0];
        vee_tell(r, &f, "no use in %lld minutes", (long long)(span / 60));
    }
}

static void end_run(const struct vee_report *r, const struct run *run)
{
    const struct sg_vee_check *stuck = vee_check_of(r, SG_VEE_STUCK);

    if (run->n == 0)
        return;
    if (run->value == 0) {
        end_zero_run(r, run);
    } else if (stuck->on && (int64_t)run->n >= stuck->param[0]) {
        struct vee_found f = of_run(r, SG_VEE_STUCK, run);
        f.limit = stuck->param[0];
        vee_tell(r, &f, "%zu intervals of exactly %lld Wh", run->n, (long long)run->value);
    }
}

static void check_values(const struct vee_report *r)
{
    struct run run = {0, 0, 0, NULL};

    for (size_t i = 0; i < r->g->n_slots; i++) {
        const struct sg_vee_row *row = vee_genuine(r->g, i);
        if (run.n && row && row->energy_wh == run.value && !strcmp(row->serial, run.serial)) {
            run.n++;
            continue;
        }
        end_run(r, &run);
        run = (struct run){i, row ? 1 : 0, row ? row->energy_wh : 0, row ? row->serial : NULL};
    }
    end_run(r, &run);
}

/* ---- runs of estimates -------------------------------------------------------------------------
 */

static void end_estimates(const struct vee_report *r, int64_t from_s, int64_t until_s)
{
    const int64_t hours = vee_check_of(r, SG_VEE_ESTIMATION)->param[0];
    const struct vee_found f = {.id = SG_VEE_ESTIMATION,
                                .from_s = from_s,
                                .until_s = until_s,
                                .count = (uint64_t)((until_s - from_s) / r->g->s->interval_s),
                                .value = (until_s - from_s) / 3600,
                                .limit = hours};

    if (until_s - from_s >= hours * 3600)
        vee_tell(r, &f, "estimated for %lld hours on end", (long long)f.value);
}

/* Estimated rows come by time; what is between two of them need not be looked at. */
static void check_estimates(const struct vee_report *r)
{
    const struct sg_vee_series *s = r->g->s;
    int64_t from_s = 0, until_s = 0;

    for (size_t i = 0; i < s->n_rows; i++) {
        const struct sg_vee_row *row = &s->rows[i];
        if (!(row->flags & SG_VEE_ROW_ESTIMATED) || vee_slot_of(r->g, row->ts_s) < 0)
            continue;
        if (row->ts_s - s->interval_s != until_s) {
            end_estimates(r, from_s, until_s);
            from_s = row->ts_s - s->interval_s;
        }
        until_s = row->ts_s;
    }
    end_estimates(r, from_s, until_s);
}

void vee_check_runs(const struct vee_report *r)
{
    check_values(r);
    if (vee_check_of(r, SG_VEE_ESTIMATION)->on)
        check_estimates(r);
}

/* ---- days --------------------------------------------------------------------------------------
 */

struct day_sum {
    bool complete; /* whole, with a genuine reading of every interval */
    int64_t wh;
};

static struct day_sum sum_day(const struct vee_grid *g, const struct vee_day *day)
{
    struct day_sum sum = {day->whole, 0};

    for (size_t i = day->first; i < day->first + day->n; i++) {
        const struct sg_vee_row *row = vee_genuine(g, i);
        sum.complete &= row != NULL;
        sum.wh += row ? row->energy_wh : 0;
    }
    return sum;
}

/* Complete days of the same kind within the days before; all kinds of rest count as one, because a
 * month has too few holidays. */
struct history {
    int64_t n, sum;
    __int128 squares;
};

static struct history history_of(const struct vee_grid *g, const struct day_sum *sums, size_t at,
                                 int64_t days)
{
    struct history h = {0, 0, 0};
    const bool working = g->days[at].kind == SG_VEE_WORKING;

    for (size_t i = at; i-- > 0 && g->days[i].day >= g->days[at].day - days;) {
        if (!sums[i].complete || (g->days[i].kind == SG_VEE_WORKING) != working)
            continue;
        h.n++;
        h.sum += sums[i].wh;
        h.squares += (__int128)sums[i].wh * sums[i].wh;
    }
    return h;
}

static struct vee_found of_day(const struct vee_report *r, enum sg_vee_check_id id, size_t at,
                               int64_t value, int64_t limit)
{
    const struct vee_day *day = &r->g->days[at];
    const struct sg_vee_row *row = vee_genuine(r->g, day->first);

    return (struct vee_found){.id = id,
                              .serial = row ? row->serial : NULL,
                              .from_s = vee_slot_end(r->g, day->first) - r->g->s->interval_s,
                              .until_s = vee_slot_end(r->g, day->first + day->n - 1),
                              .count = day->n,
                              .value = value,
                              .limit = limit};
}

static void check_high_low(const struct vee_report *r, const struct day_sum *sums, size_t at)
{
    const struct sg_vee_check *c = vee_check_of(r, SG_VEE_HIGH_LOW);
    const struct history h = history_of(r->g, sums, at, c->param[0]);

    if (!c->on || h.n < c->param[1] || h.sum <= 0)
        return;
    const int64_t mean = h.sum / h.n;
    const int64_t high = (int64_t)((__int128)h.sum * c->param[2] / (100 * h.n));
    const int64_t low = (int64_t)((__int128)h.sum * c->param[3] / (100 * h.n));
    struct vee_found f = of_day(r, SG_VEE_HIGH_LOW, at, sums[at].wh, high);
    if (sums[at].wh > high)
        vee_tell(r, &f, "high: %lld Wh on a day, own mean is %lld Wh", (long long)sums[at].wh,
                 (long long)mean);
    f.limit = low;
    if (sums[at].wh < low)
        vee_tell(r, &f, "low: %lld Wh on a day, own mean is %lld Wh", (long long)sums[at].wh,
                 (long long)mean);
}

/* floor(sqrt(v)), by Newton's iteration from above. */
static int64_t root_of(__int128 v)
{
    __int128 x = v, y = (v + 1) / 2;

    while (y < x) {
        x = y;
        y = (x + v / x) / 2;
    }
    return (int64_t)x;
}

/* The limit follows how much the days of this client differ among themselves. */
static void check_dynamic(const struct vee_report *r, const struct day_sum *sums, size_t at)
{
    const struct sg_vee_check *c = vee_check_of(r, SG_VEE_DYNAMIC);
    const struct history h = history_of(r->g, sums, at, c->param[0]);

    if (!c->on || h.n < c->param[1] || h.sum <= 0)
        return;
    const int64_t mean = h.sum / h.n;
    const int64_t deviation = root_of((h.squares * h.n - (__int128)h.sum * h.sum) / h.n / h.n);
    const int64_t off = llabs(sums[at].wh - mean);
    const int64_t limit = (int64_t)((__int128)deviation * c->param[2] / 100);
    const int64_t least = (int64_t)((__int128)mean * c->param[3] / 100);
    const struct vee_found f = of_day(r, SG_VEE_DYNAMIC, at, off, limit > least ? limit : least);
    if (off > f.limit)
        vee_tell(r, &f, "%lld Wh on a day: %lld Wh off its mean, whose spread is %lld Wh",
                 (long long)sums[at].wh, (long long)off, (long long)deviation);
}

static bool near(int64_t wh, __int128 expected_sum, int64_t n, int64_t tolerance)
{
    const __int128 scaled = (__int128)wh * n * 100;
    return scaled >= expected_sum * (100 - tolerance) && scaled <= expected_sum * (100 + tolerance);
}

static void check_unit(const struct vee_report *r, const struct day_sum *sums, size_t at)
{
    const struct sg_vee_check *c = vee_check_of(r, SG_VEE_UNIT);
    const struct history h = history_of(r->g, sums, at, c->param[0]);

    if (!c->on || h.n < c->param[1] || h.sum <= 0 || sums[at].wh <= 0)
        return;
    const struct vee_found f = of_day(r, SG_VEE_UNIT, at, sums[at].wh, h.sum / h.n);
    if (near(sums[at].wh, (__int128)h.sum * UNIT_STEP, h.n, c->param[2]))
        vee_tell(r, &f, "a thousand times the days before: Wh told as kWh?");
    else if (h.sum / h.n >= UNIT_STEP && near(sums[at].wh * UNIT_STEP, h.sum, h.n, c->param[2]))
        vee_tell(r, &f, "a thousandth of the days before: kWh told as Wh?");
}

/* Peaks of a day against its third highest interval, as utilities' interval data rules do. */
static void check_spike(const struct vee_report *r, size_t at)
{
    const struct vee_day *day = &r->g->days[at];
    const struct sg_vee_check *c = vee_check_of(r, SG_VEE_SPIKE);
    int64_t top[3] = {0, 0, 0};
    size_t n = 0;

    for (size_t i = day->first; i < day->first + day->n; i++) {
        const struct sg_vee_row *row = vee_genuine(r->g, i);
        int64_t v = row ? row->energy_wh : 0;
        n += row != NULL;
        for (int k = 0; k < 3; k++)
            if (v > top[k]) {
                int64_t other = top[k];
                top[k] = v;
                v = other;
            }
    }
    const int64_t limit = (int64_t)((__int128)top[2] * (100 + c->param[0]) / 100);
    if (!c->on || n < 3 || top[0] <= limit)
        return;
    for (size_t i = day->first; i < day->first + day->n; i++) {
        const struct sg_vee_row *row = vee_genuine(r->g, i);
        if (!row || row->energy_wh <= limit || row->energy_wh < c->param[1])
            continue;
        const struct vee_found f = {.id = SG_VEE_SPIKE,
                                    .serial = row->serial,
                                    .from_s = row->ts_s - r->g->s->interval_s,
                                    .until_s = row->ts_s,
                                    .count = 1,
                                    .value = row->energy_wh,
                                    .limit = limit};
        vee_tell(r, &f, "%lld Wh, the third highest of the day is %lld Wh",
                 (long long)row->energy_wh, (long long)top[2]);
    }
}

int vee_check_days(const struct vee_report *r)
{
    SG_FREE struct day_sum *sums = calloc(r->g->n_days, sizeof(*sums));

    if (!sums)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < r->g->n_days; i++)
        sums[i] = sum_day(r->g, &r->g->days[i]);
    for (size_t i = 0; i < r->g->n_days; i++) {
        check_spike(r, i);
        if (!sums[i].complete)
            continue;
        check_high_low(r, sums, i);
        check_dynamic(r, sums, i);
        check_unit(r, sums, i);
    }
    return 0;
}
