/* sealgrid-bill vee - findings by rule, and estimates of what lacks. */
#include "estimate-table.h"
#include "vee-session.h"
#include "vee.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/file.h>
#include <sealgrid/billing/installation.h>

#include <limits.h>
#include <stdio.h>

#define OPTIONS(O)                                                                                 \
    O(STRING, input, "input", NULL, 0, 0, false,                                                   \
      "CSV, plain or gzip: client,ts,serial,seq,energy_wh[,reactive_varh,register_wh,...]")        \
    O(STRING, rules, "rules", NULL, 0, 0, false, "rule file, YAML (default: the ready one)")       \
    O(STRING, installations, "installations", NULL, 0, 0, false,                                   \
      "authority's records, JSON (with --input)")                                                  \
    O(INT, interval_minutes, "interval-minutes", "15", 1, 1440, false,                             \
      "length of an interval (with --input)")                                                      \
    O(BOOL, store, "store", "false", 0, 0, false, "read from the store instead of --input")        \
    O(STRING, client, "client", NULL, 0, 0, false, "client's number (with --store)")               \
    O(STRING, period, "period", NULL, 0, 0, false, "month of the rules' zone, 2026-09")            \
    O(STRING, from, "from", NULL, 0, 0, false, "begin, RFC 3339, instead of --period")             \
    O(STRING, until, "until", NULL, 0, 0, false, "end, RFC 3339")                                  \
    O(BOOL, estimate, "estimate", "false", 0, 0, false,                                            \
      "estimate what lacks; with --store into the table of estimates")                             \
    O(STRING, out, "out", NULL, 0, 0, false, "file for the estimates, CSV")                        \
    O(BOOL, json, "json", "false", 0, 0, false, "the report as JSON")                              \
    VEE_SESSION_OPTIONS(O)

struct options {
    OPTIONS(SG_CONF_MEMBER)
};
#define ROW(...) SG_CONF_ROW(struct options, __VA_ARGS__)
static const struct sg_conf_option rows[] = {OPTIONS(ROW)};
#undef ROW
static const struct sg_conf_table table = {.program = "sealgrid-bill vee",
                                           .summary = "validation and estimation of readings",
                                           .options = rows,
                                           .n = sizeof(rows) / sizeof(rows[0])};

struct job {
    struct options o;
    struct sg_vee_rules *rules;
    struct sg_vee_csv csv;
    struct vee_client client;
    struct vee_session session;
    struct sg_installations records;
    struct sg_vee_meter *meters; /* of records */
    struct sg_vee_series series;
    struct vee_findings findings;
    struct sg_vee_estimates estimates;
};

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "sealgrid-bill vee: %s: %s\n", what, why);
    return VEE_EXIT_UNUSABLE;
}

static int fail(const char *what)
{
    return complain(what, sg_error_trace());
}

/* ---- rules and period ---------------------------------------------------------------------------
 */

/* The ready rule file stands beside the programs: ../share/sealgrid/vee/default.yaml. */
static bool ready_rules(char ret[PATH_MAX])
{
    char self[PATH_MAX - 64];
    const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    if (n <= 0)
        return false;
    self[n] = '\0';
    slash = strrchr(self, '/');
    if (!slash)
        return false;
    *slash = '\0';
    snprintf(ret, PATH_MAX, "%s/../share/sealgrid/vee/default.yaml", self);
    return true;
}

static int load_rules(struct job *j)
{
    struct sg_yaml_error why = {0, ""};
    char ready[PATH_MAX];
    const char *path = j->o.rules;

    if (!path) {
        if (!ready_rules(ready))
            return complain("--rules", "must be given");
        path = ready;
    }
    int r = sg_vee_rules_load(&j->rules, path, &why);
    if (r < 0)
        return fail("rules");
    if (r == 0)
        return 0;
    fprintf(stderr, "%s:%u: %s\n", path, why.line, why.text);
    return VEE_EXIT_UNUSABLE;
}

