#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include <sealgrid/base/clock.h>
#include <sealgrid/kvs/memory.h>
#include <sealgrid/meter/rows.h>
#include <sealgrid/meter/tables.h>

#include "source.h"

#define CLIENT  INT64_C(3000000001)
#define OTHER   INT64_C(3000000002)
#define DAY_ONE 20697               /* 2026-09-01, a Tuesday */
#define BEGIN   INT64_C(1788231600) /* its midnight in Sao Paulo */

static struct sg_kv_memory *memory;
static struct sg_kv *kv;

/* ---- rows as an authenticator leaves them --------------------------------------------------- */

struct record {
    uint8_t room[3][2048];
    struct sg_buf partition, sort, value;
};

static void record_init(struct record *r, int64_t client)
{
    struct sg_buf *parts[] = {&r->partition, &r->sort, &r->value};
    for (int i = 0; i < 3; i++)
        *parts[i] = (struct sg_buf){r->room[i], 0, sizeof(r->room[i]), sizeof(r->room[i]), false};
    assert_int_equal(sg_row_client_partition(&r->partition, client), 0);
}

static void put(uint32_t table, const struct record *r)
{
    const struct sg_kv_op op = {.kind = SG_KV_PUT,
                                .key = {table, sg_buf_bytes(&r->partition), sg_buf_bytes(&r->sort)},
                                .value = sg_buf_bytes(&r->value)};
    assert_int_equal(sg_kv_batch(kv, "metering", &op, 1, NULL), 0);
}

static void put_installation(int64_t client, int64_t from_s, int64_t until_s, int64_t ratio)
{
    struct sg_row_installation row = {.client_id = client,
                                      .from_ts_s = from_s,
                                      .open = until_s == 0,
                                      .until_ts_s = until_s,
                                      .serial = "12345678",
                                      .ratio_num = ratio,
                                      .ratio_den = 1,
                                      .metrology_cert = SG_BYTES_LIT("none"),
                                      .tariff_class = "B1"};
    struct record r;
    record_init(&r, client);
    assert_int_equal(sg_row_int_sort(&r.sort, from_s), 0);
    assert_int_equal(sg_row_installation_encode(&r.value, &row), 0);
    put(SG_TABLE_INSTALLATION, &r);
}

static struct sg_row_reading reading_of(int64_t ts_s, int64_t wh)
{
    struct sg_row_reading row = {.serial = "12345678", .reading = {.seq = 1, .ts_s = ts_s}};
    for (int i = 0; i < SG_READING_N_FIELDS; i++)
        row.reading.field[i] = SG_READING_NA;
    row.reading.field[SG_READING_interval_energy] = wh;
    return row;
}

static void put_reading(int64_t client, int64_t ts_s, int64_t wh)
{
    const struct sg_row_reading row = reading_of(ts_s, wh);
    struct record r;
    record_init(&r, client);
    assert_int_equal(sg_row_int_sort(&r.sort, ts_s), 0);
    assert_int_equal(sg_row_reading_encode(&r.value, &row), 0);
    put(SG_TABLE_READING, &r);
}

static void put_conflict(int64_t client, int64_t ts_s)
{
    const struct sg_row_conflict row = {reading_of(ts_s, 7), ts_s};
    uint8_t digest[SG_ROW_DIGEST_LEN];
    struct record r;
    record_init(&r, client);
    assert_int_equal(sg_row_digest(&row.row.reading, digest), 0);
    assert_int_equal(sg_row_conflict_sort(&r.sort, &row.row.reading, digest), 0);
    assert_int_equal(sg_row_conflict_encode(&r.value, &row), 0);
    put(SG_TABLE_READING_CONFLICT, &r);
}

/* Intervals of a local day, from the first to before the last; reading k has 1000 + k Wh. */
static void put_day(int64_t client, int day, int per_day, int from, int until)
{
    for (int k = from; k < until; k++)
        put_reading(client, BEGIN + day * 86400 + (int64_t)(k + 1) * 86400 / per_day, 1000 + k);
}

