/*
 * days-gap - a day of which a few points are missing, filled in (days.h has the rule).
 */
#include <sealgrid/fraud/days.h>

#include <math.h>
#include <string.h>

enum {
    USUAL_DAYS = 20, /* that tell what is usual at a point */
    USUAL_LEAST = 3,
    USUAL_BACK = 128, /* rows looked at, of either kind */
};

#define FACTOR_MOST 4.0

/* Mean of the customer's last days of that kind at that point; NAN: too few. */
static double usual_at(const struct sg_fraud_days *d, enum sg_fraud_day_kind kind, uint32_t point)
{
    const uint32_t end = d->n_days > USUAL_BACK ? d->n_days - USUAL_BACK : 0;
    double sum = 0;
    uint32_t n = 0;
    for (uint32_t i = d->n_days; i > end && n < USUAL_DAYS; i--)
        if (sg_fraud_day_kind_of(d->weekday[i - 1]) == kind &&
            !sg_fraud_days_is_filled(d, i - 1, point)) {
            sum += (double)sg_fraud_days_row(d, i - 1)[point];
            n++;
        }
    return n >= USUAL_LEAST ? sum / n : NAN;
}

/* Points first..end-1 of a day are missing; the ones beside them are measured, if they are there.
 */
struct run {
    uint32_t first, end;
    bool before, behind;
};

static struct run next_run(const float *load, uint32_t points, uint32_t from)
{
    struct run r = {.first = from};
    while (r.first < points && !isnan(load[r.first]))
        r.first++;
    for (r.end = r.first; r.end < points && isnan(load[r.end]);)
        r.end++;
    r.before = r.first > 0;
    r.behind = r.end < points;
    return r;
}

/* The line from a before the run to b behind it, at a point of it. */
static double on_line(const struct run *r, double a, double b, uint32_t point)
{
    const double at = (double)(point - r->first + 1) / (double)(r->end - r->first + 1);
    return a + (b - a) * at;
}

/* How much more is usual at that point than on the line between its neighbours. */
static double factor_at(const struct sg_fraud_days *d, enum sg_fraud_day_kind kind,
                        const struct run *r, double before, double behind, uint32_t point)
{
    const double usual = usual_at(d, kind, point), line = on_line(r, before, behind, point);
    const double factor = usual / line;
    if (isnan(usual) || isnan(line) || !(line > 0))
        return 1;
    return factor > FACTOR_MOST ? FACTOR_MOST : factor < 1 / FACTOR_MOST ? 1 / FACTOR_MOST : factor;
}

static double between(double v, double a, double b)
{
    const double low = a < b ? a : b, high = a < b ? b : a;
    return v < low ? low : v > high ? high : v;
}

static void fill_run(const struct sg_fraud_days *d, enum sg_fraud_day_kind kind,
                     const struct run *r, float *row)
{
    const uint32_t left = r->before ? r->first - 1 : r->end, right = r->behind ? r->end : left;
    const double a = (double)row[left], b = (double)row[right];
    const double usual_a = usual_at(d, kind, left), usual_b = usual_at(d, kind, right);
    const bool brief = r->end - r->first < d->points / 24;
    for (uint32_t i = r->first; i < r->end; i++) {
        double v = on_line(r, a, b, i) * factor_at(d, kind, r, usual_a, usual_b, i);
        v = brief ? between(v, a, b) : v;
        row[i] = v < (double)SG_FRAUD_LOAD_MAX ? (float)v : SG_FRAUD_LOAD_MAX;
    }
}

int sg_fraud_days_add_part(struct sg_fraud_days *d, int32_t day, uint8_t weekday, const float *load,
                           uint32_t *reterr_at)
{
    struct sg_fraud_gap gap = {.missing = 0};
    float row[SG_FRAUD_POINTS_MAX];
    if (weekday > 6)
        return SG_FRAUD_DAYS_BAD_WEEKDAY;
    memcpy(row, load, d->points * sizeof(*row));
    for (uint32_t i = 0; i < d->points; i++)
        if (isnan(row[i])) {
            gap.word[i / 32] |= 1u << i % 32;
            gap.missing++;
        } else if (!(row[i] >= 0 && row[i] <= SG_FRAUD_LOAD_MAX)) {
            if (reterr_at)
                *reterr_at = i;
            return SG_FRAUD_DAYS_BAD_LOAD;
        }
    if (gap.missing * SG_FRAUD_GAP_PART > d->points)
        return SG_FRAUD_DAYS_GAPS;
    const enum sg_fraud_day_kind kind = sg_fraud_day_kind_of(weekday);
    for (struct run r = next_run(row, d->points, 0); r.first < d->points;
         r = next_run(row, d->points, r.end))
        fill_run(d, kind, &r, row);
    int e = sg_fraud_days_add(d, day, weekday, row, reterr_at);
    if (e == 0 && gap.missing) {
        d->gap[d->n_days - 1] = gap;
        d->n_gaps++;
    }
    return e;
}

uint32_t sg_fraud_missing_hours(const float *load, uint32_t points)
{
    uint32_t hours = 0;
    for (uint32_t i = 0; i < points; i++)
        hours |= (uint32_t)(isnan(load[i]) != 0) << i * 24 / points;
    return hours;
}
