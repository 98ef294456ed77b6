#include "demo.h"

#include "memory.h"
#include "report.h"
#include "supervise.h"
#include "verbs.h"

#include <dirent.h>
#include <sealgrid/base/clock.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/file.h>
#include <stdio.h>
#include <unistd.h>

#define MIB         (1024 * 1024)
#define DAY_S       86400
#define MARK        "made-by-sealgrid-demo" /* a file in the folder */
#define USUAL_START "2026-09-01T03:00:00Z"  /* midnight of the simulator's days */

static const struct stage {
    const char *name;
    const char *what;
    int (*run)(struct sg_demo *m);
    int64_t (*figure)(const struct sg_demo *m);
    const char *unit;
} stages[];

void sg_demo_progress(uint64_t done, uint64_t of, const char *unit)
{
    bool terminal = isatty(STDERR_FILENO);
    if (terminal || done == of)
        fprintf(stderr, "%s        %llu of %llu %s%s", terminal ? "\r" : "",
                (unsigned long long)done, (unsigned long long)of, unit, done == of ? "\n" : "");
}

void sg_demo_tampered(struct sg_demo *m, const char *name, bool detected)
{
    sg_assert(m->n_tamper < SG_DEMO_TAMPERS_MAX);
    m->tamper[m->n_tamper].name = name;
    m->tamper[m->n_tamper++].detected = detected;
    fprintf(stderr, "        %-28s %s\n", name, detected ? "yes" : "NO");
}

static int64_t count_meters(const struct sg_demo *m)
{
    return m->args.meters;
}
static int64_t count_stored(const struct sg_demo *m)
{
    return m->stored;
}
static int64_t count_read_back(const struct sg_demo *m)
{
    return m->read_back;
}
static int64_t count_billed(const struct sg_demo *m)
{
    return m->billed;
}
static int64_t count_bills(const struct sg_demo *m)
{
    return m->bills_ok;
}
static int64_t count_suspected(const struct sg_demo *m)
{
    return m->suspected;
}
static int64_t count_flips(const struct sg_demo *m)
{
    return m->args.flips;
}
static int64_t count_volumes(const struct sg_demo *m)
{
    return m->d.volumes;
}

static const struct stage stages[] = {
    {"provision", "keys and certificates of the fleet", sg_demo_provision, count_meters, "meters"},
    {"up", "attested services", sg_demo_start, NULL, NULL},
    {"register", "installation and credential records", sg_demo_register, count_meters, "meters"},
    {"meters", "sealed, sent, opened, verified, stored", sg_demo_meters, count_stored, "readings"},
    {"read_back", "through SQL, every column compared", sg_demo_read_back, count_read_back,
     "readings"},
    {"bill", "bills and evidence files", sg_demo_bill, count_billed, "readings"},
    {"audit", "bills verified from evidence alone", sg_demo_audit, count_bills, "bills"},
    {"fraud", "customers ranked by suspicion", sg_demo_fraud, count_suspected, "customers ranked"},
    {"tamper_frames", "replayed frame, conflicting reading", sg_demo_tamper_frames, NULL, NULL},
    {"tamper_evidence", "one reading of a file changed", sg_demo_tamper_evidence, NULL, NULL},
    {"tamper_octets", "live octets flipped one at a time", sg_demo_tamper_octets, count_flips,
     "flips"},
    {"tamper_volumes", "each volume removed in turn", sg_demo_tamper_volumes, count_volumes,
     "volumes"},
    {"report", "loads for the page, through SQL", sg_demo_report, NULL, NULL},
};
enum { N_STAGES = sizeof stages / sizeof *stages };

static int run_stages(struct sg_demo *m)
{
    for (size_t i = 0; i < N_STAGES; i++) {
        const struct stage *s = &stages[i];
        fprintf(stderr, "[%2zu/%d] %-16s %s\n", i + 1, N_STAGES, s->name, s->what);
        int64_t begun = sg_clock_monotonic_ns();
        int r = s->run(m);
        double seconds = (double)(sg_clock_monotonic_ns() - begun) / 1e9;
        m->stage[m->n_stage].name = s->name;
        m->stage[m->n_stage++].seconds = seconds;
        if (r) {
            fprintf(stderr, "sealgrid demo: stage %s: %s\n", s->name, sg_error_trace());
            return r;
        }
        if (s->figure)
            fprintf(stderr, "        %.1f s, %lld %s\n", seconds, (long long)s->figure(m), s->unit);
        else
            fprintf(stderr, "        %.1f s\n", seconds);
    }
    return 0;
}

/* Every reading that was sent is everywhere, every bill stands, every tampering was seen. */
static bool all_well(const struct sg_demo *m)
{
    int64_t expected = m->args.meters * m->args.days * 96;
    bool well = m->aggregated == m->frames_sent && m->sent == expected && m->accepted == expected &&
                m->stored == expected && m->read_back == expected && m->billed == expected &&
                m->bills_ok == m->args.meters && m->bills_bad == 0;
    for (size_t i = 0; i < m->n_tamper; i++)
        well &= m->tamper[i].detected;
    return well;
}

