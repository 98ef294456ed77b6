#pragma once
/*
 * vee-import-int - one import while it runs: its lines are taken apart by vee-import-line.c, placed
 * in time by vee-import.c.
 */
#include <sealgrid/billing/vee-import.h>

#define VEE_IMPORT_ABSENT SIZE_MAX /* no such column */

struct vee_import_columns {
    size_t stamp[2], energy, reactive, lagging, leading, reg;
};

struct vee_import {
    const struct sg_import_format *format;
    const struct sg_tz *tz;
    struct vee_import_columns columns;
    sg_import_fn fn;
    void *user;
    char *why;
    struct sg_import_result *out;
    size_t capacity, line;
    bool started;
    int64_t local_s, instant_s; /* of the row before: its stamp, and the instant it was read as */
};

/* Fills im->why, with the line.  SG_IMPORT_BAD. */
int vee_import_refuse(struct vee_import *im, const char *fmt, ...) SG_PRINTF(2, 3);

/* The next line into room, without its end; *ret_end at the end of the text. */
SG_MUST_USE int vee_import_line(struct vee_import *im, struct sg_reader *in,
                                char room[SG_IMPORT_LINE_MAX], bool *ret_end);
/* A line's fields, in place; how many. */
size_t vee_import_split(char *line, char delimiter, char *ret[SG_IMPORT_COLUMNS_MAX]);
/* The first line: im->columns. */
SG_MUST_USE int vee_import_header(struct vee_import *im, struct sg_reader *in);
/* Energies and registers of a line's fields. */
SG_MUST_USE int vee_import_values(struct vee_import *im, char *const *fields,
                                  struct sg_vee_row *row);
