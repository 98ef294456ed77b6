#include <sealgrid/fraud/days.h>

#include <string.h>

int sg_fraud_days_start(struct sg_fraud_days *d, const char *id, uint32_t points)
{
    size_t len = strlen(id);
    if (len == 0 || len > SG_FRAUD_ID_MAX)
        return SG_FRAUD_DAYS_BAD_ID;
    if (points != 24 && points != 48 && points != SG_FRAUD_POINTS_MAX)
        return SG_FRAUD_DAYS_BAD_POINTS;
    /* Room is counted in days of one width. */
    if (d->points != points)
        sg_fraud_days_clear(d);
    memcpy(d->id, id, len + 1);
    d->points = points;
    d->n_days = d->n_gaps = d->n_lost = 0;
    return 0;
}

/* All arrays of days or none: what is there already moves over. */
static int days_grow(struct sg_fraud_days *d)
{
    uint32_t room = d->room ? d->room * 2 : 128;
    size_t row = d->points * sizeof(float);
    SG_FREE float *load = aligned_alloc(SG_FRAUD_LOAD_ALIGN, room * row);
    SG_FREE int32_t *day = malloc(room * sizeof(*day));
    SG_FREE uint8_t *weekday = malloc(room);
    SG_FREE struct sg_fraud_gap *gap = malloc(room * sizeof(*gap));
    if (!load || !day || !weekday || !gap)
        return sg_raise(-ENOMEM);
    if (d->n_days) {
        memcpy(load, d->load, d->n_days * row);
        memcpy(day, d->day, d->n_days * sizeof(*day));
        memcpy(weekday, d->weekday, d->n_days);
        memcpy(gap, d->gap, d->n_days * sizeof(*gap));
    }
    free(d->load);
    free(d->day);
    free(d->weekday);
    free(d->gap);
    d->load = TAKE_PTR(load);
    d->day = TAKE_PTR(day);
    d->weekday = TAKE_PTR(weekday);
    d->gap = TAKE_PTR(gap);
    d->room = room;
    return 0;
}

int sg_fraud_days_add(struct sg_fraud_days *d, int32_t day, uint8_t weekday, const float *load,
                      uint32_t *reterr_at)
{
    sg_assert(d->points != 0);
    if (weekday > 6)
        return SG_FRAUD_DAYS_BAD_WEEKDAY;
    if (d->n_days > 0 && day <= d->day[d->n_days - 1])
        return SG_FRAUD_DAYS_NOT_AFTER;
    if (d->n_days >= SG_FRAUD_DAYS_MAX)
        return SG_FRAUD_DAYS_FULL;
    for (uint32_t i = 0; i < d->points; i++)
        if (!(load[i] >= 0 && load[i] <= SG_FRAUD_LOAD_MAX)) { /* false for NaN too */
            if (reterr_at)
                *reterr_at = i;
            return SG_FRAUD_DAYS_BAD_LOAD;
        }
    if (d->n_days == d->room) {
        int r = days_grow(d);
        if (r < 0)
            return r;
    }
    memcpy(d->load + (size_t)d->n_days * d->points, load, d->points * sizeof(float));
    d->day[d->n_days] = day;
    d->weekday[d->n_days] = weekday;
    d->gap[d->n_days] = (struct sg_fraud_gap){.missing = 0};
    d->n_days++;
    return 0;
}

void sg_fraud_days_note_missing(struct sg_fraud_days *d, uint32_t missing)
{
    sg_assert(d->n_days > 0);
    struct sg_fraud_gap *gap = &d->gap[d->n_days - 1];
    d->n_gaps = d->n_gaps - (gap->missing > 0) + (missing > 0);
    gap->missing = missing;
}

int sg_fraud_days_lose(struct sg_fraud_days *d, int32_t day, uint32_t hours)
{
    if (d->n_lost > 0 && day <= d->lost[d->n_lost - 1].day)
        return 0;
    if (d->n_lost == SG_FRAUD_DAYS_MAX) { /* the older half goes */
        d->n_lost /= 2;
        memmove(d->lost, d->lost + d->n_lost, d->n_lost * sizeof(*d->lost));
    }
    if (d->n_lost == d->room_lost) {
        const uint32_t room = d->room_lost ? d->room_lost * 2 : 64;
        struct sg_fraud_lost *lost = reallocarray(d->lost, room, sizeof(*lost));
        if (!lost)
            return sg_raise(-ENOMEM);
        d->lost = lost;
        d->room_lost = room;
    }
    d->lost[d->n_lost++] = (struct sg_fraud_lost){day, hours & SG_FRAUD_ALL_HOURS};
    return 0;
}

static uint32_t count_gaps(const struct sg_fraud_days *d)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->n_days; i++)
        n += sg_fraud_days_has_gap(d, i);
    return n;
}

void sg_fraud_days_forget(struct sg_fraud_days *d, uint32_t n)
{
    sg_assert(n <= d->n_days);
    const uint32_t left = d->n_days - n;
    if (n == 0)
        return;
    memmove(d->load, d->load + (size_t)n * d->points, (size_t)left * d->points * sizeof(float));
    memmove(d->day, d->day + n, left * sizeof(*d->day));
    memmove(d->weekday, d->weekday + n, left);
    memmove(d->gap, d->gap + n, left * sizeof(*d->gap));
    d->n_days = left;
    d->n_gaps = count_gaps(d);
}

void sg_fraud_days_renumber(struct sg_fraud_days *d, int32_t by)
{
    for (uint32_t i = 0; i < d->n_days; i++)
        d->day[i] -= by;
    for (uint32_t i = 0; i < d->n_lost; i++)
        d->lost[i].day -= by;
}

int sg_fraud_days_copy(struct sg_fraud_days *to, const struct sg_fraud_days *from)
{
    int r = sg_fold(sg_fraud_days_start(to, from->id, from->points));
    for (uint32_t i = 0; r == 0 && i < from->n_days; i++) {
        r = sg_fold(sg_fraud_days_add(to, from->day[i], from->weekday[i],
                                      sg_fraud_days_row(from, i), NULL));
        if (r == 0)
            to->gap[i] = from->gap[i];
    }
    for (uint32_t i = 0; r == 0 && i < from->n_lost; i++)
        r = sg_fraud_days_lose(to, from->lost[i].day, from->lost[i].hours);
    to->n_gaps = from->n_gaps;
    return r;
}

void sg_fraud_days_clear(struct sg_fraud_days *d)
{
    free(d->load);
    free(d->day);
    free(d->weekday);
    free(d->gap);
    free(d->lost);
    *d = (struct sg_fraud_days)SG_FRAUD_DAYS_INIT;
}

const char *sg_fraud_days_outcome_text(int outcome)
{
    static const char *const text[] = {
        [SG_FRAUD_DAYS_BAD_ID] = "customer",     [SG_FRAUD_DAYS_BAD_POINTS] = "points",
        [SG_FRAUD_DAYS_BAD_WEEKDAY] = "weekday", [SG_FRAUD_DAYS_NOT_AFTER] = "order",
        [SG_FRAUD_DAYS_BAD_LOAD] = "load",       [SG_FRAUD_DAYS_FULL] = "too-many-days",
        [SG_FRAUD_DAYS_GAPS] = "gaps",
    };
    size_t n = sizeof(text) / sizeof(text[0]);
    return outcome > 0 && (size_t)outcome < n ? text[outcome] : "unknown";
}