/* ---- source --------------------------------------------------------------------------------- */

static int open_memory(void *user, struct sg_kv **ret)
{
    return sg_kv_open_memory(ret, user);
}

static struct sg_fraud_days days;
static struct source_notes notes;

/* The client's days, of the span. */
static int read_days(int64_t client, int32_t first, int32_t last, uint32_t points)
{
    SG_CLEANUP(source_freep) struct source *s = NULL;
    SG_CLEANUP(source_session_freep) struct source_session *session = NULL;
    struct source_store o = {.open_kv = open_memory,
                             .user = memory,
                             .east_s = -3 * 3600,
                             .span = {first, last},
                             .points = points,
                             .clients = &client,
                             .n_clients = 1};
    assert_int_equal(source_store_open(&s, &o), 0);
    assert_int_equal(source_session_open(s, &session), 0);
    assert_int_equal(source_points(s), points);
    assert_int_equal(source_expected(s), 1);
    int r = source_next(s, session, &days, &notes);
    if (r == 0)
        assert_int_equal(source_next(s, session, &days, &(struct source_notes){0}), SOURCE_END);
    return r;
}

/* The call for the end of the source touches no days: those read before are still there. */
static void complete_days_are_local_days(void **state)
{
    (void)state;
    put_installation(CLIENT, BEGIN - 100, 0, 1);
    put_day(CLIENT, 0, 96, 0, 96);
    put_day(CLIENT, 1, 96, 0, 96);
    put_day(CLIENT, 2, 96, 0, 71); /* more than a quarter is missing */
    put_day(CLIENT, 4, 96, 0, 96); /* after a day without any */
    assert_int_equal(read_days(CLIENT, DAY_ONE, DAY_ONE + 9, 96), 0);
    assert_string_equal(days.id, "3000000001");
    assert_int_equal(days.n_days, 3);
    assert_int_equal(days.day[0], DAY_ONE);
    assert_int_equal(days.weekday[0], 1);
    assert_int_equal(days.day[2], DAY_ONE + 4);
    assert_int_equal(days.weekday[2], 5);
    assert_int_equal(notes.incomplete, 2);
    assert_int_equal(notes.readings, 3 * 96 + 71);
    assert_int_equal(notes.conflicts, 0);
    assert_int_equal(days.n_gaps, 0);
    assert_int_equal(days.n_lost, 1); /* arrived; the one without any did not */
    assert_int_equal(days.lost[0].day, DAY_ONE + 2);
    for (int k = 0; k < 96; k++)
        assert_true(fabs((double)sg_fraud_days_row(&days, 1)[k] - (1 + k / 1000.0)) < 1e-6);
}

/* Readings lie in (midnight, next midnight]: the span takes those and no others. */
static void the_span_is_of_days(void **state)
{
    (void)state;
    put_installation(CLIENT, BEGIN - 100, 0, 1);
    for (int day = 0; day < 4; day++)
        put_day(CLIENT, day, 24, 0, 24);
    assert_int_equal(read_days(CLIENT, DAY_ONE + 1, DAY_ONE + 2, 24), 0);
    assert_int_equal(days.n_days, 2);
    assert_int_equal(notes.readings, 48);
    assert_int_equal(notes.incomplete, 0);
    assert_int_equal(days.day[0], DAY_ONE + 1);
}

static void quarters_make_hours(void **state)
{
    (void)state;
    put_installation(CLIENT, BEGIN - 100, 0, 1);
    put_day(CLIENT, 0, 96, 0, 96);
    put_day(CLIENT, 1, 24, 0, 24);
    put_day(CLIENT, 2, 12, 0, 12); /* two hours: too coarse */
    assert_int_equal(read_days(CLIENT, DAY_ONE, DAY_ONE + 9, 24), 0);
    assert_int_equal(days.n_days, 2);
    assert_true(fabs((double)sg_fraud_days_row(&days, 0)[1] - (4 + 0.022)) < 1e-6);
    assert_true(fabs((double)sg_fraud_days_row(&days, 1)[1] - 1.001) < 1e-6);
    assert_int_equal(notes.incomplete, 1);
}

