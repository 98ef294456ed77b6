/* export - gathers the intervals that were billed and hands them to the writers. */
#include "export.h"

#include "pdf.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <sealgrid/billing/bill-csv.h>
#include <sealgrid/billing/bill-page.h>

#include <stdio.h>

#define PAGE_MAX  (4u << 20)
#define FILE_MODE 0644

struct forms {
    const struct bill_options *o;
    const struct terms *terms;
    const struct sg_bill *bill;
    struct sg_bill_reading *readings;
    size_t n;
};

bool export_asked(const struct bill_options *o)
{
    return o->page || o->pdf || o->green_button || o->csv;
}

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "sealgrid-bill: %s: %s\n", what, why);
    return 1;
}

/* ---- what was billed ------------------------------------------------------------------------ */

static int64_t reactive(int64_t varh)
{
    return varh == SG_READING_NA ? INT64_MIN : varh;
}

static bool is_billed(const struct forms *e, const struct client *c, size_t i)
{
    const struct sg_reading *r = &c->rows[i].reading;
    return !client_is_rejected(c, i) && r->ts_s > e->bill->from_s && r->ts_s <= e->bill->until_s &&
           r->field[SG_READING_interval_energy] != SG_READING_NA;
}

static void take_row(struct forms *e, const struct sg_row_reading *row)
{
    static const uint8_t is_signed[32]; /* the writers ask only whether there is one */

    e->readings[e->n++] = (struct sg_bill_reading){
        .serial = row->serial,
        .ts_s = row->reading.ts_s,
        .energy_wh = row->reading.field[SG_READING_interval_energy],
        .reactive_varh = reactive(row->reading.field[SG_READING_interval_reactive_energy]),
        .leaf = e->terms->signed_only ? is_signed : NULL};
}

static void take_estimate(struct forms *e, const struct sg_vee_estimate *from)
{
    e->readings[e->n++] = (struct sg_bill_reading){.serial = from->serial,
                                                   .ts_s = from->ts_s,
                                                   .energy_wh = from->energy_wh,
                                                   .reactive_varh = reactive(from->reactive_varh),
                                                   .estimated = from->rule};
}

/* Both lists go forward in time; a reading and an estimate never share an interval. */
static void merge(struct forms *e, const struct client *c)
{
    const struct sg_vee_estimates *more = &c->estimates;
    size_t next = 0;

    for (size_t i = 0; i < c->n_rows; i++) {
        if (!is_billed(e, c, i))
            continue;
        while (next < more->n && more->items[next].ts_s < c->rows[i].reading.ts_s)
            take_estimate(e, &more->items[next++]);
        take_row(e, &c->rows[i]);
    }
    while (next < more->n)
        take_estimate(e, &more->items[next++]);
}

/* ---- forms ---------------------------------------------------------------------------------- */

static int make_page(const struct forms *e, struct sg_buf *ret)
{
    SG_FREE struct sg_bill_load *load = malloc(sizeof(*load));

    if (!load)
        return sg_raise(-ENOMEM);
    sg_bill_load_init(load, e->terms->tariff);
    for (size_t i = 0; i < e->n; i++)
        sg_bill_load_add(load, e->readings[i].ts_s,
                         sg_bill_reading_value(e->bill, &e->readings[i], e->readings[i].energy_wh));
    const struct sg_bill_view view = {.bill = e->bill, .tariff = e->terms->tariff, .load = load};
    return sg_bill_page(&view, ret);
}

static int put_page(const struct forms *e)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf page = SG_BUF_INIT(PAGE_MAX);
    char why[PDF_WHY_MAX];
    int r;

    if (!e->o->page && !e->o->pdf)
        return 0;
    r = make_page(e, &page);
    if (!r && e->o->page)
        r = sg_file_write_atomic(e->o->page, sg_buf_bytes(&page), FILE_MODE);
    if (r || !e->o->pdf)
        return r;
    r = pdf_write(sg_buf_bytes(&page), e->o->pdf, why);
    return r > 0 ? complain("--pdf", why) : r;
}

static int put_green_button(const struct forms *e, const struct sg_bill_intervals *in)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf xml = SG_BUF_INIT(SG_GREEN_BUTTON_MAX);
    int r;

    if (!e->o->green_button)
        return 0;
    r = sg_green_button_write(in, &xml);
    if (r > 0)
        return complain("--green-button", "an amount or energy is past the format's 48 bits");
    return r ? r : sg_file_write_atomic(e->o->green_button, sg_buf_bytes(&xml), FILE_MODE);
}

static int put_csv(const struct forms *e, const struct sg_bill_intervals *in)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(SG_BILL_CSV_MAX);
    int r;

    if (!e->o->csv)
        return 0;
    r = sg_bill_csv_write(in, &csv);
    if (r > 0)
        return complain("--csv", "a meter's serial has a character that no table can hold");
    return r ? r : sg_file_write_atomic(e->o->csv, sg_buf_bytes(&csv), FILE_MODE);
}

static int put_all(struct forms *e, const struct client *c)
{
    int r;

    merge(e, c);
    const struct sg_bill_intervals in = {.bill = e->bill,
                                         .tariff = e->terms->tariff,
                                         .readings = e->readings,
                                         .n_readings = e->n,
                                         .rules = e->terms->rules};
    r = put_page(e);
    if (!r)
        r = put_green_button(e, &in);
    return r ? r : put_csv(e, &in);
}

int export_bill(const struct bill_options *o, const struct client *c, const struct terms *terms,
                const struct sg_bill *bill)
{
    SG_FREE struct sg_bill_reading *readings = NULL;

    if (!export_asked(o))
        return 0;
    readings = calloc(c->n_rows + c->estimates.n + 1, sizeof(*readings));
    struct forms e = {o, terms, bill, readings, 0};
    return readings ? put_all(&e, c) : sg_raise(-ENOMEM);
}
