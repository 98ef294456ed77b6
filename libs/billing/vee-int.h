#pragma once
/*
 * vee-int - a period laid out as slots (intervals) and local days, which checks and estimation
 * share.  Owns its arrays; borrows rules and series.
 */
#include <sealgrid/billing/vee.h>

#define VEE_NO_ROW UINT32_MAX

struct vee_day {
    int64_t day;     /* days since 1970, local */
    size_t first, n; /* its slots within the period */
    bool whole;      /* not cut by an end of the period */
    enum sg_vee_kind kind;
};

struct vee_grid {
    const struct sg_vee_rules *rules;
    const struct sg_vee_series *s;
    size_t n_slots;
    uint32_t *row_of; /* per slot: the first row of it, VEE_NO_ROW */
    uint8_t *rows_in; /* per slot: 0, 1, 2 (two or more alike), 3 (rows that differ) */
    uint16_t *minute; /* per slot: local minute of the day in which it begins */
    uint32_t *day_of; /* per slot: index into days */
    struct vee_day *days;
    size_t n_days;
};

/* 0 or SG_VEE_BAD_PERIOD. */
SG_MUST_USE int vee_grid_make(struct vee_grid *ret, const struct sg_vee_rules *rules,
                              const struct sg_vee_series *s);
void vee_grid_clear(struct vee_grid *g);

/* -1 if the instant is no end of an interval of the period. */
int64_t vee_slot_of(const struct vee_grid *g, int64_t ts_s);
static inline int64_t vee_slot_end(const struct vee_grid *g, size_t slot)
{
    return g->s->from_s + (int64_t)(slot + 1) * g->s->interval_s;
}
/* A genuine reading with an energy, of one row or of rows that agree; NULL if there is none. */
const struct sg_vee_row *vee_genuine(const struct vee_grid *g, size_t slot);
/* The meter that the records place at the interval's end; NULL: none, or there are no records. */
const struct sg_vee_meter *vee_meter_at(const struct sg_vee_series *s, int64_t ts_s);
bool vee_rows_alike(const struct sg_vee_row *a, const struct sg_vee_row *b);

/* What a check works with. */
struct vee_report {
    const struct vee_grid *g;
    sg_vee_fn fn;
    void *user;
};
struct vee_found {
    enum sg_vee_check_id id;
    const char *serial;
    int64_t from_s, until_s;
    uint64_t count;
    int64_t value, limit;
};
void vee_tell(const struct vee_report *r, const struct vee_found *f, const char *fmt, ...)
    SG_PRINTF(3, 4);
static inline const struct sg_vee_check *vee_check_of(const struct vee_report *r,
                                                      enum sg_vee_check_id id)
{
    return &r->g->rules->checks[id];
}

void vee_check_rows(const struct vee_report *r);            /* in the order in which they came */
void vee_check_slots(const struct vee_report *r);           /* by interval */
void vee_check_runs(const struct vee_report *r);            /* by value over time */
SG_MUST_USE int vee_check_days(const struct vee_report *r); /* by local day */
