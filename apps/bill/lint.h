#pragma once
/*
 * lint - the command `sealgrid-bill lint T.yaml ... [--json]`: every problem of a tariff file, what
 * is probably not meant, and what was understood of it.
 * Exit codes: 0 no problem (warnings are none); 1 a file has one; 2 unusable input.
 */
#include <sealgrid/billing/tariff.h>

#define LINT_EXIT_FOUND    1
#define LINT_EXIT_UNUSABLE 2
#define LINT_NOTES_MAX     200 /* that a report names; it counts all */

struct lint_note {
    unsigned line; /* 0: the whole file */
    bool is_warning;
    char text[200];
};
struct lint_report {
    const char *path;         /* borrowed */
    struct sg_tariff *tariff; /* NULL if there is a problem */
    struct lint_note notes[LINT_NOTES_MAX];
    size_t n_notes, errors, warnings;
};

int lint_main(int argc, char **argv);

/* Reads the file and notes its problems; those of one that can be read are warned of, as seen on a
 * day (days since 1970).  0, or -errno if the file cannot be read. */
SG_MUST_USE int lint_file(struct lint_report *ret, const char *path, int64_t today);
void lint_clear(struct lint_report *r);

void lint_note(struct lint_report *r, bool is_warning, unsigned line, const char *fmt, ...)
    SG_PRINTF(4, 5);
/* What a tariff says but can hardly mean. */
void lint_warn(struct lint_report *r, int64_t today);

/* Notes and, without errors, the summary; appended. */
SG_MUST_USE int lint_text(const struct lint_report *r, struct sg_buf *ret);
SG_MUST_USE int lint_json(const struct lint_report *const *reports, size_t n, struct sg_buf *ret);
