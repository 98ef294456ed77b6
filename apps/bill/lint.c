/* lint - the command, and reading a file. */
#include "lint.h"

#include <sealgrid/base/clock.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/file.h>

#include <stdarg.h>
#include <stdio.h>

#define FILES_MAX  64
#define REPORT_MAX (16u << 20)

#define OPTIONS(O)                                                                                 \
    O(STRING, today, "today", NULL, 0, 0, false,                                                   \
      "warn as seen on this day, 2026-09-01 (default: the clock's)")                               \
    O(BOOL, json, "json", "false", 0, 0, false, "the report as JSON")

struct options {
    OPTIONS(SG_CONF_MEMBER)
};
#define ROW(...) SG_CONF_ROW(struct options, __VA_ARGS__)
static const struct sg_conf_option rows[] = {OPTIONS(ROW)};
#undef ROW
static const struct sg_conf_table table = {.program = "sealgrid-bill lint",
                                           .summary = "problems of tariff files: T.yaml ...",
                                           .options = rows,
                                           .n = sizeof(rows) / sizeof(rows[0])};

void lint_note(struct lint_report *r, bool is_warning, unsigned line, const char *fmt, ...)
{
    va_list args;

    r->errors += !is_warning;
    r->warnings += is_warning;
    if (r->n_notes == LINT_NOTES_MAX)
        return;
    struct lint_note *n = &r->notes[r->n_notes++];
    n->line = line;
    n->is_warning = is_warning;
    va_start(args, fmt);
    vsnprintf(n->text, sizeof(n->text), fmt, args);
    va_end(args);
}

/* What the reader's callbacks are given. */
struct reading {
    struct lint_report *report;
    char *path;
};

static void note_problem(void *user, const struct sg_yaml_error *why)
{
    const struct reading *reading = user;
    lint_note(reading->report, false, why->line, "%s", why->text);
}

static int fetch(void *user, const char *name, struct sg_buf *ret)
{
    const struct reading *reading = user;
    return sg_tariff_fetch_beside(reading->path, name, ret);
}

int lint_file(struct lint_report *ret, const char *path, int64_t today)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(SG_TARIFF_FILE_MAX);
    SG_FREE char *own = strdup(path);
    struct reading reading = {ret, own};
    const struct sg_tariff_reading how = {fetch, note_problem, &reading};
    struct sg_yaml_error why;
    int r;

    *ret = (struct lint_report){.path = path};
    if (!own)
        return sg_raise(-ENOMEM);
    r = sg_file_read(path, &text);
    if (!r)
        r = sg_tariff_read(&ret->tariff, sg_buf_bytes(&text), &how, &why);
    if (r < 0)
        return r;
    if (!r)
        lint_warn(ret, today);
    return 0;
}

void lint_clear(struct lint_report *r)
{
    sg_tariff_free(r->tariff);
    r->tariff = NULL;
}

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "sealgrid-bill lint: %s: %s\n", what, why);
    return LINT_EXIT_UNUSABLE;
}

static bool today_of(const struct options *o, int64_t *ret)
{
    char stamp[40];
    int64_t s = sg_clock_unix_s();

    if (o->today) {
        snprintf(stamp, sizeof(stamp), "%.20sT00:00:00Z", o->today);
        if (sg_time_parse(stamp, &s))
            return false;
    }
    *ret = s / 86400;
    return true;
}

static int write_reports(const struct options *o, struct lint_report *const *reports, size_t n)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf out = SG_BUF_INIT(REPORT_MAX);
    size_t errors = 0;
    int r = 0;

    for (size_t i = 0; i < n; i++) {
        errors += reports[i]->errors;
        if (!o->json && !r)
            r = lint_text(reports[i], &out);
    }
    if (o->json)
        r = lint_json((const struct lint_report *const *)reports, n, &out);
    if (!r)
        r = sg_write_all(STDOUT_FILENO, sg_buf_bytes(&out));
    if (r)
        return complain("report", sg_error_trace());
    return errors ? LINT_EXIT_FOUND : 0;
}

static int lint_files(const struct options *o, int argc, char **argv, int first)
{
    struct lint_report *reports[FILES_MAX] = {NULL};
    size_t n = 0;
    int64_t today;
    int r = 0;

    if (!today_of(o, &today))
        return complain("--today", "a day as 2026-09-01");
    if (first == argc || argc - first > FILES_MAX)
        return complain("usage", "1 to 64 tariff files");
    for (int i = first; i < argc && !r; i++) {
        reports[n] = calloc(1, sizeof(*reports[n]));
        r = reports[n] ? lint_file(reports[n], argv[i], today) : sg_raise(-ENOMEM);
        n++;
        if (r)
            r = complain(argv[i], strerror(-r));
    }
    if (!r)
        r = write_reports(o, reports, n);
    for (size_t i = 0; i < n; i++) {
        if (reports[i])
            lint_clear(reports[i]);
        free(reports[i]);
    }
    return r;
}

int lint_main(int argc, char **argv)
{
    struct options o;
    int first;
    int r = sg_conf_parse(&table, argc, argv, &o, &first);

    if (r)
        return r == SG_CONF_EXIT ? 0 : LINT_EXIT_UNUSABLE;
    r = lint_files(&o, argc, argv, first);
    sg_conf_clear(&table, &o);
    return r;
}
