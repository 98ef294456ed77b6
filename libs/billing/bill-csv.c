/* bill-csv - the intervals of a bill as a table. */
#include <sealgrid/base/clock.h>
#include <sealgrid/billing/bill-csv.h>

#include <stdio.h>

#define PRICE_DECIMALS 9

struct table {
    const struct sg_bill_intervals *in;
    const struct sg_tariff_charge *dynamic; /* NULL: none, or several */
    struct sg_tariff_cursor cursor;
    struct sg_buf *out;
};

/* One dynamic charge gives a price to each interval; of two neither is the price. */
static const struct sg_tariff_charge *dynamic_of(const struct sg_tariff *t)
{
    const struct sg_tariff_charge *found = NULL;

    for (size_t i = 0; i < t->n_charges; i++) {
        if (t->charges[i].kind != SG_CHARGE_DYNAMIC)
            continue;
        if (found)
            return NULL;
        found = &t->charges[i];
    }
    return found;
}

/* "2026-09-01T00:00:00-03:00" */
static int put_local(struct table *t, int64_t unix_s)
{
    int32_t east_s = sg_tz_at(t->in->tariff->tz, unix_s).east_s;
    int32_t size = east_s < 0 ? -east_s : east_s;
    char text[SG_RFC3339_MAX];

    sg_time_rfc3339(text, unix_s + east_s);
    text[strlen(text) - 1] = '\0'; /* the Z */
    return sg_buf_printf(t->out, ",%s%c%02d:%02d", text, east_s < 0 ? '-' : '+', size / 3600,
                         size / 60 % 60);
}

static int put_price(struct table *t, const struct sg_tariff_slot *slot, int64_t start_s)
{
    char text[SG_DECIMAL_MAX] = "";
    size_t piece = sg_charge_piece_at(t->dynamic, slot->day);

    if (piece != SG_CHARGE_NO_PIECE) {
        int64_t price = sg_charge_price(t->dynamic, &t->dynamic->pieces[piece], start_s);
        if (price != SG_SERIES_NONE)
            sg_decimal_format(text, price, PRICE_DECIMALS, 2);
    }
    return sg_buf_printf(t->out, ",%s", text);
}

static int put_row(struct table *t, const struct sg_bill_reading *r)
{
    const struct sg_bill *b = t->in->bill;
    int64_t start_s = r->ts_s - (int64_t)b->interval_s;
    int64_t wh = sg_bill_reading_value(b, r, r->energy_wh);
    struct sg_tariff_slot slot = sg_tariff_slot_at(t->in->tariff, &t->cursor, start_s);
    char utc[SG_RFC3339_MAX];

    sg_time_rfc3339(utc, start_s);
    int e = sg_buf_printf(t->out, "%s", utc);
    if (!e)
        e = put_local(t, start_s);
    if (!e)
        e = sg_buf_printf(t->out, ",%s,%s,%lld,%lld,",
                          slot.post == SG_TARIFF_NO_POST ? "" : b->posts[slot.post], r->serial,
                          (long long)(wh > 0 ? wh : 0), (long long)(wh < 0 ? -wh : 0));
    if (!e && r->reactive_varh != INT64_MIN)
        e = sg_buf_printf(t->out, "%lld", (long long)sg_bill_reading_value(b, r, r->reactive_varh));
    if (!e)
        e = sg_buf_printf(t->out, ",%s,%s",
                          r->estimated ? "estimated" : (r->leaf ? "signed" : "unsigned"),
                          r->estimated ? r->estimated : "");
    if (!e && t->dynamic)
        e = put_price(t, &slot, start_s);
    return e ? e : sg_buf_printf(t->out, "\n");
}

/* Serials come from outside: what would end a field, or be a formula to a spreadsheet, refuses the
 * table. */
static bool is_plain(const char *serial)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/ ";
    return serial[0] != '-' && strspn(serial, letters) == strlen(serial);
}

int sg_bill_csv_write(const struct sg_bill_intervals *in, struct sg_buf *ret)
{
    struct table t = {.in = in, .dynamic = dynamic_of(in->tariff), .out = ret};
    int r;

    for (size_t i = 0; i < in->bill->n_meters; i++)
        if (!is_plain(in->bill->meters[i].serial))
            return SG_BILL_CSV_SERIAL;
    r = sg_buf_printf(ret, SG_BILL_CSV_HEADER "%s\n", t.dynamic ? ",price" : "");
    for (size_t i = 0; i < in->n_readings && !r; i++)
        r = put_row(&t, &in->readings[i]);
    return r;
}
