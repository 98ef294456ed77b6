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
#include <sealgrid/base/buf.h>

#define SG_REPORT_FACTS    "report.json" /* in D/out */
#define SG_REPORT_FRAUD    "fraud.json"
#define SG_REPORT_PAGE_MAX (64u << 20)

/* The page as text.  out: the folder D/out; programs: where the executables lie (their tariffs are
 * beside them). */
SG_MUST_USE int sg_report_make(struct sg_bytes summary, const char *out, const char *programs,
                               struct sg_buf *ret);