/* "2026-09" */
static bool parse_month(const struct job *j, int64_t *ret_from_s, int64_t *ret_until_s)
{
    char stamp[32];
    unsigned month, day;
    int64_t s;
    int year;

    if (strlen(j->o.period) != 7)
        return false;
    snprintf(stamp, sizeof(stamp), "%.7s-01T00:00:00Z", j->o.period);
    if (sg_time_parse(stamp, &s) != 0)
        return false;
    sg_civil_from_days(s / 86400, &year, &month, &day);
    *ret_from_s = sg_tz_midnight(j->rules->tz, year, month, 1);
    *ret_until_s = sg_tz_midnight(j->rules->tz, year + (month == 12), month % 12 + 1, 1);
    return true;
}

/* Leaves the ends as they are if none is given. */
static int take_period(const struct job *j, int64_t *from_s, int64_t *until_s)
{
    const struct options *o = &j->o;

    if (!o->period && !o->from && !o->until)
        return 0;
    if (o->period ? !o->from && !o->until && parse_month(j, from_s, until_s)
                  : o->from && o->until && !sg_time_parse(o->from, from_s) &&
                        !sg_time_parse(o->until, until_s) && *until_s > *from_s)
        return 0;
    return complain("period", "--period 2026-09, or --from and --until in RFC 3339");
}

/* ---- input --------------------------------------------------------------------------------------
 */

static int take_records(struct job *j)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_INSTALLATION_FILE_MAX);
    char why[160];
    size_t n;
    int r = sg_file_read(j->o.installations, &text);

    if (r)
        return fail(j->o.installations);
    r = sg_installations_read(sg_buf_bytes(&text), &j->records, why);
    if (r)
        return r < 0 ? fail("installations") : complain(j->o.installations, why);
    const struct sg_installation *own = sg_installations_of_client(&j->records, j->csv.client, &n);
    if (n == 0)
        return complain(j->o.installations, "no record of this client");
    j->meters = calloc(n, sizeof(*j->meters));
    if (!j->meters)
        return complain("installations", "out of memory");
    for (size_t i = 0; i < n; i++) {
        j->meters[i] = (struct sg_vee_meter){.from_s = own[i].from_s,
                                             .until_s = own[i].until_s,
                                             .ratio_num = own[i].ratio_num,
                                             .ratio_den = own[i].ratio_den};
        snprintf(j->meters[i].serial, sizeof(j->meters[i].serial), "%s", own[i].serial);
    }
    j->series.meters = j->meters;
    j->series.n_meters = n;
    return 0;
}

static int read_input(struct job *j)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_IMPORT_FILE_MAX);
    char why[160];
    int r = vee_read_file(j->o.input, &text);

    if (!r)
        r = sg_vee_csv_read(sg_buf_bytes(&text), &j->csv, why);
    if (r)
        return r < 0 ? fail(j->o.input) : complain(j->o.input, why);
    if (j->csv.n == 0)
        return complain(j->o.input, "no reading in it");
    struct sg_vee_series *s = &j->series;
    *s = (struct sg_vee_series){.client = j->csv.client,
                                .from_s = INT64_MAX,
                                .until_s = INT64_MIN,
                                .interval_s = (uint32_t)j->o.interval_minutes * 60,
                                .rows = j->csv.rows,
                                .n_rows = j->csv.n};
    for (size_t i = 0; i < j->csv.n; i++) {
        const int64_t ts_s = j->csv.rows[i].ts_s;
        s->from_s = ts_s - s->interval_s < s->from_s ? ts_s - s->interval_s : s->from_s;
        s->until_s = ts_s > s->until_s ? ts_s : s->until_s;
    }
    r = j->o.installations ? take_records(j) : 0;
    return r ? r : take_period(j, &s->from_s, &s->until_s);
}

