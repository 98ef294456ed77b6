/* vee-check-rows - what shows row by row, in the order in which they came, and interval by
 * interval. */
#include "vee-int.h"

#include <sealgrid/base/clock.h>

#include <stdio.h>

static bool in_period(const struct sg_vee_series *s, const struct sg_vee_row *row)
{
    return row->ts_s > s->from_s && row->ts_s <= s->until_s && !(row->flags & SG_VEE_ROW_ESTIMATED);
}

static struct vee_found at_row(const struct vee_report *r, enum sg_vee_check_id id,
                               const struct sg_vee_row *row)
{
    return (struct vee_found){.id = id,
                              .serial = row->serial,
                              .from_s = row->ts_s - r->g->s->interval_s,
                              .until_s = row->ts_s,
                              .count = 1,
                              .value = SG_READING_NA,
                              .limit = SG_READING_NA};
}

/* ---- one row alone ----------------------------------------------------------------------------
 */

static void check_size(const struct vee_report *r, const struct sg_vee_row *row)
{
    const struct sg_vee_series *s = r->g->s;
    struct vee_found f = at_row(r, SG_VEE_INTERVAL_SIZE, row);

    if (row->interval_s && row->interval_s != s->interval_s) {
        f.value = row->interval_s;
        f.limit = s->interval_s;
        vee_tell(r, &f, "its source says an interval of %u s, this series has %u s",
                 row->interval_s, s->interval_s);
    } else if ((row->ts_s - s->from_s) % s->interval_s) {
        f.value = (row->ts_s - s->from_s) % s->interval_s;
        f.limit = 0;
        vee_tell(r, &f, "ends %lld s after an interval's end", (long long)f.value);
    }
}

static void check_quantity(const struct vee_report *r, const struct sg_vee_row *row,
                           bool with_reactive)
{
    struct vee_found f = at_row(r, SG_VEE_MISSING_QUANTITY, row);
    const bool energy = row->energy_wh != SG_READING_NA;
    const bool reactive = row->reactive_varh != SG_READING_NA;

    if (!energy && vee_check_of(r, SG_VEE_MISSING_QUANTITY)->on)
        vee_tell(r, &f, "a reading without its active energy");
    f.id = SG_VEE_SIBLING;
    if (vee_check_of(r, SG_VEE_SIBLING)->on && with_reactive && energy != reactive)
        vee_tell(r, &f,
                 energy ? "active energy without reactive" : "reactive energy without active");
}

static void check_sign(const struct vee_report *r, const struct sg_vee_row *row)
{
    struct vee_found f = at_row(r, SG_VEE_NEGATIVE, row);

    f.value = row->energy_wh;
    f.limit = vee_check_of(r, SG_VEE_NEGATIVE)->param[0];
    if (row->energy_wh != SG_READING_NA && row->energy_wh < f.limit)
        vee_tell(r, &f, "%lld Wh", (long long)row->energy_wh);
}

/* ---- one row and the one before it -------------------------------------------------------------
 */

static void check_order(const struct vee_report *r, const struct sg_vee_row *before,
                        const struct sg_vee_row *row)
{
    struct vee_found f = at_row(r, SG_VEE_ORDER, row);
    char at[SG_RFC3339_MAX];

    if (row->ts_s >= before->ts_s)
        return;
    sg_time_rfc3339(at, before->ts_s);
    f.value = row->ts_s - before->ts_s;
    f.limit = 0;
    vee_tell(r, &f, "stamp jumps back by %lld s, from %s", (long long)-f.value, at);
}

/* The meter numbers its intervals: numbers and stamps go on together. */
static void check_numbers(const struct vee_report *r, const struct sg_vee_row *before,
                          const struct sg_vee_row *row)
{
    struct vee_found f = at_row(r, SG_VEE_CLOCK, row);
    const int64_t steps = (int64_t)(row->seq - before->seq);
    const int64_t seconds = row->ts_s - before->ts_s;

    if (!row->seq || !before->seq || strcmp(row->serial, before->serial) != 0 || seconds == 0)
        return;
    f.value = seconds;
    f.limit = steps * r->g->s->interval_s;
    if (steps > 0 && seconds != f.limit && vee_check_of(r, SG_VEE_CLOCK)->on)
        vee_tell(r, &f, "the meter's numbers go on by %lld, its stamps by %lld s", (long long)steps,
                 (long long)seconds);
    f.id = SG_VEE_SEQUENCE;
    f.value = (int64_t)row->seq;
    f.limit = (int64_t)before->seq;
    if (steps <= 0 && seconds > 0 && vee_check_of(r, SG_VEE_SEQUENCE)->on)
        vee_tell(r, &f, "number %llu after %llu", (unsigned long long)row->seq,
                 (unsigned long long)before->seq);
}

