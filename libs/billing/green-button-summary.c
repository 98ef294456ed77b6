/* green-button-summary - UsageSummary: what the bill says, in hundred-thousandths of its currency.
 */
#include "green-button-int.h"

#include <sealgrid/base/clock.h>

#define AMOUNT_DECIMALS 5
#define INT48_MAX       INT64_C(140737488355327)

/* Enumerations of the format. */
enum {
    UOM_W = 38,
    UOM_WH = 72,
    ELECTRICITY = 1,
    QUALITY_VALID = 0,
    QUALITY_MIXED = 13,
    QUALITY_RAW = 14
};
enum item {
    ITEM_DELIVERY = 2,
    ITEM_USAGE = 3,
    ITEM_ADMINISTRATIVE = 4,
    ITEM_TAX = 5,
    ITEM_GENERATION_CREDIT = 6,
    ITEM_ADMINISTRATIVE_CREDIT = 8
};

unsigned sg_gb_currency(const char *code)
{
    static const struct {
        char code[4];
        unsigned number;
    } all[] = {{"ARS", 32},  {"AUD", 36},  {"BRL", 986}, {"CAD", 124}, {"CHF", 756}, {"CLP", 152},
               {"CNY", 156}, {"COP", 170}, {"CZK", 203}, {"DKK", 208}, {"EUR", 978}, {"GBP", 826},
               {"HUF", 348}, {"INR", 356}, {"JPY", 392}, {"KRW", 410}, {"MXN", 484}, {"NOK", 578},
               {"NZD", 554}, {"PEN", 604}, {"PLN", 985}, {"PYG", 600}, {"SEK", 752}, {"TRY", 949},
               {"USD", 840}, {"UYU", 858}, {"ZAR", 710}};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (!strcmp(all[i].code, code))
            return all[i].number;
    return 0;
}

void sg_gb_number(struct sg_html *x, const char *element, int64_t value)
{
    sg_html_open(x, element);
    sg_html_textf(x, "%lld", (long long)value);
    sg_html_close(x);
}

void sg_gb_interval(struct sg_html *x, const char *element, int64_t from_s, int64_t until_s)
{
    sg_html_open(x, element);
    sg_gb_number(x, "duration", until_s - from_s);
    sg_gb_number(x, "start", from_s);
    sg_html_close(x);
}

bool sg_gb_fits(__int128 v)
{
    return v >= -INT48_MAX && v <= INT48_MAX;
}

static __int128 scaled(const struct sg_bill *b, int64_t minor)
{
    __int128 v = minor;

    for (unsigned i = b->decimals; i < AMOUNT_DECIMALS; i++)
        v *= 10;
    return v;
}

bool sg_gb_summary_fits(const struct sg_bill *b)
{
    bool fits = b->decimals <= AMOUNT_DECIMALS && sg_gb_fits(scaled(b, b->total)) &&
                sg_gb_fits(b->import_wh);

    for (size_t i = 0; i < b->n_lines && fits; i++)
        fits = sg_gb_fits(scaled(b, b->lines[i].amount)) && sg_gb_fits(b->lines[i].quantity);
    for (size_t i = 0; i < b->n_taxes && fits; i++)
        fits = sg_gb_fits(scaled(b, b->taxes[i].amount));
    return fits && sg_gb_fits(scaled(b, b->lighting));
}

static void put_amount(struct sg_html *x, const struct sg_bill *b, const char *element,
                       int64_t minor)
{
    sg_gb_number(x, element, (int64_t)scaled(b, minor));
}

static void put_measurement(struct sg_html *x, const char *element, int uom, int64_t value)
{
    sg_html_open(x, element);
    sg_gb_number(x, "powerOfTenMultiplier", 0);
    sg_gb_number(x, "uom", uom);
    sg_gb_number(x, "value", value);
    sg_html_close(x);
}

static enum item item_of(const struct sg_bill_line *l)
{
    if (l->unit == SG_BILL_KWH)
        return l->amount < 0 ? ITEM_GENERATION_CREDIT : ITEM_USAGE;
    if (l->unit == SG_BILL_KW)
        return ITEM_DELIVERY;
    return l->amount < 0 ? ITEM_ADMINISTRATIVE_CREDIT : ITEM_ADMINISTRATIVE;
}