static void off_the_grid_is_incomplete(void **state)
{
    (void)state;
    put_installation(CLIENT, BEGIN - 100, 0, 1);
    put_day(CLIENT, 0, 96, 0, 95);
    put_reading(CLIENT, BEGIN + 86400 - 450, 5); /* the 96th, but not where it belongs */
    put_day(CLIENT, 1, 96, 0, 96);
    put_reading(CLIENT, BEGIN + 86400 + 450, 5); /* a 97th */
    put_day(CLIENT, 2, 96, 0, 96);
    for (int k = 0; k < 25; k++)
        put_reading(CLIENT, BEGIN + 2 * 86400 + (k + 1) * 900, SG_READING_NA);
    assert_int_equal(read_days(CLIENT, DAY_ONE, DAY_ONE + 9, 96), 0);
    assert_int_equal(days.n_days, 0);
    assert_int_equal(days.n_lost, 3);
    assert_int_equal(notes.incomplete, 3);
}

/* Dropped, or told as not available: the day is there, and it is known which point is not. */
static void a_reading_a_day_is_filled_in(void **state)
{
    (void)state;
    put_installation(CLIENT, BEGIN - 100, 0, 1);
    for (int day = 0; day < 9; day++) {
        put_day(CLIENT, day, 96, 0, day == 8 ? 40 : 96);
        put_day(CLIENT, day, 96, 41, 96);
    }
    put_reading(CLIENT, BEGIN + 7 * 86400 + 900, SG_READING_NA); /* in place of the first */
    assert_int_equal(read_days(CLIENT, DAY_ONE, DAY_ONE + 9, 96), 0);
    assert_int_equal(days.n_days, 9);
    assert_int_equal(days.n_gaps, 2);
    assert_int_equal(notes.incomplete, 0);
    assert_true(sg_fraud_days_is_filled(&days, 7, 0) && sg_fraud_days_is_filled(&days, 8, 40));
    assert_false(sg_fraud_days_is_filled(&days, 8, 39) || sg_fraud_days_has_gap(&days, 6));
    assert_true(fabs((double)sg_fraud_days_row(&days, 8)[40] - 1.040) < 1e-3);
    assert_true(fabs((double)sg_fraud_days_row(&days, 7)[0] - 1.001) < 1e-3);
}

/* Of four quarters three tell the hour, two do not; either way it is told that readings lack. */
static void quarters_that_lack_in_an_hour(void **state)
{
    (void)state;
    put_installation(CLIENT, BEGIN - 100, 0, 1);
    put_day(CLIENT, 0, 96, 0, 96);
    put_day(CLIENT, 1, 96, 1, 96);
    put_day(CLIENT, 2, 96, 2, 96);
    assert_int_equal(read_days(CLIENT, DAY_ONE, DAY_ONE + 2, 24), 0);
    assert_int_equal(days.n_days, 3);
    assert_int_equal(days.n_gaps, 2);
    assert_int_equal(days.gap[1].missing, 1);
    assert_int_equal(days.gap[2].missing, 2);
    assert_false(sg_fraud_days_is_filled(&days, 1, 0));
    assert_true(sg_fraud_days_is_filled(&days, 2, 0));
    assert_true(fabs((double)sg_fraud_days_row(&days, 1)[0] - 4 * 1.002) < 1e-5);
}

static void put_nonsense(uint32_t table, int64_t client, int64_t sort)
{
    struct record r;
    record_init(&r, client);
    assert_int_equal(sg_row_int_sort(&r.sort, sort), 0);
    assert_int_equal(sg_buf_append(&r.value, SG_BYTES_LIT("\xff\x00 no row")), 0);
    put(table, &r);
}

