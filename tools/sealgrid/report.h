#pragma once
/*
 * report - one page about a demo's run, for a person with a minute.
 *
 * Made from files alone: the run's summary (ARCHITECTURE, section 9), D/out/report.json (what the
 * stage `report` read from the store while the services ran), D/out/fraud.json (the ranking, if
 * there is one) and one bill of D/out/bill.  A file that is missing is said on the page, never
 * guessed. So `sealgrid report` can make the page of an old run again.
 *
 * The page is the operator's own: it names customers.
 */
#include "services.h"

#include <jansson.h>
#include <sealgrid/billing/bill-page.h>
#include <sealgrid/page/chart.h>

#define SG_REPORT_FACTS    "report.json" /* in D/out */
#define SG_REPORT_FRAUD    "fraud.json"
#define SG_REPORT_PAGE_MAX (64u << 20)

struct sg_report {
    const json_t *summary;
    const json_t *facts;      /* NULL: the run ended before its stage `report` */
    const json_t *fraud;      /* NULL: no ranking was made */
    struct sg_tariff *tariff; /* NULL: not found */
    bool has_bill;
    struct sg_bill bill;
    struct sg_bill_load load; /* of the bill's customer */
};

/* The page as text.  out: the folder D/out; programs: where the executables lie (their tariffs are
 * beside them). */
SG_MUST_USE int sg_report_make(struct sg_bytes summary, const char *out, const char *programs,
                               struct sg_buf *ret);
