#pragma once
/* source-phasor - the phasor fields of readings, as the rules for polyphase meters want them. */
#include <sealgrid/fraud/phasor.h>
#include <sealgrid/meter/rows.h>

/* F(field): ascending, as sg_row_reading_take_all gives them. */
#define SOURCE_PHASOR_FIELDS(F)                                                                    \
    F(voltage_a)                                                                                   \
    F(voltage_b)                                                                                   \
    F(voltage_c)                                                                                   \
    F(current_a)                                                                                   \
    F(current_b)                                                                                   \
    F(current_c)                                                                                   \
    F(active_power_a)                                                                              \
    F(active_power_b)                                                                              \
    F(active_power_c)                                                                              \
    F(active_power)                                                                                \
    F(reactive_power_a)                                                                            \
    F(reactive_power_b)                                                                            \
    F(reactive_power_c)                                                                            \
    F(voltage_angle_ab)                                                                            \
    F(voltage_angle_bc)                                                                            \
    F(frequency)                                                                                   \
    F(temperature)                                                                                 \
    F(interval_energy)                                                                             \
    F(neutral_current)                                                                             \
    F(events)
enum source_phasor_field {
#define F(field) SOURCE_PHASOR_##field,
    SOURCE_PHASOR_FIELDS(F)
#undef F
        SOURCE_PHASOR_N_FIELDS
};

/* What a scan is to bring. */
void source_phasor_want(uint8_t ret[SG_ROW_READING_FIELDS_LEN]);
/* Fields of one reading, SG_READING_NA where the meter had none, in SI units. */
void source_phasor_sample(int64_t ts_s, const int64_t field[SOURCE_PHASOR_N_FIELDS],
                          struct sg_phasor_sample *ret);
