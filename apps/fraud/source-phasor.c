#include "source-phasor.h"

#include <math.h>

static const enum sg_reading_field fields[SOURCE_PHASOR_N_FIELDS] = {
#define F(field) SG_READING_##field,
    SOURCE_PHASOR_FIELDS(F)
#undef F
};

void source_phasor_want(uint8_t ret[SG_ROW_READING_FIELDS_LEN])
{
    sg_row_reading_want(fields[0], ret);
    for (int i = 1; i < SOURCE_PHASOR_N_FIELDS; i++)
        sg_row_reading_want_also(fields[i], ret);
}

static double si(int64_t v, double unit)
{
    return v == SG_READING_NA ? NAN : (double)v * unit;
}

/* The numbers are the same on both sides; what else a meter tells, supply that came back, is no
 * tamper event. */
_Static_assert((int)SG_PHASOR_MAGNET == (int)SG_READING_EVENT_MAGNET &&
                   (int)SG_PHASOR_COVER == (int)SG_READING_EVENT_COVER &&
                   (int)SG_PHASOR_TERMINAL_COVER == (int)SG_READING_EVENT_TERMINAL_COVER &&
                   (int)SG_PHASOR_TILT == (int)SG_READING_EVENT_TILT &&
                   (int)SG_PHASOR_SERVICE == (int)SG_READING_EVENT_SERVICE,
               "events of a reading are those of the rules");

static uint32_t events_of(int64_t events)
{
    return events == SG_READING_NA ? 0 : (uint32_t)events & SG_PHASOR_EVENTS_ALL;
}

void source_phasor_sample(int64_t ts_s, const int64_t field[SOURCE_PHASOR_N_FIELDS],
                          struct sg_phasor_sample *ret)
{
    sg_phasor_sample_clear(ret);
    ret->ts_s = ts_s;
    for (int k = 0; k < SG_PHASOR_ELEMENTS; k++) {
        ret->v[k] = si(field[SOURCE_PHASOR_voltage_a + k], 1e-3);
        ret->i[k] = si(field[SOURCE_PHASOR_current_a + k], 1e-3);
        ret->p[k] = si(field[SOURCE_PHASOR_active_power_a + k], 1);
        ret->q[k] = si(field[SOURCE_PHASOR_reactive_power_a + k], 1);
    }
    ret->p_total = si(field[SOURCE_PHASOR_active_power], 1);
    ret->v_angle[0] = si(field[SOURCE_PHASOR_voltage_angle_ab], 1e-2);
    ret->v_angle[1] = si(field[SOURCE_PHASOR_voltage_angle_bc], 1e-2);
    ret->frequency = si(field[SOURCE_PHASOR_frequency], 1e-3);
    ret->temperature = si(field[SOURCE_PHASOR_temperature], 0.1);
    ret->energy_wh = si(field[SOURCE_PHASOR_interval_energy], 1);
    ret->neutral = si(field[SOURCE_PHASOR_neutral_current], 1e-3);
    ret->events = events_of(field[SOURCE_PHASOR_events]);
}
