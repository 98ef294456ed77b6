/* What meters record besides quantities: the utility's visits, interruptions, covers opened. */
#include "model-int.h"

#define VISIT_DAYS  500 /* between two visits to one meter */
#define OUTAGE_DAYS 60  /* between two short interruptions of one feeder */
#define FEEDER      64  /* meters */
#define WORK_BEGINS 8
#define WORK_HOURS  9

/* The interval in which an hour and a sixteenth of it lie. */
static uint32_t interval_of(const struct sg_model *m, uint32_t hour, uint64_t h)
{
    return (hour * 16 + (uint32_t)(h >> 48 & 15)) * m->per_day / (24 * 16);
}

static int64_t visit(const struct sg_model *m, uint32_t meter, uint32_t day, uint32_t k)
{
    const uint64_t h = sg_model_hash(m->config.seed, meter, STREAM_EVENT, day);
    const uint32_t hour = WORK_BEGINS + (uint32_t)(h >> 32 & 0xffff) % WORK_HOURS;
    if ((h & 0xffffffff) % VISIT_DAYS != 0 || k != interval_of(m, hour, h))
        return 0;
    /* Clamps are looked at; one meter in four is opened. */
    return SG_READING_EVENT_SERVICE | SG_READING_EVENT_TERMINAL_COVER |
           (h >> 52 & 3 ? 0 : SG_READING_EVENT_COVER);
}

static int64_t interruption(const struct sg_model *m, uint32_t meter, uint32_t day, uint32_t k)
{
    const uint64_t h = sg_model_hash(m->config.seed, meter / FEEDER, STREAM_OUTAGE, day);
    if ((h & 0xffffffff) % OUTAGE_DAYS != 0 ||
        k != interval_of(m, (uint32_t)(h >> 32 & 0xffff) % 24, h))
        return 0;
    return SG_READING_EVENT_POWER_UP;
}

/* Clamps for what is done outside the meter, its own cover for what is done within. */
static int64_t opened(const struct sg_model *m, uint32_t meter, uint32_t day, uint32_t k)
{
    const struct sg_model_meter *mm = &m->meters[meter];
    if (!mm->fraud_opened || day != mm->fraud_day || k != interval_of(m, mm->fraud_from_h, 0))
        return 0;
    return mm->fraud == SG_FRAUD_VOLTAGE || mm->fraud == SG_FRAUD_ANGLE
               ? SG_READING_EVENT_COVER
               : SG_READING_EVENT_TERMINAL_COVER;
}

int64_t sg_model_events(const struct sg_model *m, uint32_t meter, uint32_t day, uint32_t k)
{
    return visit(m, meter, day, k) | interruption(m, meter, day, k) | opened(m, meter, day, k);
}