/* Energy of the intervals since the last register, against what the register moved by. */
struct sum {
    const struct sg_vee_row *at; /* last row with a register */
    int64_t wh;
};

static void check_sum(const struct vee_report *r, struct sum *sum, const struct sg_vee_row *before,
                      const struct sg_vee_row *row)
{
    struct vee_found f = at_row(r, SG_VEE_SUM, row);
    const bool follows = before && !strcmp(before->serial, row->serial) &&
                         row->ts_s == before->ts_s + r->g->s->interval_s;

    if (!follows || row->energy_wh == SG_READING_NA) {
        sum->at = row->register_wh == SG_READING_NA || row->energy_wh == SG_READING_NA ? NULL : row;
        sum->wh = 0;
        return;
    }
    sum->wh += row->energy_wh;
    if (row->register_wh == SG_READING_NA)
        return;
    if (sum->at) {
        f.from_s = sum->at->ts_s;
        f.count = (uint64_t)((f.until_s - f.from_s) / r->g->s->interval_s);
        f.value = sum->wh;
        f.limit = row->register_wh - sum->at->register_wh;
        if (llabs(f.value - f.limit) > vee_check_of(r, SG_VEE_SUM)->param[0])
            vee_tell(r, &f, "intervals add to %lld Wh, the register moved by %lld Wh",
                     (long long)f.value, (long long)f.limit);
    }
    sum->at = row;
    sum->wh = 0;
}

static bool has_reactive(const struct sg_vee_series *s)
{
    for (size_t i = 0; i < s->n_rows; i++)
        if (in_period(s, &s->rows[i]) && s->rows[i].reactive_varh != SG_READING_NA)
            return true;
    return false;
}

/* ---- runs of a meter's own word about its clock ------------------------------------------------
 */

struct clock_run {
    const struct sg_vee_row *first, *last;
    uint64_t count;
    unsigned flag;
};

static void end_clock_run(const struct vee_report *r, struct clock_run *run)
{
    if (run->count) {
        struct vee_found f = at_row(r, SG_VEE_CLOCK, run->first);
        f.until_s = run->last->ts_s;
        f.count = run->count;
        vee_tell(r, &f,
                 run->flag == SG_VEE_ROW_CLOCK_SET ? "the meter says: clock was set"
                                                   : "the meter says: clock not synchronised");
    }
    run->count = 0;
}

static void check_clock_word(const struct vee_report *r, struct clock_run *run,
                             const struct sg_vee_row *row)
{
    const unsigned flag = row->flags & SG_VEE_ROW_CLOCK_SET ? SG_VEE_ROW_CLOCK_SET
                                                            : row->flags & SG_VEE_ROW_CLOCK_BAD;

    if (run->count && (flag != run->flag || strcmp(row->serial, run->first->serial) != 0))
        end_clock_run(r, run);
    if (!flag)
        return;
    if (run->count++ == 0)
        run->first = row;
    run->last = row;
    run->flag = flag;
}

void vee_check_rows(const struct vee_report *r)
{
    const struct sg_vee_series *s = r->g->s;
    const struct sg_vee_check *checks = r->g->rules->checks;
    const bool reactive = checks[SG_VEE_SIBLING].param[0] || has_reactive(s);
    const struct sg_vee_row *before = NULL;
    struct clock_run run = {.count = 0};
    struct sum sum = {NULL, 0};

    for (size_t i = 0; i < s->n_rows; i++) {
        const struct sg_vee_row *row = &s->rows[i];
        if (!in_period(s, row))
            continue;
        if (checks[SG_VEE_INTERVAL_SIZE].on)
            check_size(r, row);
        check_quantity(r, row, reactive);
        if (checks[SG_VEE_NEGATIVE].on)
            check_sign(r, row);
        if (before && checks[SG_VEE_ORDER].on)
            check_order(r, before, row);
        if (before)
            check_numbers(r, before, row);
        if (checks[SG_VEE_SUM].on)
            check_sum(r, &sum, before, row);
        if (checks[SG_VEE_CLOCK].on)
            check_clock_word(r, &run, row);
        before = row;
    }
    end_clock_run(r, &run);
}

/* ---- slots -------------------------------------------------------------------------------------
 */

/* A run of slots that share a fault. */
struct slots {
    size_t first, n;
    uint64_t count;
};

