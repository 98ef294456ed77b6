#pragma once
/*
 * vee-import - interval data of others, as CSV in local time, read into rows in UTC.
 *
 * What a file leaves open (which end of the interval a stamp means, what it does with hours that do
 * not exist or come twice, quirks of its writer) is said by the caller, never guessed; what was
 * found is told, row by row, and nothing is mended without being told.  docs/vee.md, "Import".
 */
#include <sealgrid/billing/vee.h>

#define SG_IMPORT_COLUMNS_MAX 64
#define SG_IMPORT_NAME_MAX    63
#define SG_IMPORT_LINE_MAX    4096
#define SG_IMPORT_FILE_MAX    (256u * 1024 * 1024)

/* A column that holds a quantity: a decimal number with at most digits decimals, in units of
 * 10^digits of ours (kWh: 3). */
struct sg_import_quantity {
    char column[SG_IMPORT_NAME_MAX + 1]; /* "": not in this file */
    unsigned digits;
};

/* N(id, word): what a file was found to do. */
#define SG_IMPORT_NOTES(N)                                                                         \
    N(MIDNIGHT, "stamp.midnight")       /* 00:00 of the same date where 24:00 is due */            \
    N(SKIPPED, "local.skipped")         /* the clocks went on: local hours that never were */      \
    N(REPEATED, "local.repeated")       /* the clocks went back: local hours that came twice */    \
    N(ONCE, "local.once")               /* ... and of which the file tells one */                  \
    N(NONEXISTENT, "local.nonexistent") /* a row of a local time that never was */                 \
    N(GAP, "gap")                       /* intervals without a row */                              \
    N(REPEAT, "repeat")                 /* an interval told again, with the same values */         \
    N(DIFFERS, "repeat.differs")        /* an interval told again, with other values */            \
    N(ORDER, "order")                   /* a stamp before the one before it */                     \
    N(OFF_GRID, "stamp.off_grid")       /* not at an end of an interval */

enum sg_import_note {
#define SG_N(id, word) SG_IMPORT_##id,
    SG_IMPORT_NOTES(SG_N)
#undef SG_N
        SG_IMPORT_N_NOTES
};
const char *sg_import_word(enum sg_import_note n);

struct sg_import_format {
    char delimiter;
    char stamp[2][SG_IMPORT_NAME_MAX + 1]; /* columns of the time, joined by a space; second "" */
    /* %d %m %Y %H %M %S, one or two digits (%Y four), 24:00 allowed; or "unix", "rfc3339". */
    char time[SG_IMPORT_NAME_MAX + 1];
    char zone[65];
    uint32_t interval_s;
    bool stamp_is_begin;     /* of the interval; else its end */
    bool midnight_same_date; /* 00:00 after the last interval of a date means that date's 24:00 */
    bool skipped_as_zero;    /* rows of local hours that never were are there, with zeros */
    bool repeats_once;       /* an interval told again with the same values is kept once */
    struct sg_import_quantity energy, reactive, lagging, leading,
        reg; /* reactive: or both others */
};

/* A ready description: "steel", "hue", "generic"; false: no such name. */
bool sg_import_preset(const char *name, struct sg_import_format *ret);

struct sg_import_finding {
    enum sg_import_note note;
    enum sg_vee_severity severity;
    size_t line;             /* 1: the header */
    int64_t from_s, until_s; /* intervals concerned, (from, until]; equal: none */
    uint64_t count;
    const char *text;
};
typedef void (*sg_import_fn)(void *user, const struct sg_import_finding *f);

struct sg_import_result {
    struct sg_vee_row *rows; /* as they came; serial empty, seq 0 */
    size_t n;
    uint64_t lines;                    /* of data */
    uint64_t notes[SG_IMPORT_N_NOTES]; /* findings of each kind */
};
void sg_import_clear(struct sg_import_result *r);

enum sg_import_outcome { SG_IMPORT_BAD = 1 };
/* SG_IMPORT_BAD fills why: line, column and reason (also for a format that is not usable). */
SG_MUST_USE int sg_import_csv(const struct sg_import_format *format, struct sg_bytes csv,
                              sg_import_fn fn, void *user, struct sg_import_result *ret,
                              char why[160]);

/* Rows as the canonical CSV (docs/vee.md): client,ts,serial,seq,energy_wh[,reactive_varh].  seq is
 * that of the interval since 1970 where the row has none. */
SG_MUST_USE int sg_vee_csv_write(const struct sg_vee_row *rows, size_t n, int64_t client,
                                 uint32_t interval_s, struct sg_buf *ret);
struct sg_vee_csv {
    int64_t client;
    struct sg_vee_row *rows; /* as they came */
    size_t n;
};
void sg_vee_csv_clear(struct sg_vee_csv *c);
/* Takes the columns by name, in any order; besides those above: register_wh,
 * reactive_register_varh, clock (ok, bad, set), estimated (0, 1).  SG_IMPORT_BAD fills why. */
SG_MUST_USE int sg_vee_csv_read(struct sg_bytes csv, struct sg_vee_csv *ret, char why[160]);