/* Whoever can write a row that cannot be read must not stop everybody's ranking. */
static void rows_that_cannot_be_read_cost_their_owner_only(void **state)
{
    (void)state;
    put_installation(CLIENT, BEGIN - 100, BEGIN + 86400, 1);
    put_installation(CLIENT, BEGIN + 2 * 86400, 0, 1);
    put_nonsense(SG_TABLE_INSTALLATION, CLIENT, BEGIN + 86400); /* of the second day */
    for (int day = 0; day < 4; day++)
        put_day(CLIENT, day, 24, 0, 24);
    put_nonsense(SG_TABLE_READING, CLIENT, BEGIN + 3600 * 5);
    assert_int_equal(read_days(CLIENT, DAY_ONE, DAY_ONE + 3, 24), 0);
    assert_int_equal(notes.bad_rows, 2);
    assert_int_equal(days.n_days, 3);
    assert_int_equal(days.n_lost, 1);
    assert_int_equal(days.lost[0].day, DAY_ONE + 1);
    assert_true(sg_fraud_days_is_filled(&days, 0, 4));
    assert_int_equal(days.n_gaps, 1);
}

/* Of more installations than any client has the latest count. */
static void too_many_installations_cost_the_oldest_days(void **state)
{
    (void)state;
    for (int k = 0; k < 70; k++)
        put_installation(CLIENT, BEGIN + k * 86400, k < 69 ? BEGIN + (k + 1) * 86400 : 0, 1 + k);
    put_day(CLIENT, 0, 24, 0, 24);
    put_day(CLIENT, 6, 24, 0, 24);
    put_day(CLIENT, 69, 24, 0, 24);
    assert_int_equal(read_days(CLIENT, DAY_ONE, DAY_ONE + 69, 24), 0);
    assert_int_equal(notes.bad_rows, 6);
    assert_int_equal(days.n_days, 2);
    assert_int_equal(days.day[0], DAY_ONE + 6);
    assert_true(fabs((double)sg_fraud_days_row(&days, 1)[0] - 70) < 1e-4);
    assert_int_equal(days.lost[0].day, DAY_ONE);
}

/* Energy beyond any meter's, here by the ratio of one record, must not stop a fleet's ranking. */
static void absurd_energy_spoils_its_day_only(void **state)
{
    (void)state;
    put_installation(CLIENT, BEGIN - 100, BEGIN + 86400, 1);
    put_installation(CLIENT, BEGIN + 86400, BEGIN + 86400 + 3600, INT64_MAX);
    put_installation(CLIENT, BEGIN + 86400 + 3600, 0, 1);
    for (int day = 0; day < 3; day++)
        put_day(CLIENT, day, 24, 0, 24);
    assert_int_equal(read_days(CLIENT, DAY_ONE, DAY_ONE + 2, 24), 0);
    assert_int_equal(days.n_days, 2);
    assert_int_equal(days.day[1], DAY_ONE + 2);
    assert_int_equal(notes.incomplete, 1);
}

/* 10 A a phase at 130 V and power factor 0.95; what the meter measures of phase C is `left` of it.
 * What it tells of its neutral and of events is as given. */
static void put_told(int64_t client, int64_t ts_s, double left, int64_t neutral, int64_t events)
{
    struct sg_row_reading row = reading_of(ts_s, 0);
    int64_t *field = row.reading.field;
    struct record r;
    for (int k = 0; k < 3; k++) {
        const double part = (k == 2 ? left : 1) * (1 + 0.01 * (double)(ts_s / 3600 % 7));
        field[SG_READING_voltage_a + k] = 130000 + ts_s / 3600 % 5;
        field[SG_READING_current_a + k] = (int64_t)(10000 * part);
        field[SG_READING_active_power_a + k] = (int64_t)(1235 * part);
        field[SG_READING_reactive_power_a + k] = (int64_t)(400 * part);
    }
    field[SG_READING_active_power] = field[SG_READING_active_power_a] +
                                     field[SG_READING_active_power_b] +
                                     field[SG_READING_active_power_c];
    field[SG_READING_interval_energy] = field[SG_READING_active_power];
    field[SG_READING_neutral_current] = neutral;
    field[SG_READING_events] = events;
    record_init(&r, client);
    assert_int_equal(sg_row_int_sort(&r.sort, ts_s), 0);
    assert_int_equal(sg_row_reading_encode(&r.value, &row), 0);
    put(SG_TABLE_READING, &r);
}

