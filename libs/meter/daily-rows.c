/* daily-rows - lines out of chunks, values out of lines. */
#include <sealgrid/meter/daily-rows.h>

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include <sealgrid/base/clock.h>

#include <sealgrid/meter/gz.h>

#define CHUNK     (256u * 1024)
#define FIELD_MAX 40 /* octets of a value that is not a plain decimal */

struct sg_daily {
    struct sg_gz *file;   /* NULL: over text */
    struct sg_bytes text; /* what is left of it */
    char *room;           /* CHUNK octets and one */
    size_t at, end;       /* unread part of room */
    bool ended;           /* nothing comes after it */
    uint64_t line;
    unsigned points, lead; /* columns before the values */
    bool dated;
    float load[SG_DAILY_POINTS_MAX];
};

void sg_daily_free(struct sg_daily *d)
{
    if (!d)
        return;
    sg_gz_close(d->file);
    free(d->room);
    free(d);
}

unsigned sg_daily_points(const struct sg_daily *d)
{
    return d->points;
}

bool sg_daily_dated(const struct sg_daily *d)
{
    return d->dated;
}

static SG_PRINTF(4, 5) int bad(const struct sg_daily *d, struct sg_daily_error *why,
                               unsigned column, const char *fmt, ...)
{
    va_list ap;
    why->line = d->line ? d->line : 1; /* of an empty file none was read */
    why->column = column;
    va_start(ap, fmt);
    vsnprintf(why->text, sizeof(why->text), fmt, ap);
    va_end(ap);
    return SG_DAILY_BAD;
}

/* ---- lines --------------------------------------------------------------------------------- */

static int read_some(struct sg_daily *d, char *to, size_t room, size_t *ret)
{
    if (!d->file) {
        *ret = room < d->text.len ? room : d->text.len;
        if (*ret)
            memcpy(to, d->text.data, *ret);
        d->text = SG_BYTES(d->text.data + *ret, d->text.len - *ret);
        return 0;
    }
    return sg_gz_read(d->file, to, room, ret);
}

/* What is unread moves to the front, the rest of the room is filled. */
static int refill(struct sg_daily *d)
{
    const size_t kept = d->end - d->at;
    size_t n = 0;
    memmove(d->room, d->room + d->at, kept);
    d->at = 0;
    d->end = kept;
    int r = read_some(d, d->room + kept, CHUNK - kept, &n);
    if (r)
        return r;
    d->end += n;
    d->ended = n == 0;
    return 0;
}

/* The next line, ended by '\n' in place and without a '\r'; borrowed until the next call. */
static int next_line(struct sg_daily *d, char **ret, size_t *ret_len, struct sg_daily_error *why)
{
    char *newline;
    while (!(newline = memchr(d->room + d->at, '\n', d->end - d->at)) && !d->ended) {
        if (d->end - d->at > SG_DAILY_LINE_MAX)
            break;
        int r = refill(d);
        if (r)
            return r;
    }
    if (!newline && d->at == d->end)
        return SG_DAILY_END;
    d->line++;
    const size_t len = newline ? (size_t)(newline - d->room) - d->at : d->end - d->at;
    if (len > SG_DAILY_LINE_MAX)
        return bad(d, why, 0, "a line of more than %d octets", SG_DAILY_LINE_MAX);
    *ret = d->room + d->at;
    *ret_len = len && (*ret)[len - 1] == '\r' ? len - 1 : len;
    (*ret)[*ret_len] = '\n'; /* the last line has room for it: CHUNK and one */
    d->at += len + (newline != NULL);
    return 0;
}

/* Quotes around cells go, in place: 0, or the column of a cell that needs its quotes (a comma or a
 * quote in it) or does not end with them.  The line, ended by '\n', gets shorter. */
static unsigned unquote(char *line, size_t *len)
{
    unsigned column = 1;
    char *to = line;
    for (const char *p = line, *end = line + *len; p <= end; column++) {
        const bool quoted = p < end && *p == '"';
        for (p += quoted; p < end && *p != ',' && *p != '"'; p++)
            *to++ = *p;
        if (quoted != (p < end && *p == '"'))
            return column;
        p += quoted;
        if (p < end && *p != ',')
            return column;
        *to++ = p < end ? ',' : '\n';
        p++;
    }
    *len = (size_t)(to - line) - 1;
    return 0;
}

/* A line whose cells may stand in quotes, as R and others write them. */
static int next_plain_line(struct sg_daily *d, char **ret, size_t *ret_len,
                           struct sg_daily_error *why)
{
    int r = next_line(d, ret, ret_len, why);
    if (r || !memchr(*ret, '"', *ret_len))
        return r;
    const unsigned column = unquote(*ret, ret_len);
    return column ? bad(d, why, column, "quotes stand around whole cells without comma or quote")
                  : 0;
}