static double stage_seconds(const struct sg_demo *m, const char *name)
{
    for (size_t i = 0; i < m->n_stage; i++)
        if (!strcmp(m->stage[i].name, name))
            return m->stage[i].seconds;
    return 0;
}

static double readings_per_s(const struct sg_demo *m)
{
    double s = stage_seconds(m, "meters");
    return s > 0 ? (double)m->stored / s : 0;
}

static int summary_json(const struct sg_demo *m, int64_t peak, bool well, struct sg_buf *b)
{
    struct sg_json j;
    sg_json_init(&j, b);
    sg_json_object(&j);
    sg_json_key(&j, "ok");
    sg_json_bool(&j, well);
    sg_json_key(&j, "counts");
    sg_json_object(&j);
#define SG_F(name)                                                                                 \
    sg_json_key(&j, #name);                                                                        \
    sg_json_int(&j, m->name);
    SG_DEMO_COUNTS(SG_F)
#undef SG_F
    sg_json_end_object(&j);
    sg_json_key(&j, "seconds");
    sg_json_object(&j);
    for (size_t i = 0; i < m->n_stage; i++) {
        sg_json_key(&j, m->stage[i].name);
        sg_json_double(&j, m->stage[i].seconds);
    }
    sg_json_end_object(&j);
    sg_json_key(&j, "readings_per_s");
    sg_json_double(&j, readings_per_s(m));
    sg_json_key(&j, "audit");
    sg_json_object(&j);
    sg_json_key(&j, "ok");
    sg_json_bool(&j, m->bills_bad == 0 && m->bills_ok > 0);
    sg_json_key(&j, "bills");
    sg_json_int(&j, m->bills_ok + m->bills_bad);
    sg_json_end_object(&j);
    sg_json_key(&j, "tamper");
    sg_json_object(&j);
    for (size_t i = 0; i < m->n_tamper; i++) {
        sg_json_key(&j, m->tamper[i].name);
        sg_json_bool(&j, m->tamper[i].detected);
    }
    sg_json_end_object(&j);
    sg_json_key(&j, "fraud");
    sg_json_raw(&j, m->fraud ? sg_bytes_str(m->fraud) : SG_BYTES_LIT("{\"ran\":false}"));
    sg_json_key(&j, "peak_rss_bytes");
    sg_json_int(&j, peak);
    sg_json_key(&j, "report");
    sg_json_str(&j, m->page);
    sg_json_end_object(&j);
    return sg_json_done(&j);
}

static void print_summary(const struct sg_demo *m, int64_t peak, bool well)
{
    double total = 0;
    for (size_t i = 0; i < m->n_stage; i++)
        total += m->stage[i].seconds;
    printf("\n");
#define SG_F(name) printf("%-12s %12lld\n", #name, (long long)m->name);
    SG_DEMO_COUNTS(SG_F)
#undef SG_F
    printf("bills        %12lld audited, %lld refused\n", (long long)m->bills_ok,
           (long long)m->bills_bad);
    size_t detected = 0;
    for (size_t i = 0; i < m->n_tamper; i++)
        detected += m->tamper[i].detected;
    printf("tampering    %12zu of %zu trials as they should be\n", detected, m->n_tamper);
    printf("ingest       %12.0f readings/s\n", readings_per_s(m));
    printf("memory       %12.0f MiB at most, all processes\n", (double)peak / MIB);
    printf("time         %12.1f s\n", total);
    printf("page         %s\n", m->page);
    printf("%s\n", well ? "All is well." : "NOT ALL IS WELL.");
}

/* Whether the folder holds nothing, or what an earlier demo left: nothing else is ever removed. */
static int may_empty(const char *dir)
{
    DIR *d = opendir(dir);
    bool other = false, marked = false;
    if (!d)
        return sg_raisef(-errno, "%s", dir);
    for (struct dirent *e; (e = readdir(d));) {
        marked |= !strcmp(e->d_name, MARK);
        other |= strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    }
    closedir(d);
    return marked || !other
               ? 0
               : sg_raisef(-ENOTEMPTY, "%s holds something that no demo made: nothing is removed",
                           dir);
}

/* A demo starts from nothing: what an earlier one left is stopped and removed. */
static int start_empty(const char *dir)
{
    char mark[2 * SG_PATH_MAX];
    int r = sg_mkdir_p(dir, 0755);
    if (r == 0)
        r = may_empty(dir);
    if (r == 0)
        r = sg_supervise_stop(dir, 120);
    if (r == 0)
        r = sg_remove_tree(dir);
    if (r == 0)
        r = sg_mkdir_p(dir, 0755);
    snprintf(mark, sizeof mark, "%.900s/%s", dir, MARK);
    return r ? r : sg_file_write_atomic(mark, SG_BYTES_NONE, 0644);
}

static int prepare(struct sg_demo *m)
{
    int r = start_empty(m->args.dir);
    if (r)
        return r;
    SG_FREE char *absolute = realpath(m->args.dir, NULL);
    if (!absolute || strlen(absolute) >= SG_PATH_MAX - 64)
        return sg_raise(-ENAMETOOLONG);
    snprintf(m->d.dir, sizeof m->d.dir, "%s", absolute);
    /* The caller checked the length: 64 octets are left for every leaf. */
    snprintf(m->fleet, sizeof m->fleet, "%.440s/fleet", absolute);
    snprintf(m->out, sizeof m->out, "%.440s/out", absolute);
    snprintf(m->page, sizeof m->page, "%.440s/report.html", absolute);
    return sg_mkdir_p(m->out, 0700); /* customers and their loads */
}

/* The summary, and the page made from it. */
static int write_results(const struct sg_demo *m, int64_t peak, bool well)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(1 << 20);
    SG_CLEANUP(sg_buf_clear) struct sg_buf page = SG_BUF_INIT(SG_REPORT_PAGE_MAX);
    int r = summary_json(m, peak, well, &b);
    if (r == 0 && m->args.json)
        r = sg_file_write_report(m->args.json, sg_buf_bytes(&b));
    if (r == 0)
        r = sg_report_make(sg_buf_bytes(&b), m->out, m->d.programs, &page);
    return r ? r : sg_file_write_atomic(m->page, sg_buf_bytes(&page), 0600);
}

