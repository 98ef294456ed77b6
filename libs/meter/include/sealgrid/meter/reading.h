#pragma once
/*
 * reading - one interval's report of a three-phase meter: the phasor attributes of the paper,
 * scaled integers with units, in the order in which they stand in a leaf and in a row.
 *
 * Source of the set: Brito et al. 2019, section on the smart meter; NBR 14522 command 14 (docs of
 * the protocol) for the instantaneous quantities, registers for energy and demand.  Signs: power
 * and energy positive when delivered to the consumer; reactive positive inductive.  INT64_MIN is
 * not a value: a quantity that is not available is SG_READING_NA (neutral_current of a meter
 * without a transformer in the neutral, events of one that keeps no record of them).
 */
#include <sealgrid/base/buf.h>

#define SG_READING_NA INT64_C(-9007199254740993)

/* F(name, unit, minimum, maximum): the range a decoder accepts besides SG_READING_NA.  What is
 * added comes last: see sg_reading_encode. */
#define SG_READING_FIELDS(F)                                                                       \
    F(voltage_a, "mV", 0, 1000000)                                                                 \
    F(voltage_b, "mV", 0, 1000000)                                                                 \
    F(voltage_c, "mV", 0, 1000000)                                                                 \
    F(current_a, "mA", 0, 10000000)                                                                \
    F(current_b, "mA", 0, 10000000)                                                                \
    F(current_c, "mA", 0, 10000000)                                                                \
    F(active_power_a, "W", -10000000, 10000000)                                                    \
    F(active_power_b, "W", -10000000, 10000000)                                                    \
    F(active_power_c, "W", -10000000, 10000000)                                                    \
    F(active_power, "W", -30000000, 30000000)                                                      \
    F(reactive_power_a, "var", -10000000, 10000000)                                                \
    F(reactive_power_b, "var", -10000000, 10000000)                                                \
    F(reactive_power_c, "var", -10000000, 10000000)                                                \
    F(reactive_power, "var", -30000000, 30000000)                                                  \
    F(apparent_power, "VA", 0, 30000000)                                                           \
    F(power_factor_a, "0.001", -1000, 1000)                                                        \
    F(power_factor_b, "0.001", -1000, 1000)                                                        \
    F(power_factor_c, "0.001", -1000, 1000)                                                        \
    F(power_factor, "0.001", -1000, 1000)                                                          \
    F(current_angle_a, "0.01 deg", -36000, 36000)                                                  \
    F(current_angle_b, "0.01 deg", -36000, 36000)                                                  \
    F(current_angle_c, "0.01 deg", -36000, 36000)                                                  \
    F(voltage_angle_ab, "0.01 deg", -36000, 36000)                                                 \
    F(voltage_angle_bc, "0.01 deg", -36000, 36000)                                                 \
    F(voltage_angle_ca, "0.01 deg", -36000, 36000)                                                 \
    F(voltage_thd_a, "0.01 %", 0, 100000)                                                          \
    F(voltage_thd_b, "0.01 %", 0, 100000)                                                          \
    F(voltage_thd_c, "0.01 %", 0, 100000)                                                          \
    F(current_thd_a, "0.01 %", 0, 100000)                                                          \
    F(current_thd_b, "0.01 %", 0, 100000)                                                          \
    F(current_thd_c, "0.01 %", 0, 100000)                                                          \
    F(frequency, "mHz", 0, 100000)                                                                 \
    F(temperature, "0.1 degC", -1000, 2000)                                                        \
    F(demand, "W", -30000000, 30000000)                                                            \
    F(interval_energy, "Wh", -10000000, 10000000)                                                  \
    F(interval_reactive_energy, "varh", -10000000, 10000000)                                       \
    F(energy_register, "Wh", 0, 9007199254740992)                                                  \
    F(reactive_energy_register, "varh", 0, 9007199254740992)                                       \
    F(neutral_current, "mA", 0, 10000000)                                                          \
    F(events, "bits", 0, 63)

enum sg_reading_field {
#define SG_F(name, unit, lo, hi) SG_READING_##name,
    SG_READING_FIELDS(SG_F)
#undef SG_F
        SG_READING_N_FIELDS
};

#define SG_READING_FIELDS_FIRST SG_READING_neutral_current /* so many fields had the first meters  \
                                                            */

/* Bits of the field "events": what happened within the interval.  docs/protocols/nbr14522.md says
 * what a meter tells them by. */
enum sg_reading_event {
    SG_READING_EVENT_MAGNET = 1,         /* strong magnetic field */
    SG_READING_EVENT_COVER = 2,          /* meter cover opened */
    SG_READING_EVENT_TERMINAL_COVER = 4, /* terminal cover opened */
    SG_READING_EVENT_TILT = 8,           /* moved or shaken */
    SG_READING_EVENT_SERVICE = 16,       /* announced service: the utility's own visit */
    SG_READING_EVENT_POWER_UP = 32,      /* supply came back */
};

struct sg_reading {
    uint64_t seq; /* the meter's sequence number, first reading 1, never repeated */
    int64_t ts_s; /* end of the interval, unix seconds, UTC */
    int64_t field[SG_READING_N_FIELDS];
};

extern const char *const sg_reading_names[SG_READING_N_FIELDS];
extern const char *const sg_reading_units[SG_READING_N_FIELDS];

/* seq 1..2^63-1, ts from 1970 to 9999, every field in its range. */
bool sg_reading_valid(const struct sg_reading *r);

/*
 * Deterministic CBOR array [seq, ts, f0, ..., f39], SG_READING_NA as null: the octets of a leaf
 * without its salt.  A reading that knows neither neutral_current nor events has the form of the
 * first meters, [seq, ts, f0, ..., f37], and no other.  -EINVAL for a reading that is not valid.
 */
#define SG_READING_LEAF_MAX 400
SG_MUST_USE int sg_reading_encode(const struct sg_reading *r, struct sg_buf *b);
/* True for the form of the first meters. */
bool sg_reading_is_short(const struct sg_reading *r);
/* Takes one; every range checked.  -EBADMSG. */
SG_MUST_USE int sg_reading_decode(struct sg_reader *in, struct sg_reading *ret);
