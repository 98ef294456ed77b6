/* vee-import-line - lines of foreign CSV: fields, the header's columns, quantities. */
#include "vee-import-int.h"

#include <stdarg.h>
#include <stdio.h>

int vee_import_refuse(struct vee_import *im, const char *fmt, ...)
{
    char text[128];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (im->line)
        snprintf(im->why, 160, "line %zu: %s", im->line, text);
    else
        snprintf(im->why, 160, "%s", text);
    return SG_IMPORT_BAD;
}

/* ---- lines -------------------------------------------------------------------------------------
 */

/* The next field, in place; a field may stand in double quotes (RFC 4180). */
static char *next_field(char **rest, char delimiter)
{
    char *field = *rest, *to = *rest, *at = *rest;

    if (!field)
        return NULL;
    if (*at == '"') {
        for (at++; *at; at++) {
            if (*at == '"' && *++at != '"')
                break;
            *to++ = *at;
        }
    }
    while (*at && *at != delimiter)
        *to++ = *at++;
    *rest = *at ? at + 1 : NULL;
    *to = '\0';
    return field;
}

size_t vee_import_split(char *line, char delimiter, char *ret[SG_IMPORT_COLUMNS_MAX])
{
    size_t n = 0;
    char *field;

    while ((field = next_field(&line, delimiter))) {
        if (n == SG_IMPORT_COLUMNS_MAX)
            return n + 1;
        ret[n++] = field;
    }
    return n;
}

int vee_import_line(struct vee_import *im, struct sg_reader *in, char room[SG_IMPORT_LINE_MAX],
                    bool *ret_end)
{
    const uint8_t *newline = in->left ? memchr(in->at, '\n', in->left) : NULL;
    const size_t len = newline ? (size_t)(newline - in->at) : in->left;
    struct sg_bytes line;

    *ret_end = in->left == 0;
    if (*ret_end)
        return 0;
    im->line++;
    if (len >= SG_IMPORT_LINE_MAX)
        return vee_import_refuse(im, "longer than %d octets", SG_IMPORT_LINE_MAX - 1);
    if (!sg_take(in, len + (newline ? 1 : 0), &line))
        return vee_import_refuse(im, "cut off");
    if (memchr(line.data, 0, len))
        return vee_import_refuse(im, "holds a NUL");
    memcpy(room, line.data, len);
    room[len] = '\0';
    if (len && room[len - 1] == '\r')
        room[len - 1] = '\0';
    return 0;
}

static int find_column(struct vee_import *im, char *const *names, size_t n, const char *wanted,
                       size_t *ret)
{
    *ret = VEE_IMPORT_ABSENT;
    if (!*wanted)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(names[i], wanted)) {
            if (*ret != VEE_IMPORT_ABSENT)
                return vee_import_refuse(im, "two columns %s", wanted);
            *ret = i;
        }
    return *ret == VEE_IMPORT_ABSENT ? vee_import_refuse(im, "no column %s", wanted) : 0;
}

int vee_import_header(struct vee_import *im, struct sg_reader *in)
{
    const struct sg_import_format *f = im->format;
    struct vee_import_columns *c = &im->columns;
    const struct {
        const char *name;
        size_t *at;
    } wanted[] = {{f->stamp[0], &c->stamp[0]},      {f->stamp[1], &c->stamp[1]},
                  {f->energy.column, &c->energy},   {f->reactive.column, &c->reactive},
                  {f->lagging.column, &c->lagging}, {f->leading.column, &c->leading},
                  {f->reg.column, &c->reg}};
    char room[SG_IMPORT_LINE_MAX], *names[SG_IMPORT_COLUMNS_MAX];
    bool end;

    if (in->left >= 3 && !memcmp(in->at, "\xef\xbb\xbf", 3)) { /* byte order mark */
        in->at += 3;
        in->left -= 3;
    }
    int r = vee_import_line(im, in, room, &end);
    if (r)
        return r;
    if (end)
        return vee_import_refuse(im, "no header");
    size_t n = vee_import_split(room, f->delimiter, names);
    if (n > SG_IMPORT_COLUMNS_MAX)
        return vee_import_refuse(im, "more than %d columns", SG_IMPORT_COLUMNS_MAX);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]) && !r; i++)
        r = find_column(im, names, n, wanted[i].name, wanted[i].at);
    return r;
}

/* ---- quantities --------------------------------------------------------------------------------
 */

/* An empty field is a value that is not available. */
static int take_quantity(struct vee_import *im, char *const *fields, size_t at,
                         const struct sg_import_quantity *q, int64_t max, int64_t *ret)
{
    if (at == VEE_IMPORT_ABSENT || !*fields[at]) {
        *ret = SG_READING_NA;
        return 0;
    }
    if (sg_decimal_parse(fields[at], q->digits, ret) != 0)
        return vee_import_refuse(im, "%s: no decimal number with at most %u decimals", q->column,
                                 q->digits);
    if (*ret > max || *ret < -max)
        return vee_import_refuse(im, "%s: over %lld", q->column, (long long)max);
    return 0;
}

static int take_reactive(struct vee_import *im, char *const *fields, int64_t *ret)
{
    const struct vee_import_columns *c = &im->columns;
    const struct sg_import_format *f = im->format;
    int64_t lagging, leading;
    int r;

    if (c->reactive != VEE_IMPORT_ABSENT)
        return take_quantity(im, fields, c->reactive, &f->reactive, 10000000, ret);
    r = take_quantity(im, fields, c->lagging, &f->lagging, 10000000, &lagging);
    if (!r)
        r = take_quantity(im, fields, c->leading, &f->leading, 10000000, &leading);
    if (r)
        return r;
    /* Inductive is positive (meter/reading.h). */
    if (lagging == SG_READING_NA && leading == SG_READING_NA)
        *ret = SG_READING_NA;
    else
        *ret = (lagging == SG_READING_NA ? 0 : lagging) - (leading == SG_READING_NA ? 0 : leading);
    return 0;
}

int vee_import_values(struct vee_import *im, char *const *fields, struct sg_vee_row *row)
{
    const struct sg_import_format *f = im->format;
    int r = take_quantity(im, fields, im->columns.energy, &f->energy, 10000000, &row->energy_wh);

    if (!r)
        r = take_reactive(im, fields, &row->reactive_varh);
    return r ? r
             : take_quantity(im, fields, im->columns.reg, &f->reg, INT64_C(9007199254740992),
                             &row->register_wh);
}
