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
    d->n_days = 0;
    return 0;
}

/* All three arrays or none: what is there already moves over. */
static int days_grow(struct sg_fraud_days *d)
{
    uint32_t room = d->room ? d->room * 2 : 128;
    size_t row = d->points * sizeof(float);
    SG_FREE float *load = aligned_alloc(SG_FRAUD_LOAD_ALIGN, room * row);
    SG_FREE int32_t *day = malloc(room * sizeof(*day));
    SG_FREE uint8_t *weekday = malloc(room);
    if (!load || !day || !weekday)
        return sg_raise(-ENOMEM);
    if (d->n_days) {
        memcpy(load, d->load, d->n_days * row);
        memcpy(day, d->day, d->n_days * sizeof(*day));
        memcpy(weekday, d->weekday, d->n_days);
    }
    free(d->load);
    free(d->day);
    free(d->weekday);
    d->load = TAKE_PTR(load);
    d->day = TAKE_PTR(day);
    d->weekday = TAKE_PTR(weekday);
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
    d->n_days++;
    return 0;
}

void sg_fraud_days_clear(struct sg_fraud_days *d)
{
    free(d->load);
    free(d->day);
    free(d->weekday);
    *d = (struct sg_fraud_days)SG_FRAUD_DAYS_INIT;
}

const char *sg_fraud_days_outcome_text(int outcome)
{
    static const char *const text[] = {
        [SG_FRAUD_DAYS_BAD_ID] = "customer",     [SG_FRAUD_DAYS_BAD_POINTS] = "points",
        [SG_FRAUD_DAYS_BAD_WEEKDAY] = "weekday", [SG_FRAUD_DAYS_NOT_AFTER] = "order",
        [SG_FRAUD_DAYS_BAD_LOAD] = "load",       [SG_FRAUD_DAYS_FULL] = "too-many-days",
    };
    size_t n = sizeof(text) / sizeof(text[0]);
    return outcome > 0 && (size_t)outcome < n ? text[outcome] : "unknown";
}
