/*
 * system - the tables that exist without CREATE TABLE: the metering rows, whose layout is that of
 * the authenticators (kv.h, enum sg_table).  The fields of a reading come from reading.h.
 */
#include "sql-int.h"

#include <sealgrid/meter/rows.h>

#define SG_F(name, unit, lo, hi) #name " INTEGER, "
#define READING_FIELDS           SG_READING_FIELDS(SG_F)

static const struct {
    uint32_t id;
    unsigned flags;
    const char *ddl;
    int16_t repeated; /* place in the value of a field that only repeats a key part, or 0 */
} system_tables[SG_SQL_SYSTEM_TABLES] = {
    {SG_TABLE_READING, SG_SQL_TABLE_SYSTEM | SG_SQL_TABLE_INSERT_ONLY,
     "CREATE TABLE reading (client_id INTEGER, ts INTEGER, meter_serial TEXT NOT NULL, "
     "seq INTEGER NOT NULL, " READING_FIELDS
     "origin INTEGER NOT NULL, PRIMARY KEY (client_id, ts))",
     0},
    {SG_TABLE_READING_CONFLICT, SG_SQL_TABLE_SYSTEM | SG_SQL_TABLE_READ_ONLY,
     "CREATE TABLE reading_conflict (client_id INTEGER, ts INTEGER, meter_serial TEXT, seq "
     "INTEGER, " READING_FIELDS "origin INTEGER NOT NULL, received_ts INTEGER, digest BLOB, "
     "PRIMARY KEY (client_id, ts, seq, digest))",
     1 /* seq: the value is that of a reading */},
    {SG_TABLE_INSTALLATION, SG_SQL_TABLE_SYSTEM,
     "CREATE TABLE installation (client_id INTEGER, from_ts INTEGER, meter_serial TEXT NOT NULL, "
     "until_ts INTEGER, ratio_num INTEGER NOT NULL, ratio_den INTEGER NOT NULL, "
     "metrology_cert BLOB NOT NULL, class TEXT NOT NULL, PRIMARY KEY (client_id, from_ts))",
     0},
    {SG_TABLE_BLOCK, SG_SQL_TABLE_SYSTEM | SG_SQL_TABLE_READ_ONLY,
     "CREATE TABLE block (client_id INTEGER, first_ts INTEGER, meter_serial TEXT, "
     "first_seq INTEGER, digest BLOB, count INTEGER, evidence BLOB, original BLOB, "
     "PRIMARY KEY (client_id, first_ts, meter_serial, first_seq, digest))",
     0},
    {SG_TABLE_ESTIMATE, SG_SQL_TABLE_SYSTEM | SG_SQL_TABLE_READ_ONLY,
     "CREATE TABLE estimate (client_id INTEGER, ts INTEGER, inputs BLOB, "
     "meter_serial TEXT NOT NULL, energy_wh INTEGER NOT NULL, reactive_varh INTEGER, "
     "rule TEXT NOT NULL, parameters TEXT NOT NULL, rules BLOB NOT NULL, "
     "adjusted INTEGER NOT NULL, made_ts INTEGER NOT NULL, PRIMARY KEY (client_id, ts, inputs))",
     0},
    {SG_TABLE_RESOLUTION, SG_SQL_TABLE_SYSTEM | SG_SQL_TABLE_READ_ONLY,
     "CREATE TABLE resolution (client_id INTEGER, ts INTEGER, resolved_ts INTEGER, "
     "chosen BLOB NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, certificate BLOB NOT NULL, "
     "signature BLOB NOT NULL, PRIMARY KEY (client_id, ts, resolved_ts))",
     0},
    {SG_TABLE_CONTRACT, SG_SQL_TABLE_SYSTEM,
     "CREATE TABLE contract (client_id INTEGER, from_day INTEGER, terms TEXT NOT NULL, "
     "PRIMARY KEY (client_id, from_day))",
     0},
    {SG_TABLE_INSPECTION, SG_SQL_TABLE_SYSTEM,
     "CREATE TABLE inspection (client_id INTEGER, inspected_day INTEGER, outcome TEXT NOT NULL, "
     "recovered_wh INTEGER, note TEXT, PRIMARY KEY (client_id, inspected_day))",
     0},
    {SG_TABLE_TOPOLOGY, SG_SQL_TABLE_SYSTEM,
     "CREATE TABLE topology (client_id INTEGER, from_day INTEGER, transformer INTEGER NOT NULL, "
     "PRIMARY KEY (client_id, from_day))",
     0},
    {SG_TABLE_CONSUMER, SG_SQL_TABLE_SYSTEM,
     "CREATE TABLE consumer (client_id INTEGER, from_day INTEGER, class TEXT, activity TEXT, "
     "region TEXT, contracted_w INTEGER, vacant_since INTEGER, vacant_until INTEGER, "
     "solar_since INTEGER, solar_w INTEGER, tariff_since INTEGER, wiring TEXT, "
     "PRIMARY KEY (client_id, from_day))",
     0},
};

