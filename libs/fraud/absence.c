#include "absence-int.h"

#include <string.h>

#include <sealgrid/base/cbor.h>

enum { DAY_OCTETS = 3, SINCE_LEAST = 5 };

/* ---- one customer ---------------------------------------------------------------------------- */

static uint32_t count_touched(const struct sg_view *v, uint32_t first, uint32_t n)
{
    uint32_t touched = 0;
    for (uint32_t i = first; i < first + n; i++)
        touched += v->gap[i] != 0;
    return touched;
}

/* Hours of those rows of which anything is missing. */
static uint32_t count_lacking(const struct sg_view *v, uint32_t first, uint32_t n)
{
    uint32_t hours = 0;
    for (uint32_t i = first; i < first + n && v->gaps; i++)
        hours += (uint32_t)__builtin_popcount(v->absent[v->day[i] - v->windows.reference.first]);
    return hours;
}

static float share(uint32_t n, uint32_t of)
{
    return of ? (float)n / (float)of : 0;
}

/* The first day, SINCE_LEAST before the end or earlier, from which on most of the days lack
 * something, from 0; days: there is none. */
static uint32_t find_since(const uint32_t *hours, uint32_t days)
{
    uint32_t since = days, n = 0;
    for (uint32_t i = days; i > 0; i--) {
        n += hours[i - 1] != 0;
        if (hours[i - 1] && days - i + 1 >= SINCE_LEAST && 2 * n > days - i + 1)
            since = i - 1;
    }
    return since;
}

static void find_hours(const struct sg_view *v, struct sg_absence *x)
{
    const uint32_t *absent = v->absent + (v->windows.test.first - v->windows.reference.first);
    memcpy(x->hours, absent, x->days * sizeof(*absent));
    for (uint32_t i = 0; i < x->days; i++)
        x->n += (uint32_t)__builtin_popcount(x->hours[i]);
    const uint32_t since = find_since(x->hours, x->days);
    x->since = since < x->days ? v->windows.test.first + (int32_t)since : SG_FRAUD_NO_DAY;
}

void sg_absence_of(const struct sg_view *v, struct sg_absence *ret)
{
    const uint32_t before = sg_window_days(v->windows.reference);
    const uint32_t now = sg_window_days(v->windows.test);
    const uint32_t touched_before = count_touched(v, 0, v->n_reference);
    const uint32_t touched_now = count_touched(v, v->n_reference, v->n_recent);
    struct sg_absence *x = ret;
    x->gone = share(v->n_reference, before) - share(v->n_recent, now);
    x->touched = share(touched_now, v->n_recent) - share(touched_before, v->n_reference);
    x->lacking = share(count_lacking(v, v->n_reference, v->n_recent), SG_VIEW_HOURS * v->n_recent) -
                 share(count_lacking(v, 0, v->n_reference), SG_VIEW_HOURS * v->n_reference);
    x->now = 1 - share(v->n_recent - touched_now, now);
    x->before = 1 - share(v->n_reference - touched_before, before);
    x->since = SG_FRAUD_NO_DAY;
    x->days = now;
    x->n = x->alike = 0;
    if (v->n_recent < now || touched_now)
        find_hours(v, x);
}

/* ---- a panel's ------------------------------------------------------------------------------- */

int sg_absences_init(struct sg_absences *a, const struct sg_corr_windows *w, size_t room)
{
    *a = (struct sg_absences){.days = sg_window_days(w->test), .room = room};
    if (room == 0)
        return 0;
    a->id = calloc(room, sizeof(*a->id));
    a->bits = calloc(room, sizeof(*a->bits));
    a->since = calloc(room, sizeof(*a->since));
    a->hours = calloc(room * a->days, sizeof(*a->hours));
    if (a->id && a->bits && a->since && a->hours)
        return 0;
    sg_absences_clear(a);
    return sg_raise(-ENOMEM);
}

void sg_absences_clear(struct sg_absences *a)
{
    free(a->id);
    free(a->bits);
    free(a->since);
    free(a->hours);
    *a = (struct sg_absences){.n = 0};
}

