#pragma once
/*
 * phasors - a file of phasors beside the file of days: CSV or CSV.gz, one interval a line, a
 * customer's lines together and in order of time.  Columns by name, in any order:
 *
 *   customer (or client)   as in the file of days
 *   time                   end of the interval: 2026-09-01T03:15:00Z, an offset, or unix seconds
 *   v1 v2 v3               V of each element        i1 i2 i3   A
 *   p1 p2 p3               W                        q1 q2 q3   var, or pf1 pf2 pf3 in their place
 *   p                      W, the meter's total     in         A in the neutral
 *   vab vbc                degrees between voltages hz celsius wh check_wh
 *   events                 sum of 1 magnet, 2 cover, 4 terminal cover, 8 tilt, 16 visit of ours
 *   wiring                 star or aron             ratio      of instrument transformers
 *
 * customer, time and something else must be there; wiring and ratio are those of a customer's first
 * line.  Blank, NA, NaN: not told.  Anything else is refused with its line.
 *
 * Streamed: one customer's sums of days in memory, and a summary of 248 octets of each.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/billing/tz.h>
#include <sealgrid/fraud/days.h>
#include <sealgrid/fraud/phasor.h>

#define PHASORS_WHY_MAX 160

struct phasors_entry {
    char id[SG_FRAUD_ID_MAX + 1];
    struct sg_phasor_summary summary;
};

struct phasors {
    struct phasors_entry *list; /* by id */
    size_t n, room;
    uint64_t intervals;
};

enum phasors_outcome { PHASORS_BAD = 1 };
/* Which days are judged: recent_from_s, or recent_days (fraud/phasor.h).  With a zone, days are
 * those of its offset at a customer's first interval; NULL: of the config's.  0, PHASORS_BAD and
 * why, -errno.  *ret is as it was unless 0. */
SG_MUST_USE int phasors_read(struct phasors *ret, const char *path,
                             const struct sg_phasor_config *config, const struct sg_tz *zone,
                             char why[PHASORS_WHY_MAX]);
/* Text of such a file. */
SG_MUST_USE int phasors_parse(struct phasors *ret, struct sg_bytes text,
                              const struct sg_phasor_config *config, const struct sg_tz *zone,
                              char why[PHASORS_WHY_MAX]);
void phasors_clear(struct phasors *p);
/* NULL: not in the file, or no recent days. */
const struct sg_phasor_summary *phasors_find(const struct phasors *p, const char *id);
