/* vee-register - a gap fitted to what the registers moved by over it. */
#include "vee-estimate-int.h"

#include <sealgrid/base/cleanup.h>

/* The readings at both sides of a gap, where a register may be known. */
struct ends {
    const struct sg_vee_row *before, *behind;
};

static bool ends_of(const struct vee_work *w, const struct vee_gap *gap, struct ends *ret)
{
    *ret = (struct ends){gap->first ? vee_input_at(w, gap, gap->first - 1) : NULL,
                         vee_input_at(w, gap, gap->first + gap->n)};
    return ret->before && ret->behind;
}

/* What the register moved by over the gap; false: not known, or it went back. */
static bool energy_total(const struct ends *e, int64_t *ret)
{
    if (e->before->register_wh == SG_READING_NA || e->behind->register_wh == SG_READING_NA)
        return false;
    *ret = e->behind->register_wh - e->behind->energy_wh - e->before->register_wh;
    return *ret >= 0;
}

/* A register of reactive energy may well go back: capacitive energy counts against inductive. */
static bool reactive_total(const struct ends *e, int64_t *ret)
{
    if (e->before->reactive_register_varh == SG_READING_NA ||
        e->behind->reactive_register_varh == SG_READING_NA ||
        e->behind->reactive_varh == SG_READING_NA)
        return false;
    *ret = e->behind->reactive_register_varh - e->behind->reactive_varh -
           e->before->reactive_register_varh;
    return true;
}

struct part {
    __int128 cut; /* what rounding down took, in parts of the divisor */
    size_t k;
    int64_t value;
};

static int larger_first(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    if (x->cut != y->cut)
        return x->cut < y->cut ? 1 : -1;
    return x->k < y->k ? -1 : x->k > y->k;
}

/* dividend / divisor (> 0) downwards, and what that takes. */
static struct part divide(__int128 dividend, __int128 divisor, size_t k)
{
    __int128 whole = dividend / divisor, cut = dividend % divisor;

    if (cut < 0) {
        whole--;
        cut += divisor;
    }
    return (struct part){cut, k, (int64_t)whole};
}

/*
 * Each value moves by a part of what lacks of the total, in proportion to its size without the
 * sign: of values of one sign that is in proportion to themselves.  The whole units that rounding
 * down leaves go one each to the intervals that lost most, of equal ones to the earlier. *ret_fits:
 * no interval has more than a meter can report; otherwise the values stay as they are.
 */
static int spread(int64_t *v, size_t n, int64_t total, bool *ret_fits)
{
    SG_FREE struct part *parts = calloc(n, sizeof(*parts));
    __int128 sum = 0, size = 0, left = total;

    if (!parts)
        return sg_raise(-ENOMEM);
    for (size_t k = 0; k < n; k++) {
        sum += v[k];
        size += llabs(v[k]);
    }
    for (size_t k = 0; k < n; k++) {
        parts[k] = size ? divide(v[k] * size + (total - sum) * llabs(v[k]), size, k)
                        : divide(total, (__int128)n, k);
        left -= parts[k].value;
    }
    qsort(parts, n, sizeof(*parts), larger_first);
    *ret_fits = true;
    for (size_t i = 0; i < n; i++) {
        parts[i].value += (__int128)i < left;
        *ret_fits = *ret_fits && llabs(parts[i].value) <= VEE_INTERVAL_MAX;
    }
    for (size_t i = 0; i < n && *ret_fits; i++)
        v[parts[i].k] = parts[i].value;
    return 0;
}

static int fit_energy(const struct vee_gap *gap, int64_t total, struct vee_value *v, bool *ret_fits)
{
    SG_FREE int64_t *wh = calloc(gap->n, sizeof(*wh));

    if (!wh)
        return sg_raise(-ENOMEM);
    for (size_t k = 0; k < gap->n; k++)
        wh[k] = v[k].wh > 0 ? v[k].wh : 0;
    int r = spread(wh, gap->n, total, ret_fits);
    for (size_t k = 0; k < gap->n && !r && *ret_fits; k++)
        v[k].wh = wh[k];
    return r;
}

/* Only where the method gave every interval a value. */
static int fit_reactive(const struct vee_gap *gap, int64_t total, struct vee_value *v)
{
    SG_FREE int64_t *varh = calloc(gap->n, sizeof(*varh));
    bool fits;

    if (!varh)
        return sg_raise(-ENOMEM);
    for (size_t k = 0; k < gap->n; k++) {
        if (v[k].varh == SG_READING_NA)
            return 0;
        varh[k] = v[k].varh;
    }
    int r = spread(varh, gap->n, total, &fits);
    for (size_t k = 0; k < gap->n && !r && fits; k++)
        v[k].varh = varh[k];
    return r;
}

int vee_adjust(struct vee_work *w, const struct vee_gap *gap, struct vee_value *v,
               bool *ret_adjusted)
{
    const struct sg_vee_rules *rules = w->g->rules;
    struct ends ends;
    int64_t wh, varh;
    int r = 0;

    *ret_adjusted = false;
    if (!rules->adjust || !ends_of(w, gap, &ends) || !energy_total(&ends, &wh))
        return 0;
    r = fit_energy(gap, wh, v, ret_adjusted);
    if (r || !*ret_adjusted)
        return r;
    if (rules->adjust_reactive && reactive_total(&ends, &varh))
        r = fit_reactive(gap, varh, v);
    if (!r)
        r = vee_note_input(w, ends.before);
    return r ? r : vee_note_input(w, ends.behind);
}
