/* tariff-ask - what a bill asks of its tariff besides the calendar. */
#include <sealgrid/billing/tariff.h>

/* Index of the last of n pieces that begins on that day or before; SG_CHARGE_NO_PIECE.  Each piece
 * begins with its from_day. */
static size_t piece_at(const void *pieces, size_t n, size_t size, int64_t day)
{
    const uint8_t *base = pieces;
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (*(const int64_t *)(const void *)(base + mid * size) <= day)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? lo - 1 : SG_CHARGE_NO_PIECE;
}

size_t sg_charge_piece_at(const struct sg_tariff_charge *c, int64_t local_day)
{
    return piece_at(c->pieces, c->n_pieces, sizeof(*c->pieces), local_day);
}

const struct sg_tariff_flag *sg_charge_flag_of(const struct sg_tariff_charge *c, int month)
{
    for (size_t i = 0; i < c->n_flags; i++)
        if (c->flags[i].month == month)
            return &c->flags[i];
    return NULL;
}

bool sg_charge_is_capacitive(const struct sg_tariff_charge *c, unsigned minute)
{
    for (size_t i = 0; i < c->n_capacitive; i++)
        if (minute >= c->capacitive[i].from && minute < c->capacitive[i].until)
            return true;
    return false;
}

int64_t sg_charge_excess_rate(const struct sg_tariff *t, const struct sg_tariff_charge *c,
                              const struct sg_tariff_piece *piece, size_t post)
{
    return sg_round_div((__int128)piece->rate[post] * c->factor_ppm, SG_PPM, t->rounding);
}

int sg_tariff_tax_rate(const struct sg_tariff_tax *tax, int64_t local_day, int64_t import_wh,
                       int64_t *ret_ppm)
{
    size_t at = piece_at(tax->pieces, tax->n_pieces, sizeof(*tax->pieces), local_day), b = 0;

    if (at == SG_CHARGE_NO_PIECE)
        return SG_TARIFF_NO_RATE;
    while (import_wh > tax->pieces[at].bands[b].up_to_wh)
        b++; /* the last has no end */
    *ret_ppm = tax->pieces[at].bands[b].rate_ppm;
    return 0;
}

int sg_tariff_lighting(const struct sg_tariff *t, int64_t local_day, int64_t import_wh,
                       int64_t *ret_amount)
{
    size_t at =
        piece_at(t->lighting_pieces, t->n_lighting_pieces, sizeof(*t->lighting_pieces), local_day);
    size_t s = 0;

    if (t->n_lighting_pieces == 0) {
        *ret_amount = 0;
        return 0;
    }
    if (at == SG_CHARGE_NO_PIECE)
        return SG_TARIFF_NO_RATE;
    while (import_wh > t->lighting_pieces[at].steps[s].up_to_wh)
        s++;
    *ret_amount = t->lighting_pieces[at].steps[s].amount;
    return 0;
}

bool sg_tariff_needs_contract(const struct sg_tariff *t)
{
    for (size_t i = 0; i < t->n_charges; i++) {
        const struct sg_tariff_charge *c = &t->charges[i];
        if (c->contracted || c->ratchet_months || c->by_phases)
            return true;
    }
    return false;
}
