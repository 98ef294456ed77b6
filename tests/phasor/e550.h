#pragma once
/*
 * e550 - the captured log of a three-phase meter as honest base: its reports in order of time, and
 * customers made of them.
 */
#include <sealgrid/base/random.h>
#include <sealgrid/fraud/phasor.h>

struct e550_row {
    int64_t ts_s;
    double v[3], i[3], p[3], q[3], total, frequency, temperature;
};

struct e550_log {
    struct e550_row *rows; /* in order of time */
    size_t *by_power;      /* indices, least total power first */
    size_t n;
};
/* CSV or CSV.gz.  0, -ENOENT, -EBADMSG, ... */
SG_MUST_USE int e550_read(struct e550_log *ret, const char *path);
void e550_clear(struct e550_log *l);

/*
 * A customer for days on end whose every interval is a captured report, whole: phases exchanged
 * once for all, currents and powers scaled once for all.  Which report, follows from a course of
 * the day: the rank of its total power, so that light load is drawn by night and heavy by day.
 */
struct e550_customer {
    struct sg_prng prng;
    const struct e550_log *log;
    unsigned turn; /* which of the six exchanges of phases */
    double scale, base, peak, open, close, day, wander, weekend;
};
void e550_draw(struct e550_customer *c, const struct e550_log *log, uint64_t seed, uint32_t index);
void e550_next(struct e550_customer *c, uint32_t d, uint32_t k, struct sg_phasor_sample *ret);
/* Report j as it was captured, phases exchanged. */
void e550_sample(const struct e550_log *log, size_t j, unsigned turn, struct sg_phasor_sample *ret);
