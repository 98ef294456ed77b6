#pragma once
/*
 * bill-csv - the intervals that a bill was made from, as a table: one row each, in time order.
 * Energies after the ratio.  The last column, price, is there if the tariff has one dynamic charge.
 */
#include <sealgrid/billing/green-button.h>

#define SG_BILL_CSV_MAX (128u << 20)
#define SG_BILL_CSV_HEADER                                                                         \
    "start_utc,start_local,post,serial,import_wh,export_wh,reactive_varh,origin,rule"

enum sg_bill_csv_outcome { SG_BILL_CSV_SERIAL = 1 }; /* a serial that cannot stand in a table */
/* Appended to ret. */
SG_MUST_USE int sg_bill_csv_write(const struct sg_bill_intervals *in, struct sg_buf *ret);
