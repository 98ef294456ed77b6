#pragma once
/*
 * absence - which readings of a customer's judged days are missing, against its own past, and
 * whether others lack the same.
 *
 * Three things tell, all as shares now less before: `gone`, days that cannot be used at all,
 * `touched`, usable days of which a reading is missing, and `lacking`, hours of these of which one
 * is.  A bad link is as bad before.  An
 * outage (a concentrator, a mast) takes the same hours from many, from the same day on: customers
 * of the panel three quarters of whose missing hours are those of this one, and the other way
 * round, are in it together; with SG_ABSENCE_TOGETHER others nothing is held against anybody.  Who
 * drops the hour of its own peak, or any, is alone with that.  Hours of a part of the day on more
 * than SG_ABSENCE_PARTS days are no outage, however many share them: that is what thieves agree
 * on, or one who jams the neighbours' meters, too.
 *
 * sg_absences owns its rows.  Only read while asked: any number of threads.
 */
#include "view-int.h"

#include <sealgrid/base/buf.h>
#include <sealgrid/base/bytes.h>

enum { SG_ABSENCE_TOGETHER = 3, SG_ABSENCE_PARTS = 7 };

struct sg_absence {
    float gone, touched, lacking; /* now less before */
    float now, before;            /* share of days of which anything is missing */
    int32_t since;    /* first judged day from which on most lack something; NO_DAY: none */
    uint32_t days, n; /* of the judged window; hours of it with a missing reading */
    uint32_t alike;   /* others in it together (sg_absences_ask) */
    uint32_t hours[SG_VIEW_DAYS_MAX]; /* of a calendar day: bit h: hour h lacks a reading */
};

/* alike is 0. */
void sg_absence_of(const struct sg_view *v, struct sg_absence *ret);

struct sg_absences {
    uint32_t days;
    size_t n, room;
    uint64_t *id;    /* ascending */
    uint32_t *bits;  /* hours missing of each, at least one */
    uint32_t *since; /* of each: the day from which on most lack something; days: none */
    uint32_t *hours; /* n x days */
};

SG_MUST_USE int sg_absences_init(struct sg_absences *a, const struct sg_corr_windows *w,
                                 size_t room);
void sg_absences_clear(struct sg_absences *a);
/* There is room; ids ascend.  Who lacks nothing is not kept. */
void sg_absences_add(struct sg_absences *a, uint64_t id, const struct sg_absence *x);
/* Sets x->alike; id is the customer's own, who does not count. */
void sg_absences_ask(const struct sg_absences *a, uint64_t id, struct sg_absence *x);
/* Two items of deterministic CBOR: ids, and hours by day in three octets. */
SG_MUST_USE int sg_absences_encode(const struct sg_absences *a, struct sg_buf *b);
/* 0, -ENOMEM, or 1: damaged.  w: of the model. */
SG_MUST_USE int sg_absences_decode(struct sg_absences *a, const struct sg_corr_windows *w,
                                   size_t most, struct sg_reader *r);