static int column_of(const struct sg_sql_shape *s, const char *name)
{
    for (unsigned i = 0; i < s->n_columns; i++)
        if (strcmp(s->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}

static void skip_field(struct sg_sql_shape *s, int16_t repeated)
{
    for (unsigned i = 0; i < s->n_columns; i++)
        if (s->columns[i].field >= repeated)
            s->columns[i].field++;
}

/* ---- what the metering side accepts ---- */

/* Of an integer its value; of a text its length in printable ASCII without space. */
static const struct {
    const char *column;
    int64_t min, max;
} domains[] = {{"ts", 0, INT64_C(253402300799)}, /* year 9999 */
               {"seq", 1, INT64_MAX},
               {"meter_serial", 1, 20},
               {"class", 1, 15},
               {"ratio_num", 1, INT64_MAX},
               {"ratio_den", 1, INT64_MAX},
#define SG_D(name, unit, lo, hi) {#name, lo, hi},
               SG_READING_FIELDS(SG_D)
#undef SG_D
};

static bool is_name(struct sg_bytes text, int64_t min, int64_t max)
{
    if ((int64_t)text.len < min || (int64_t)text.len > max)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return true;
}

#define N_DOMAINS (sizeof(domains) / sizeof(domains[0]))

/* Looked up once a table: a name by name search for each value of each row shows in profiles. */
static void find_domains(struct sg_sql_table *t)
{
    for (unsigned c = 0; c < t->shape.n_columns; c++) {
        size_t i = 0;
        while (i < N_DOMAINS && strcmp(domains[i].column, t->shape.columns[c].name) != 0)
            i++;
        t->domain[c] = (uint8_t)i;
    }
}

static bool in_domain(size_t i, const struct sg_value *v)
{
    if (i == N_DOMAINS)
        return true;
    if (v->type == SG_INTEGER)
        return v->i >= domains[i].min && v->i <= domains[i].max;
    return v->type != SG_TEXT || is_name(v->bytes, domains[i].min, domains[i].max);
}

static int make(size_t i, struct sg_sql_table **ret)
{
    SG_FREE struct sg_ddl *ddl = calloc(1, sizeof(*ddl));
    struct sg_sql_table *t;
    size_t at;
    const char *what;
    if (!ddl)
        return sg_raise(-ENOMEM);
    int r = sg_ddl_parse(sg_bytes_str(system_tables[i].ddl), ddl, &at, &what);
    if (r)
        return sg_fold(r);
    r = sg_sql_table_new(&t, &ddl->shape, system_tables[i].id, system_tables[i].flags);
    if (r < 0)
        return r;
    if (system_tables[i].repeated)
        skip_field(&t->shape, system_tables[i].repeated);
    if (t->id == SG_TABLE_READING)
        t->origin_column = column_of(&t->shape, "origin");
    find_domains(t);
    *ret = t;
    return 0;
}

int sg_sql_system_tables(struct sg_sql_table **ret, size_t max, size_t *ret_n)
{
    sg_assert(max >= SG_SQL_SYSTEM_TABLES);
    for (size_t i = 0; i < SG_SQL_SYSTEM_TABLES; i++) {
        int r = make(i, &ret[i]);
        if (r < 0) {
            while (i > 0)
                sg_sql_table_unref(ret[--i]);
            return r;
        }
    }
    *ret_n = SG_SQL_SYSTEM_TABLES;
    return 0;
}

static bool is_outcome(struct sg_bytes word)
{
#define X(name, text)                                                                              \
    if (sg_bytes_equal(word, SG_BYTES_LIT(text)))                                                  \
        return true;
    SG_ROW_OUTCOMES(X)
#undef X
    return false;
}

static const char *check_inspection(const struct sg_sql_shape *s, const struct sg_value *v)
{
    const struct sg_value *day = &v[column_of(s, "inspected_day")];
    const struct sg_value *outcome = &v[column_of(s, "outcome")];
    const struct sg_value *recovered = &v[column_of(s, "recovered_wh")];
    const struct sg_value *note = &v[column_of(s, "note")];
    if (day->i < 0 || day->i > SG_ROW_DAY_MAX)
        return "inspected_day";
    if (outcome->type == SG_TEXT && !is_outcome(outcome->bytes))
        return "outcome";
    if (recovered->type == SG_INTEGER &&
        (recovered->i < 0 || recovered->i > SG_ROW_RECOVERED_WH_MAX))
        return "recovered_wh";
    if (note->type == SG_TEXT && (note->bytes.len == 0 || note->bytes.len > SG_ROW_NOTE_MAX))
        return "note";
    return NULL;
}

static bool is_consumer_class(struct sg_bytes word)
{
#define X(text)                                                                                    \
    if (sg_bytes_equal(word, SG_BYTES_LIT(text)))                                                  \
        return true;
    SG_ROW_CONSUMER_CLASSES(X)
#undef X
    return false;
}

static bool is_wiring(struct sg_bytes word)
{
#define X(text)                                                                                    \
    if (sg_bytes_equal(word, SG_BYTES_LIT(text)))                                                  \
        return true;
    SG_ROW_WIRINGS(X)
#undef X
    return false;
}

static bool is_int_to(const struct sg_value *v, int64_t most)
{
    return v->type != SG_INTEGER || (v->i >= 0 && v->i <= most);
}

static const char *check_consumer(const struct sg_sql_shape *s, const struct sg_value *v)
{
    static const char *const texts[] = {"activity", "region"};
    const struct sg_value *class = &v[column_of(s, "class")];
    const struct sg_value *wiring = &v[column_of(s, "wiring")];
    if (!is_int_to(&v[column_of(s, "from_day")], SG_ROW_DAY_MAX))
        return "from_day";
    if (class->type == SG_TEXT && !is_consumer_class(class->bytes))
        return "class";
    if (wiring->type == SG_TEXT && !is_wiring(wiring->bytes))
        return "wiring";
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        const struct sg_value *text = &v[column_of(s, texts[i])];
        if (text->type == SG_TEXT &&
            (text->bytes.len == 0 || text->bytes.len > SG_ROW_CONSUMER_TEXT_MAX))
            return texts[i];
    }
#define I(column, most)                                                                            \
    if (!is_int_to(&v[column_of(s, #column)], most))                                               \
        return #column;
    SG_ROW_CONSUMER_INTS(I)
#undef I
    return NULL;
}

static const char *check_topology(const struct sg_sql_shape *s, const struct sg_value *v)
{
    const struct sg_value *day = &v[column_of(s, "from_day")];
    const struct sg_value *transformer = &v[column_of(s, "transformer")];
    if (day->i < 0 || day->i > SG_ROW_DAY_MAX)
        return "from_day";
    return transformer->type == SG_INTEGER && transformer->i < 0 ? "transformer" : NULL;
}

const char *sg_sql_system_check(const struct sg_sql_table *t, const struct sg_value *v)
{
    const struct sg_sql_shape *s = &t->shape;
    if (t->id == SG_TABLE_INSPECTION)
        return check_inspection(s, v);
    if (t->id == SG_TABLE_TOPOLOGY)
        return check_topology(s, v);
    if (t->id == SG_TABLE_CONSUMER)
        return check_consumer(s, v);
    for (unsigned i = 0; i < s->n_columns; i++)
        if (!in_domain(t->domain[i], &v[i]))
            return s->columns[i].name;
    if (t->id != SG_TABLE_INSTALLATION)
        return NULL;
    int from = column_of(s, "from_ts"), until = column_of(s, "until_ts");
    if (v[until].type == SG_INTEGER && v[until].i <= v[from].i)
        return "until_ts";
    return NULL;
}
