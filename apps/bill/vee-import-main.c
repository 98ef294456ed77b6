/* sealgrid-bill import - interval CSV of others into the canonical form. */
#include "vee.h"

#include <sealgrid/base/conf.h>

#include <stdio.h>

#define OPTIONS(O)                                                                                 \
    O(STRING, input, "input", NULL, 0, 0, true, "foreign CSV, plain or gzip")                      \
    O(STRING, format, "format", "generic", 0, 0, false,                                            \
      "steel, hue or generic: what the options below begin with")                                  \
    O(STRING, client, "client", NULL, 0, 0, true, "client's number")                               \
    O(STRING, serial, "serial", NULL, 0, 0, true, "meter's serial number")                         \
    O(STRING, stamp, "stamp", NULL, 0, 0, false, "column of the time, or two: date,hour")          \
    O(STRING, time, "time", NULL, 0, 0, false,                                                     \
      "its form: %d %m %Y %H %M %S, the two columns joined by a space; or unix, rfc3339")          \
    O(STRING, stamp_is, "stamp-is", NULL, 0, 0, false, "begin or end of the interval")             \
    O(STRING, zone, "zone", NULL, 0, 0, false, "zone of local times, America/Vancouver")           \
    O(INT, interval_minutes, "interval-minutes", "0", 0, 1440, false, "length of an interval")     \
    O(STRING, midnight, "midnight", NULL, 0, 0, false,                                             \
      "as-written, or same-date: 00:00 after 23:45 of a date is its 24:00")                        \
    O(STRING, skipped, "skipped", NULL, 0, 0, false,                                               \
      "hours that never were: absent, or zero (there, with zeros)")                                \
    O(STRING, repeats, "repeats", NULL, 0, 0, false,                                               \
      "an interval told again with the same values: keep, or once")                                \
    O(STRING, energy, "energy", NULL, 0, 0, false, "column of active energy")                      \
    O(STRING, reactive, "reactive", NULL, 0, 0, false, "column of reactive energy, signed")        \
    O(STRING, lagging, "lagging", NULL, 0, 0, false, "or of inductive ...")                        \
    O(STRING, leading, "leading", NULL, 0, 0, false, "... and of capacitive reactive energy")      \
    O(STRING, unit, "unit", NULL, 0, 0, false, "of the energies: Wh, kWh or MWh (varh likewise)")  \
    O(STRING, delimiter, "delimiter", NULL, 0, 0, false, "between fields, one character")          \
    O(STRING, out, "out", "-", 0, 0, false, "file for the canonical CSV")                          \
    O(BOOL, quiet, "quiet", "false", 0, 0, false, "counts alone, not every note")

struct options {
    OPTIONS(SG_CONF_MEMBER)
};
#define ROW(...) SG_CONF_ROW(struct options, __VA_ARGS__)
static const struct sg_conf_option rows[] = {OPTIONS(ROW)};
#undef ROW
static const struct sg_conf_table table = {.program = "sealgrid-bill import",
                                           .summary = "interval CSV of others, into UTC",
                                           .options = rows,
                                           .n = sizeof(rows) / sizeof(rows[0])};

struct job {
    struct options o;
    struct sg_import_format format;
    struct sg_import_result result;
    uint64_t failed;
};

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "sealgrid-bill import: %s: %s\n", what, why);
    return VEE_EXIT_UNUSABLE;
}

/* ---- options ------------------------------------------------------------------------------------
 */

static bool copy(char *to, size_t size, const char *from)
{
    return !from || (size_t)snprintf(to, size, "%s", from) < size;
}

/* Of two words the second is true; *ret is left alone without an option. */
static bool choose(const char *given, const char *no, const char *yes, bool *ret)
{
    if (!given)
        return true;
    if (strcmp(given, no) != 0 && strcmp(given, yes) != 0)
        return false;
    *ret = !strcmp(given, yes);
    return true;
}

static int take_stamp(struct job *j)
{
    const char *comma = j->o.stamp ? strchr(j->o.stamp, ',') : NULL;
    struct sg_import_format *f = &j->format;

    if (!j->o.stamp)
        return 0;
    const size_t n = comma ? (size_t)(comma - j->o.stamp) : strlen(j->o.stamp);
    if (n > SG_IMPORT_NAME_MAX || !copy(f->stamp[1], sizeof(f->stamp[1]), comma ? comma + 1 : ""))
        return complain("--stamp", "a name too long");
    memset(f->stamp[0], 0, sizeof(f->stamp[0]));
    memcpy(f->stamp[0], j->o.stamp, n);
    return 0;
}

