#include "sql-data.h"

#include <sealgrid/base/random.h>

/* A value of about the size that a house's meter shows, by its unit. */
static const struct {
    const char *unit;
    int64_t least, spread;
} typical[] = {
    {"mV", 215000, 10000}, {"mA", 0, 30000},       {"W", 0, 6000},          {"var", -500, 2000},
    {"VA", 0, 6500},       {"0.001", 800, 200},    {"0.01 deg", -200, 400}, {"0.01 %", 0, 500},
    {"mHz", 59950, 100},   {"0.1 degC", 200, 150}, {"Wh", 0, 1500},         {"varh", 0, 500},
};

static int64_t draw(struct sg_prng *p, const char *unit)
{
    for (size_t i = 0; i < sizeof(typical) / sizeof(typical[0]); i++)
        if (strcmp(typical[i].unit, unit) == 0)
            return typical[i].least + (int64_t)sg_prng_below(p, (uint64_t)typical[i].spread);
    return 0;
}

void sql_row_make(int64_t client, int64_t seq, struct sql_row *ret)
{
    struct sg_prng p;
    sg_prng_seed2(&p, (uint64_t)client, (uint64_t)seq);
    *ret = (struct sql_row){.client = client, .ts = SQL_FIRST_TS + 900 * (seq - 1), .seq = seq};
    for (int i = 0; i < SG_READING_N_FIELDS; i++)
        ret->field[i] = draw(&p, sg_reading_units[i]);
    ret->field[SG_READING_energy_register] = 40000000 + 750 * seq;
    ret->field[SG_READING_reactive_energy_register] = 9000000 + 250 * seq;
    ret->field[SG_READING_events] = seq % 1000 == 0 ? SG_READING_EVENT_POWER_UP : 0;
}

bool sql_row_column(const struct sql_row *r, int c, int64_t *ret)
{
    switch (c) {
    case 0:
        *ret = r->client;
        return true;
    case 1:
        *ret = r->ts;
        return true;
    case 2:
        return false;
    case 3:
        *ret = r->seq;
        return true;
    case SQL_COLUMNS - 1:
        *ret = r->origin;
        return true;
    default:
        *ret = r->field[c - 4];
        return true;
    }
}

const char *sql_column_name(int c)
{
    static const char *const head[] = {"client_id", "ts", "meter_serial", "seq"};
    return c < 4 ? head[c] : c == SQL_COLUMNS - 1 ? "origin" : sg_reading_names[c - 4];
}

const char *sql_text(enum sql_ask what)
{
    switch (what) {
    case SQL_MONTH:
        return "SELECT * FROM reading WHERE client_id = ?1 AND ts >= ?2 AND ts < ?3 ORDER BY ts";
    case SQL_MONTH_3:
        return "SELECT ts, active_power, interval_energy FROM reading "
               "WHERE client_id = ?1 AND ts >= ?2 AND ts < ?3 ORDER BY ts";
    case SQL_POINT:
        return "SELECT * FROM reading WHERE client_id = ?1 AND ts = ?2";
    case SQL_GROUP:
        return "SELECT client_id, count(*), sum(active_power) FROM reading GROUP BY client_id";
    default:
        return "SELECT client_id, ts, active_power FROM reading "
               "ORDER BY active_power DESC, client_id, ts LIMIT 10";
    }
}

int sql_params(enum sql_ask what, int64_t client, int64_t ts, int64_t ret[3])
{
    ret[0] = client;
    ret[1] = ts;
    ret[2] = ts + 900 * SQL_CLIENT_ROWS;
    return what == SQL_POINT ? 2 : what <= SQL_MONTH_3 ? 3 : 0;
}
