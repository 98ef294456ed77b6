/* vee - words, and a period as slots and days. */
#include "vee-int.h"

#include <stdarg.h>
#include <stdio.h>

const char *sg_vee_severity_word(enum sg_vee_severity s)
{
    static const char *const words[] = {"info", "warn", "fail"};
    return words[s];
}

const char *sg_vee_method_word(enum sg_vee_method m)
{
    static const char *const words[] = {"linear", "history", "proxy_day", "profile"};
    return words[m];
}

const char *sg_vee_check_word(enum sg_vee_check_id id)
{
    static const char *const words[] = {
#define SG_C(id, word) [SG_VEE_##id] = (word),
        SG_VEE_CHECKS(SG_C)
#undef SG_C
    };
    return words[id];
}

const struct sg_vee_param *sg_vee_params(enum sg_vee_check_id id)
{
    static const struct sg_vee_param params[SG_VEE_N_CHECKS][SG_VEE_PARAMS_MAX + 1] = {
        [SG_VEE_SIBLING] = {{"required", 0, 0, 1}},
        [SG_VEE_NEGATIVE] = {{"down_to_wh", 0, -10000000, 0}},
        [SG_VEE_ZERO] = {{"minutes", 360, 1, 525600}},
        [SG_VEE_INACTIVE] = {{"days", 7, 1, 366}},
        [SG_VEE_STUCK] = {{"intervals", 12, 2, 100000}},
        [SG_VEE_SPIKE] = {{"percent", 180, 1, 1000000}, {"least_wh", 1000, 0, 10000000}},
        [SG_VEE_HIGH_LOW] = {{"history_days", 28, 1, 366},
                             {"least_days", 3, 1, 366},
                             {"high_percent", 300, 100, 1000000},
                             {"low_percent", 20, 0, 100}},
        [SG_VEE_DYNAMIC] = {{"history_days", 56, 2, 366},
                            {"least_days", 6, 2, 366},
                            {"deviations_percent", 600, 1, 100000},
                            {"floor_percent", 50, 0, 100000}},
        [SG_VEE_UNIT] = {{"history_days", 28, 1, 366},
                         {"least_days", 3, 1, 366},
                         {"tolerance_percent", 60, 0, 90}},
        [SG_VEE_SUM] = {{"tolerance_wh", 1, 0, 10000000}},
        [SG_VEE_ESTIMATION] = {{"hours", 24, 1, 8784}},
    };
    return params[id];
}

struct sg_vee_row sg_vee_row_of(const struct sg_reading *reading, const char *serial)
{
    const int64_t *field = reading->field;
    struct sg_vee_row row = {
        .seq = reading->seq,
        .ts_s = reading->ts_s,
        .energy_wh = field[SG_READING_interval_energy],
        .reactive_varh = field[SG_READING_interval_reactive_energy],
        .register_wh = field[SG_READING_energy_register],
        .reactive_register_varh = field[SG_READING_reactive_energy_register],
    };

    snprintf(row.serial, sizeof(row.serial), "%s", serial);
    return row;
}

/* ---- installation -----------------------------------------------------------------------------
 */

const struct sg_vee_meter *vee_meter_at(const struct sg_vee_series *s, int64_t ts_s)
{
    for (size_t i = 0; i < s->n_meters; i++)
        if (ts_s > s->meters[i].from_s && ts_s <= s->meters[i].until_s)
            return &s->meters[i];
    return NULL;
}

/* ---- grid -------------------------------------------------------------------------------------
 */

int64_t vee_slot_of(const struct vee_grid *g, int64_t ts_s)
{
    if (ts_s <= g->s->from_s || ts_s > g->s->until_s || (ts_s - g->s->from_s) % g->s->interval_s)
        return -1;
    return (ts_s - g->s->from_s) / g->s->interval_s - 1;
}

bool vee_rows_alike(const struct sg_vee_row *a, const struct sg_vee_row *b)
{
    return !strcmp(a->serial, b->serial) && a->energy_wh == b->energy_wh &&
           a->reactive_varh == b->reactive_varh && a->register_wh == b->register_wh &&
           a->reactive_register_varh == b->reactive_register_varh;
}

const struct sg_vee_row *vee_genuine(const struct vee_grid *g, size_t slot)
{
    if (g->row_of[slot] == VEE_NO_ROW || g->rows_in[slot] > 2)
        return NULL;
    const struct sg_vee_row *row = &g->s->rows[g->row_of[slot]];
    return row->energy_wh == SG_READING_NA ? NULL : row;
}