static int take_quantities(struct job *j)
{
    const struct options *o = &j->o;
    struct sg_import_format *f = &j->format;
    const struct {
        const char *given;
        struct sg_import_quantity *to;
    } all[] = {{o->energy, &f->energy},
               {o->reactive, &f->reactive},
               {o->lagging, &f->lagging},
               {o->leading, &f->leading}};
    static const char *const units[] = {"Wh", "kWh", "MWh"};
    unsigned unit = 0;

    while (o->unit && unit < 3 && strcmp(units[unit], o->unit) != 0)
        unit++;
    if (unit == 3)
        return complain("--unit", "Wh, kWh or MWh");
    for (size_t i = 0; i < 4; i++) {
        if (!copy(all[i].to->column, sizeof(all[i].to->column), all[i].given))
            return complain("column", "a name too long");
        if (o->unit)
            all[i].to->digits = 3 * unit;
    }
    return 0;
}

static int take_options(struct job *j)
{
    const struct options *o = &j->o;
    struct sg_import_format *f = &j->format;
    int r;

    if (!sg_import_preset(o->format, f))
        return complain("--format", "steel, hue or generic");
    r = take_stamp(j);
    if (!r)
        r = take_quantities(j);
    if (r)
        return r;
    if (!copy(f->time, sizeof(f->time), o->time) || !copy(f->zone, sizeof(f->zone), o->zone))
        return complain("--time, --zone", "too long");
    if (!choose(o->stamp_is, "end", "begin", &f->stamp_is_begin))
        return complain("--stamp-is", "begin or end");
    if (!choose(o->midnight, "as-written", "same-date", &f->midnight_same_date))
        return complain("--midnight", "as-written or same-date");
    if (!choose(o->skipped, "absent", "zero", &f->skipped_as_zero))
        return complain("--skipped", "absent or zero");
    if (!choose(o->repeats, "keep", "once", &f->repeats_once))
        return complain("--repeats", "keep or once");
    if (o->delimiter && strlen(o->delimiter) != 1)
        return complain("--delimiter", "one character");
    f->delimiter = o->delimiter ? *o->delimiter : f->delimiter;
    f->interval_s = o->interval_minutes ? (uint32_t)o->interval_minutes * 60 : f->interval_s;
    return 0;
}

/* ---- work ---------------------------------------------------------------------------------------
 */

static void tell(void *user, const struct sg_import_finding *f)
{
    struct job *j = user;

    j->failed += f->severity == SG_VEE_FAIL;
    if (!j->o.quiet)
        fprintf(stderr, "line %zu: %s: %s: %s\n", f->line, sg_vee_severity_word(f->severity),
                sg_import_word(f->note), f->text);
}

static int write_rows(struct job *j, int64_t client)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(2 * (size_t)SG_IMPORT_FILE_MAX);

    for (size_t i = 0; i < j->result.n; i++)
        snprintf(j->result.rows[i].serial, sizeof(j->result.rows[i].serial), "%s", j->o.serial);
    if (sg_vee_csv_write(j->result.rows, j->result.n, client, j->format.interval_s, &csv) ||
        vee_write_file(j->o.out, sg_buf_bytes(&csv)))
        return complain(j->o.out, sg_error_trace());
    fprintf(stderr, "%llu lines, %zu readings", (unsigned long long)j->result.lines, j->result.n);
    for (int i = 0; i < SG_IMPORT_N_NOTES; i++)
        if (j->result.notes[i])
            fprintf(stderr, ", %llu %s", (unsigned long long)j->result.notes[i],
                    sg_import_word((enum sg_import_note)i));
    fprintf(stderr, "\n");
    return j->failed ? VEE_EXIT_FOUND : 0;
}

static bool serial_valid(const char *serial)
{
    const size_t n = strlen(serial);

    if (n == 0 || n > SG_VEE_SERIAL_MAX)
        return false;
    for (const char *c = serial; *c; c++)
        if (*c <= ' ' || *c > '~' || *c == ',')
            return false;
    return true;
}

static int run(struct job *j)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_IMPORT_FILE_MAX);
    int64_t client;
    char why[160];
    int r = take_options(j);

    if (r)
        return r;
    if (sg_decimal_parse(j->o.client, 0, &client) != 0)
        return complain("--client", "a whole number");
    if (!serial_valid(j->o.serial))
        return complain("--serial", "1 to 20 printable characters, no space or comma");
    r = vee_read_file(j->o.input, &text);
    if (!r)
        r = sg_import_csv(&j->format, sg_buf_bytes(&text), tell, j, &j->result, why);
    if (r)
        return complain(j->o.input, r < 0 ? sg_error_trace() : why);
    return write_rows(j, client);
}

int vee_import_main(int argc, char **argv)
{
    struct job j = {.failed = 0};
    int first, r;

    r = sg_conf_parse(&table, argc, argv, &j.o, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : VEE_EXIT_UNUSABLE;
    r = first < argc ? complain(argv[first], "unexpected argument") : run(&j);
    sg_import_clear(&j.result);
    sg_conf_clear(&table, &j.o);
    return r;
}