static void end_slots(const struct vee_report *r, enum sg_vee_check_id id, struct slots *run,
                      const char *text)
{
    if (run->n) {
        const struct sg_vee_row *row = r->g->row_of[run->first] == VEE_NO_ROW
                                           ? NULL
                                           : &r->g->s->rows[r->g->row_of[run->first]];
        const struct vee_found f = {.id = id,
                                    .serial = row ? row->serial : NULL,
                                    .from_s = vee_slot_end(r->g, run->first) - r->g->s->interval_s,
                                    .until_s = vee_slot_end(r->g, run->first + run->n - 1),
                                    .count = run->count,
                                    .value = SG_READING_NA,
                                    .limit = SG_READING_NA};
        vee_tell(r, &f, "%s", text);
    }
    *run = (struct slots){0, 0, 0};
}

static void by_slot(const struct vee_report *r, enum sg_vee_check_id id,
                    bool (*faulty)(const struct vee_grid *g, size_t slot), const char *text)
{
    struct slots run = {0, 0, 0};

    if (!vee_check_of(r, id)->on)
        return;
    for (size_t i = 0; i < r->g->n_slots; i++) {
        if (!faulty(r->g, i)) {
            end_slots(r, id, &run, text);
            continue;
        }
        if (run.n++ == 0)
            run.first = i;
        run.count++;
    }
    end_slots(r, id, &run, text);
}

static bool is_missing(const struct vee_grid *g, size_t slot)
{
    return g->row_of[slot] == VEE_NO_ROW &&
           (g->s->n_meters == 0 || vee_meter_at(g->s, vee_slot_end(g, slot)));
}

static bool is_double(const struct vee_grid *g, size_t slot)
{
    return g->rows_in[slot] == 2;
}

static bool is_conflict(const struct vee_grid *g, size_t slot)
{
    return g->rows_in[slot] == 3;
}

/* ---- installation records ----------------------------------------------------------------------
 */

static bool is_foreign(const struct vee_grid *g, size_t slot)
{
    if (g->s->n_meters == 0 || g->row_of[slot] == VEE_NO_ROW)
        return false;
    const struct sg_vee_meter *m = vee_meter_at(g->s, vee_slot_end(g, slot));
    return !m || strcmp(m->serial, g->s->rows[g->row_of[slot]].serial) != 0;
}

static void check_told_ratio(const struct vee_report *r, const struct sg_vee_told *told,
                             const struct sg_vee_meter *m)
{
    const struct sg_vee_series *s = r->g->s;
    const struct vee_found f = {
        .id = SG_VEE_MULTIPLIER,
        .serial = told->serial,
        .from_s = m->from_s > s->from_s ? m->from_s : s->from_s,
        .until_s = m->until_s < s->until_s ? m->until_s : s->until_s,
        .count = 1,
        .value = told->ratio_num,
        .limit = m->ratio_num,
    };

    if (strcmp(told->serial, m->serial) != 0 || f.until_s <= f.from_s || !told->ratio_num ||
        (__int128)told->ratio_num * m->ratio_den == (__int128)m->ratio_num * told->ratio_den)
        return;
    vee_tell(r, &f, "the readings' source says ratio %lld/%lld, the installation record %lld/%lld",
             (long long)told->ratio_num, (long long)told->ratio_den, (long long)m->ratio_num,
             (long long)m->ratio_den);
}

static void check_told(const struct vee_report *r)
{
    const struct sg_vee_series *s = r->g->s;

    for (size_t i = 0; i < s->n_told; i++) {
        const struct sg_vee_told *told = &s->told[i];
        const struct vee_found f = {.id = SG_VEE_UNIT,
                                    .serial = told->serial,
                                    .from_s = s->from_s,
                                    .until_s = s->until_s,
                                    .count = 1,
                                    .value = SG_READING_NA,
                                    .limit = SG_READING_NA};
        if (vee_check_of(r, SG_VEE_UNIT)->on && told->unit[0] && strcmp(told->unit, "Wh") != 0)
            vee_tell(r, &f, "the readings' source says %s, readings are in Wh", told->unit);
        for (size_t m = 0; m < s->n_meters && vee_check_of(r, SG_VEE_MULTIPLIER)->on; m++)
            check_told_ratio(r, told, &s->meters[m]);
    }
}

void vee_check_slots(const struct vee_report *r)
{
    by_slot(r, SG_VEE_CONSECUTIVE, is_missing, "no reading of these intervals");
    by_slot(r, SG_VEE_DUPLICATE, is_double, "told more than once, with the same values");
    by_slot(r, SG_VEE_CONFLICT, is_conflict, "told more than once, with differing values");
    by_slot(r, SG_VEE_MULTIPLIER, is_foreign, "no installation record places this meter here");
    check_told(r);
}