/* Estimated rows are no rows here: they are judged by their own check. */
static void place_rows(struct vee_grid *g)
{
    for (size_t i = 0; i < g->n_slots; i++)
        g->row_of[i] = VEE_NO_ROW;
    for (size_t i = 0; i < g->s->n_rows; i++) {
        const struct sg_vee_row *row = &g->s->rows[i];
        int64_t slot = vee_slot_of(g, row->ts_s);
        if (slot < 0 || row->flags & SG_VEE_ROW_ESTIMATED)
            continue;
        uint8_t *n = &g->rows_in[slot];
        if (*n == 0) {
            g->row_of[slot] = (uint32_t)i;
            *n = 1;
        } else if (!vee_rows_alike(&g->s->rows[g->row_of[slot]], row)) {
            *n = 3;
        } else if (*n == 1) {
            *n = 2;
        }
    }
}

static void place_days(struct vee_grid *g)
{
    struct sg_tz_span span = {0, 0, 0};

    for (size_t i = 0; i < g->n_slots; i++) {
        int64_t begin = vee_slot_end(g, i) - g->s->interval_s;
        if (begin < span.from_s || begin >= span.until_s)
            span = sg_tz_at(g->rules->tz, begin);
        int64_t local = begin + span.east_s;
        int64_t day = local / 86400 - (local % 86400 < 0);
        if (g->n_days == 0 || g->days[g->n_days - 1].day != day)
            g->days[g->n_days++] =
                (struct vee_day){.day = day, .first = i, .kind = sg_vee_day_kind(g->rules, day)};
        g->day_of[i] = (uint32_t)(g->n_days - 1);
        g->days[g->n_days - 1].n++;
        g->minute[i] = (uint16_t)((local - day * 86400) / 60);
    }
}

/* Whether a day lies wholly in the period shows at the two ends alone. */
static void mark_whole(struct vee_grid *g)
{
    const int64_t minutes = g->s->interval_s / 60;

    for (size_t i = 0; i < g->n_days; i++)
        g->days[i].whole = true;
    struct vee_day *first = &g->days[0], *last = &g->days[g->n_days - 1];
    if (g->minute[0] >= minutes)
        first->whole = false;
    if (g->minute[last->first + last->n - 1] + 2 * minutes <= 1440)
        last->whole = false;
}

int vee_grid_make(struct vee_grid *ret, const struct sg_vee_rules *rules,
                  const struct sg_vee_series *s)
{
    const int64_t span = s->until_s - s->from_s;
    struct vee_grid g = {.rules = rules, .s = s};

    sg_assert(s->interval_s >= 60 && 86400 % s->interval_s == 0 && s->n_rows < VEE_NO_ROW);
    if (s->until_s <= s->from_s || span % s->interval_s || span / s->interval_s > SG_VEE_SLOTS_MAX)
        return SG_VEE_BAD_PERIOD;
    g.n_slots = (size_t)(span / s->interval_s);
    g.row_of = calloc(g.n_slots, sizeof(*g.row_of));
    g.rows_in = calloc(g.n_slots, sizeof(*g.rows_in));
    g.minute = calloc(g.n_slots, sizeof(*g.minute));
    g.day_of = calloc(g.n_slots, sizeof(*g.day_of));
    /* A zone may repeat a day when its clocks go back over midnight. */
    g.days = calloc(g.n_slots, sizeof(*g.days));
    if (!g.row_of || !g.rows_in || !g.minute || !g.day_of || !g.days) {
        vee_grid_clear(&g);
        return sg_raise(-ENOMEM);
    }
    place_rows(&g);
    place_days(&g);
    mark_whole(&g);
    *ret = g;
    return 0;
}

void vee_grid_clear(struct vee_grid *g)
{
    free(g->row_of);
    free(g->rows_in);
    free(g->minute);
    free(g->day_of);
    free(g->days);
    *g = (struct vee_grid){.n_slots = 0};
}

/* ---- checks -----------------------------------------------------------------------------------
 */

void vee_tell(const struct vee_report *r, const struct vee_found *f, const char *fmt, ...)
{
    char text[SG_VEE_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    const struct sg_vee_finding out = {.rule = sg_vee_check_word(f->id),
                                       .severity = vee_check_of(r, f->id)->severity,
                                       .serial = f->serial,
                                       .from_s = f->from_s,
                                       .until_s = f->until_s,
                                       .count = f->count,
                                       .value = f->value,
                                       .limit = f->limit,
                                       .text = text};
    r->fn(r->user, &out);
}

int sg_vee_check(const struct sg_vee_rules *rules, const struct sg_vee_series *s, sg_vee_fn fn,
                 void *user)
{
    SG_CLEANUP(vee_grid_clear) struct vee_grid g = {.n_slots = 0};
    const struct vee_report report = {.g = &g, .fn = fn, .user = user};
    int r = vee_grid_make(&g, rules, s);

    if (r)
        return r;
    vee_check_rows(&report);
    vee_check_slots(&report);
    vee_check_runs(&report);
    return vee_check_days(&report);
}
