/* vee-csv - the canonical CSV of interval readings, written and read. */
#include <sealgrid/base/clock.h>
#include <sealgrid/billing/vee-import.h>

#include <stdio.h>

#define REGISTER_MAX INT64_C(9007199254740992) /* meter/reading.h */

/* C(id, name, required) */
#define COLUMNS(C)                                                                                 \
    C(CLIENT, "client", true)                                                                      \
    C(TS, "ts", true)                                                                              \
    C(SERIAL, "serial", true)                                                                      \
    C(SEQ, "seq", true)                                                                            \
    C(ENERGY, "energy_wh", true)                                                                   \
    C(REACTIVE, "reactive_varh", false)                                                            \
    C(REGISTER, "register_wh", false)                                                              \
    C(REACTIVE_REGISTER, "reactive_register_varh", false)                                          \
    C(CLOCK, "clock", false)                                                                       \
    C(ESTIMATED, "estimated", false)

enum column {
#define C_ID(id, name, required) COLUMN_##id,
    COLUMNS(C_ID)
#undef C_ID
        N_COLUMNS
};

static const struct {
    const char *name;
    bool required;
} columns[N_COLUMNS] = {
#define C_ROW(id, name, required) {name, required},
    COLUMNS(C_ROW)
#undef C_ROW
};

/* ---- writing -----------------------------------------------------------------------------------
 */

static int put_row(struct sg_buf *b, const struct sg_vee_row *row, int64_t client,
                   uint32_t interval_s, bool reactive)
{
    const uint64_t seq = row->seq ? row->seq : (uint64_t)(row->ts_s / interval_s);
    char at[SG_RFC3339_MAX];

    sg_time_rfc3339(at, row->ts_s);
    int r = sg_buf_printf(b, "%lld,%s,%s,%llu,", (long long)client, at, row->serial,
                          (unsigned long long)seq);
    if (!r && row->energy_wh != SG_READING_NA)
        r = sg_buf_printf(b, "%lld", (long long)row->energy_wh);
    if (!r && reactive)
        r = row->reactive_varh == SG_READING_NA
                ? sg_buf_printf(b, ",")
                : sg_buf_printf(b, ",%lld", (long long)row->reactive_varh);
    return r ? r : sg_buf_printf(b, "\n");
}

int sg_vee_csv_write(const struct sg_vee_row *rows, size_t n, int64_t client, uint32_t interval_s,
                     struct sg_buf *ret)
{
    bool reactive = false;