static void put_phasors(int64_t client, int64_t ts_s, double left)
{
    put_told(client, ts_s, left, SG_READING_NA, SG_READING_NA);
}

/* Twenty days, the last six of them judged; the by-pass begins with the second of these. */
static void phasors_are_judged_beside_the_energy(void **state)
{
    SG_CLEANUP(source_freep) struct source *s = NULL;
    SG_CLEANUP(source_session_freep) struct source_session *session = NULL;
    const int64_t clients[] = {CLIENT, OTHER};
    const struct source_store o = {.open_kv = open_memory,
                                   .user = memory,
                                   .east_s = -3 * 3600,
                                   .span = {DAY_ONE, DAY_ONE + 19},
                                   .points = 24,
                                   .clients = clients,
                                   .n_clients = 2,
                                   .keep_bytes = 1 << 20};
    (void)state;
    put_installation(CLIENT, BEGIN - 100, 0, 40);
    for (int k = 1; k <= 20 * 24; k++)
        put_phasors(CLIENT, BEGIN + k * 3600, k > 15 * 24 ? 0.6 : 1);
    put_installation(OTHER, BEGIN - 100, 0, 1);
    for (int day = 0; day < 20; day++)
        put_day(OTHER, day, 24, 0, 24);
    assert_int_equal(source_store_open(&s, &o), 0);
    source_want_phasors(s, DAY_ONE + 14);
    assert_int_equal(source_session_open(s, &session), 0);
    for (int pass = 0; pass < 2; pass++) { /* the second has it from memory */
        assert_int_equal(source_next(s, session, &days, &notes), 0);
        assert_int_equal(days.n_days, 20);
        assert_true(notes.has_phasors);
        assert_int_equal(notes.phasors.days_past, 14);
        assert_int_equal(notes.phasors.days_recent, 6);
        assert_true(notes.phasors.score > 0.5f);
        const struct sg_phasor_finding *f = &notes.phasors.top[0];
        assert_int_equal(f->rule, SG_PHASOR_BYPASS);
        assert_int_equal(f->elements, 4);
        assert_int_equal(f->first_s, BEGIN + 15 * 86400 + 3600);
        /* 0.4 of 1235 W through transformers of 40 */
        assert_true(fabs((double)f->kwh_per_day - 0.4 * 1.235 * 1.03 * 24 * 40) < 30);
        assert_int_equal(source_next(s, session, &days, &notes), 0);
        assert_int_equal(days.n_days, 20);
        assert_false(notes.has_phasors); /* told none */
        assert_int_equal(source_rewind(s), 0);
    }
}

static void put_wiring(int64_t client, const char *wiring)
{
    struct sg_row_consumer row = {.from_day = 1, .wiring = sg_bytes_str(wiring)};
    struct record r;
#define I(column, most) row.column = SG_READING_NA;
    SG_ROW_CONSUMER_INTS(I)
#undef I
    record_init(&r, client);
    assert_int_equal(sg_row_int_sort(&r.sort, 1), 0);
    assert_int_equal(sg_row_consumer_encode(&r.value, &row), 0);
    put(SG_TABLE_CONSUMER, &r);
}

/* Currents that are alike leave the neutral none; two amperes come back through it all the same,
 * and a cover was opened at three in the afternoon. */
static void put_neutral_and_cover(int64_t client, int64_t service)
{
    const int64_t from = BEGIN + 15 * 86400, opened = BEGIN + 16 * 86400 + 15 * 3600;
    const int64_t power_up = SG_READING_EVENT_POWER_UP; /* happens to everybody */
    put_installation(client, BEGIN - 100, 0, 1);
    for (int k = 1; k <= 20 * 24; k++) {
        const int64_t ts_s = BEGIN + k * 3600;
        put_told(client, ts_s, 1, ts_s > from ? 2000 : 100,
                 ts_s == opened ? SG_READING_EVENT_COVER | service : power_up);
    }
}