/* ---- header -------------------------------------------------------------------------------- */

static bool take_word(const char **at, const char *word)
{
    const size_t n = strlen(word);
    if (strncmp(*at, word, n) != 0 || (*at)[n] != ',')
        return false;
    *at += n + 1;
    return true;
}

static bool take_names(struct sg_daily *d, const char **at)
{
    if (!take_word(at, "customer") && !take_word(at, "building") && !take_word(at, "client"))
        return false;
    d->dated = take_word(at, "date");
    d->lead = d->dated ? 2 : 3;
    return d->dated || (take_word(at, "day") && take_word(at, "weekday"));
}

/* That of UTF-8, as some programs write it. */
static int skip_mark(struct sg_daily *d)
{
    static const char mark[] = "\xef\xbb\xbf";
    int r = 0;
    while (r == 0 && d->end - d->at < 3 && !d->ended)
        r = refill(d);
    if (r == 0 && d->end - d->at >= 3 && memcmp(d->room + d->at, mark, 3) == 0)
        d->at += 3;
    return r;
}

static int read_header(struct sg_daily *d, struct sg_daily_error *why)
{
    char *line;
    size_t len;
    unsigned columns = 1;
    int r = skip_mark(d);
    if (r == 0)
        r = next_plain_line(d, &line, &len, why);
    if (r)
        return r == SG_DAILY_END ? bad(d, why, 0, "the file is empty") : r;
    const char *at = line;
    if (!take_names(d, &at))
        return bad(d, why, 0, "columns must be customer,day,weekday,h00.. or building,date,h00..");
    for (; *at != '\n'; at++)
        columns += *at == ',';
    if (columns != 24 && columns != 48 && columns != SG_DAILY_POINTS_MAX)
        return bad(d, why, 0, "%u columns of energy: there must be 24, 48 or 96", columns);
    d->points = columns;
    return 0;
}

static int open_with(struct sg_daily **ret, struct sg_gz *file, struct sg_bytes text,
                     struct sg_daily_error *why)
{
    SG_CLEANUP(sg_daily_freep) struct sg_daily *d = calloc(1, sizeof(*d));
    if (!d) {
        sg_gz_close(file);
        return sg_raise(-ENOMEM);
    }
    d->file = file;
    d->text = text;
    d->room = malloc(CHUNK + 1);
    if (!d->room)
        return sg_raise(-ENOMEM);
    int r = read_header(d, why);
    if (r)
        return r;
    *ret = TAKE_PTR(d);
    return 0;
}

int sg_daily_open(struct sg_daily **ret, const char *path, struct sg_daily_error *why)
{
    struct sg_gz *file = NULL;
    int r = sg_gz_open(&file, path);
    if (r)
        return r;
    return open_with(ret, file, SG_BYTES_NONE, why);
}

int sg_daily_over(struct sg_daily **ret, struct sg_bytes text, struct sg_daily_error *why)
{
    return open_with(ret, NULL, text, why);
}

/* ---- values -------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static bool ends_field(char c)
{
    return c == ',' || c == '\n';
}

static const double power_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                      1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};

/* Blank, a word for missing, an exponent, more digits than 18. */
static const char *take_rare(const char *p, float *ret)
{
    char field[FIELD_MAX + 1];
    char *end;
    size_t n = 0;
    while (!ends_field(p[n]) && n < FIELD_MAX) {
        field[n] = p[n];
        n++;
    }
    field[n] = 0;
    if (strlen(field) != n) /* a NUL would hide what follows it */
        return NULL;
    if (n == 0 || strcmp(field, "NA") == 0 || strcasecmp(field, "nan") == 0) {
        *ret = NAN;
        return p + n;
    }
    const char *digits = field + (field[0] == '-');
    if (!is_digit(digits[0]) && digits[0] != '.')
        return NULL;
    if (strpbrk(field, "xX")) /* strtod knows hexadecimal */
        return NULL;
    const double v = strtod(digits, &end); /* programs stay in the C locale */
    if (digits != field && v != 0)         /* -0.0: how a small negative number is rounded */
        return NULL;
    *ret = (float)v;
    return *end == 0 && ends_field(p[n]) ? p + n : NULL;
}

/* Past the value, or NULL.  Digits and a point, correctly rounded up to 15 digits; strtod is six
 * times slower. */