    for (size_t i = 0; i < n; i++)
        reactive |= rows[i].reactive_varh != SG_READING_NA;
    int r =
        sg_buf_printf(ret, "client,ts,serial,seq,energy_wh%s\n", reactive ? ",reactive_varh" : "");
    for (size_t i = 0; i < n && !r; i++)
        r = put_row(ret, &rows[i], client, interval_s, reactive);
    return r;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

struct reading {
    struct sg_vee_csv *out;
    size_t capacity, line;
    int at[N_COLUMNS]; /* place of a column in a line, -1 */
    size_t width;
    char *why;
};

static int refuse(struct reading *in, const char *name, const char *what)
{
    snprintf(in->why, 160, "line %zu: %s%s%s", in->line, name ? name : "", name ? ": " : "", what);
    return SG_IMPORT_BAD;
}

static int take_header(struct reading *in, char *line)
{
    char *name;
    int n = 0;

    for (size_t c = 0; c < N_COLUMNS; c++)
        in->at[c] = -1;
    while ((name = strsep(&line, ","))) {
        size_t c = 0;
        while (c < N_COLUMNS && strcmp(columns[c].name, name) != 0)
            c++;
        if (c == N_COLUMNS)
            return refuse(in, NULL, "an unknown column; docs/vee.md has those of this form");
        if (in->at[c] >= 0)
            return refuse(in, columns[c].name, "two columns of this name");
        in->at[c] = n++;
    }
    for (size_t c = 0; c < N_COLUMNS; c++)
        if (columns[c].required && in->at[c] < 0)
            return refuse(in, columns[c].name, "no such column");
    in->width = (size_t)n;
    return 0;
}

static const char *field_of(const struct reading *in, char *const *fields, enum column c)
{
    return in->at[c] < 0 ? "" : fields[in->at[c]];
}

static int take_int(struct reading *in, char *const *fields, enum column c, int64_t min,
                    int64_t max, int64_t *ret)
{
    const char *text = field_of(in, fields, c);

    if (!*text && c != COLUMN_CLIENT && c != COLUMN_SEQ) {
        *ret = SG_READING_NA;
        return 0;
    }
    if (sg_decimal_parse(text, 0, ret) != 0 || *ret < min || *ret > max)
        return refuse(in, columns[c].name, "no whole number, or out of range");
    return 0;
}

static int take_flags(struct reading *in, char *const *fields, struct sg_vee_row *row)
{
    const char *clock = field_of(in, fields, COLUMN_CLOCK);
    const char *estimated = field_of(in, fields, COLUMN_ESTIMATED);

    if (!strcmp(clock, "bad"))
        row->flags |= SG_VEE_ROW_CLOCK_BAD;
    else if (!strcmp(clock, "set"))
        row->flags |= SG_VEE_ROW_CLOCK_SET;
    else if (*clock && strcmp(clock, "ok") != 0)
        return refuse(in, "clock", "ok, bad or set");
    if (!strcmp(estimated, "1"))
        row->flags |= SG_VEE_ROW_ESTIMATED;
    else if (*estimated && strcmp(estimated, "0") != 0)
        return refuse(in, "estimated", "0 or 1");
    return 0;
}

static int take_names(struct reading *in, char *const *fields, struct sg_vee_row *row)
{
    const char *serial = field_of(in, fields, COLUMN_SERIAL);
    const char *ts = field_of(in, fields, COLUMN_TS);

    if (!*serial || strlen(serial) > SG_VEE_SERIAL_MAX)
        return refuse(in, "serial", "1 to 20 characters");
    for (const char *c = serial; *c; c++)
        if (*c <= ' ' || *c > '~')
            return refuse(in, "serial", "printable, without spaces");
    snprintf(row->serial, sizeof(row->serial), "%s", serial);
    if ((sg_decimal_parse(ts, 0, &row->ts_s) != 0 && sg_time_parse(ts, &row->ts_s) != 0) ||
        row->ts_s < 0 || row->ts_s > INT64_C(253402300799))
        return refuse(in, "ts", "RFC 3339 or unix seconds");
    return 0;
}

static int take_row(struct reading *in, char *line)
{
    char *fields[N_COLUMNS], *field;
    struct sg_vee_row row = {.interval_s = 0};
    int64_t client, seq;
    size_t n = 0;

    while ((field = strsep(&line, ","))) {
        if (n == in->width)
            return refuse(in, NULL, "more fields than columns");
        fields[n++] = field;
    }
    if (n < in->width)
        return refuse(in, NULL, "fewer fields than columns");
    int r = take_int(in, fields, COLUMN_CLIENT, INT64_MIN, INT64_MAX, &client);
    if (!r)
        r = take_names(in, fields, &row);
    if (!r)
        r = take_int(in, fields, COLUMN_SEQ, 0, INT64_MAX, &seq);
    if (!r)
        r = take_int(in, fields, COLUMN_ENERGY, -10000000, 10000000, &row.energy_wh);
    if (!r)
        r = take_int(in, fields, COLUMN_REACTIVE, -10000000, 10000000, &row.reactive_varh);
    if (!r)
        r = take_int(in, fields, COLUMN_REGISTER, 0, REGISTER_MAX, &row.register_wh);
    if (!r)
        r = take_int(in, fields, COLUMN_REACTIVE_REGISTER, 0, REGISTER_MAX,
                     &row.reactive_register_varh);
    if (!r)
        r = take_flags(in, fields, &row);
    if (r)
        return r;
    if (in->out->n && client != in->out->client)
        return refuse(in, "client", "one client a file");
    row.seq = (uint64_t)seq;
    in->out->client = client;
    in->out->rows[in->out->n++] = row;
    return 0;
}

static int make_room(struct reading *in)
{
    if (in->out->n < in->capacity)
        return 0;
    const size_t wanted = in->capacity ? 2 * in->capacity : 1024;
    if (wanted > SG_VEE_ROWS_MAX)
        return refuse(in, NULL, "too many rows");
    struct sg_vee_row *rows = reallocarray(in->out->rows, wanted, sizeof(*rows));
    if (!rows)
        return sg_raise(-ENOMEM);
    in->out->rows = rows;
    in->capacity = wanted;
    return 0;
}

static int take_lines(struct reading *in, char *text)
{
    char *line;
    int r = 0;

    while (!r && (line = strsep(&text, "\n"))) {
        const size_t n = strlen(line);
        in->line++;
        if (n && line[n - 1] == '\r')
            line[n - 1] = '\0';
        if (in->line == 1)
            r = take_header(in, line);
        else if (*line)
            r = make_room(in);
        if (!r && in->line > 1 && *line)
            r = take_row(in, line);
    }
    return r;
}

int sg_vee_csv_read(struct sg_bytes csv, struct sg_vee_csv *ret, char why[160])
{
    SG_FREE char *text = NULL;
    struct sg_vee_csv out = {0, NULL, 0};
    struct reading in = {.out = &out, .why = why};
    int r;

    if (csv.len > SG_IMPORT_FILE_MAX || (csv.len && memchr(csv.data, 0, csv.len)))
        return refuse(&in, NULL, "too large, or no text");
    text = strndup(csv.len ? (const char *)csv.data : "", csv.len);
    if (!text)
        return sg_raise(-ENOMEM);
    r = take_lines(&in, text);
    if (r)
        sg_vee_csv_clear(&out);
    else
        *ret = out;
    return r;
}

void sg_vee_csv_clear(struct sg_vee_csv *c)
{
    free(c->rows);
    *c = (struct sg_vee_csv){0, NULL, 0};
}
