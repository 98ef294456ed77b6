#pragma once
/*
 * view-int - one customer's days as the full score reads them: 24 sums a day, the reference days
 * first, then the recent ones; hour by hour, so that loops over days have unit stride.
 *
 * Owns: its arrays.  A part (sg_view_part) borrows them.
 */
#include <sealgrid/fraud/context.h>
#include <sealgrid/fraud/correlation.h>

enum { SG_VIEW_HOURS = 24, SG_VIEW_DAYS_MAX = 512 };

struct sg_view {
    struct sg_corr_windows windows;
    uint32_t n_reference, n_recent; /* days there are; the rows 0..n-1 */
    uint32_t stride;                /* of one hour to the next */
    float *x;                       /* [SG_VIEW_HOURS][stride]; 0..24 SG_FRAUD_LOAD_MAX */
    int32_t *day;
    uint8_t *kind;    /* of the day, holidays counted in; enum sg_fraud_day_kind */
    uint8_t *weekday; /* 0 = Monday */
    /* Of each row; 0: nothing is missing.  Bit h: more than a quarter of the hour's points is
     * filled in, so that it is no evidence of anything; at most half of a day's hours are.  Bit 31:
     * any point of the day is. */
    uint32_t *gap;
    bool gaps; /* of any row */
    /* Of each calendar day of the windows, from the first on: hours of which anything is missing;
     * all of them of a day that never arrived. */
    uint32_t *absent;
};

#define SG_VIEW_TOUCHED 0x80000000u

static inline uint32_t sg_view_days(const struct sg_view *v)
{
    return v->n_reference + v->n_recent;
}

static inline bool sg_view_filled(const struct sg_view *v, uint32_t hour, uint32_t row)
{
    return v->gap[row] >> hour & 1;
}

/* Calendar days of a window. */
static inline uint32_t sg_window_days(struct sg_corr_window w)
{
    return (uint32_t)(w.last - w.first) + 1;
}

/* Both windows hold at most this many days, the test window comes behind the reference. */
bool sg_view_windows_good(const struct sg_corr_windows *w);

/* An empty view with room for all days of w.  0, -ENOMEM. */
SG_MUST_USE int sg_view_init(struct sg_view *v, const struct sg_corr_windows *w);
void sg_view_clear(struct sg_view *v);
/* The days of d that lie in v's windows.  ctx may be NULL. */
void sg_view_fill(struct sg_view *v, const struct sg_fraud_days *d,
                  const struct sg_fraud_context *ctx);
/* A copy of from with room for no more days than it has.  0, -ENOMEM. */
SG_MUST_USE int sg_view_copy(struct sg_view *ret, const struct sg_view *from);
/* Only those days of from that lie in w, which are some of its days; borrows. */
struct sg_view sg_view_part(const struct sg_view *from, const struct sg_corr_windows *w);