static const char *take_load(const char *p, float *ret)
{
    const char *q = p;
    uint64_t v = 0;
    size_t digits, decimals = 0;
    for (; is_digit(*q); q++)
        v = v * 10 + (uint64_t)(*q - '0');
    digits = (size_t)(q - p);
    if (*q == '.') {
        const char *fraction = ++q;
        for (; is_digit(*q); q++)
            v = v * 10 + (uint64_t)(*q - '0');
        decimals = (size_t)(q - fraction);
        digits += decimals;
    }
    if (digits == 0 || digits > 18 || !ends_field(*q))
        return take_rare(p, ret);
    *ret = (float)((double)v / power_of_ten[decimals]);
    return q;
}

static bool take_whole(const char **at, int32_t max, int32_t *ret)
{
    const char *p = *at;
    int32_t v = 0;
    for (; is_digit(*p) && v <= max; p++)
        v = v * 10 + (*p - '0');
    if (p == *at || v > max || !ends_field(*p))
        return false;
    *at = p + (*p == ',');
    *ret = v;
    return true;
}

static bool take_two(const char *p, unsigned *ret)
{
    if (!is_digit(p[0]) || !is_digit(p[1])) /* in this order: a line ends with '\n' */
        return false;
    *ret = (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
    return true;
}

static unsigned days_of_month(int year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1u : 0);
}

/* 2008-01-31 */
static bool take_date(const char **at, int32_t *ret)
{
    const char *p = *at;
    unsigned century, year, month, day;
    if (!take_two(p, &century) || !take_two(p + 2, &year) || p[4] != '-' ||
        !take_two(p + 5, &month) || p[7] != '-' || !take_two(p + 8, &day) || !ends_field(p[10]))
        return false;
    const int whole = (int)(century * 100 + year);
    if (month < 1 || month > 12 || day < 1 || day > days_of_month(whole, month))
        return false;
    *at = p + 10 + (p[10] == ',');
    *ret = (int32_t)sg_days_from_civil(whole, month, day);
    return true;
}

/* 1..SG_DAILY_NAME_MAX octets without quotes and control characters. */
static bool take_name(const char **at, struct sg_bytes *ret)
{
    const char *p = *at;
    while (!ends_field(*p) && (unsigned char)*p >= 0x20 && *p != '"' && *p != 0x7f)
        p++;
    *ret = SG_BYTES(*at, (size_t)(p - *at));
    if (*p != ',' || ret->len == 0 || ret->len > SG_DAILY_NAME_MAX)
        return false;
    *at = p + 1;
    return true;
}

static int take_lead(struct sg_daily *d, const char **at, struct sg_daily_row *row,
                     struct sg_daily_error *why)
{
    int32_t weekday;
    if (!take_name(at, &row->customer))
        return bad(d, why, 1, "customer: 1 to %d octets without quotes", SG_DAILY_NAME_MAX);
    if (d->dated) {
        if (!take_date(at, &row->day))
            return bad(d, why, 2, "date: not like 2008-01-31");
        row->weekday = (uint8_t)(((row->day + 3) % 7 + 7) % 7); /* 1970-01-01: a Thursday */
        return 0;
    }
    if (!take_whole(at, SG_DAILY_DAY_MAX, &row->day))
        return bad(d, why, 2, "day: not a whole number from 0 to %d", SG_DAILY_DAY_MAX);
    if (!take_whole(at, 6, &weekday))
        return bad(d, why, 3, "weekday: not 0 (Monday) to 6 (Sunday)");
    row->weekday = (uint8_t)weekday;
    return 0;
}

static int take_loads(struct sg_daily *d, const char *p, struct sg_daily_row *row,
                      struct sg_daily_error *why)
{
    row->missing = 0;
    for (unsigned i = 0; i < d->points; i++) {
        const unsigned column = d->lead + i + 1;
        p = take_load(p, &d->load[i]);
        if (!p)
            return bad(d, why, column, "not a number of 0 or more");
        if (d->load[i] > SG_DAILY_LOAD_MAX)
            return bad(d, why, column, "more than 10^12");
        row->missing += isnan(d->load[i]) != 0;
        const char wanted = i + 1 < d->points ? ',' : '\n';
        if (*p != wanted)
            return bad(d, why, column, "the line has %s values than the header has columns",
                       *p == '\n' ? "fewer" : "more");
        p++;
    }
    row->load = d->load;
    return 0;
}

int sg_daily_next(struct sg_daily *d, struct sg_daily_row *ret, struct sg_daily_error *why)
{
    struct sg_daily_row row;
    char *line;
    size_t len;
    int r;
    do
        r = next_plain_line(d, &line, &len, why);
    while (r == 0 && len == 0);
    if (r)
        return r;
    const char *at = line;
    row.line = d->line;
    r = take_lead(d, &at, &row, why);
    if (r == 0)
        r = take_loads(d, at, &row, why);
    if (r)
        return r;
    *ret = row;
    return 0;
}