static int read_store(struct job *j)
{
    const struct vee_session_options o = {j->o.kvsd_connect, j->o.cas_connect, j->o.cas_pin,
                                          j->o.cas_provider, j->o.cas_platform};
    struct sg_vee_series *s = &j->series;

    if (!j->o.client || sg_decimal_parse(j->o.client, 0, &s->client) != 0)
        return complain("--client", "a whole number, with --store");
    int r = take_period(j, &s->from_s, &s->until_s);
    if (r)
        return r;
    if (s->until_s <= s->from_s)
        return complain("period", "--period 2026-09, or --from and --until in RFC 3339");
    if (vee_session_open(&j->session, &o))
        return fail("store");
    if (vee_client_read(&j->client, j->session.kv, s->client, s->from_s, s->until_s))
        return fail("store");
    s->interval_s =
        j->client.interval_s ? j->client.interval_s : (uint32_t)j->o.interval_minutes * 60;
    s->rows = j->client.rows;
    s->n_rows = j->client.n_rows;
    s->meters = j->client.meters;
    s->n_meters = j->client.n_meters;
    return 0;
}

/* ---- work ---------------------------------------------------------------------------------------
 */

static int keep_estimates(struct job *j)
{
    char at[SG_RFC3339_MAX];
    int64_t ts_s;
    int r = estimate_table_keep(j->session.kv, j->series.client, j->rules, &j->estimates,
                                sg_clock_unix_s(), &ts_s);

    if (r <= 0)
        return r ? fail("estimates") : 0;
    sg_time_rfc3339(at, ts_s);
    return complain(at, "the table of estimates tells something else of this interval");
}

static int put_estimates(struct job *j)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf csv = SG_BUF_INIT(SG_IMPORT_FILE_MAX);

    int r = j->o.store ? keep_estimates(j) : 0;

    if (r)
        return r;
    if (j->o.out && (vee_estimates_csv(j->series.client, &j->estimates, &csv) ||
                     vee_write_file(j->o.out, sg_buf_bytes(&csv))))
        return fail(j->o.out);
    return 0;
}

static int print_report(struct job *j)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_IMPORT_FILE_MAX);
    const struct vee_report_head head = {j->rules, &j->series,
                                         j->o.estimate ? &j->estimates : NULL};
    int r = j->o.json ? vee_report_json(&head, &j->findings, &text)
                      : vee_report_text(&head, &j->findings, &text);

    if (!r && j->o.json)
        r = sg_buf_append_u8(&text, '\n');
    if (r || j->findings.failure || vee_write_file("-", sg_buf_bytes(&text)))
        return fail("report");
    return j->findings.by_severity[SG_VEE_FAIL] ? VEE_EXIT_FOUND : 0;
}

static int judge(struct job *j)
{
    struct sg_vee_series *s = &j->series;

    if (s->interval_s < 60 || 86400 % s->interval_s)
        return complain("--interval-minutes", "a whole part of a day");
    int r = sg_vee_check(j->rules, s, vee_findings_add, &j->findings);
    if (!r && j->o.estimate)
        r = sg_vee_estimate(j->rules, s, &j->estimates);
    if (r)
        return r < 0 ? fail("readings")
                     : complain("period", "no whole number of intervals, or too many");
    r = j->o.estimate ? put_estimates(j) : 0;
    return r ? r : print_report(j);
}

static int run(struct job *j)
{
    if (!j->o.input == !j->o.store)
        return complain("usage", "--input F or --store");
    if (j->o.out && !j->o.estimate)
        return complain("--out", "with --estimate");
    int r = load_rules(j);
    if (!r)
        r = j->o.store ? read_store(j) : read_input(j);
    return r ? r : judge(j);
}

int vee_main(int argc, char **argv)
{
    SG_FREE struct job *j = calloc(1, sizeof(*j));
    int first, r;

    if (!j)
        return complain("start", "out of memory");
    r = sg_conf_parse(&table, argc, argv, &j->o, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : VEE_EXIT_UNUSABLE;
    r = first < argc ? complain(argv[first], "unexpected argument") : run(j);
    sg_vee_estimates_clear(&j->estimates);
    vee_findings_clear(&j->findings);
    vee_client_clear(&j->client);
    sg_vee_csv_clear(&j->csv);
    sg_installations_clear(&j->records);
    free(j->meters);
    vee_session_close(&j->session);
    sg_vee_rules_free(j->rules);
    sg_conf_clear(&table, &j->o);
    return r;
}
