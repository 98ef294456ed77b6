#pragma once
/*
 * vee-fixture - for tests: a clean load of one meter, and the ready rule file.
 */
#include <sealgrid/billing/vee.h>

#include <stdio.h>

#define VX_SERIAL "M0000001"
#define VX_CLIENT INT64_C(3000000001)

struct vx_load {
    struct sg_vee_rules *rules;
    struct sg_vee_row *rows; /* room for twice as many */
    size_t n;
    struct sg_vee_series series;
};

static uint64_t vx_state;
/* splitmix64: Steele, Lea, Flood 2014. */
static inline uint64_t vx_random(void)
{
    uint64_t z = vx_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}
static inline int64_t vx_below(int64_t n)
{
    return (int64_t)(vx_random() % (uint64_t)n);
}

static inline struct sg_vee_rules *vx_rules_text(const char *text)
{
    struct sg_yaml_error why = {0, ""};
    struct sg_vee_rules *rules = NULL;
    int r = sg_vee_rules_parse(&rules, sg_bytes_str(text), &why);
    if (r)
        fprintf(stderr, "rules:%u: %s\n", why.line, why.text);
    sg_assert(r == 0);
    return rules;
}

/* The ready file, in another zone. */
static inline struct sg_vee_rules *vx_rules(const char *zone)
{
    struct sg_yaml_error why = {0, ""};
    struct sg_vee_rules *rules = NULL;
    int r = sg_vee_rules_load(&rules, "apps/bill/vee/default.yaml", &why);
    if (r)
        fprintf(stderr, "default.yaml:%u: %s\n", why.line, why.text);
    sg_assert(r == 0);
    sg_tz_free(rules->tz);
    rules->tz = NULL;
    sg_assert(sg_tz_load(&rules->tz, zone) == 0);
    snprintf(rules->zone, sizeof(rules->zone), "%s", zone);
    return rules;
}

/* A household: a curve over the day, each interval up to a tenth off it.  from_s: local midnight.
 */
static inline void vx_make(struct vx_load *l, const char *zone, int64_t from_s, size_t n,
                           uint32_t interval_s, uint64_t seed)
{
    static const int curve[24] = {250, 220, 200, 190, 190, 200, 280, 360, 340, 320, 320, 360,
                                  400, 360, 330, 330, 360, 450, 620, 700, 680, 580, 430, 320};
    int64_t reg = 1000000, reactive_reg = 500000;

    *l = (struct vx_load){.rules = vx_rules(zone), .n = n};
    l->rows = calloc(2 * n + 16, sizeof(*l->rows));
    sg_assert(l->rows);
    vx_state = seed;
    for (size_t i = 0; i < n; i++) {
        struct sg_vee_row *row = &l->rows[i];
        const int64_t begin = from_s + (int64_t)i * interval_s;
        const int64_t local = begin + sg_tz_at(l->rules->tz, begin).east_s;
        const int64_t base = (int64_t)curve[local % 86400 / 3600] * interval_s / 900;
        row->ts_s = begin + interval_s;
        row->seq = 5000 + i;
        row->energy_wh = base + vx_below(base / 5) - base / 10;
        row->reactive_varh = row->energy_wh * 3 / 10;
        reg += row->energy_wh;
        row->register_wh = reg;
        reactive_reg += row->reactive_varh;
        row->reactive_register_varh = reactive_reg;
        snprintf(row->serial, sizeof(row->serial), VX_SERIAL);
    }
    l->series = (struct sg_vee_series){.client = VX_CLIENT,
                                       .from_s = from_s,
                                       .until_s = from_s + (int64_t)(n * interval_s),
                                       .interval_s = interval_s,
                                       .rows = l->rows,
                                       .n_rows = n};
}

static inline void vx_clear(struct vx_load *l)
{
    sg_vee_rules_free(l->rules);
    free(l->rows);
}

static inline void vx_drop(struct vx_load *l, size_t at, size_t n)
{
    memmove(&l->rows[at], &l->rows[at + n], (l->n - at - n) * sizeof(*l->rows));
    l->n -= n;
    l->series.n_rows = l->n;
}

static inline void vx_insert(struct vx_load *l, size_t at, const struct sg_vee_row *row)
{
    const struct sg_vee_row copy = *row;
    memmove(&l->rows[at + 1], &l->rows[at], (l->n - at) * sizeof(*l->rows));
    l->rows[at] = copy;
    l->n++;
    l->series.n_rows = l->n;
}