/* Bits of the rules that speak. */
static unsigned rules_of(const struct sg_phasor_summary *s)
{
    unsigned rules = 0;
    for (int i = 0; i < SG_PHASOR_TOP; i++)
        if (s->top[i].sureness > 0.2f)
            rules |= 1u << s->top[i].rule;
    return rules;
}

/* Each as far as the meter and the table tell: the neutral of a meter on three wires is none. */
static void neutral_events_and_wiring_reach_the_rules(void **state)
{
    SG_CLEANUP(source_freep) struct source *s = NULL;
    SG_CLEANUP(source_session_freep) struct source_session *session = NULL;
    static const unsigned neutral = 1u << SG_PHASOR_NEUTRAL, cover = 1u << SG_PHASOR_TAMPER_EVENT;
    const int64_t clients[] = {CLIENT, OTHER, OTHER + 1};
    const unsigned want[] = {neutral | cover, neutral, cover};
    const struct source_store o = {.open_kv = open_memory,
                                   .user = memory,
                                   .east_s = -3 * 3600,
                                   .span = {DAY_ONE, DAY_ONE + 19},
                                   .points = 24,
                                   .clients = clients,
                                   .n_clients = 3};
    (void)state;
    put_neutral_and_cover(CLIENT, 0);
    put_wiring(CLIENT, "star");
    put_neutral_and_cover(OTHER, SG_READING_EVENT_SERVICE);
    put_neutral_and_cover(OTHER + 1, 0);
    put_wiring(OTHER + 1, "aron");
    assert_int_equal(source_store_open(&s, &o), 0);
    source_want_phasors(s, DAY_ONE + 14);
    assert_int_equal(source_session_open(s, &session), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(source_next(s, session, &days, &notes), 0);
        assert_true(notes.has_phasors);
        assert_int_equal(rules_of(&notes.phasors) & (neutral | cover), want[i]);
    }
}

static void absurd_ratio_costs_its_phasors_only(void **state)
{
    SG_CLEANUP(source_freep) struct source *s = NULL;
    SG_CLEANUP(source_session_freep) struct source_session *session = NULL;
    const int64_t clients[] = {CLIENT, OTHER};
    const struct source_store o = {.open_kv = open_memory,
                                   .user = memory,
                                   .east_s = -3 * 3600,
                                   .span = {DAY_ONE, DAY_ONE + 1},
                                   .points = 24,
                                   .clients = clients,
                                   .n_clients = 2};
    (void)state;
    put_installation(CLIENT, BEGIN - 100, BEGIN + 2 * 86400, 1);
    put_installation(CLIENT, BEGIN + 2 * 86400, 0, INT64_MAX);
    put_installation(OTHER, BEGIN - 100, 0, 1);
    for (int k = 1; k <= 2 * 24; k++) {
        put_phasors(CLIENT, BEGIN + k * 3600, 1);
        put_phasors(OTHER, BEGIN + k * 3600, 1);
    }
    assert_int_equal(source_store_open(&s, &o), 0);
    source_want_phasors(s, DAY_ONE + 1);
    assert_int_equal(source_session_open(s, &session), 0);
    assert_int_equal(source_next(s, session, &days, &notes), 0);
    assert_int_equal(days.n_days, 2);
    assert_false(notes.has_phasors);
    assert_int_equal(source_next(s, session, &days, &notes), 0);
    assert_true(notes.has_phasors);
}

/* A meter change: each with its ratio; energy fed in is not drawn. */
static void ratios_belong_to_their_time(void **state)
{
    (void)state;
    put_installation(CLIENT, BEGIN - 100, BEGIN + 43200, 10);
    put_installation(CLIENT, BEGIN + 43200, 0, 30);
    put_day(CLIENT, 0, 24, 0, 24);
    put_reading(CLIENT, BEGIN + 3600, -500);
    assert_int_equal(read_days(CLIENT, DAY_ONE, DAY_ONE, 24), 0);
    assert_int_equal(days.n_days, 1);
    const float *load = sg_fraud_days_row(&days, 0);
    assert_true(load[0] == 0);
    assert_true(fabs((double)load[11] - 10.11) < 1e-5);
    assert_true(fabs((double)load[12] - 30.36) < 1e-5);
}

