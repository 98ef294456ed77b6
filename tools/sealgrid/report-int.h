#pragma once
/*
 * report-int - between the parts of the page, in the order in which they stand on it.
 */
#include "report.h"

#include <jansson.h>
#include <sealgrid/billing/bill-page.h>
#include <sealgrid/page/chart.h>

/* Owns its JSON and the tariff. */
struct sg_report {
    json_t *summary;
    json_t *facts;            /* NULL: the run ended before its stage `report` */
    json_t *fraud;            /* NULL: no ranking was made */
    struct sg_tariff *tariff; /* NULL: not found */
    bool has_bill;
    struct sg_bill bill;
    struct sg_bill_load load; /* of the bill's customer */
};

/* report-page.c: facts and fraud may be empty or nonsense, the summary must be a JSON object.
 * 0 or -EBADMSG. */
SG_MUST_USE int sg_report_read(struct sg_report *ret, struct sg_bytes summary,
                               struct sg_bytes facts, struct sg_bytes fraud);
/* After the tariff, if there is one.  What is no bill, or has a wrong hash, is not shown. */
SG_MUST_USE int sg_report_take_bill(struct sg_report *r, struct sg_bytes text);
SG_MUST_USE int sg_report_put(struct sg_report *r, struct sg_buf *ret);
void sg_report_clear(struct sg_report *r);

/* report-lead.c */
void sg_report_put_lead(struct sg_html *p, const struct sg_report *r);
/* report-flow.c */
void sg_report_put_flow(struct sg_html *p, const struct sg_report *r);
/* Items of a list: one fault; every step of the way that lacks readings. */
void sg_report_put_fault(struct sg_html *p, const char *what, const char *how);
void sg_report_put_losses(struct sg_html *p, const struct sg_report *r);
/* report-stages.c */
void sg_report_put_stages(struct sg_html *p, const struct sg_report *r);
/* report-load.c */
void sg_report_put_load(struct sg_html *p, const struct sg_report *r);
/* report-trials.c */
void sg_report_put_bill(struct sg_html *p, const struct sg_report *r);
void sg_report_put_trials(struct sg_html *p, const struct sg_report *r);
/* What was attacked, in words. */
const char *sg_report_trial_word(const struct sg_html *p, const char *name);
/* report-fraud.c */
void sg_report_put_fraud(struct sg_html *p, const struct sg_report *r);
/* report-storage.c */
void sg_report_put_storage(struct sg_html *p, const struct sg_report *r);
void sg_report_put_machine(struct sg_html *p, const struct sg_report *r);

/* report-figure.c: values by their path in the summary, "counts.sent". */
enum sg_report_form {
    SG_FORM_INT,
    SG_FORM_DURATION,
    SG_FORM_BYTES,
};
const json_t *sg_report_at(const json_t *j, const char *path);
/* 0 if there is none, or none that a run can have: sums of a few never overflow. */
#define SG_REPORT_INT_MAX INT64_C(1000000000000000)
int64_t sg_report_int(const json_t *j, const char *path);
double sg_report_real(const json_t *j, const char *path);
/* A dash where there is no number. */
void sg_report_put_figure(struct sg_html *p, const struct sg_report *r, const char *path,
                          enum sg_report_form form);
/* The same for a number of the ranking: figure "fraud." and path, so many decimals. */
void sg_report_put_score(struct sg_html *p, const struct sg_report *r, const char *path,
                         unsigned decimals);
/* Opens a section with its heading. */
void sg_report_open_section(struct sg_html *p, const char *name, const char *en, const char *pt);
/* A sentence in both languages with one text in it ("%s"). */
void sg_report_put_note(struct sg_html *p, const char *class, const char *en, const char *pt);
/* Local time of the tariff's zone. */
int64_t sg_report_local(const struct sg_report *r, int64_t unix_s);
/* "B1" in words. */
const char *sg_report_class_word(const struct sg_html *p, const char *class);