void sg_absences_add(struct sg_absences *a, uint64_t id, const struct sg_absence *x)
{
    if (x->n == 0)
        return;
    sg_assert(a->n < a->room && x->days == a->days);
    memcpy(a->hours + a->n * a->days, x->hours, a->days * sizeof(*a->hours));
    a->bits[a->n] = x->n;
    a->since[a->n] = find_since(x->hours, x->days);
    a->id[a->n++] = id;
}

/* Hours that both lack, if that may be an outage: one that lasts, or ends within some days. */
static uint32_t common(const uint32_t *a, const uint32_t *b, uint32_t days)
{
    uint32_t n = 0, parts = 0;
    for (uint32_t i = 0; i < days; i++) {
        const uint32_t hours = (uint32_t)__builtin_popcount(a[i] & b[i]);
        parts += hours > 0 && hours < SG_VIEW_HOURS;
        n += hours;
    }
    return parts <= SG_ABSENCE_PARTS ? n : 0;
}

void sg_absences_ask(const struct sg_absences *a, uint64_t id, struct sg_absence *x)
{
    const uint32_t since = x->n ? find_since(x->hours, x->days) : 0;
    x->alike = 0;
    for (size_t i = 0; i < a->n && x->n; i++) {
        /* Else not even all could be common. */
        if (a->id[i] == id || a->since[i] != since || 4 * a->bits[i] < 3 * x->n ||
            4 * x->n < 3 * a->bits[i])
            continue;
        const uint32_t n = 4 * common(a->hours + i * a->days, x->hours, a->days);
        x->alike += n >= 3 * x->n && n >= 3 * a->bits[i];
    }
}

/* ---- octets ---------------------------------------------------------------------------------- */

int sg_absences_encode(const struct sg_absences *a, struct sg_buf *b)
{
    const size_t row = (size_t)a->days * DAY_OCTETS;
    SG_FREE uint8_t *ids = malloc(a->n * 8 + 1), *hours = malloc(a->n * row + 1);
    if (!ids || !hours)
        return sg_raise(-ENOMEM);
    for (size_t i = 0; i < a->n; i++)
        sg_store_be64(ids + 8 * i, a->id[i]);
    for (size_t i = 0; i < a->n * a->days; i++) {
        hours[3 * i] = (uint8_t)(a->hours[i] >> 16);
        hours[3 * i + 1] = (uint8_t)(a->hours[i] >> 8);
        hours[3 * i + 2] = (uint8_t)a->hours[i];
    }
    int r = sg_cbor_put_bytes(b, SG_BYTES(ids, a->n * 8));
    return r ? r : sg_cbor_put_bytes(b, SG_BYTES(hours, a->n * row));
}

int sg_absences_decode(struct sg_absences *a, const struct sg_corr_windows *w, size_t most,
                       struct sg_reader *r)
{
    struct sg_bytes ids, hours;
    const size_t row = (size_t)sg_window_days(w->test) * DAY_OCTETS;
    if (sg_cbor_get_bytes(r, &ids) || sg_cbor_get_bytes(r, &hours) || ids.len % 8 ||
        ids.len / 8 > most || hours.len != ids.len / 8 * row)
        return 1;
    int e = sg_absences_init(a, w, ids.len / 8);
    if (e)
        return e;
    for (; a->n < a->room; a->n++) {
        a->id[a->n] = sg_load_be64(ids.data + 8 * a->n);
        for (uint32_t d = 0; d < a->days; d++) {
            const uint8_t *p = hours.data + a->n * row + (size_t)DAY_OCTETS * d;
            const uint32_t bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
            a->hours[a->n * a->days + d] = bits;
            a->bits[a->n] += (uint32_t)__builtin_popcount(bits);
        }
        a->since[a->n] = find_since(a->hours + a->n * a->days, a->days);
        if (a->bits[a->n] == 0 || (a->n && a->id[a->n] <= a->id[a->n - 1]))
            return 1;
    }
    return 0;
}