static void before_it_was_installed_nothing_counts(void **state)
{
    (void)state;
    put_installation(CLIENT, BEGIN + 86400, 0, 1);
    put_day(CLIENT, 0, 24, 0, 24);
    put_day(CLIENT, 1, 24, 0, 24);
    assert_int_equal(read_days(CLIENT, DAY_ONE, DAY_ONE + 1, 24), 0);
    assert_int_equal(days.n_days, 1);
    assert_int_equal(days.day[0], DAY_ONE + 1);
    /* Installed at one o'clock: the hour that ended then is not the meter's. */
    put_installation(OTHER, BEGIN + 3600, 0, 1);
    put_day(OTHER, 0, 24, 0, 24);
    assert_int_equal(read_days(OTHER, DAY_ONE, DAY_ONE, 24), 0);
    assert_int_equal(days.n_days, 1);
    assert_true(sg_fraud_days_is_filled(&days, 0, 0));
}

static void conflicts_are_counted(void **state)
{
    (void)state;
    put_installation(CLIENT, BEGIN - 100, 0, 1);
    put_day(CLIENT, 0, 24, 0, 24);
    put_conflict(CLIENT, BEGIN + 3600);
    put_conflict(CLIENT, BEGIN + 7200);
    put_conflict(CLIENT, BEGIN + 90000); /* of another day */
    assert_int_equal(read_days(CLIENT, DAY_ONE, DAY_ONE, 24), 0);
    assert_int_equal(notes.conflicts, 2);
    assert_int_equal(days.n_days, 1);
}

/* New York put its clocks back on 2026-11-01: 25 hours, which no other day can be compared with. */
static void the_days_of_a_clock_change_are_left_out(void **state)
{
    (void)state;
    SG_CLEANUP(sg_tz_freep) struct sg_tz *tz = NULL;
    SG_CLEANUP(source_freep) struct source *s = NULL;
    SG_CLEANUP(source_session_freep) struct source_session *session = NULL;
    const int64_t client = CLIENT;
    int64_t begin;
    assert_int_equal(sg_tz_load(&tz, "America/New_York"), 0);
    assert_int_equal(sg_time_parse("2026-10-31T00:00:00-04:00", &begin), 0);
    put_installation(CLIENT, begin, 0, 1);
    for (int k = 1; k <= 3 * 24 + 1; k++)
        put_reading(CLIENT, begin + k * 3600, 1000);
    const int32_t first = (int32_t)sg_days_from_civil(2026, 10, 31);
    const struct source_store o = {.open_kv = open_memory,
                                   .user = memory,
                                   .tz = tz,
                                   .span = {first, first + 2},
                                   .points = 24,
                                   .clients = &client,
                                   .n_clients = 1};
    assert_int_equal(source_store_open(&s, &o), 0);
    assert_int_equal(source_session_open(s, &session), 0);
    assert_int_equal(source_next(s, session, &days, &notes), 0);
    assert_int_equal(notes.readings, 73);
    assert_int_equal(days.n_days, 2);
    assert_int_equal(days.day[0], first);
    assert_int_equal(days.day[1], first + 2);
    assert_int_equal(notes.incomplete, 1);
}