static int demo(struct sg_demo *m)
{
    int r = prepare(m);
    struct sg_memory_watch *watch;
    if (r == 0)
        r = sg_memory_watch_start(&watch, m->d.dir);
    if (r) {
        fprintf(stderr, "sealgrid demo: %s\n", sg_error_trace());
        return 1;
    }
    r = run_stages(m);
    int64_t peak = sg_memory_watch_finish(watch);
    sg_operator_clear(&m->op);
    if (!m->args.keep && sg_supervise_stop(m->d.dir, 120))
        fprintf(stderr, "sealgrid demo: %s\n", sg_error_trace());
    bool well = r == 0 && all_well(m);
    if (write_results(m, peak, well)) {
        fprintf(stderr, "sealgrid demo: %s\n", sg_error_trace());
        well = false;
    }
    print_summary(m, peak, well);
    free(m->fraud);
    return well ? 0 : 1;
}

/* Readings of the future are refused, so the period is over before the demo begins. */
static int take_start(struct sg_demo_args *a)
{
    const int64_t now_s = sg_clock_unix_s(), last_s = now_s - a->days * DAY_S;
    int64_t start_s;
    int r = sg_time_parse(a->start ? a->start : USUAL_START, &start_s);
    if (r || (a->start && start_s > last_s)) {
        fprintf(stderr, "sealgrid demo: --start: %s: %s\n", a->start,
                r ? "not a time like " USUAL_START : "with --days that ends in the future");
        return SG_CONF_BAD;
    }
    if (a->start)
        return 0;
    if (start_s > last_s)
        start_s = (last_s + SG_DEMO_ZONE_S) / DAY_S * DAY_S - SG_DEMO_ZONE_S;
    a->start = malloc(SG_RFC3339_MAX);
    if (!a->start)
        return sg_raise(-ENOMEM);
    sg_time_rfc3339(a->start, start_s);
    return 0;
}

int sg_verb_demo(int argc, char **argv)
{
#define AT(member) offsetof(struct sg_demo_args, member)
    static const struct sg_conf_option options[] = {
        {"dir", SG_CONF_STRING, AT(dir), NULL, 0, 0, true,
         "folder for everything: absent, empty, or of an earlier demo, which is removed"},
        {"json", SG_CONF_STRING, AT(json), NULL, 0, 0, false, "file for the summary"},
        {"meters", SG_CONF_INT, AT(meters), "1000", 1, 100000, false, "meters"},
        {"days", SG_CONF_INT, AT(days), "30", 1, 366, false, "days of 96 readings each"},
        {"data", SG_CONF_STRING, AT(data), NULL, 0, 0, false,
         "load shapes, wide daily rows; without it a built-in model"},
        {"start", SG_CONF_STRING, AT(start), NULL, 0, 0, false,
         "first instant (RFC 3339); without it " USUAL_START
         ", or as late as lets the days be over"},
        {"seed", SG_CONF_INT, AT(seed), "1", 0, INT64_MAX, false, "same seed, same readings"},
        {"flips", SG_CONF_INT, AT(flips), "100", 0, 100000, false, "octets to flip in the volumes"},
        {"keep", SG_CONF_BOOL, AT(keep), "false", 0, 1, false, "leave the platform running"},
    };
#undef AT
    static const struct sg_conf_table table = {.program = "sealgrid demo",
                                               .summary = "the main job, meter to bill",
                                               .options = options,
                                               .n = sizeof options / sizeof *options};
    static struct sg_demo m;
    int first, r = sg_conf_parse(&table, argc, argv, &m.args, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : 2;
    r = take_start(&m.args) ? 2 : demo(&m);
    sg_conf_clear(&table, &m.args);
    return r;
}
