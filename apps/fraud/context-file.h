#pragma once
/*
 * context-file - facts about customers from files, beside a file of their load.
 *
 *   customer[,class,activity,region,contracted_kw,vacant_since,vacant_until,solar_since,solar_kw,
 *   tariff_since]           columns by name, each but the first may be left out or empty
 *   date[,region]           public holidays; without a region: of everybody
 *
 * Days are dates (2026-08-31), or whole numbers where the load has no dates.  Owns its lists.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/error.h>
#include <sealgrid/fraud/context.h>

struct context_row {
    char id[SG_FRAUD_ID_MAX + 1];
    struct sg_fraud_context context;
};

struct context_holiday {
    char region[SG_FRAUD_REGION_MAX + 1]; /* "": everywhere */
    int32_t day;
};

/* The holidays of one region, everybody's among them. */
struct context_calendar {
    char region[SG_FRAUD_REGION_MAX + 1];
    int32_t *days;
    size_t n;
};

struct context_files {
    struct context_row *rows; /* by id */
    size_t n, room;
    struct context_holiday *holidays;
    size_t n_holidays, room_holidays;
    struct context_calendar *calendars; /* by region; the first is that of "" */
    size_t n_calendars;
};
void context_files_clear(struct context_files *f);

enum context_outcome { CONTEXT_BAD = 1 };
/* "line 7, column 3: class: residential, commercial, ..." */
#define CONTEXT_WHY_MAX 200
SG_MUST_USE int context_parse(struct context_files *f, struct sg_bytes text,
                              char why[CONTEXT_WHY_MAX]);
SG_MUST_USE int context_parse_holidays(struct context_files *f, struct sg_bytes text,
                                       char why[CONTEXT_WHY_MAX]);
SG_MUST_USE int context_read(struct context_files *f, const char *path, char why[CONTEXT_WHY_MAX]);
SG_MUST_USE int context_read_holidays(struct context_files *f, const char *path,
                                      char why[CONTEXT_WHY_MAX]);
/* Facts of a customer out of the file, if it tells of it; else *c is left as it is.  Then the
 * holidays of its region.  f may be NULL. */
void context_fill(const struct context_files *f, const char *id, struct sg_fraud_context *c);