/* A second pass gives the same days; with room for one client's, only the other is read again. */
static void days_are_kept_for_a_second_pass(void **state)
{
    (void)state;
    const int64_t clients[2] = {CLIENT, OTHER};
    for (int i = 0; i < 2; i++) {
        put_installation(clients[i], BEGIN - 100, 0, 1);
        put_day(clients[i], 0, 24, 0, 24);
        put_day(clients[i], 1, 24, 0, 17);
    }
    SG_CLEANUP(source_freep) struct source *s = NULL;
    SG_CLEANUP(source_session_freep) struct source_session *session = NULL;
    const struct source_store o = {.open_kv = open_memory,
                                   .user = memory,
                                   .east_s = -3 * 3600,
                                   .span = {DAY_ONE, DAY_ONE + 1},
                                   .points = 24,
                                   .clients = clients,
                                   .n_clients = 2,
                                   .keep_bytes = 20000}; /* of one */
    assert_int_equal(source_store_open(&s, &o), 0);
    assert_int_equal(source_session_open(s, &session), 0);
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1) {
            put_day(CLIENT, 1, 24, 17, 24);
            put_day(OTHER, 1, 24, 17, 24);
        }
        assert_int_equal(source_rewind(s), 0);
        assert_int_equal(source_next(s, session, &days, &notes), 0);
        assert_string_equal(days.id, "3000000001");
        assert_int_equal(days.n_days, 1);
        assert_int_equal(notes.incomplete, 1);
        assert_int_equal(notes.readings, 41);
        assert_true(fabs((double)sg_fraud_days_row(&days, 0)[3] - 1.003) < 1e-6);
        assert_int_equal(source_next(s, session, &days, &notes), 0);
        assert_string_equal(days.id, "3000000002");
        assert_int_equal(notes.index, 1);
        assert_int_equal(days.n_days, 1 + pass);
        assert_int_equal(source_next(s, session, &days, &notes), SOURCE_END);
    }
}

static void damage_is_a_failure_not_a_short_curve(void **state)
{
    (void)state;
    put_installation(CLIENT, BEGIN - 100, 0, 1);
    put_day(CLIENT, 0, 96, 0, 96);
    sg_kv_memory_damage_after(memory, 50);
    assert_int_equal(read_days(CLIENT, DAY_ONE, DAY_ONE, 96), -EUCLEAN);
    sg_kv_memory_damage_after(memory, -1);
}

static void clients_are_those_with_an_installation(void **state)
{
    (void)state;
    SG_FREE int64_t *list = NULL;
    size_t n = 9;
    assert_int_equal(sg_table_clients(kv, &list, &n), 0);
    assert_int_equal(n, 0);
    put_installation(OTHER, BEGIN, 0, 1);
    put_installation(CLIENT, BEGIN, BEGIN + 1, 1);
    put_installation(CLIENT, BEGIN + 1, 0, 1);
    free(list);
    list = NULL;
    assert_int_equal(sg_table_clients(kv, &list, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(list[0], CLIENT);
    assert_int_equal(list[1], OTHER);
    assert_int_equal(read_days(OTHER, DAY_ONE, DAY_ONE, 96), 0); /* no reading of it is there */
    assert_int_equal(days.n_days, 0);
    assert_int_equal(notes.incomplete, 0);
}

static int make(void **state)
{
    (void)state;
    return sg_kv_memory_new(&memory) || sg_kv_open_memory(&kv, memory);
}

static int clear(void **state)
{
    (void)state;
    sg_kv_free(kv);
    sg_kv_memory_free(memory);
    sg_fraud_days_clear(&days);
    return 0;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make, clear)
    const struct CMUnitTest tests[] = {
        T(complete_days_are_local_days),
        T(the_span_is_of_days),
        T(quarters_make_hours),
        T(off_the_grid_is_incomplete),
        T(a_reading_a_day_is_filled_in),
        T(quarters_that_lack_in_an_hour),
        T(rows_that_cannot_be_read_cost_their_owner_only),
        T(too_many_installations_cost_the_oldest_days),
        T(absurd_energy_spoils_its_day_only),
        T(phasors_are_judged_beside_the_energy),
        T(neutral_events_and_wiring_reach_the_rules),
        T(absurd_ratio_costs_its_phasors_only),
        T(ratios_belong_to_their_time),
        T(before_it_was_installed_nothing_counts),
        T(conflicts_are_counted),
        T(the_days_of_a_clock_change_are_left_out),
        T(days_are_kept_for_a_second_pass),
        T(damage_is_a_failure_not_a_short_curve),
        T(clients_are_those_with_an_installation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