static void open_item(struct sg_html *x, const struct sg_bill *b, int64_t amount, const char *note)
{
    sg_html_open(x, "costAdditionalDetailLastPeriod");
    put_amount(x, b, "amount", amount);
    sg_html_element(x, "note", NULL, note);
}

static int64_t midnight(const struct sg_tz *tz, int64_t day)
{
    unsigned month, mday;
    int year;

    sg_civil_from_days(day, &year, &month, &mday);
    return sg_tz_midnight(tz, year, month, mday);
}

/* A piece begins and ends at local midnight, but not outside the period. */
static void put_piece(struct sg_html *x, const struct sg_bill_intervals *g,
                      const struct sg_bill_line *l)
{
    int64_t from = midnight(g->tariff->tz, l->from_day);
    int64_t until = midnight(g->tariff->tz, l->until_day);

    from = from < g->bill->from_s ? g->bill->from_s : from;
    until = until > g->bill->until_s ? g->bill->until_s : until;
    sg_gb_interval(x, "itemPeriod", from, until);
}

/* The price stands there only where five decimals say it exactly. */
static void put_line(struct sg_html *x, const struct sg_bill_intervals *g,
                     const struct sg_bill_line *l)
{
    open_item(x, g->bill, l->amount, l->code);
    if (l->unit == SG_BILL_KWH)
        put_measurement(x, "measurement", UOM_WH, l->quantity);
    else if (l->unit == SG_BILL_KW)
        put_measurement(x, "measurement", UOM_W, l->quantity);
    sg_gb_number(x, "itemKind", item_of(l));
    if (l->has_rate && l->rate % 10000 == 0 && sg_gb_fits(l->rate / 10000))
        sg_gb_number(x, "unitCost", l->rate / 10000);
    if (l->from_day != SG_BILL_WHOLE)
        put_piece(x, g, l);
    sg_html_close(x);
}

static void put_item(struct sg_html *x, const struct sg_bill *b, int64_t amount, const char *note,
                     enum item kind)
{
    open_item(x, b, amount, note);
    sg_gb_number(x, "itemKind", kind);
    sg_html_close(x);
}

/* Everything on the bill: the items add up to its total. */
static void put_items(struct sg_html *x, const struct sg_bill_intervals *g)
{
    const struct sg_bill *b = g->bill;
    int64_t rest = b->total;

    for (size_t i = 0; i < b->n_lines; i++) {
        put_line(x, g, &b->lines[i]);
        rest -= b->lines[i].amount;
    }
    for (size_t i = 0; i < b->n_taxes; i++) {
        put_item(x, b, b->taxes[i].amount, b->taxes[i].name, ITEM_TAX);
        rest -= b->taxes[i].amount;
    }
    if (b->lighting)
        put_item(x, b, b->lighting, "lighting", ITEM_ADMINISTRATIVE);
    rest -= b->lighting;
    /* Each tax inside the gross is rounded by itself. */
    if (rest)
        put_item(x, b, rest, "rounding of taxes", ITEM_TAX);
}

static int quality_of(const struct sg_bill *b)
{
    if (b->estimated)
        return QUALITY_MIXED;
    return b->n_buckets ? QUALITY_VALID : QUALITY_RAW;
}

void sg_gb_summary(struct sg_html *x, const struct sg_bill_intervals *g)
{
    const struct sg_bill *b = g->bill;

    sg_html_open(x, "UsageSummary");
    sg_html_attr(x, "xmlns", "http://naesb.org/espi");
    sg_gb_interval(x, "billingPeriod", b->from_s, b->until_s);
    put_amount(x, b, "billLastPeriod", b->total);
    put_amount(x, b, "costAdditionalLastPeriod", b->total);
    put_items(x, g);
    sg_gb_number(x, "currency", sg_gb_currency(b->currency));
    put_measurement(x, "overallConsumptionLastPeriod", UOM_WH, b->import_wh);
    sg_gb_number(x, "qualityOfReading", quality_of(b));
    sg_gb_number(x, "statusTimeStamp", b->until_s);
    sg_gb_number(x, "commodity", ELECTRICITY);
    sg_html_element(x, "tariffProfile", NULL, b->tariff_id);
    sg_html_close(x);
}
